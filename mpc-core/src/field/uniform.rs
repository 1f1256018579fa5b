//! Uniformly random elements in bulk, from the ChaCha20 keystream of a key.

use chacha20::ChaCha20Legacy;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use zeroize::Zeroize;

use super::traits::{CHUNK_ELEMENTS, Field};

/// Fills `out` with the elements that [`Field::random`] would draw one after the other from ChaCha20 with this key and stream
/// number.
///
/// The cipher is that of [RFC 8439](https://www.rfc-editor.org/rfc/rfc8439), but with a block counter of 64 bits from 0 and a
/// nonce of 64 bits, the stream number in little-endian order. Time depends on the length and on how many words were
/// rejected, which reveals nothing about the other words.
pub fn fill<F: Field>(key: &[u8; 32], stream: u64, mut out: &mut [F]) {
    let mut cipher = ChaCha20Legacy::new(key.into(), &stream.to_le_bytes().into());
    let mut words = [[0; 8]; CHUNK_ELEMENTS];
    let longest = out.len().min(CHUNK_ELEMENTS);
    while !out.is_empty() {
        let drawn = &mut words[..out.len().min(CHUNK_ELEMENTS)];
        cipher.write_keystream(drawn.as_flattened_mut());
        let made = F::from_uniform(drawn, out);
        out = &mut out[made..];
    }
    words[..longest].as_flattened_mut().zeroize();
}

/// Fills `out` with uniformly random words: the same keystream, 8 bytes in little-endian order for each.
pub(crate) fn words(key: &[u8; 32], stream: u64, out: &mut [u64]) {
    let mut cipher = ChaCha20Legacy::new(key.into(), &stream.to_le_bytes().into());
    for word in out {
        let mut bytes = [0; 8];
        cipher.write_keystream(&mut bytes);
        *word = u64::from_le_bytes(bytes);
        bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Fp61, Gf64, MODULUS};
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn one_by_one<F: Field>(key: [u8; 32], stream: u64, len: usize) -> Vec<F> {
        let mut rng = ChaCha20Rng::from_seed(key);
        rng.set_stream(stream);
        (0..len).map(|_| F::random(&mut rng)).collect()
    }

    fn filled<F: Field>(key: [u8; 32], stream: u64, len: usize) -> Vec<F> {
        let mut out = vec![F::ONE; len];
        fill(&key, stream, &mut out);
        out
    }

    proptest! {
        #[test]
        fn elements_are_those_of_the_generator_word_by_word(key: [u8; 32], stream: u64, len in 0usize..2000) {
            prop_assert!(filled::<Fp61>(key, stream, len) == one_by_one(key, stream, len));
            prop_assert!(filled::<Gf64>(key, stream, len) == one_by_one(key, stream, len));
        }

        #[test]
        fn refused_words_leave_no_gap(
            words in proptest::collection::vec(prop_oneof![Just(MODULUS), Just(u64::MAX), Just(MODULUS - 1), any::<u64>()], 0..40),
            further in 0usize..3,
        ) {
            let bytes: Vec<[u8; 8]> = words.iter().map(|word| word.to_le_bytes()).collect();
            let expected: Vec<Fp61> = words.iter().filter_map(|word| Fp61::from_canonical(word & MODULUS)).collect();
            let mut out = vec![Fp61::ONE; words.len() + further];
            prop_assert_eq!(Fp61::from_uniform(&bytes, &mut out), expected.len());
            prop_assert!(out[..expected.len()] == expected[..]);
        }
    }
}
