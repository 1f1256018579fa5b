//! Numbers stored bit by bit, and how they are packed into that form and out of it.

use zeroize::{Zeroize, Zeroizing};

use crate::field::{BITS_PER_WORD, Field, Gf64};
use crate::sharing::{Party, Shared};

/// Shared numbers bit by bit: one vector for each bit, the least significant bit first. All vectors have one length, one word for
/// each 64 numbers.
pub type BitPlanes = Vec<Shared<Gf64>>;

/// The complement of every bit.
pub(super) fn complement(party: &Party, plane: &Shared<Gf64>) -> Shared<Gf64> {
    Shared::generate(party, |position| {
        let words = &plane.components()[position];
        if party.held()[position] == 0 {
            words.iter().map(|word| Gf64::from_bits(!word.to_bits())).collect()
        } else {
            words.clone()
        }
    })
}

/// A sharing of `words` words whose bits all have the same public value.
fn constant(party: &Party, words: usize, bit: bool) -> Shared<Gf64> {
    let word = if bit { Gf64::from_bits(u64::MAX) } else { Gf64::ZERO };
    Shared::public(party, &vec![word; words])
}

/// A sharing of one public number, 64 times in each of `words` words: its lowest `bits` bits.
pub fn public_number(party: &Party, words: usize, number: u64, bits: u32) -> BitPlanes {
    (0..bits).map(|bit| constant(party, words, number >> bit & 1 == 1)).collect()
}

/// The length in bits of the numbers from 0 to `max`, at least 1.
pub fn bit_length(max: u64) -> u32 {
    (u64::BITS - max.leading_zeros()).max(1)
}

/// Number of bits of each number that [`low_bits_of_numbers`] extracts.
pub(super) const LOW: usize = BITS_PER_WORD / 2;

/// The low bits of up to 64 numbers: one word for each bit, the least significant bit first. The bits of missing numbers are 0.
pub(super) fn low_bits_of_numbers(numbers: impl Iterator<Item = u64>) -> Zeroizing<[u64; LOW]> {
    let mut square = Zeroizing::new([0; LOW]);
    // Two squares of 32 by 32 bits side by side: the first 32 numbers are in the low halves of words.
    for (index, number) in numbers.enumerate() {
        square[index % LOW] |= (number & u64::from(u32::MAX)) << (index / LOW * LOW);
    }
    transpose(&mut square[..], LOW / 2, 0x0000_ffff_0000_ffff);
    square
}

/// The first `len` numbers of opened bit planes, the least significant plane first.
pub fn numbers_of(planes: &[&[Gf64]], len: usize) -> Zeroizing<Vec<u64>> {
    let mut numbers = Zeroizing::new(vec![0; len]);
    let mut square = Zeroizing::new([0; BITS_PER_WORD]);
    for (word, numbers) in numbers.chunks_mut(BITS_PER_WORD).enumerate() {
        square.zeroize();
        square
            .iter_mut()
            .zip(planes)
            .for_each(|(bits, plane)| *bits = plane[word].to_bits());
        transpose(&mut square[..], BITS_PER_WORD / 2, u64::MAX >> (BITS_PER_WORD / 2));
        numbers.copy_from_slice(&square[..numbers.len()]);
    }
    numbers
}

/// Transposes squares of bits that are as wide as `square` has words: bit `j` of word `i` becomes bit `i` of word `j`. `width` is
/// half the width of a square, and `low` selects the lower half of the bits of each. (Warren, Hacker's Delight, second edition,
/// 7-3.)
fn transpose(square: &mut [u64], mut width: usize, mut low: u64) {
    while width > 0 {
        for i in (0..square.len()).filter(|i| i & width == 0) {
            // Swaps the upper bits of one word and the lower bits of the other.
            let other = i + width;
            let difference = (square[i] >> width ^ square[other]) & low;
            square[i] ^= difference << width;
            square[other] ^= difference;
        }
        width /= 2;
        low ^= low << width;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lowest `bits` bits of numbers, as bit planes.
    pub(in crate::circuit) fn planes_of(numbers: &[u64], bits: usize) -> Vec<Vec<Gf64>> {
        let words = |shift: usize| {
            numbers
                .chunks(BITS_PER_WORD)
                .map(move |chunk| low_bits_of_numbers(chunk.iter().map(|number| number >> shift)))
        };
        let halves: [Vec<_>; 2] = [words(0).collect(), words(LOW).collect()];
        let plane = |bit: usize| halves[bit / LOW].iter().map(|word| Gf64::from_bits(word[bit % LOW])).collect();
        (0..bits).map(plane).collect()
    }

    proptest! {
        #[test]
        fn every_bit_is_where_it_belongs(numbers in proptest::collection::vec(any::<u64>(), 0..150), bits in 1usize..=64) {
            let words = numbers.len().div_ceil(BITS_PER_WORD);
            let planes = planes_of(&numbers, bits);
            prop_assert_eq!(planes.len(), bits);
            for (bit, plane) in planes.iter().enumerate() {
                for index in 0..words * BITS_PER_WORD {
                    let expected = numbers.get(index).map_or(0, |number| number >> bit & 1);
                    prop_assert_eq!(plane[index / BITS_PER_WORD].to_bits() >> (index % BITS_PER_WORD) & 1, expected);
                }
            }
            let planes: Vec<&[Gf64]> = planes.iter().map(Vec::as_slice).collect();
            let low = u64::MAX >> (64 - bits);
            let expected: Vec<u64> = numbers.iter().map(|number| number & low).collect();
            prop_assert_eq!(&*numbers_of(&planes, numbers.len()), &expected);
        }
    }
}
