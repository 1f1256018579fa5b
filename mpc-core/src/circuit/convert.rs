//! Conversion of small numbers in F_p to shared bits: they are packed and opened under a mask, and a circuit subtracts the mask.
//!
//! A mask is a sum of components that are integers below `2^B`, so small that nothing wraps around `p`: `C(N, t)·2^B < p`. Each
//! component is known to its holders, bit by bit, so that a sharing of its bits takes no communication. The one component that
//! `t` nodes lack hides the opened value: for any two numbers below `2^(B - 40)`, what the nodes see has a statistical distance of
//! at most `2^-40`.
//!
//! (Opening a masked value and subtracting the mask bit by bit: Damgård, Fitzi, Kiltz, Nielsen, Toft, TCC 2006,
//! [doi:10.1007/11681878_15](https://doi.org/10.1007/11681878_15).)

use super::adder::{Slots, Summand, sum};
use super::bit_planes::{BitPlanes, complement, low_bits_of_numbers};
use crate::field::{BITS_PER_WORD, CHUNK_ELEMENTS, Fp61, Gf64, MODULUS};
use crate::network::Network;
use crate::session::{Opening, Session, SessionError};
use crate::sharing::{AccessStructure, Party, Shared};
use zeroize::Zeroizing;

/// By how many bits a mask is longer than the value it hides: the statistical security parameter.
const HIDING_BITS: u32 = 40;

/// The length B of one component of a mask in bits. The sum of all components and of the value they hide is below p.
fn mask_bits(access: &AccessStructure) -> u32 {
    ((MODULUS - 1) / access.components() as u64).ilog2()
}

/// How many bits a mask hides: the greatest length in bits of numbers that [`to_bits`] converts. It depends on the number of
/// components only: 19 for N = 3, 15 for N = 7 with t = 3.
pub fn hidden_bits(access: &AccessStructure) -> u32 {
    mask_bits(access).saturating_sub(HIDING_BITS)
}

/// The bits of numbers below `2^bits`, which are given as rows of `columns` elements. Returns `bits` planes. Each has the words of
/// the first column, with one bit for every row, then those of the second column, and so on.
///
/// Rounds: one to settle, one to open 8 bytes for each packed element, and those of an adder for `C(N, t)` numbers. Each layer of
/// full adders makes `n - ⌊n/3⌋` numbers of `n` until two are left: 1 layer if `N = 3`, 5 if `N = 5` and `t = 2`, 8 if `N = 7` and
/// `t = 3`. The last two numbers are added in at most `bits` rounds up to 3 bits, else in at most `1 + ⌈log2 bits⌉`.
///
/// The caller guarantees that all numbers are below `2^bits`, or off by an amount that the adversary knows: larger ones give wrong
/// bits, and masks may not hide them. What is opened here is not verified yet.
///
/// # Errors
/// [`SessionError::TooWide`] if `bits` exceeds [`hidden_bits`]. Otherwise a round failed, or two holders of a component sent
/// different values.
///
/// # Panics
/// There are no columns.
pub fn to_bits<N: Network>(session: &mut Session<N>, numbers: &Shared<Fp61>, columns: usize, bits: u32) -> Result<BitPlanes, SessionError> {
    let party = session.party().clone();
    let layout = Layout::new(&party, numbers.len() / columns, columns, bits)?;
    let low = u64::MAX >> (u64::BITS - mask_bits(party.access()));
    let mut masks = session.random::<Gf64>(layout.elements * layout.packed_rows)?;
    masks.components_mut(|mask| mask.iter_mut().for_each(|word| *word = Gf64::from_bits(word.to_bits() & low)));
    // The low bits of the masks are extracted first, so that the packed numbers can reuse the memory of the masks.
    let known = |component: usize| {
        let bits = |position: usize| layout.bits_of(masks.components()[position].iter().map(|mask| mask.to_bits()));
        Summand::known(&party, component, bits)
    };
    let mut summands: Vec<Summand> = (1..party.access().components()).map(known).collect();
    let first = party.position(0).map(|position| {
        let words = masks.components()[position].iter().map(|mask| mask.to_bits() as u32);
        Zeroizing::new(words.collect::<Vec<u32>>())
    });
    let masked = layout.masked(&party, numbers, masks);
    // All nodes settle before any of them opens its part, so that they open the same value.
    session.settle()?;
    let opened = session.open(&masked, Opening::MaskedNumbers)?;
    drop(masked);

    // packed = opened - mask, so not packed = mask + not opened, on the low bits. The holders of the first component of the mask
    // add the opened value to it.
    summands.push(Summand::known(&party, 0, |_| {
        let first = first.iter().flat_map(|words| words.iter());
        layout.bits_of(
            first
                .zip(&opened)
                .map(|(mask, opened)| u64::from(*mask).wrapping_add(!opened.to_u64())),
        )
    }));
    drop((first, opened));
    // No number reaches the guard above it: guards are 0, so they are 1 in the complement that is computed here.
    let inverted = sum(session, &layout.slots(), summands)?;
    Ok(layout.unpacked(&party, &complement(&party, &inverted)))
}

