//! The field of `2^61 - 1` elements: chooses kernels for the bulk operations.

use rand_core::Rng;

#[cfg(target_arch = "x86_64")]
use super::fp61_avx512::Avx512Ifma;
use crate::field::fp61::{Fp61, MODULUS, portable};
use crate::field::traits::{Field, FieldId, assert_combinable, assert_cubics, assert_equally_long};

/// The length from which the kernel is worth its set-up.
#[cfg(target_arch = "x86_64")]
const SHORT: usize = 8;
/// The same for sums over all elements, where the kernel also has to add up the elements of a vector at the end.
#[cfg(target_arch = "x86_64")]
const SHORT_SUM: usize = 24;

impl Field for Fp61 {
    const ID: FieldId = FieldId::Fp61;
    const BYTES: usize = 8;
    const ZERO: Self = Self(0);
    const ONE: Self = Self(1);
    const CONSECUTIVE_POINTS: bool = true;

    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn read_words(words: &[[u8; 8]], out: &mut Vec<Self>) -> bool {
        // A word above p has one of the upper three bits set; p itself has them set after adding 1.
        let mut beyond = 0;
        out.extend(words.iter().map(|word| {
            let word = u64::from_le_bytes(*word);
            beyond |= word | word.wrapping_add(1);
            Self(word & MODULUS)
        }));
        beyond >> 61 == 0
    }

    fn point(index: u64) -> Self {
        Self::reduce(index)
    }

    fn inverse(self) -> Self {
        // Fermat: x^(p-2), and all bits of p - 2 but bit 1 are set.
        let mut result = Self::ONE;
        let mut square = self;
        for bit in 0..61 {
            if bit != 1 {
                result = result * square;
            }
            square = square * square;
        }
        result
    }

    fn random<R: Rng + ?Sized>(rng: &mut R) -> Self {
        loop {
            // Only the word p is rejected: with probability 2^-61, which depends on no secret.
            if let Some(element) = Self::from_canonical(rng.next_u64() & MODULUS) {
                return element;
            }
        }
    }

    fn from_uniform(words: &[[u8; 8]], out: &mut [Self]) -> usize {
        let out = &mut out[..words.len()];
        if elements_of(words, out) {
            return words.len();
        }
        let accepted = words
            .iter()
            .filter_map(|word| Self::from_canonical(u64::from_le_bytes(*word) & MODULUS));
        out.iter_mut().zip(accepted).map(|(out, element)| *out = element).count()
    }

    fn inner_product(x: &[Self], y: &[Self]) -> Self {
        #[cfg(target_arch = "x86_64")]
        if x.len() >= SHORT_SUM
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.inner_product(x, y);
        }
        portable::inner_product(x, y)
    }

    fn combine(blocks: &[&[Self]], coefficients: &[Self], out: &mut [Self]) {
        assert_combinable(blocks, coefficients, out);
        #[cfg(target_arch = "x86_64")]
        if out.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.combine(blocks, coefficients, out);
        }
        portable::combine(blocks, coefficients, out);
    }

    fn add_vector(sum: &mut [Self], values: &[Self]) {
        assert_equally_long(sum, values);
        #[cfg(target_arch = "x86_64")]
        if sum.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.add_vector(sum, values);
        }
        portable::add_vector(sum, values);
    }

    fn sub_vector(difference: &mut [Self], values: &[Self]) {
        assert_equally_long(difference, values);
        #[cfg(target_arch = "x86_64")]
        if difference.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.sub_vector(difference, values);
        }
        portable::sub_vector(difference, values);
    }

    fn mul_vector(product: &mut [Self], factors: &[Self]) {
        assert_equally_long(product, factors);
        #[cfg(target_arch = "x86_64")]
        if product.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.mul_vector(product, factors);
        }
        portable::mul_vector(product, factors);
    }

    fn extend_cubics(known: [&[Self]; 4], further: [&mut [Self]; 3]) {
        assert_cubics(known, &further);
        #[cfg(target_arch = "x86_64")]
        if known[0].len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.extend_cubics(known, further);
        }
        portable::extend_cubics(known, further);
    }
}

/// Writes the low 61 bits of each little-endian word to `out`, which is as long as `words`. Returns false if one of them is
/// `p`, which is no element; `out` must then not be used.
pub(super) fn elements_of(words: &[[u8; 8]], out: &mut [Fp61]) -> bool {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = Avx512Ifma::detect() {
        return kernel.elements_of(words, out);
    }
    portable::elements_of(words, out)
}
