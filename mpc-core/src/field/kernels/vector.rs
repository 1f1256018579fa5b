//! Loads and stores of eight elements.

#![expect(unsafe_code, reason = "loads and stores of whole vectors take pointers")]

use std::arch::x86_64::*;

use crate::field::{Fp61, Gf64};

/// Elements of one vector.
pub const LANES: usize = 8;

/// An element that is a word in memory.
///
/// # Safety
///
/// The type has the size of a `u64`, and every bit is part of its value.
pub unsafe trait Word: Copy {}

// SAFETY: both are transparent around a `u64`.
unsafe impl Word for Fp61 {}
// SAFETY: as above.
unsafe impl Word for Gf64 {}
// SAFETY: eight bytes have the size of a word, and no padding.
unsafe impl Word for [u8; 8] {}

#[inline]
#[target_feature(enable = "avx512f")]
pub fn load<W: Word>(values: &[W; LANES]) -> __m512i {
    // SAFETY: the reference is valid for reads of eight words, and the load asks for no alignment.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub fn store<W: Word>(out: &mut [W; LANES], values: __m512i) {
    // SAFETY: the reference is valid for writes of eight words, and the store asks for no alignment.
    unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), values) }
}

/// Selects the lanes of a tail of fewer elements than a vector holds.
#[inline]
fn lanes<W>(tail: &[W]) -> __mmask8 {
    assert!(tail.len() < LANES);
    (1 << tail.len()) - 1
}

/// The tail, then zeros.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn load_tail<W: Word>(tail: &[W]) -> __m512i {
    // SAFETY: the mask selects exactly the words of the slice; memory of lanes that are not selected
    // is not accessed.
    unsafe { _mm512_maskz_loadu_epi64(lanes(tail), tail.as_ptr().cast()) }
}

/// Writes the first `tail.len()` values.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn store_tail<W: Word>(tail: &mut [W], values: __m512i) {
    // SAFETY: the mask selects exactly the words of the slice; memory of lanes that are not selected
    // is not accessed.
    unsafe { _mm512_mask_storeu_epi64(tail.as_mut_ptr().cast(), lanes(tail), values) }
}