/// How numbers are packed into elements.
///
/// Rows are divided into stripes of whole words. A packed row has the columns of one row of every stripe; otherwise few columns
/// would leave slots empty. The numbers of a packed row are counted column by column, and stripe by stripe within a column.
struct Layout {
    rows: usize,
    columns: usize,
    bits: usize,
    /// Number of numbers in one element; each but the lowest has a guard below it.
    slots: usize,
    stripes: usize,
    /// Number of words of a stripe, with one bit for each row.
    words: usize,
    /// Number of packed rows: rows of the first stripe.
    packed_rows: usize,
    /// Number of elements for each packed row: number `n` is in element `n % elements`, slot `n / elements`.
    elements: usize,
}

impl Layout {
    fn new(party: &Party, rows: usize, columns: usize, bits: u32) -> Result<Self, SessionError> {
        let max_bits = hidden_bits(party.access());
        if bits > max_bits {
            return Err(SessionError::TooWide { bits, max_bits });
        }
        let words = rows.div_ceil(BITS_PER_WORD);
        let slots = ((max_bits + 1) / (bits + 1)) as usize;
        let stripes = (slots / common_divisor(slots, columns)).clamp(1, words.max(1));
        let elements = (stripes * columns).div_ceil(slots);
        let words = words.div_ceil(stripes);
        Ok(Self {
            rows,
            columns,
            bits: bits as usize,
            // No more than needed: the circuit grows with the number of slots.
            slots: (stripes * columns).div_ceil(elements),
            stripes,
            words,
            packed_rows: rows.min(words * BITS_PER_WORD),
            elements,
        })
    }

    /// The layout of the bits of packed elements in the adder.
    fn slots(&self) -> Slots {
        Slots {
            slots: self.slots,
            bits: self.bits,
            words: self.elements * self.words,
        }
    }

    /// Packed numbers plus masks: the first elements of all packed rows, then the second elements, and so on.
    fn masked(&self, party: &Party, numbers: &Shared<Fp61>, masks: Shared<Gf64>) -> Shared<Fp61> {
        let mut masks = masks.into_components().into_iter();
        Shared::generate(party, |position| {
            // Reuses the memory of the masks: elements of both fields are words.
            let masks = masks.next().unwrap_or_default().into_iter();
            let mut out: Vec<Fp61> = masks.map(|mask| Fp61::reduce(mask.to_bits())).collect();
            let stripes = numbers.components()[position].chunks(self.words.max(1) * BITS_PER_WORD * self.columns);
            for (stripe, rows) in stripes.enumerate() {
                let places: Vec<Vec<(usize, u32)>> = (0..self.elements).map(|element| self.places(stripe, element)).collect();
                // Few enough rows at a time that they stay in cache for all elements.
                for (chunk, rows) in rows.chunks(CHUNK_ELEMENTS * self.columns).enumerate() {
                    for (places, out) in places.iter().zip(out.chunks_mut(self.packed_rows)) {
                        for places in places.chunks(SUMMANDS) {
                            add_shifted(&mut out[chunk * CHUNK_ELEMENTS..], rows, self.columns, places);
                        }
                    }
                }
            }
            out
        })
    }

    /// The columns of a stripe that are packed into an element, and by how many bits each is shifted.
    fn places(&self, stripe: usize, element: usize) -> Vec<(usize, u32)> {
        (0..self.columns)
            .map(|column| (column, column * self.stripes + stripe))
            .filter(|(_, number)| number % self.elements == element)
            .map(|(column, number)| (column, (number / self.elements * (self.bits + 1)) as u32))
            .collect()
    }

    /// The low bits of packed elements, in the layout of the adder.
    fn bits_of(&self, mut packed: impl Iterator<Item = u64>) -> Zeroizing<Vec<Gf64>> {
        let slots = self.slots();
        let starts: Vec<usize> = slots.starts().collect();
        let mut out = Zeroizing::new(vec![Gf64::from_bits(0); slots.len()]);
        for element in 0..self.elements {
            for word in 0..self.words {
                let rows = BITS_PER_WORD.min(self.packed_rows - word * BITS_PER_WORD);
                let bits = low_bits_of_numbers(packed.by_ref().take(rows));
                let at = element * self.words + word;
                starts
                    .iter()
                    .zip(bits.iter())
                    .for_each(|(start, bits)| out[start + at] = Gf64::from_bits(*bits));
            }
        }
        out
    }

