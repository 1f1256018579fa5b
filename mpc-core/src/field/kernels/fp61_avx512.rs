//! The field of `2^61 - 1` elements, eight at a time, with the 52-bit multiply-add of AVX-512 IFMA.
//!
//! A left factor x is split at bit 43, a right factor y at bit 52. Two of the four partial products fit into 52 bits, so that
//! six multiply-adds compute a product of 61 bits:
//!
//! ```text
//! x·y = x0·y0 + 2^52·x0·y1 + 2^43·x1·y0 + 2^95·x1·y1,     2^95 = 2^34 mod p
//!        95       52            70           27 bits
//! ```
//!
//! The instruction reads only the low 52 bits of a word, so y0 needs no masking. Partial products are summed without reduction,
//! in one accumulator for each power of two and half.

#![expect(unsafe_code, reason = "calls into code for detected processor features")]

use std::arch::x86_64::*;
use std::array::from_fn;

use super::vector::{VECTOR_LEN, load, load_tail, store, store_tail};
use crate::field::fp61::{Fp61, MODULUS};

/// The bit at which the left factor is split.
const SPLIT: u32 = 43;

/// Proof that the processor has AVX-512 F and IFMA.
#[derive(Clone, Copy)]
pub(super) struct Avx512Ifma(());

impl Avx512Ifma {
    /// The proof, if the processor has the instructions.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")).then_some(Self(()))
    }

    /// See [`crate::field::Field::inner_product`].
    pub(super) fn inner_product(self, x: &[Fp61], y: &[Fp61]) -> Fp61 {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { inner_product(x, y) }
    }

    /// See [`crate::field::Field::combine`].
    pub(super) fn combine(self, blocks: &[&[Fp61]], coefficients: &[Fp61], out: &mut [Fp61]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { combine(blocks, coefficients, out) }
    }

    /// See [`super::fp61::elements_of`].
    pub(super) fn elements_of(self, words: &[[u8; 8]], out: &mut [Fp61]) -> bool {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { elements_of(words, out) }
    }

    /// See [`crate::field::Field::add_vector`].
    pub(super) fn add_vector(self, sum: &mut [Fp61], values: &[Fp61]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { add_vector(sum, values) }
    }

    /// See [`crate::field::Field::sub_vector`].
    pub(super) fn sub_vector(self, difference: &mut [Fp61], values: &[Fp61]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { sub_vector(difference, values) }
    }

    /// See [`crate::field::Field::mul_vector`].
    pub(super) fn mul_vector(self, product: &mut [Fp61], factors: &[Fp61]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { mul_vector(product, factors) }
    }

    /// See [`crate::field::Field::extend_cubics`].
    pub(super) fn extend_cubics(self, known: [&[Fp61]; 4], further: [&mut [Fp61]; 3]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { extend_cubics(known, further) }
    }
}

/// The modulus in every position.
#[inline]
#[target_feature(enable = "avx512f")]
fn modulus() -> __m512i {
    _mm512_set1_epi64(MODULUS as i64)
}

/// A left factor, split at bit 43.
#[derive(Clone, Copy)]
pub(super) struct Left {
    low: __m512i,
    high: __m512i,
}

impl Left {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn split(x: __m512i) -> Self {
        Self {
            low: _mm512_and_si512(x, _mm512_set1_epi64((1 << SPLIT) - 1)),
            high: _mm512_srli_epi64::<SPLIT>(x),
        }
    }
}

/// Sums of partial products in each of the eight positions of a vector. A product adds less than `2^52` to a sum, unless a
/// smaller bound is given.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    low_low: __m512i,
    low_low_carry: __m512i,
    low_high: __m512i,
    high_low: __m512i,
    /// Less than `2^18`.
    high_low_carry: __m512i,
    /// Less than `2^27`.
    high_high: __m512i,
}

