//! Linear maps from words of bits to the field of `2^64` elements: where polynomials that have bits as
//! values are evaluated.
//!
//! The map is public, the words are not: there are no branches or look-ups that depend on them.

use super::{Gf64, assert_equally_long, kernels};

/// The sum of public elements, one for each bit of a word that is set.
#[derive(Debug, Clone)]
pub struct BitMap {
    images: [Gf64; 64],
    matrices: [[u64; 8]; 8],
}

impl BitMap {
    /// The map that takes bit i to `images[i]`.
    pub fn new(images: [Gf64; 64]) -> Self {
        let matrices = std::array::from_fn(|shift| std::array::from_fn(|byte| matrix(&images, byte, (byte + shift) % 8)));
        Self { images, matrices }
    }

    /// What each bit is taken to.
    pub(super) fn images(&self) -> &[Gf64; 64] {
        &self.images
    }

    /// At `[s][j]`: how byte `j + s` of a word, counted modulo 8, goes into byte j of its image.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "for the kernel of that machine"))]
    pub(super) fn matrices(&self) -> &[[u64; 8]; 8] {
        &self.matrices
    }

    /// Writes the image of each word.
    ///
    /// # Panics
    ///
    /// Unless the two slices have equal length.
    pub fn apply(&self, words: &[Gf64], out: &mut [Gf64]) {
        assert_equally_long(words, out);
        kernels::bits::apply(self, words, out);
    }
}

/// How one byte of a word goes into one of its image, in the order of GF2P8AFFINEQB: row r stands in
/// byte 7 - r.
fn matrix(images: &[Gf64; 64], to: usize, from: usize) -> u64 {
    let row = |r: usize| (0..8).fold(0, |row, c| row | (images[8 * from + c].to_bits() >> (8 * to + r) & 1) << c);
    (0..8).fold(0, |matrix, r| matrix | row(r) << (8 * (7 - r)))
}

/// What runs where there is no kernel for the machine, and what the kernel is tested against.
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
