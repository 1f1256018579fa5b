//! Rows of a table of elements of F_p, eight elements at a time, with rows that come later fetched ahead.

#![expect(unsafe_code, reason = "calls into code for detected processor features, and fetching ahead")]

use std::arch::x86_64::*;

use super::fp61_avx512::add;
use super::vector::{LANES, load, store};
use crate::field::Fp61;

/// How many rows ahead memory is asked for.
const AHEAD: usize = 16;
/// Elements of a line of the caches.
const LINE: usize = 8;

/// Proof that the processor has AVX-512 F.
#[derive(Clone, Copy)]
pub struct Avx512Rows(());

impl Avx512Rows {
    /// The proof, if the processor has the instructions.
    #[inline]
    pub fn detect() -> Option<Self> {
        is_x86_feature_detected!("avx512f").then_some(Self(()))
    }

    /// See [`crate::field::rows::add_at`].
    pub fn add_at(self, table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], next: &[u32]) {
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { add_at(table, width, places, rows, next) }
    }

    /// See [`crate::field::rows::copy_from`].
    pub fn copy_from(self, table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], next: &[u32]) {
        let mut ahead = places.iter().chain(next).skip(AHEAD);
        for (place, row) in places.iter().zip(out.chunks_exact_mut(width)) {
            fetch(table, width, ahead.next());
            row.copy_from_slice(&table[*place as usize * width..][..width]);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn add_at(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], next: &[u32]) {
    let mut ahead = places.iter().chain(next).skip(AHEAD);
    for (place, row) in places.iter().zip(rows.chunks_exact(width)) {
        fetch(table, width, ahead.next());
        let sums = &mut table[*place as usize * width..][..width];
        let mut at = 0;
        while let (Some(sum), Some(value)) = (sums[at..].first_chunk_mut(), row[at..].first_chunk()) {
            store(sum, add(load(sum), load(value)));
            at += LANES;
        }
        // One by one: a wide load reads the line behind a short tail too, which nobody has asked for.
        while at < width {
            sums[at] += row[at];
            at += 1;
        }
    }
}

/// Asks for the row at a place, if there is one.
#[inline]
fn fetch(table: &[Fp61], width: usize, place: Option<&u32>) {
    let Some(row) = place.and_then(|place| table.get(*place as usize * width..)?.get(..width)) else {
        return;
    };
    let mut at = 0;
    while at < width {
        ask_for(&row[at]);
        at += LINE;
    }
    // A row may begin within a line.
    ask_for(&row[width - 1]);
}

/// Asks for the line of an element.
#[inline]
fn ask_for(element: &Fp61) {
    // SAFETY: the reference is valid, and fetching ahead reads and writes nothing that a program can see.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
}
