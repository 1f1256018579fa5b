//! Vectors of field elements, as peers and envelopes carry them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_mpc_core::field::{Fp61, MODULUS, decode_vector, encode_vector};

fuzz_target!(|data: &[u8]| {
    let words = data.len() / 8;
    match decode_vector::<Fp61>(data, words) {
        Some(values) => {
            assert!(values.iter().all(|value| value.to_u64() < MODULUS));
            assert_eq!(encode_vector(&values), data);
        }
        None => {
            let word = |chunk: &[u8]| u64::from_le_bytes(chunk.try_into().expect("eight bytes"));
            assert!(!data.len().is_multiple_of(8) || data.chunks_exact(8).any(|chunk| word(chunk) >= MODULUS));
        }
    }
    assert!(decode_vector::<Fp61>(data, words + 1).is_none());
    assert!(decode_vector::<Fp61>(data, usize::MAX).is_none());
});
