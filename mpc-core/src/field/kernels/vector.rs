//! Loads and stores of vectors of eight elements.

#![expect(unsafe_code, reason = "loads and stores of whole vectors take pointers")]

use std::arch::x86_64::*;

use crate::field::fp61::Fp61;
use crate::field::gf64::Gf64;

/// Number of elements in a vector.
pub(super) const VECTOR_LEN: usize = 8;

/// A type that is a word of 64 bits in memory.
///
/// # Safety
///
/// The type has the size of a `u64`, and every bit is part of its value.
pub(super) unsafe trait Word: Copy {}

// SAFETY: both are transparent around a `u64`.
unsafe impl Word for Fp61 {}
// SAFETY: as above.
unsafe impl Word for Gf64 {}
// SAFETY: eight bytes have the size of a word, and no padding.
unsafe impl Word for [u8; 8] {}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load<W: Word>(values: &[W; VECTOR_LEN]) -> __m512i {
    // SAFETY: the reference is valid for reads of eight words, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store<W: Word>(out: &mut [W; VECTOR_LEN], values: __m512i) {
    // SAFETY: the reference is valid for writes of eight words, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), values) }
}

/// Selects the first `tail.len()` positions of a vector, fewer than all.
#[inline]
fn positions<W>(tail: &[W]) -> __mmask8 {
    assert!(tail.len() < VECTOR_LEN);
    (1 << tail.len()) - 1
}

/// The elements of a tail, followed by zeros.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load_tail<W: Word>(tail: &[W]) -> __m512i {
    // SAFETY: the mask selects exactly the words of the slice; memory of positions that are not selected is not accessed.
    unsafe { _mm512_maskz_loadu_epi64(positions(tail), tail.as_ptr().cast()) }
}

/// Writes the first `tail.len()` elements of a vector.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store_tail<W: Word>(tail: &mut [W], values: __m512i) {
    // SAFETY: the mask selects exactly the words of the slice; memory of positions that are not selected is not accessed.
    unsafe { _mm512_mask_storeu_epi64(tail.as_mut_ptr().cast(), positions(tail), values) }
}
