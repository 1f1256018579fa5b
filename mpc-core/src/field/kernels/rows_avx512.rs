//! Rows of a table of elements of F_p, eight elements at a time, with rows that come later fetched ahead.

#![expect(unsafe_code, reason = "calls into code for detected processor features, and fetching ahead")]

use std::arch::x86_64::*;

use super::fp61_avx512::add;
use super::vector::{LANES, load, load_tail, store, store_tail};
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
    pub fn add_at(self, table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61]) {
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { add_at(table, width, places, rows) }
    }

    /// See [`crate::field::rows::copy_from`].
    pub fn copy_from(self, table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61]) {
        for (at, (place, row)) in places.iter().zip(out.chunks_exact_mut(width)).enumerate() {
            fetch(table, width, places.get(at + AHEAD));
            row.copy_from_slice(&table[*place as usize * width..][..width]);
        }
    }
}

#[target_feature(enable = "avx512f")]
fn add_at(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61]) {
    for (at, (place, row)) in places.iter().zip(rows.chunks_exact(width)).enumerate() {
        fetch(table, width, places.get(at + AHEAD));
        let (sums, sums_tail) = table[*place as usize * width..][..width].as_chunks_mut::<LANES>();
        let (values, values_tail) = row.as_chunks::<LANES>();
        for (sum, value) in sums.iter_mut().zip(values) {
            store(sum, add(load(sum), load(value)));
        }
        store_tail(sums_tail, add(load_tail(sums_tail), load_tail(values_tail)));
    }
}

/// Asks for the row at a place, if there is one.
#[inline]
fn fetch(table: &[Fp61], width: usize, place: Option<&u32>) {
    let row = place.and_then(|place| table.get(*place as usize * width..)?.get(..width));
    for element in row.into_iter().flat_map(|row| row.iter().step_by(LINE).chain(row.last())) {
        // SAFETY: the reference is valid, and fetching ahead reads and writes nothing that a program can see.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
    }
}