impl Sums {
    /// The sums that represent `start` in each position.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn of(start: __m512i) -> Self {
        let zero = _mm512_setzero_si512();
        Self {
            low_low: start,
            low_low_carry: zero,
            low_high: zero,
            high_low: zero,
            high_low_carry: zero,
            high_high: zero,
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub(super) fn add_product(&mut self, x: Left, y: __m512i) {
        let y_high = _mm512_srli_epi64::<52>(y);
        self.low_low = _mm512_madd52lo_epu64(self.low_low, x.low, y);
        self.low_low_carry = _mm512_madd52hi_epu64(self.low_low_carry, x.low, y);
        self.low_high = _mm512_madd52lo_epu64(self.low_high, x.low, y_high);
        self.high_low = _mm512_madd52lo_epu64(self.high_low, x.high, y);
        self.high_low_carry = _mm512_madd52hi_epu64(self.high_low_carry, x.high, y);
        self.high_high = _mm512_madd52lo_epu64(self.high_high, x.high, y_high);
    }

    /// The sums of the partial products that count `2^0`, `2^52`, `2^43` and `2^34`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn by_weight(self) -> [__m512i; 4] {
        [
            self.low_low,
            _mm512_add_epi64(self.low_low_carry, self.low_high),
            self.high_low,
            _mm512_add_epi64(self.high_low_carry, self.high_high),
        ]
    }

    /// The element in each position, if at most [`LAZY_BLOCKS`] products were added to a start below `2^61`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub(super) fn reduce(self) -> __m512i {
        // 2^w·s mod p rotates the 61-bit word: the bits of s above 61-w come back at the bottom.
        let [at_0, at_52, at_43, at_34] = self.by_weight();
        let p = modulus();
        let rotated = [
            _mm512_and_si512(_mm512_slli_epi64::<52>(at_52), p),
            _mm512_srli_epi64::<9>(at_52),
            _mm512_and_si512(_mm512_slli_epi64::<43>(at_43), p),
            _mm512_srli_epi64::<18>(at_43),
            _mm512_and_si512(_mm512_slli_epi64::<34>(at_34), p),
            _mm512_srli_epi64::<27>(at_34),
        ];
        // Below 2^61 + 2^56 + 3·(2^61 + 2^48) < 2^64.
        let mut sum = at_0;
        for part in rotated {
            sum = _mm512_add_epi64(sum, part);
        }
        let folded = _mm512_add_epi64(_mm512_and_si512(sum, p), _mm512_srli_epi64::<61>(sum));
        subtract_once(folded)
    }
}

