//! Linear maps of bits, eight words at a time, with the bit matrices of GFNI.

#![expect(unsafe_code, reason = "calls into code for detected processor features")]

use std::arch::x86_64::*;

use super::vector::{VECTOR_LEN, load, load_tail, store, store_tail};
use crate::field::bits::BitMap;
use crate::field::gf64::Gf64;

/// Proof that the processor has AVX-512 F and VBMI, and GFNI.
#[derive(Clone, Copy)]
pub(super) struct Gfni(());

impl Gfni {
    /// The proof, if the processor has the instructions.
    #[inline]
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vbmi") && is_x86_feature_detected!("gfni"))
            .then_some(Self(()))
    }

    /// See [`BitMap::apply`].
    pub(super) fn apply(self, map: &BitMap, words: &[Gf64], out: &mut [Gf64]) {
        // SAFETY: `self` proves that the processor has the features.
        unsafe { apply(map, words, out) }
    }
}

/// The permutation that transposes eight words as a square of bytes: vector `j` gets byte `j` of each. It is its own inverse.
const TRANSPOSED: [u8; 64] = {
    let mut from = [0; 64];
    let mut at = 0;
    while at < 64 {
        from[at] = (at % 8 * 8 + at / 8) as u8;
        at += 1;
    }
    from
};

/// The map in the form that the instruction takes: it applies one matrix to all bytes of a word.
struct Matrices {
    matrices: [__m512i; 8],
    rotations: [__m512i; 8],
    transposed: __m512i,
}

impl Matrices {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(map: &BitMap) -> Self {
        let vector = |words: [u64; VECTOR_LEN]| load(&words.map(Gf64::from_bits));
        let mut this = Self {
            matrices: [_mm512_setzero_si512(); 8],
            rotations: [_mm512_setzero_si512(); 8],
            transposed: vector(
                TRANSPOSED
                    .as_chunks::<8>()
                    .0
                    .iter()
                    .enumerate()
                    .fold([0; 8], |mut words, (i, bytes)| {
                        words[i] = u64::from_le_bytes(*bytes);
                        words
                    }),
            ),
        };
        for (shift, matrices) in map.matrices().iter().enumerate() {
            this.matrices[shift] = vector(*matrices);
            this.rotations[shift] = vector(std::array::from_fn(|j| (j + shift) as u64 % 8));
        }
        this
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vbmi,gfni")]
    fn apply(&self, words: __m512i) -> __m512i {
        let bytes = _mm512_permutexvar_epi8(self.transposed, words);
        let mut sum = _mm512_setzero_si512();
        for (matrices, rotation) in self.matrices.iter().zip(&self.rotations) {
            let rotated = _mm512_permutexvar_epi64(*rotation, bytes);
            sum = _mm512_xor_si512(sum, _mm512_gf2p8affine_epi64_epi8::<0>(rotated, *matrices));
        }
        _mm512_permutexvar_epi8(self.transposed, sum)
    }
}

#[target_feature(enable = "avx512f,avx512vbmi,gfni")]
fn apply(map: &BitMap, words: &[Gf64], out: &mut [Gf64]) {
    let matrices = Matrices::new(map);
    let len = words.len().min(out.len());
    let ((words, words_tail), (out, out_tail)) = (words[..len].as_chunks::<VECTOR_LEN>(), out[..len].as_chunks_mut::<VECTOR_LEN>());
    for (words, out) in words.iter().zip(out) {
        store(out, matrices.apply(load(words)));
    }
    store_tail(out_tail, matrices.apply(load_tail(words_tail)));
}
