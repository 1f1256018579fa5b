//! Rows of a table of elements of F_p, eight elements at a time, with rows that come later fetched ahead.
//!
//! A row of a width that the compiler knows takes a third of the instructions, so more rows are on their way from memory
//! at a time: there is a copy for each of the usual widths.

#![expect(unsafe_code, reason = "calls into code for detected processor features, and fetching ahead")]

use std::arch::x86_64::*;
use std::array::from_fn;
use std::ops::Range;

use super::fp61_avx512::{Avx512Ifma, LAZY_BLOCKS, Left, Sums, add};
use super::vector::{LANES, load, store};
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

impl Avx512Ifma {
    /// See [`crate::field::rows::products`], for eight rows or more.
    pub fn row_products(self, rows: &[Fp61], coefficients: [&[Fp61]; 2], mut out: [&mut [Fp61]; 2]) {
        let (width, count) = (coefficients[0].len(), out[0].len());
        let whole = count / LANES * LANES;
        // Rows that are left over are done with those before them once more.
        let mut multiply = |range: Range<usize>| {
            let rows = &rows[range.start * width..range.end * width];
            let [xs, ys] = out.each_mut().map(|out| out[range.clone()].as_chunks_mut().0);
            // SAFETY: `self` proves that the processor has the features.
            unsafe { row_products(rows, coefficients, [xs, ys]) }
        };
        multiply(0..whole);
        if whole < count {
            multiply(count - LANES..count);
        }
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

/// Eight rows at a time, one in each lane.
#[target_feature(enable = "avx512f,avx512ifma")]
fn row_products(rows: &[Fp61], [xs, ys]: [&[Fp61]; 2], [of_x, of_y]: [&mut [[Fp61; LANES]]; 2]) {
    let width = xs.len();
    let [a, b, c, d, e, f, g, h] = from_fn(|lane| (lane * width) as i64);
    let lanes = _mm512_setr_epi64(a, b, c, d, e, f, g, h);
    let cut = |coefficients: &[Fp61]| -> [Left; LAZY_BLOCKS] {
        from_fn(|k| Left::cut(_mm512_set1_epi64(coefficients.get(k).map_or(0, |c| c.to_u64()) as i64)))
    };
    for (first, (xs, ys)) in (0..).step_by(LAZY_BLOCKS).zip(xs.chunks(LAZY_BLOCKS).zip(ys.chunks(LAZY_BLOCKS))) {
        let (by_xs, by_ys) = (cut(xs), cut(ys));
        let keep = _mm512_set1_epi64(if first == 0 { 0 } else { -1 });
        for (group, (of_x, of_y)) in of_x.iter_mut().zip(of_y.iter_mut()).enumerate() {
            let rows = &rows[group * LANES * width..][..LANES * width];
            let mut by_x = Sums::of(_mm512_and_si512(load(of_x), keep));
            let mut by_y = Sums::of(_mm512_and_si512(load(of_y), keep));
            for (column, (x, y)) in (first..width).zip(by_xs.iter().zip(&by_ys)) {
                let column = &rows[column..];
                // SAFETY: lane l reads what is `l·width` words after the beginning of `column`, which begins less than
                // `width` after that of `rows`: one of its `8·width` elements, each of which is a word.
                let values = unsafe { _mm512_i64gather_epi64::<8>(lanes, column.as_ptr().cast()) };
                by_x.add_product(*x, values);
                by_y.add_product(*y, values);
            }
            store(of_x, by_x.reduce());
            store(of_y, by_y.reduce());
        }
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
