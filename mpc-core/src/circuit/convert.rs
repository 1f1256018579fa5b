//! Small numbers of F_p become bits: packed, opened under a mask, and the mask taken off by a circuit.
//!
//! A mask is a sum of components that are integers below 2^B, so small that nothing wraps around p:
//! `C(N, t)·2^B < p`. Each component is known to its holders, bit by bit too, which makes it a sharing of
//! its bits for free. The one component that t nodes miss hides what is opened: two numbers below
//! `2^(B - 40)` give views that differ with probability at most 2^-40.

use super::adder::{Slots, Summand, sum};
use super::planes::low_bits_of_lanes;
use super::{Planes, complement};
use crate::field::{Fp61, Gf64, MODULUS};
use crate::network::Network;
use crate::session::{LANES, Opening, Session, SessionError};
use crate::sharing::{AccessStructure, Party, Shared};
use zeroize::Zeroizing;

/// By how many bits masks are longer than what they hide.
const HIDING_BITS: u32 = 40;

/// B: the bits of one component of a mask. The sum of all components and what they hide stay below p.
fn mask_bits(access: &AccessStructure) -> u32 {
    ((MODULUS - 1) / access.components() as u64).ilog2()
}

/// How many bits a mask hides: numbers below 2 to this become bits.
pub fn hidden_bits(access: &AccessStructure) -> u32 {
    mask_bits(access).saturating_sub(HIDING_BITS)
}

/// The bits of numbers below `2^bits`, given as rows of `columns` elements. Each plane has the words of
/// the first column, with a lane for every row, then those of the second one, and so on.
///
/// # Errors
/// So many bits do not fit under a mask.
pub fn to_bits<N: Network>(session: &mut Session<N>, numbers: &Shared<Fp61>, columns: usize, bits: u32) -> Result<Planes, SessionError> {
    let party = session.party().clone();
    let layout = Layout::new(&party, numbers.len() / columns, columns, bits)?;
    let low = u64::MAX >> (u64::BITS - mask_bits(party.access()));
    let mut masks = session.random::<Gf64>(layout.elements * layout.lanes)?;
    masks.components_mut(|mask| mask.iter_mut().for_each(|word| *word = Gf64::from_bits(word.to_bits() & low)));
    // The low bits of masks are taken first, so that what is opened can take the place of masks.
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
    // All nodes have the same before any of them opens it, whatever it was computed from.
    session.settle()?;
    let opened = session.open(&masked, Opening::MaskedNumbers)?;
    drop(masked);

    // packed = opened - mask, so not packed = mask + not opened, on the low bits. Who holds the first component
    // of the mask adds what was opened to it.
    summands.push(Summand::known(&party, 0, |_| {
        let first = first.iter().flat_map(|words| words.iter());
        layout.bits_of(
            first
                .zip(&opened)
                .map(|(mask, opened)| u64::from(*mask).wrapping_add(!opened.to_u64())),
        )
    }));
    drop((first, opened));
    // No number reaches the guards above it: they are 0, and 1 in what is computed here.
    let inverted = sum(session, &layout.slots(), summands)?;
    Ok(layout.unpacked(&party, &complement(&party, &inverted)))
}

/// Where numbers stand in packed elements.
///
/// Rows are cut into stripes of whole words, so that a lane of packed elements takes the columns of several rows:
/// few columns would leave room otherwise. The numbers of a lane are counted column by column, and stripe by
/// stripe within it.
struct Layout {
    rows: usize,
    columns: usize,
    bits: usize,
    /// Numbers in one element, each with a guard below it but the lowest.
    slots: usize,
    stripes: usize,
    /// Words of a stripe, with a lane for each row.
    words: usize,
    /// Lanes of a stripe that have a row in the first one: the others are not opened.
    lanes: usize,
    /// Elements for each lane: number n stands in element `n % elements`, slot `n / elements`.
    elements: usize,
}

