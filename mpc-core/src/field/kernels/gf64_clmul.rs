//! The field of `2^64` elements with the carry-less multiplication of PCLMULQDQ.

#![expect(unsafe_code, reason = "calls into code for detected processor features")]

use std::arch::x86_64::*;

use crate::field::gf64::Gf64;

/// Proof that the processor has PCLMULQDQ.
#[derive(Clone, Copy)]
pub(super) struct Clmul(());

impl Clmul {
    /// The proof, if the processor has the instruction.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        is_x86_feature_detected!("pclmulqdq").then_some(Self(()))
    }

    /// The product of two elements.
    #[inline]
    pub(super) fn multiply(self, x: Gf64, y: Gf64) -> Gf64 {
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { multiply(x, y) }
    }

    /// See [`crate::field::Field::inner_product`].
    pub(super) fn inner_product(self, x: &[Gf64], y: &[Gf64]) -> Gf64 {
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { inner_product(x, y) }
    }

    /// See [`crate::field::Field::combine`].
    pub(super) fn combine(self, blocks: &[&[Gf64]], coefficients: &[Gf64], out: &mut [Gf64]) {
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { combine(blocks, coefficients, out) }
    }

    /// See [`crate::field::Field::mul_vector`].
    pub(super) fn mul_vector(self, product: &mut [Gf64], factors: &[Gf64]) {
        // SAFETY: `self` proves that the processor has the feature.
        unsafe { mul_vector(product, factors) }
    }
}

/// The product of two polynomials over the bits.
#[inline]
#[target_feature(enable = "pclmulqdq")]
fn carryless(x: Gf64, y: Gf64) -> __m128i {
    _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(x.to_bits() as i64), _mm_cvtsi64_si128(y.to_bits() as i64))
}

#[inline]
#[target_feature(enable = "pclmulqdq")]
fn reduce(wide: __m128i) -> Gf64 {
    let low = _mm_cvtsi128_si64(wide) as u64;
    let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(wide, wide)) as u64;
    Gf64::reduce_wide(u128::from(high) << 64 | u128::from(low))
}

#[target_feature(enable = "pclmulqdq")]
fn multiply(x: Gf64, y: Gf64) -> Gf64 {
    reduce(carryless(x, y))
}

#[target_feature(enable = "pclmulqdq")]
fn inner_product(x: &[Gf64], y: &[Gf64]) -> Gf64 {
    let mut sum = _mm_setzero_si128();
    for (x, y) in x.iter().zip(y) {
        sum = _mm_xor_si128(sum, carryless(*x, *y));
    }
    reduce(sum)
}

#[target_feature(enable = "pclmulqdq")]
fn combine(blocks: &[&[Gf64]], coefficients: &[Gf64], out: &mut [Gf64]) {
    for (i, out) in out.iter_mut().enumerate() {
        let mut sum = _mm_setzero_si128();
        for (block, coefficient) in blocks.iter().zip(coefficients) {
            sum = _mm_xor_si128(sum, carryless(block[i], *coefficient));
        }
        *out = reduce(sum);
    }
}

#[target_feature(enable = "pclmulqdq")]
fn mul_vector(product: &mut [Gf64], factors: &[Gf64]) {
    for (product, factor) in product.iter_mut().zip(factors) {
        *product = multiply(*product, *factor);
    }
}
