//! The field of `2^64` elements, eight at a time, with the carry-less multiplication of VPCLMULQDQ.
//!
//! The instruction multiplies one word of every pair of words. Products of the even words and of the odd words are summed
//! separately, 128 bits each, and reduced once.

#![expect(unsafe_code, reason = "calls into code for detected processor features")]

use std::arch::x86_64::*;

use super::vector::{VECTOR_LEN, load, load_tail, store, store_tail};
use crate::field::gf64::Gf64;

/// Selects the even or the odd words of both factors.
const EVEN: i32 = 0x00;
const ODD: i32 = 0x11;

/// Proof that the processor has AVX-512 F and VPCLMULQDQ.
#[derive(Clone, Copy)]
pub(super) struct Vpclmul(());

impl Vpclmul {
    /// The proof, if the processor has the instructions.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("vpclmulqdq")).then_some(Self(()))
    }

    /// See [`crate::field::Field::inner_product`].
    pub(super) fn inner_product(self, x: &[Gf64], y: &[Gf64]) -> Gf64 {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { inner_product(x, y) }
    }

    /// See [`crate::field::Field::combine`].
    pub(super) fn combine(self, blocks: &[&[Gf64]], coefficients: &[Gf64], out: &mut [Gf64]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { combine(blocks, coefficients, out) }
    }

    /// See [`crate::field::Field::mul_vector`].
    pub(super) fn mul_vector(self, product: &mut [Gf64], factors: &[Gf64]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { mul_vector(product, factors) }
    }
}

/// Sums of products, 128 bits each.
#[derive(Clone, Copy)]
struct Sums {
    even: __m512i,
    odd: __m512i,
}

impl Sums {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn zero() -> Self {
        Self {
            even: _mm512_setzero_si512(),
            odd: _mm512_setzero_si512(),
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn add_product(&mut self, x: __m512i, y: __m512i) {
        self.even = _mm512_xor_si512(self.even, _mm512_clmulepi64_epi128::<EVEN>(x, y));
        self.odd = _mm512_xor_si512(self.odd, _mm512_clmulepi64_epi128::<ODD>(x, y));
    }

    /// The sum over all words.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn total(self) -> u128 {
        let sum = _mm512_xor_si512(self.even, self.odd);
        let half = _mm256_xor_si256(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum));
        let quarter = _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
        let low = _mm_cvtsi128_si64(quarter) as u64;
        let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(quarter, quarter)) as u64;
        u128::from(high) << 64 | u128::from(low)
    }

    /// The element in each position: [`Gf64::reduce_wide`] for all of them.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn reduce(self) -> __m512i {
        let (low, high) = (
            _mm512_unpacklo_epi64(self.even, self.odd),
            _mm512_unpackhi_epi64(self.even, self.odd),
        );
        let out = xor([
            _mm512_srli_epi64::<63>(high),
            _mm512_srli_epi64::<61>(high),
            _mm512_srli_epi64::<60>(high),
        ]);
        let high = _mm512_xor_si512(high, out);
        let shifted = xor([
            _mm512_slli_epi64::<1>(high),
            _mm512_slli_epi64::<3>(high),
            _mm512_slli_epi64::<4>(high),
        ]);
        xor([low, high, shifted])
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor([a, b, c]: [__m512i; 3]) -> __m512i {
    _mm512_xor_si512(_mm512_xor_si512(a, b), c)
}

#[target_feature(enable = "avx512f,vpclmulqdq")]
fn inner_product(x: &[Gf64], y: &[Gf64]) -> Gf64 {
    let len = x.len().min(y.len());
    let ((xs, x_tail), (ys, y_tail)) = (x[..len].as_chunks::<VECTOR_LEN>(), y[..len].as_chunks::<VECTOR_LEN>());
    let mut sums = Sums::zero();
    for (x, y) in xs.iter().zip(ys) {
        sums.add_product(load(x), load(y));
    }
    sums.add_product(load_tail(x_tail), load_tail(y_tail));
    Gf64::reduce_wide(sums.total())
}

#[target_feature(enable = "avx512f,vpclmulqdq")]
fn combine(blocks: &[&[Gf64]], coefficients: &[Gf64], out: &mut [Gf64]) {
    let len = out.len();
    let (vectors, tail) = out.as_chunks_mut::<VECTOR_LEN>();
    for (at, out) in vectors.iter_mut().enumerate() {
        let mut sums = Sums::zero();
        for (block, coefficient) in blocks.iter().zip(coefficients) {
            let coefficient = _mm512_set1_epi64(coefficient.to_bits() as i64);
            sums.add_product(load(&block[..len].as_chunks().0[at]), coefficient);
        }
        store(out, sums.reduce());
    }
    let mut sums = Sums::zero();
    for (block, coefficient) in blocks.iter().zip(coefficients) {
        let coefficient = _mm512_set1_epi64(coefficient.to_bits() as i64);
        sums.add_product(load_tail(block[..len].as_chunks::<VECTOR_LEN>().1), coefficient);
    }
    store_tail(tail, sums.reduce());
}

#[target_feature(enable = "avx512f,vpclmulqdq")]
fn mul_vector(product: &mut [Gf64], factors: &[Gf64]) {
    #[inline]
    #[target_feature(enable = "avx512f,vpclmulqdq")]
    fn multiply(x: __m512i, y: __m512i) -> __m512i {
        let mut product = Sums::zero();
        product.add_product(x, y);
        product.reduce()
    }
    let factors = &factors[..product.len()];
    let ((vectors, tail), (factors, factors_tail)) = (product.as_chunks_mut::<VECTOR_LEN>(), factors.as_chunks::<VECTOR_LEN>());
    for (product, factor) in vectors.iter_mut().zip(factors) {
        store(product, multiply(load(product), load(factor)));
    }
    let product = multiply(load_tail(tail), load_tail(factors_tail));
    store_tail(tail, product);
}
