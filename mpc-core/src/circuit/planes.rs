//! Numbers in a row and the same numbers bit by bit.

use zeroize::{Zeroize, Zeroizing};

use crate::field::Gf64;
use crate::session::LANES;

/// Bits of a number that [`low_bits_of_lanes`] gives.
pub(super) const LOW: usize = LANES / 2;

/// The low bits of up to 64 numbers, one word for each bit, the least significant one first. Lanes without a
/// number are 0.
pub(super) fn low_bits_of_lanes(numbers: impl Iterator<Item = u64>) -> Zeroizing<[u64; LOW]> {
    let mut square = Zeroizing::new([0; LOW]);
    // Two squares side by side: the first numbers in the low halves of words.
    for (lane, number) in numbers.enumerate() {
        square[lane % LOW] |= (number & u64::from(u32::MAX)) << (lane / LOW * LOW);
    }
    transpose(&mut square[..], LOW / 2, 0x0000_ffff_0000_ffff);
    square
}

/// The first `len` numbers of vectors of bits.
pub fn numbers_of(planes: &[&[Gf64]], len: usize) -> Zeroizing<Vec<u64>> {
    let mut numbers = Zeroizing::new(vec![0; len]);
    let mut square = Zeroizing::new([0; LANES]);
    for (word, numbers) in numbers.chunks_mut(LANES).enumerate() {
        square.zeroize();
        square
            .iter_mut()
            .zip(planes)
            .for_each(|(bits, plane)| *bits = plane[word].to_bits());
        transpose(&mut square[..], LANES / 2, u64::MAX >> (LANES / 2));
        numbers.copy_from_slice(&square[..numbers.len()]);
    }
    numbers
}

/// Bit j of word i becomes bit i of word j, in squares as wide as there are words: `low` selects the lower half of
/// the bits of each, `width` is how many these are. (Warren, Hacker's Delight, 7-3.)
fn transpose(square: &mut [u64], mut width: usize, mut low: u64) {
    while width > 0 {
        for i in (0..square.len()).filter(|i| i & width == 0) {
            // The upper bits of one word and the lower bits of the other change places.
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

    /// The vectors of the lowest bits of numbers.
    pub(in crate::circuit) fn planes_of(numbers: &[u64], bits: usize) -> Vec<Vec<Gf64>> {
        let words = |shift: usize| {
            numbers
                .chunks(LANES)
                .map(move |lanes| low_bits_of_lanes(lanes.iter().map(|number| number >> shift)))
        };
        let halves: [Vec<_>; 2] = [words(0).collect(), words(LOW).collect()];
        let plane = |bit: usize| halves[bit / LOW].iter().map(|word| Gf64::from_bits(word[bit % LOW])).collect();
        (0..bits).map(plane).collect()
    }

    proptest! {
        #[test]
        fn every_bit_is_where_it_belongs(numbers in proptest::collection::vec(any::<u64>(), 0..150), bits in 1usize..=64) {
            let words = numbers.len().div_ceil(LANES);
            let planes = planes_of(&numbers, bits);
            prop_assert_eq!(planes.len(), bits);
            for (bit, plane) in planes.iter().enumerate() {
                for lane in 0..words * LANES {
                    let expected = numbers.get(lane).map_or(0, |number| number >> bit & 1);
                    prop_assert_eq!(plane[lane / LANES].to_bits() >> (lane % LANES) & 1, expected);
                }
            }
            let planes: Vec<&[Gf64]> = planes.iter().map(Vec::as_slice).collect();
            let low = u64::MAX >> (64 - bits);
            let expected: Vec<u64> = numbers.iter().map(|number| number & low).collect();
            prop_assert_eq!(&*numbers_of(&planes, numbers.len()), &expected);
        }
    }
}
