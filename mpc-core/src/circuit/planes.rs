//! Numbers in a row and the same numbers bit by bit.

use zeroize::{Zeroize, Zeroizing};

use crate::field::Gf64;
use crate::session::LANES;

/// The bits of up to 64 numbers, one word for each bit, the least significant one first. Lanes without a
/// number are 0.
pub(super) fn bits_of_lanes(numbers: impl Iterator<Item = u64>) -> Zeroizing<[u64; LANES]> {
    let mut square = Zeroizing::new([0; LANES]);
    square.iter_mut().zip(numbers).for_each(|(lane, number)| *lane = number);
    transpose(&mut square);
    square
}

/// The first `len` numbers of vectors of bits.
pub(crate) fn numbers_of(planes: &[&[Gf64]], len: usize) -> Zeroizing<Vec<u64>> {
    let mut numbers = Zeroizing::new(vec![0; len]);
    let mut square = Zeroizing::new([0; LANES]);
    for (word, numbers) in numbers.chunks_mut(LANES).enumerate() {
        square.zeroize();
        square
            .iter_mut()
            .zip(planes)
            .for_each(|(bits, plane)| *bits = plane[word].to_bits());
        transpose(&mut square);
        numbers.copy_from_slice(&square[..numbers.len()]);
    }
    numbers
}

/// Bit j of word i becomes bit i of word j. (Warren, Hacker's Delight, 7-3.)
fn transpose(square: &mut [u64; LANES]) {
    let mut width = LANES / 2;
    let mut low = u64::MAX >> width;
    while width > 0 {
        for i in (0..LANES).filter(|i| i & width == 0) {
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
        let words: Vec<_> = numbers.chunks(LANES).map(|lanes| bits_of_lanes(lanes.iter().copied())).collect();
        let plane = |bit: usize| words.iter().map(|word| Gf64::from_bits(word[bit])).collect();
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