/// `x - p` where `x >= p`, else `x`, for `x < 2p`. If the difference wraps around, it is the larger of the two numbers.
#[inline]
#[target_feature(enable = "avx512f")]
fn subtract_once(x: __m512i) -> __m512i {
    _mm512_min_epu64(x, _mm512_sub_epi64(x, modulus()))
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn add(x: __m512i, y: __m512i) -> __m512i {
    subtract_once(_mm512_add_epi64(x, y))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn sub(x: __m512i, y: __m512i) -> __m512i {
    // If the difference wraps around, it is the larger of the two numbers.
    let difference = _mm512_sub_epi64(x, y);
    _mm512_min_epu64(difference, _mm512_add_epi64(difference, modulus()))
}

/// Number of vectors of products that [`inner_product`] sums before it reduces: a sum over all positions stays below
/// `8·500·(2^52 + 2^43) < 2^64`.
const LAZY_VECTORS: usize = 500;

#[target_feature(enable = "avx512f,avx512ifma")]
fn inner_product(x: &[Fp61], y: &[Fp61]) -> Fp61 {
    let len = x.len().min(y.len());
    let ((xs, x_tail), (ys, y_tail)) = (x[..len].as_chunks::<VECTOR_LEN>(), y[..len].as_chunks::<VECTOR_LEN>());
    let mut sums = Sums::of(_mm512_setzero_si512());
    sums.add_product(Left::split(load_tail(x_tail)), load_tail(y_tail));
    let mut total = Fp61::reduce_wide(0);
    // The tail counts as one vector of the first group.
    let first = xs.len().min(LAZY_VECTORS - 1);
    let ((first_xs, xs), (first_ys, ys)) = (xs.split_at(first), ys.split_at(first));
    let groups = xs.chunks(LAZY_VECTORS).zip(ys.chunks(LAZY_VECTORS));
    for (xs, ys) in std::iter::once((first_xs, first_ys)).chain(groups) {
        for (x, y) in xs.iter().zip(ys) {
            sums.add_product(Left::split(load(x)), load(y));
        }
        let [at_0, at_52, at_43, at_34] = sums.by_weight().map(|sum| u128::from(_mm512_reduce_add_epi64(sum) as u64));
        total += Fp61::reduce_wide(at_0 + (at_52 << 52) + (at_43 << 43) + (at_34 << 34));
        sums = Sums::of(_mm512_setzero_si512());
    }
    total
}

/// Number of products that are summed before they are reduced.
pub(super) const LAZY_BLOCKS: usize = 16;

#[target_feature(enable = "avx512f,avx512ifma")]
fn combine(mut blocks: &[&[Fp61]], mut coefficients: &[Fp61], out: &mut [Fp61]) {
    let mut accumulate = false;
    // At most 8 at a time: so many coefficients stay in registers.
    while let Some(((of_blocks, blocks_left), (by, left))) = blocks.split_first_chunk::<8>().zip(coefficients.split_first_chunk()) {
        combine_group(of_blocks, by, out, accumulate);
        (blocks, coefficients, accumulate) = (blocks_left, left, true);
    }
    if let Some(((of_blocks, blocks_left), (by, left))) = blocks.split_first_chunk::<4>().zip(coefficients.split_first_chunk()) {
        combine_group(of_blocks, by, out, accumulate);
        (blocks, coefficients, accumulate) = (blocks_left, left, true);
    }
    if let Some(((of_blocks, blocks_left), (by, left))) = blocks.split_first_chunk::<2>().zip(coefficients.split_first_chunk()) {
        combine_group(of_blocks, by, out, accumulate);
        (blocks, coefficients, accumulate) = (blocks_left, left, true);
    }
    if let Some(((of_blocks, _), (by, _))) = blocks.split_first_chunk::<1>().zip(coefficients.split_first_chunk()) {
        combine_group(of_blocks, by, out, accumulate);
        accumulate = true;
    }
    if !accumulate {
        out.fill(Fp61::default());
    }
}

/// The combination of `N` blocks, at most [`LAZY_BLOCKS`]; added to what `out` holds if `accumulate`, else it overwrites it.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn combine_group<const N: usize>(blocks: &[&[Fp61]; N], coefficients: &[Fp61; N], out: &mut [Fp61], accumulate: bool) {
    const { assert!(N <= LAZY_BLOCKS) };
    let len = out.len();
    let factors: [Left; N] = from_fn(|j| Left::split(_mm512_set1_epi64(coefficients[j].to_u64() as i64)));
    let keep = _mm512_set1_epi64(if accumulate { -1 } else { 0 });
    let (vectors, tail) = out.as_chunks_mut::<VECTOR_LEN>();
    let blocks: [_; N] = from_fn(|j| blocks[j][..len].as_chunks::<VECTOR_LEN>());
    let whole: [_; N] = from_fn(|j| &blocks[j].0[..vectors.len()]);
    for (at, out) in vectors.iter_mut().enumerate() {
        let mut sums = Sums::of(_mm512_and_si512(load(out), keep));
        for j in 0..N {
            sums.add_product(factors[j], load(&whole[j][at]));
        }
        store(out, sums.reduce());
    }
    let mut sums = Sums::of(_mm512_and_si512(load_tail(tail), keep));
    for j in 0..N {
        sums.add_product(factors[j], load_tail(blocks[j].1));
    }
    store_tail(tail, sums.reduce());
}

#[target_feature(enable = "avx512f")]
fn elements_of(words: &[[u8; 8]], out: &mut [Fp61]) -> bool {
    let p = modulus();
    let out = &mut out[..words.len()];
    let ((words, words_tail), (vectors, tail)) = (words.as_chunks(), out.as_chunks_mut());
    let mut refused = 0;
    for (out, words) in vectors.iter_mut().zip(words) {
        let masked = _mm512_and_si512(load(words), p);
        refused |= _mm512_cmpeq_epu64_mask(masked, p);
        store(out, masked);
    }
    let masked = _mm512_and_si512(load_tail(words_tail), p);
    refused |= _mm512_cmpeq_epu64_mask(masked, p);
    store_tail(tail, masked);
    refused == 0
}

/// Replaces every element of `left` by the result of `operation` on it and the element of `right` at the same index.
#[inline]
#[target_feature(enable = "avx512f")]
fn replace(left: &mut [Fp61], right: &[Fp61], operation: impl Fn(__m512i, __m512i) -> __m512i) {
    let ((lefts, left_tail), (rights, right_tail)) = (left.as_chunks_mut(), right.as_chunks());
    let ((lefts, lefts_rest), (rights, rights_rest)) = (lefts.as_chunks_mut::<4>(), rights.as_chunks::<4>());
    for (left, right) in lefts.iter_mut().zip(rights) {
        // Four loads before four stores: a load has to wait for a store just before it if the low bits of their addresses are
        // the same (4K aliasing).
        let results: [__m512i; 4] = from_fn(|i| operation(load(&left[i]), load(&right[i])));
        for (left, result) in left.iter_mut().zip(results) {
            store(left, result);
        }
    }
    for (left, right) in lefts_rest.iter_mut().zip(rights_rest) {
        store(left, operation(load(left), load(right)));
    }
    store_tail(left_tail, operation(load_tail(left_tail), load_tail(right_tail)));
}

#[target_feature(enable = "avx512f")]
fn add_vector(sum: &mut [Fp61], values: &[Fp61]) {
    replace(sum, values, |sum, value| add(sum, value));
}

#[target_feature(enable = "avx512f")]
fn sub_vector(difference: &mut [Fp61], values: &[Fp61]) {
    replace(difference, values, |rest, value| sub(rest, value));
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn mul_vector(product: &mut [Fp61], factors: &[Fp61]) {
    replace(product, factors, |product, factor| {
        let mut sums = Sums::of(_mm512_setzero_si512());
        sums.add_product(Left::split(product), factor);
        sums.reduce()
    });
}

#[target_feature(enable = "avx512f")]
fn extend_cubics(known: [&[Fp61]; 4], [e, f, g]: [&mut [Fp61]; 3]) {
    let [(a, a_tail), (b, b_tail), (c, c_tail), (d, d_tail)] = known.map(|values| values.as_chunks::<VECTOR_LEN>());
    let ((e, e_tail), (f, f_tail), (g, g_tail)) = (e.as_chunks_mut(), f.as_chunks_mut(), g.as_chunks_mut());
    for (((known, e), f), g) in a.iter().zip(b).zip(c).zip(d).zip(e).zip(f).zip(g) {
        let (((a, b), c), d) = known;
        let further = next_three([load(a), load(b), load(c), load(d)]);
        store(e, further[0]);
        store(f, further[1]);
        store(g, further[2]);
    }
    let further = next_three([a_tail, b_tail, c_tail, d_tail].map(|tail| load_tail(tail)));
    store_tail(e_tail, further[0]);
    store_tail(f_tail, further[1]);
    store_tail(g_tail, further[2]);
}

/// The values at the next three points, by finite differences.
#[inline]
#[target_feature(enable = "avx512f")]
fn next_three([a, b, c, d]: [__m512i; 4]) -> [__m512i; 3] {
    let (first, second) = (sub(d, c), sub(c, b));
    let of_first = sub(first, second);
    let third = sub(of_first, sub(second, sub(b, a)));
    let mut next = (d, first, of_first);
    from_fn(|_| {
        next.2 = add(next.2, third);
        next.1 = add(next.1, next.2);
        next.0 = add(next.0, next.1);
        next.0
    })
}
