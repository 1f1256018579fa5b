//! Rows of a table of elements of F_p, eight elements at a time, with rows that come later fetched ahead.
//!
//! A row of a width that the compiler knows takes a third of the instructions, so more rows are on their way from memory
//! at a time: there is a copy for each of the usual widths.

#![expect(unsafe_code, reason = "calls into code for detected processor features, and fetching ahead")]

use std::arch::x86_64::*;

use super::fp61_avx512::{add, add_four, add_two};
use super::vector::{load, load_four, load_two, store, store_four, store_two};
use crate::field::Fp61;

/// How many rows ahead memory is asked for.
const AHEAD: usize = 16;
/// Elements of a line of the caches.
const LINE: usize = 8;

/// Calls a function as made for rows of one of the usual widths, or else for any (0).
macro_rules! of_width {
    ($width:expr, $call:ident $arguments:tt) => {
        of_width!(@ $width, $call, $arguments, 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    };
    (@ $width:expr, $call:ident, $arguments:tt, $($known:literal)*) => {
        match $width {
            $($known => $call::<$known> $arguments,)*
            _ => $call::<0> $arguments,
        }
    };
}

/// Proof that the processor has AVX-512 F and VL.
#[derive(Clone, Copy)]
pub struct Avx512Rows(());

impl Avx512Rows {
    /// The proof, if the processor has the instructions.
    #[inline]
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")).then_some(Self(()))
    }

    /// See [`crate::field::rows::add_at`].
    pub fn add_at(self, table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], next: &[u32]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { of_width!(width, add_at(table, width, places, rows, next)) }
    }

    /// See [`crate::field::rows::copy_from`].
    pub fn copy_from(self, table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], next: &[u32]) {
        of_width!(width, copy_from(table, width, places, out, next));
    }
}

#[target_feature(enable = "avx512f,avx512vl")]
fn add_at<const WIDTH: usize>(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], next: &[u32]) {
    let width = if WIDTH == 0 { width } else { WIDTH };
    for ((place, ahead), row) in with_ahead(places, next).zip(rows.chunks_exact(width)) {
        fetch(table, width, ahead);
        let sums = &mut table[*place as usize * width..][..width];
        let ((sums, sums_tail), (row, row_tail)) = (sums.as_chunks_mut(), row.as_chunks());
        for (sum, value) in sums.iter_mut().zip(row) {
            store(sum, add(load(sum), load(value)));
        }
        // No access goes beyond the row: it would read the line behind, which nobody has asked for.
        let ((sums, sums_tail), (row, row_tail)) = (sums_tail.as_chunks_mut(), row_tail.as_chunks());
        for (sum, value) in sums.iter_mut().zip(row) {
            store_four(sum, add_four(load_four(sum), load_four(value)));
        }
        let ((sums, sums_tail), (row, row_tail)) = (sums_tail.as_chunks_mut(), row_tail.as_chunks());
        for (sum, value) in sums.iter_mut().zip(row) {
            store_two(sum, add_two(load_two(sum), load_two(value)));
        }
        for (sum, value) in sums_tail.iter_mut().zip(row_tail) {
            *sum += *value;
        }
    }
}

fn copy_from<const WIDTH: usize>(table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], next: &[u32]) {
    let width = if WIDTH == 0 { width } else { WIDTH };
    for ((place, ahead), row) in with_ahead(places, next).zip(out.chunks_exact_mut(width)) {
        fetch(table, width, ahead);
        row.copy_from_slice(&table[*place as usize * width..][..width]);
    }
}

/// Places with those for which memory is asked meanwhile.
#[inline]
fn with_ahead<'a>(places: &'a [u32], next: &'a [u32]) -> impl Iterator<Item = (&'a u32, Option<&'a u32>)> {
    let later = move |place: usize| places.get(place).or_else(|| next.get(place - places.len()));
    places.iter().enumerate().map(move |(at, place)| (place, later(at + AHEAD)))
}

/// Asks for the row at a place, if there is one.
#[inline]
fn fetch(table: &[Fp61], width: usize, place: Option<&u32>) {
    let Some(row) = place.and_then(|place| table.get(*place as usize * width..)?.get(..width)) else {
        return;
    };
    for at in (0..width).step_by(LINE) {
        ask_for(&row[at]);
    }
    // A row may begin within a line, and then end in one more; an element right behind the last one asked for mostly
    // stands in its line.
    if (width - 1) % LINE > 1 {
        ask_for(&row[width - 1]);
    }
}

/// Asks for the line of an element.
#[inline]
fn ask_for(element: &Fp61) {
    // SAFETY: the reference is valid, and fetching ahead reads and writes nothing that a program can see.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
}
