//! Products of polynomials over the field of 256 elements, 64 words at a time, with the bit matrices and the byte products of
//! GFNI.
//!
//! 64 words are transposed into eight vectors, one for each byte of a word. A value at a point is then a sum of eight matrices
//! times bytes, and a weighted sum of bytes is a product of matrices of eight by eight bits.

#![expect(unsafe_code, reason = "calls into code for detected processor features")]

use std::arch::x86_64::*;

use super::vector::load;
use crate::field::gf64::{BITS_PER_WORD, Gf64};
use crate::field::subfield::{Extension, FURTHER};

/// Number of words that are processed at a time.
const WORDS: usize = BITS_PER_WORD;

/// Proof that the processor has AVX-512 F, BW and VBMI, and GFNI.
#[derive(Clone, Copy)]
pub(super) struct Gfni(());

impl Gfni {
    /// The proof, if the processor has the instructions.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("gfni"))
        .then_some(Self(()))
    }

    /// See [`Extension::add_products`].
    pub(super) fn add_products(
        self,
        extension: &Extension,
        pairs: &[(&[Gf64], &[Gf64])],
        weights: &[Gf64],
        sums: &mut [[Gf64; 8]; FURTHER],
    ) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { add_products(extension, pairs, weights, sums) }
    }
}

/// Byte `i` of each of 64 words, in vector `i`.
type Bytes = [__m512i; 8];

/// The permutation that transposes eight words as a square of bytes: word `j` of the result has byte `j` of each.
const TRANSPOSED: [u64; 8] = {
    let mut words = [0; 8];
    let mut at = 0;
    while at < 64 {
        words[at / 8] |= ((at % 8 * 8 + at / 8) as u64) << (8 * (at % 8));
        at += 1;
    }
    words
};

/// Bit `i` in byte `i` of a word. Multiplied by this identity matrix from the left, words as matrices are transposed.
const UNITS: i64 = i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]);

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi64::<0x96>(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn transposed() -> __m512i {
    load(&TRANSPOSED.map(Gf64::from_bits))
}

/// In vector `i`, word `c`: byte `c` of the words `8i` to `8i + 7`.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn groups(words: &[Gf64; WORDS]) -> [__m512i; 8] {
    let transposed = transposed();
    let mut groups = [_mm512_setzero_si512(); 8];
    let (eights, _) = words.as_chunks::<8>();
    for (group, words) in groups.iter_mut().zip(eights) {
        *group = _mm512_permutexvar_epi8(transposed, load(words));
    }
    groups
}

#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn bytes(words: &[Gf64; WORDS]) -> Bytes {
    let g = groups(words);
    let mut bytes = [_mm512_setzero_si512(); 8];
    for odd in [false, true] {
        let mut pairs = [_mm512_setzero_si512(); 4];
        for (i, pair) in pairs.iter_mut().enumerate() {
            *pair = if odd {
                _mm512_unpackhi_epi64(g[2 * i], g[2 * i + 1])
            } else {
                _mm512_unpacklo_epi64(g[2 * i], g[2 * i + 1])
            };
        }
        let [a, b, c, d] = pairs;
        let (low_ab, low_cd) = (_mm512_shuffle_i64x2::<0x44>(a, b), _mm512_shuffle_i64x2::<0x44>(c, d));
        let (high_ab, high_cd) = (_mm512_shuffle_i64x2::<0xee>(a, b), _mm512_shuffle_i64x2::<0xee>(c, d));
        let first = usize::from(odd);
        bytes[first] = _mm512_shuffle_i64x2::<0x88>(low_ab, low_cd);
        bytes[first + 2] = _mm512_shuffle_i64x2::<0xdd>(low_ab, low_cd);
        bytes[first + 4] = _mm512_shuffle_i64x2::<0x88>(high_ab, high_cd);
        bytes[first + 6] = _mm512_shuffle_i64x2::<0xdd>(high_ab, high_cd);
    }
    bytes
}

/// The values of 64 polynomials at the point of `matrices`.
#[inline]
#[target_feature(enable = "avx512f,gfni")]
fn value(bytes: &Bytes, matrices: &[u64; 8]) -> __m512i {
    let times = |i: usize| _mm512_gf2p8affine_epi64_epi8::<0>(bytes[i], _mm512_set1_epi64(matrices[i] as i64));
    let low = xor3(xor3(times(0), times(1), times(2)), times(3), times(4));
    xor3(xor3(low, times(5), times(6)), times(7), _mm512_setzero_si512())
}

#[target_feature(enable = "avx512f,avx512bw,avx512vbmi,gfni")]
fn add_products(extension: &Extension, pairs: &[(&[Gf64], &[Gf64])], weights: &[Gf64], sums: &mut [[Gf64; 8]; FURTHER]) {
    let units = _mm512_set1_epi64(UNITS);
    let zero = _mm512_setzero_si512();
    // Bit r of byte n of word c: the sum of bits 8c + n of the weights of those words whose product has bit 7 - r set.
    let mut totals = [zero; FURTHER];
    let mut factors = vec![([zero; 8], [zero; 8]); pairs.len()];
    for at in (0..weights.len()).step_by(WORDS) {
        let padded = |words: &[Gf64]| {
            let mut padded = [Gf64::from_bits(0); WORDS];
            let words = &words[at..words.len().min(at + WORDS)];
            padded[..words.len()].copy_from_slice(words);
            padded
        };
        for ((f, g), (x, y)) in factors.iter_mut().zip(pairs) {
            (*f, *g) = (bytes(&padded(x)), bytes(&padded(y)));
        }
        let mut weights = groups(&padded(weights));
        for group in &mut weights {
            *group = _mm512_gf2p8affine_epi64_epi8::<0>(units, *group);
        }
        for (matrices, total) in extension.matrices().iter().zip(&mut totals) {
            let mut products = zero;
            for (f, g) in &factors {
                products = _mm512_xor_si512(products, _mm512_gf2p8mul_epi8(value(f, matrices), value(g, matrices)));
            }
            let transposed = _mm512_gf2p8affine_epi64_epi8::<0>(units, products);
            let times = |i: i64| {
                _mm512_gf2p8affine_epi64_epi8::<0>(weights[i as usize], _mm512_permutexvar_epi64(_mm512_set1_epi64(i), transposed))
            };
            let low = xor3(xor3(*total, times(0), times(1)), times(2), times(3));
            *total = xor3(xor3(low, times(4), times(5)), times(6), times(7));
        }
    }
    // The factors are secret; the weights are public.
    factors.fill(([zero; 8], [zero; 8]));
    std::hint::black_box(&factors);
    for (total, sums) in totals.iter().zip(sums) {
        let mut rest = *total;
        for sum in sums.iter_mut() {
            // The highest bit of every byte belongs to the lowest bit of the products.
            *sum += Gf64::from_bits(_mm512_movepi8_mask(rest));
            rest = _mm512_slli_epi64::<1>(rest);
        }
    }
}
