//! Numbers in a row and the same numbers bit by bit.

use zeroize::{Zeroize, Zeroizing};

use crate::field::{Field, Gf64};
use crate::session::LANES;

/// The vectors of bits of numbers, the least significant bit first. Every `row` numbers start at a new
/// word and fill `words` words; lanes without a number are 0.
pub(super) fn planes_of(numbers: &[u64], row: usize, words: usize, bits: usize) -> Zeroizing<Vec<Vec<Gf64>>> {
    let rows = numbers.len().checked_div(row).unwrap_or(0);
    let mut planes = Zeroizing::new(vec![vec![Gf64::ZERO; rows * words]; bits]);
    let mut square = Zeroizing::new([0; LANES]);
    for (at, row) in numbers.chunks_exact(row.max(1)).enumerate() {
        for (word, lanes) in row.chunks(LANES).enumerate() {
            square[..lanes.len()].copy_from_slice(lanes);
            square[lanes.len()..].zeroize();
            transpose(&mut square);
            planes
                .iter_mut()
                .zip(square.iter())
                .for_each(|(plane, bits)| plane[at * words + word] = Gf64::from_bits(*bits));
        }
    }
    planes
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_is_where_it_belongs(numbers in proptest::collection::vec(any::<u64>(), 0..150), bits in 1usize..=64) {
            let words = numbers.len().div_ceil(LANES);
            let planes = planes_of(&numbers, numbers.len(), words, bits);
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

    #[test]
    fn rows_start_at_words() {
        let planes = planes_of(&[1, 1, 0, 1], 2, 3, 1);
        assert_eq!(planes[0].iter().map(|word| word.to_bits()).collect::<Vec<_>>(), [3, 0, 0, 2, 0, 0]);
    }
}
