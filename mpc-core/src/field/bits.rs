//! Linear maps from words of bits to the field of `2^64` elements. They evaluate polynomials whose values are bits.
//!
//! The map is public, the words are secret: no operation has branches or table look-ups that depend on words.

use super::gf64::Gf64;

/// A map that takes a word to the sum of public elements, one for each bit of the word that is set.
#[derive(Debug, Clone)]
pub struct BitMap {
    images: [Gf64; 64],
    matrices: [[u64; 8]; 8],
}

impl BitMap {
    /// The map that takes a word with only bit `i` set to `images[i]`.
    pub fn new(images: [Gf64; 64]) -> Self {
        let matrices = std::array::from_fn(|shift| std::array::from_fn(|byte| matrix(&images, byte, (byte + shift) % 8)));
        Self { images, matrices }
    }

    /// The image of each bit.
    pub(super) fn images(&self) -> &[Gf64; 64] {
        &self.images
    }

    /// At `[s][j]`, the bit matrix that takes byte `(j + s) mod 8` of a word to its part of byte `j` of the image.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only the kernel of that machine uses it"))]
    pub(super) fn matrices(&self) -> &[[u64; 8]; 8] {
        &self.matrices
    }
}

/// The bit matrix that takes byte `from` of a word to its part of byte `to` of the image, in the order of the instruction
/// GF2P8AFFINEQB: row `r` is byte `7 - r`.
fn matrix(images: &[Gf64; 64], to: usize, from: usize) -> u64 {
    let row = |r: usize| (0..8).fold(0, |row, c| row | (images[8 * from + c].to_bits() >> (8 * to + r) & 1) << c);
    (0..8).fold(0, |matrix, r| matrix | row(r) << (8 * (7 - r)))
}

/// The map in readable form. It runs on machines without a kernel, and the kernel is tested against it.
pub mod portable {
    use super::{BitMap, Gf64};

    /// See [`BitMap::apply`].
    pub fn apply(map: &BitMap, words: &[Gf64], out: &mut [Gf64]) {
        out.fill(Gf64::from_bits(0));
        for (i, image) in map.images().iter().enumerate() {
            for (out, word) in out.iter_mut().zip(words) {
                *out += Gf64::from_bits(image.to_bits() & (word.to_bits() >> i & 1).wrapping_neg());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    proptest! {
        #[test]
        fn images_of_words_are_sums_of_images_of_bits(words in proptest::collection::vec(any::<u64>(), 0..100), seed: u64) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let images = std::array::from_fn(|_| Gf64::from_bits(rng.next_u64()));
            let map = BitMap::new(images);
            let expected: Vec<u64> = words
                .iter()
                .map(|word| (0..64).filter(|i| word >> i & 1 == 1).fold(0, |sum, i| sum ^ images[i].to_bits()))
                .collect();
            let words: Vec<Gf64> = words.into_iter().map(Gf64::from_bits).collect();
            for apply in [BitMap::apply as fn(&BitMap, &[Gf64], &mut [Gf64]), portable::apply] {
                let mut out = vec![Gf64::from_bits(7); words.len()];
                apply(&map, &words, &mut out);
                prop_assert!(out.iter().map(|image| image.to_bits()).eq(expected.iter().copied()));
            }
        }
    }

    #[test]
    #[should_panic(expected = "different lengths")]
    fn other_lengths_are_refused() {
        BitMap::new([Gf64::from_bits(1); 64]).apply(&[Gf64::from_bits(1)], &mut []);
    }
}
