//! The field of `2^64` elements: chooses kernels for multiplication and the bulk operations.
//!
//! Sums and differences need no kernel: the compiler vectorises an exclusive or by itself.

use std::ops::Mul;

use rand_core::Rng;

#[cfg(target_arch = "x86_64")]
use super::{gf64_clmul::Clmul, gf64_vpclmul::Vpclmul};
use crate::field::gf64::{Gf64, portable};
use crate::field::traits::{Field, FieldId, assert_combinable, assert_equally_long};

/// The length from which wide vectors are worth their set-up.
#[cfg(target_arch = "x86_64")]
const SHORT: usize = 8;

impl Mul for Gf64 {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Clmul::detect() {
            return kernel.multiply(self, other);
        }
        portable::multiply(self, other)
    }
}

impl Field for Gf64 {
    const ID: FieldId = FieldId::Gf64;
    const BYTES: usize = 8;
    const ZERO: Self = Self::from_bits(0);
    const ONE: Self = Self::from_bits(1);
    const CONSECUTIVE_POINTS: bool = false;

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bits().to_le_bytes());
    }

    fn read_words(words: &[[u8; 8]], out: &mut Vec<Self>) -> bool {
        out.extend(words.iter().map(|word| Self::from_bits(u64::from_le_bytes(*word))));
        true
    }

    fn point(index: u64) -> Self {
        Self::from_bits(index)
    }

    fn inverse(self) -> Self {
        // Fermat: x^(2^64 - 2), an exponent of 63 ones and a zero.
        let mut result = Self::ONE;
        let mut square = self;
        for _ in 1..64 {
            square = square * square;
            result = result * square;
        }
        result
    }

    fn random<R: Rng + ?Sized>(rng: &mut R) -> Self {
        Self::from_bits(rng.next_u64())
    }

    fn from_uniform(words: &[[u8; 8]], out: &mut [Self]) -> usize {
        let out = &mut out[..words.len()];
        out.iter_mut()
            .zip(words)
            .for_each(|(out, word)| *out = Self::from_bits(u64::from_le_bytes(*word)));
        words.len()
    }

    fn inner_product(x: &[Self], y: &[Self]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if x.len() >= SHORT
            && let Some(kernel) = Vpclmul::detect()
        {
            return kernel.inner_product(x, y);
        } else if let Some(kernel) = Clmul::detect() {
            return kernel.inner_product(x, y);
        }
        portable::inner_product(x, y)
    }

    fn combine(blocks: &[&[Self]], coefficients: &[Self], out: &mut [Self]) {
        assert_combinable(blocks, coefficients, out);
        #[cfg(target_arch = "x86_64")]
        if out.len() >= SHORT
            && let Some(kernel) = Vpclmul::detect()
        {
            return kernel.combine(blocks, coefficients, out);
        } else if let Some(kernel) = Clmul::detect() {
            return kernel.combine(blocks, coefficients, out);
        }
        portable::combine(blocks, coefficients, out);
    }

    fn mul_vector(product: &mut [Self], factors: &[Self]) {
        assert_equally_long(product, factors);
        #[cfg(target_arch = "x86_64")]
        if product.len() >= SHORT
            && let Some(kernel) = Vpclmul::detect()
        {
            return kernel.mul_vector(product, factors);
        } else if let Some(kernel) = Clmul::detect() {
            return kernel.mul_vector(product, factors);
        }
        portable::mul_vector(product, factors);
    }
}