    /// The bits of each number, column by column.
    fn unpacked(&self, party: &Party, bits: &Shared<Gf64>) -> BitPlanes {
        let all = self.rows.div_ceil(BITS_PER_WORD);
        let row = self.slots * self.elements * self.words;
        let of_column = self.stripes * self.words;
        let bit = |bit: usize| {
            Shared::generate(party, |position| {
                let numbers = &bits.components()[position][bit * row..(bit + 1) * row];
                let mut out = Vec::with_capacity(self.columns * all);
                let columns = numbers.chunks(of_column.max(1)).take(self.columns);
                columns.for_each(|column| out.extend_from_slice(&column[..all]));
                out
            })
        };
        (0..self.bits).map(bit).collect()
    }
}

/// Number of words below `2^61` whose sum is below `2^64`.
const SUMMANDS: usize = 7;

/// Adds to each element the numbers in some columns of the row at the same index, each with its shift.
fn add_shifted(sums: &mut [Fp61], rows: &[Fp61], columns: usize, places: &[(usize, u32)]) {
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(columns)) {
        let shifted = places.iter().map(|(column, shift)| row[*column].shifted(*shift).to_u64());
        *sum += Fp61::reduce(shifted.sum());
    }
}

fn common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::tests::opened;
    use crate::sharing::NodeSet;
    use crate::testing::sessions::{clusters, deal, elements, in_session, world};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn bits_are_those_of_the_numbers(
            (n, t, present) in proptest::sample::select(clusters()),
            columns in 1usize..9,
            rows in 0usize..200,
            bits in 1u32..=15,
            draws in proptest::collection::vec(any::<u64>(), 9 * 200),
            seed: u64,
        ) {
            let low = u64::MAX >> (64 - bits);
            let numbers: Vec<u64> = draws[..rows * columns].iter().map(|v| v & low).collect();
            for result in in_session(&world(n, t, seed).present(present), |session| {
                let shared = deal(session.party(), &elements(&numbers), 1);
                let planes = to_bits(session, &shared, columns, bits)?;
                assert_eq!(planes.len(), bits as usize);
                let words = rows.div_ceil(BITS_PER_WORD);
                (0..columns).map(|column| {
                    let of_column: BitPlanes = planes.iter().map(|plane| plane.slice(column * words..(column + 1) * words)).collect();
                    opened(session, &of_column, rows)
                }).collect::<Result<Vec<_>, _>>()
            }) {
                for (column, found) in result.unwrap().into_iter().enumerate() {
                    let expected: Vec<u64> = numbers.chunks_exact(columns).map(|row| row[column]).collect();
                    prop_assert_eq!(found, expected);
                }
            }
        }
    }

    #[test]
    fn masks_never_wrap_and_hide_all_that_is_packed() {
        for (n, t, mask, hidden) in [
            (3, 1, 59, 19),
            (4, 1, 58, 18),
            (5, 1, 58, 18),
            (5, 2, 57, 17),
            (6, 2, 57, 17),
            (7, 2, 56, 16),
            (7, 3, 55, 15),
        ] {
            let access = AccessStructure::new(n, t).unwrap();
            assert_eq!((mask_bits(&access), hidden_bits(&access)), (mask, hidden));
            let largest = access.components() as u128 * ((1 << mask) - 1) + ((1 << hidden) - 1);
            assert!(largest < u128::from(MODULUS));
        }
    }

    #[test]
    fn packing_leaves_no_room_where_there_are_rows_enough() {
        let party = Party::new(&AccessStructure::new(3, 1).unwrap(), NodeSet::all(3), 0).unwrap();
        let density = |rows, columns, bits| {
            let layout = Layout::new(&party, rows, columns, bits).unwrap();
            (layout.elements, layout.stripes, layout.slots)
        };
        assert_eq!(density(100_000, 10, 3), (2, 1, 5));
        assert_eq!(density(100_000, 2, 3), (2, 5, 5));
        assert_eq!(density(100_000, 3, 3), (3, 5, 5));
        assert_eq!(density(64, 3, 3), (1, 1, 3));
        assert_eq!(density(100_000, 1000, 10), (1000, 1, 1));
    }

    #[test]
    fn numbers_that_do_not_fit_under_a_mask_are_refused() {
        for result in in_session(&world(3, 1, 1), |session| {
            let shared = deal(session.party(), &elements(&[1]), 1);
            to_bits(session, &shared, 1, 20)
        }) {
            assert_eq!(result.unwrap_err(), SessionError::TooWide { bits: 20, max_bits: 19 });
        }
    }
}