impl Layout {
    fn new(party: &Party, rows: usize, columns: usize, bits: u32) -> Result<Self, SessionError> {
        let room = hidden_bits(party.access());
        if bits > room {
            return Err(SessionError::TooWide { bits, room });
        }
        let words = rows.div_ceil(LANES);
        let slots = ((room + 1) / (bits + 1)) as usize;
        let stripes = (slots / common_divisor(slots, columns)).clamp(1, words.max(1));
        let elements = (stripes * columns).div_ceil(slots);
        let words = words.div_ceil(stripes);
        Ok(Self {
            rows,
            columns,
            bits: bits as usize,
            // No more than needed: the circuit is as long as what is packed.
            slots: (stripes * columns).div_ceil(elements),
            stripes,
            words,
            lanes: rows.min(words * LANES),
            elements,
        })
    }

    /// How the bits of packed elements lie.
    fn slots(&self) -> Slots {
        Slots {
            slots: self.slots,
            bits: self.bits,
            words: self.elements * self.words,
        }
    }

    /// Packed numbers and masks, all lanes of the first elements, then of the second ones, and so on.
    fn masked(&self, party: &Party, numbers: &Shared<Fp61>, masks: Shared<Gf64>) -> Shared<Fp61> {
        let mut masks = masks.into_components().into_iter();
        Shared::generate(party, |position| {
            // In the place of the masks: both kinds of elements are words.
            let masks = masks.next().unwrap_or_default().into_iter();
            let mut out: Vec<Fp61> = masks.map(|mask| Fp61::reduce(mask.to_bits())).collect();
            let stripes = numbers.components()[position].chunks(self.words.max(1) * LANES * self.columns);
            for (stripe, rows) in stripes.enumerate() {
                let places: Vec<Vec<(usize, u32)>> = (0..self.elements).map(|element| self.places(stripe, element)).collect();
                // So few rows at a time that all elements find them in cache.
                for (piece, rows) in rows.chunks(ROWS * self.columns).enumerate() {
                    for (places, out) in places.iter().zip(out.chunks_mut(self.lanes)) {
                        for places in places.chunks(SUMMANDS) {
                            add_shifted(&mut out[piece * ROWS..], rows, self.columns, places);
                        }
                    }
                }
            }
            out
        })
    }

    /// Which columns of a stripe stand in an element, and by how many bits they are shifted.
    fn places(&self, stripe: usize, element: usize) -> Vec<(usize, u32)> {
        (0..self.columns)
            .map(|column| (column, column * self.stripes + stripe))
            .filter(|(_, number)| number % self.elements == element)
            .map(|(column, number)| (column, (number / self.elements * (self.bits + 1)) as u32))
            .collect()
    }

    /// The low bits of one word for every packed element, as they lie in the circuit.
    fn bits_of(&self, mut packed: impl Iterator<Item = u64>) -> Zeroizing<Vec<Gf64>> {
        let slots = self.slots();
        let places: Vec<usize> = slots.places().collect();
        let mut out = Zeroizing::new(vec![Gf64::from_bits(0); slots.len()]);
        for element in 0..self.elements {
            for word in 0..self.words {
                let lanes = LANES.min(self.lanes - word * LANES);
                let bits = low_bits_of_lanes(packed.by_ref().take(lanes));
                let at = element * self.words + word;
                places
                    .iter()
                    .zip(bits.iter())
                    .for_each(|(place, bits)| out[place + at] = Gf64::from_bits(*bits));
            }
        }
        out
    }

    /// The bits of each number, column by column.
    fn unpacked(&self, party: &Party, bits: &Shared<Gf64>) -> Planes {
        let all = self.rows.div_ceil(LANES);
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

/// Rows that are packed at a time.
const ROWS: usize = 512;
/// How many words below 2^61 have a sum below 2^64.
const SUMMANDS: usize = 7;

/// Adds to each element the numbers of a row that stand in these columns, each with its shift.
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
                let words = rows.div_ceil(LANES);
                (0..columns).map(|column| {
                    let of_column: Planes = planes.iter().map(|plane| plane.slice(column * words..(column + 1) * words)).collect();
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
            assert_eq!(result.unwrap_err(), SessionError::TooWide { bits: 20, room: 19 });
        }
    }
}
