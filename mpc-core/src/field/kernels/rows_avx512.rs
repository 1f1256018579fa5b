//! Rows of a table of elements of F_p, eight elements at a time, with prefetching of the rows that follow.
//!
//! If the compiler knows the width of rows, a row takes a third of the instructions, and so more rows are on their way from
//! memory at a time. There is a copy of the code for each of the usual widths.

#![expect(unsafe_code, reason = "calls into code for detected processor features, and prefetching")]

use std::arch::x86_64::*;
use std::array::from_fn;
use std::ops::Range;

use super::fp61_avx512::{Avx512Ifma, LAZY_BLOCKS, Left, Sums, add};
use super::vector::{VECTOR_LEN, load, store};
use crate::field::fp61::Fp61;

/// How many rows in advance a row is prefetched.
const PREFETCH_DISTANCE: usize = 16;
/// Number of elements in a cache line.
const LINE: usize = 8;

/// Calls the copy of a function for rows of this width; for an unusual width, the copy for any width (0).
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
pub(super) struct Avx512Rows(());

impl Avx512Rows {
    /// The proof, if the processor has the instructions.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl")).then_some(Self(()))
    }

    /// See [`crate::field::rows::add_at`].
    pub(super) fn add_at(self, table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], upcoming: &[u32]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { of_width!(width, add_at(table, width, places, rows, upcoming)) }
    }

    /// See [`crate::field::rows::copy_from`].
    pub(super) fn copy_from(self, table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], upcoming: &[u32]) {
        of_width!(width, copy_from(table, width, places, out, upcoming));
    }
}

impl Avx512Ifma {
    /// See [`crate::field::rows::products`], for eight rows or more.
    pub(super) fn row_products(self, rows: &[Fp61], coefficients: [&[Fp61]; 2], mut out: [&mut [Fp61]; 2]) {
        let (width, count) = (coefficients[0].len(), out[0].len());
        let whole = count / VECTOR_LEN * VECTOR_LEN;
        // Fewer than eight rows remain: recompute the last eight; overlapping rows get the same result.
        let mut multiply = |range: Range<usize>| {
            let rows = &rows[range.start * width..range.end * width];
            let [xs, ys] = out.each_mut().map(|out| out[range.clone()].as_chunks_mut().0);
            // SAFETY: `self` proves that the processor has the features.
            unsafe { row_products(rows, coefficients, [xs, ys]) }
        };
        multiply(0..whole);
        if whole < count {
            multiply(count - VECTOR_LEN..count);
        }
    }
}

#[target_feature(enable = "avx512f,avx512vl")]
fn add_at<const WIDTH: usize>(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], upcoming: &[u32]) {
    let width = if WIDTH == 0 { width } else { WIDTH };
    for ((place, later), row) in with_later(places, upcoming).zip(rows.chunks_exact(width)) {
        prefetch_row(table, width, later);
        let sums = &mut table[*place as usize * width..][..width];
        let ((sums, sums_tail), (row, row_tail)) = (sums.as_chunks_mut(), row.as_chunks());
        for (sum, value) in sums.iter_mut().zip(row) {
            store(sum, add(load(sum), load(value)));
        }
        // No vector load goes beyond the row: it could touch the next cache line, which was not prefetched.
        for (sum, value) in sums_tail.iter_mut().zip(row_tail) {
            *sum += *value;
        }
    }
}

fn copy_from<const WIDTH: usize>(table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], upcoming: &[u32]) {
    let width = if WIDTH == 0 { width } else { WIDTH };
    for ((place, later), row) in with_later(places, upcoming).zip(out.chunks_exact_mut(width)) {
        prefetch_row(table, width, later);
        row.copy_from_slice(&table[*place as usize * width..][..width]);
    }
}

/// Eight rows at a time, one in each position of a vector.
#[target_feature(enable = "avx512f,avx512ifma")]
fn row_products(rows: &[Fp61], [xs, ys]: [&[Fp61]; 2], [of_x, of_y]: [&mut [[Fp61; VECTOR_LEN]]; 2]) {
    let width = xs.len();
    let [a, b, c, d, e, f, g, h] = from_fn(|row| (row * width) as i64);
    let offsets = _mm512_setr_epi64(a, b, c, d, e, f, g, h);
    let split = |coefficients: &[Fp61]| -> [Left; LAZY_BLOCKS] {
        from_fn(|k| Left::split(_mm512_set1_epi64(coefficients.get(k).map_or(0, |c| c.to_u64()) as i64)))
    };
    for (first, (xs, ys)) in (0..).step_by(LAZY_BLOCKS).zip(xs.chunks(LAZY_BLOCKS).zip(ys.chunks(LAZY_BLOCKS))) {
        let (by_xs, by_ys) = (split(xs), split(ys));
        let keep = _mm512_set1_epi64(if first == 0 { 0 } else { -1 });
        for (group, (of_x, of_y)) in of_x.iter_mut().zip(of_y.iter_mut()).enumerate() {
            let rows = &rows[group * VECTOR_LEN * width..][..VECTOR_LEN * width];
            let mut by_x = Sums::of(_mm512_and_si512(load(of_x), keep));
            let mut by_y = Sums::of(_mm512_and_si512(load(of_y), keep));
            for (column, (x, y)) in (first..width).zip(by_xs.iter().zip(&by_ys)) {
                let column = &rows[column..];
                // SAFETY: position l reads the word `l·width` words after the start of `column`, which starts less than `width`
                // words after the start of `rows`. So it reads one of the `8·width` elements of `rows`, each of which is a word.
                let values = unsafe { _mm512_i64gather_epi64::<8>(offsets, column.as_ptr().cast()) };
                by_x.add_product(*x, values);
                by_y.add_product(*y, values);
            }
            store(of_x, by_x.reduce());
            store(of_y, by_y.reduce());
        }
    }
}

/// Each place with the place of the row to prefetch meanwhile, which may be one of `upcoming`.
#[inline]
fn with_later<'a>(places: &'a [u32], upcoming: &'a [u32]) -> impl Iterator<Item = (&'a u32, Option<&'a u32>)> {
    let later = move |place: usize| places.get(place).or_else(|| upcoming.get(place - places.len()));
    places
        .iter()
        .enumerate()
        .map(move |(at, place)| (place, later(at + PREFETCH_DISTANCE)))
}

/// Prefetches the row at a place, if there is one.
#[inline]
fn prefetch_row(table: &[Fp61], width: usize, place: Option<&u32>) {
    let Some(row) = place.and_then(|place| table.get(*place as usize * width..)?.get(..width)) else {
        return;
    };
    for at in (0..width).step_by(LINE) {
        prefetch_line(&row[at]);
    }
    // A row that starts within a cache line may end in one line more. If only one element follows the last one prefetched, it is
    // mostly in the same line.
    if (width - 1) % LINE > 1 {
        prefetch_line(&row[width - 1]);
    }
}

/// Prefetches the cache line of an element.
#[inline]
fn prefetch_line(element: &Fp61) {
    // SAFETY: the reference is valid, and prefetching has no effect that a program can observe.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) }
}
