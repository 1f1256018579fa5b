//! Sums of packed numbers: carry-save adders until two are left, then one adder for each slot.
//!
//! Numbers stand side by side in slots, with a **guard** bit below each slot but the lowest. What the sum
//! is at the guards is known: 1. So the carry into a guard is known from the two bits that stand there,
//! and the one out of it is their product: carries never run from slot to slot.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::field::Gf64;
use crate::network::Network;
use crate::session::{Session, SessionError};
use crate::sharing::{Party, Shared};

/// Up to so many bits a carry that ripples is as fast as a tree, and takes fewer products.
const RIPPLE: usize = 3;

/// How the bits of packed numbers lie: the guards of all slots, then the lowest bits of all slots, and so
/// on. The lowest slot has no guard: there are zeros.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    pub slots: usize,
    /// Bits of a slot above its guard.
    pub bits: usize,
    /// Words of one bit of one slot.
    pub words: usize,
}

impl Slots {
    /// Words of all bits together.
    pub(super) fn len(&self) -> usize {
        (self.bits + 1) * self.row()
    }

    /// Words of one bit of all slots.
    fn row(&self) -> usize {
        self.slots * self.words
    }

    /// Where one bit of all slots lies, the guards being bit 0.
    fn at(&self, bit: usize) -> Range<usize> {
        bit * self.row()..(bit + 1) * self.row()
    }

    /// Where the bits of packed numbers begin, the lowest one first.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        let Self { slots, bits, words } = *self;
        (1..slots * (bits + 1)).map(move |bit| (bit % (bits + 1) * slots + bit / (bits + 1)) * words)
    }
}

/// The bits of a number at one node, component by component; one that is left out is 0.
pub(super) struct Summand(Vec<Option<Zeroizing<Vec<Gf64>>>>);

impl Summand {
    /// A number that the holders of a component know: all other components are 0.
    pub(super) fn known(party: &Party, component: usize, bits: impl FnOnce(usize) -> Zeroizing<Vec<Gf64>>) -> Self {
        let mut components: Vec<_> = party.held().iter().map(|_| None).collect();
        if let Some(position) = party.position(component) {
            components[position] = Some(bits(position));
        }
        Self(components)
    }

    /// A number of which every component is given.
    fn generate(party: &Party, component: impl FnMut(usize) -> Zeroizing<Vec<Gf64>>) -> Self {
        Self((0..party.held().len()).map(component).map(Some).collect())
    }

    fn range(&self, position: usize, range: &Range<usize>) -> Option<&[Gf64]> {
        self.0[position].as_ref().map(|words| &words[range.clone()])
    }
}

/// Adds to `sum` what stands in a range of each number.
fn add_ranges<'a>(sum: &mut [Gf64], position: usize, numbers: impl IntoIterator<Item = &'a Summand>, range: &Range<usize>) {
    for words in numbers.into_iter().filter_map(|number| number.range(position, range)) {
        sum.iter_mut().zip(words).for_each(|(sum, word)| *sum += *word);
    }
}

/// The sum of at least three numbers, modulo 2 to the bits they have together: the bits above the guards.
pub(super) fn sum<N: Network>(session: &mut Session<N>, shape: &Slots, summands: Vec<Summand>) -> Result<Shared<Gf64>, SessionError> {
    let [a, b] = carry_save(session, shape, summands)?;
    let pair = Pair { shape: *shape, a, b };
    if shape.bits <= RIPPLE {
        pair.ripple(session)
    } else {
        pair.tree(session)
    }
}

/// Two numbers with the same sum as at least three; the lowest bit of the second one is 0. One round for
/// each layer of full adders, in which three numbers become two.
fn carry_save<N: Network>(session: &mut Session<N>, shape: &Slots, mut numbers: Vec<Summand>) -> Result<[Summand; 2], SessionError> {
    assert!(numbers.len() > 2, "fewer than three numbers are in no need of a carry-save adder");
    let party = session.party().clone();
    let Slots { words, .. } = *shape;
    // There is nothing at the first place, and nothing to carry out of the last one.
    let inner = words..shape.len() - words;
    while numbers.len() > 2 {
        let rest = numbers.split_off(numbers.len() / 3 * 3);
        let (groups, _) = numbers.as_chunks::<3>();
        // A majority costs one product: ((a + c)(b + c)) + c.
        let factor = |of: usize| {
            Shared::generate(&party, |position| {
                let mut out = vec![Gf64::from_bits(0); groups.len() * inner.len()];
                for (group, out) in groups.iter().zip(out.chunks_mut(inner.len().max(1))) {
                    add_ranges(out, position, [&group[of], &group[2]], &inner);
                }
                out
            })
        };
        let products = session.and_vectors(factor(0), factor(1))?;
        let mut fewer = Vec::with_capacity(2 * groups.len() + rest.len());
        for (index, group) in groups.iter().enumerate() {
            fewer.push(Summand::generate(&party, |position| {
                let mut sum = Zeroizing::new(vec![Gf64::from_bits(0); shape.len()]);
                add_ranges(&mut sum, position, group, &(0..shape.len()));
                sum
            }));
            fewer.push(Summand::generate(&party, |position| {
                let mut carry = Zeroizing::new(vec![Gf64::from_bits(0); shape.len()]);
                let products = &products.components()[position][index * inner.len()..][..inner.len()];
                // The highest bits carry into the guards of the next slots, all others into the row above.
                let (within, out_of) = products.split_at(inner.len() - (shape.row() - words));
                let above = shape.row() + words..shape.len();
                carry[words..shape.row()].copy_from_slice(out_of);
                carry[above.clone()].copy_from_slice(within);
                add_ranges(
                    &mut carry[words..shape.row()],
                    position,
                    [&group[2]],
                    &(shape.len() - shape.row()..inner.end),
                );
                add_ranges(&mut carry[above], position, [&group[2]], &(words..shape.len() - shape.row()));
                carry
            }));
        }
        fewer.extend(rest);
        numbers = fewer;
    }
    let none = || Summand(party.held().iter().map(|_| None).collect());
    let carry = numbers.pop().unwrap_or_else(none);
    Ok([numbers.pop().unwrap_or_else(none), carry])
}

/// Two numbers, the second of which has 0 as its lowest bit, and the sum of which has 1 at every guard.
struct Pair {
    shape: Slots,
    a: Summand,
    b: Summand,
}

impl Pair {
    /// Carries run through each slot, one round for each bit.
    fn ripple<N: Network>(&self, session: &mut Session<N>) -> Result<Shared<Gf64>, SessionError> {
        let party = session.party().clone();
        let Slots { slots, bits, words } = self.shape;
        let mut carries = self.out_of_guards(session)?;
        let mut sum = self.without_carries(&party);
        for bit in 1..=bits {
            let row = self.shape.at(bit);
            let above = self.shape.at(bit - 1);
            add_at(&mut sum, above.start, &carries);
            if bit == bits {
                break;
            }
            // Nothing comes into the lowest slot, where the second number has 0 as well.
            let skipped = if bit == 1 { words } else { 0 };
            let factor = |number: &Summand| {
                Shared::generate(&party, |position| {
                    let mut out = carries.components()[position][skipped..].to_vec();
                    add_ranges(&mut out, position, [number], &(row.start + skipped..row.end));
                    out
                })
            };
            let products = session.and_vectors(factor(&self.a), factor(&self.b))?;
            debug_assert_eq!(products.len(), slots * words - skipped);
            add_at(&mut carries, skipped, &products);
        }
        Ok(sum)
    }

    /// Carries of each slot in logarithmic depth. (Sklansky 1960.)
    fn tree<N: Network>(&self, session: &mut Session<N>) -> Result<Shared<Gf64>, SessionError> {
        let party = session.party().clone();
        let (row, bits) = (self.shape.row(), self.shape.bits);
        let below_highest = 0..bits * row;
        let of = |numbers: &[&Summand], range: Range<usize>| {
            Shared::generate(&party, |position| {
                let mut out = vec![Gf64::from_bits(0); range.len()];
                add_ranges(&mut out, position, numbers.iter().copied(), &range);
                out
            })
        };
        let generated = session.and_vectors(of(&[&self.a], below_highest.clone()), of(&[&self.b], below_highest))?;
        let mut generates: Vec<Shared<Gf64>> = (0..bits).map(|bit| generated.slice(bit * row..(bit + 1) * row)).collect();
        // A run of bits carries if it generates a carry or passes one on, never both: so "or" is a sum.
        let mut passes: Vec<Shared<Gf64>> = (0..bits).map(|bit| of(&[&self.a, &self.b], self.shape.at(bit))).collect();
        let mut half = 1;
        while half < bits {
            // Runs of `half` bits are joined; each place stands for the bits from the start of its run.
            let upper: Vec<usize> = (0..bits).filter(|place| place & half != 0).collect();
            let start = |place: usize| place & !(2 * half - 1);
            let last_below = |place: usize| start(place) + half - 1;
            let inside: Vec<usize> = upper.iter().copied().filter(|place| start(*place) > 0).collect();
            let pairs = upper
                .iter()
                .map(|place| (passes[*place].clone(), generates[last_below(*place)].clone()))
                .chain(
                    inside
                        .iter()
                        .map(|place| (passes[*place].clone(), passes[last_below(*place)].clone())),
                );
            let mut products = session.and(pairs.collect())?.into_iter();
            for (place, passed_on) in upper.into_iter().zip(products.by_ref()) {
                generates[place] = generates[place].add(&passed_on);
            }
            // The runs from the guards on have nothing below them to pass on.
            for (place, passed_through) in inside.into_iter().zip(products) {
                passes[place] = passed_through;
            }
            half *= 2;
        }
        let mut sum = self.without_carries(&party);
        generates
            .iter()
            .enumerate()
            .for_each(|(bit, carry)| add_at(&mut sum, bit * row, carry));
        Ok(sum)
    }

    /// The carries into the lowest bits of all slots; none comes into the lowest one.
    ///
    /// The bits a, b at a guard and the carry c into it have the sum 1. If a = b, then c = 1 and the carry out is a;
    /// else c = 0 and none comes out: it is ab.
    fn out_of_guards<N: Network>(&self, session: &mut Session<N>) -> Result<Shared<Gf64>, SessionError> {
        let party = session.party().clone();
        let Slots { words, .. } = self.shape;
        let guards = words..self.shape.row();
        let factor = |number: &Summand| {
            Shared::generate(&party, |position| {
                let words = number.range(position, &guards).map(<[Gf64]>::to_vec);
                words.unwrap_or_else(|| vec![Gf64::from_bits(0); guards.len()])
            })
        };
        let products = session.and_vectors(factor(&self.a), factor(&self.b))?;
        let mut carries = Shared::zeros(&party, self.shape.row());
        add_at(&mut carries, words, &products);
        Ok(carries)
    }

    /// The sum above the guards but for carries.
    fn without_carries(&self, party: &Party) -> Shared<Gf64> {
        let range = self.shape.row()..self.shape.len();
        Shared::generate(party, |position| {
            let mut sum = vec![Gf64::from_bits(0); range.len()];
            add_ranges(&mut sum, position, [&self.a, &self.b], &range);
            sum
        })
    }
}

/// Adds some words to those from `start` on.
fn add_at(sum: &mut Shared<Gf64>, start: usize, words: &Shared<Gf64>) {
    let mut components = words.components().iter();
    sum.components_mut(|sum| {
        let words = components.next().map_or(&[][..], Vec::as_slice);
        sum[start..start + words.len()]
            .iter_mut()
            .zip(words)
            .for_each(|(sum, word)| *sum += *word);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::planes::tests::planes_of;
    use crate::circuit::tests::opened;
    use crate::testing::sessions::{clusters, deal, in_session, world};
    use proptest::prelude::*;

    /// Numbers of so many lanes, at this node, as they lie for a sum.
    fn summand(party: &Party, shape: &Slots, numbers: &[u64], seed: u64) -> Summand {
        let count = shape.slots * (shape.bits + 1) - 1;
        let mut lying = vec![Gf64::from_bits(0); shape.len()];
        for (place, plane) in shape.places().zip(planes_of(numbers, count)) {
            lying[place..place + shape.words].copy_from_slice(&plane);
        }
        let dealt = deal(party, &lying, seed);
        // Nothing stands below the lowest slot.
        let without_guard = |words: &Vec<Gf64>| {
            let mut words = Zeroizing::new(words.clone());
            words[..shape.words].fill(Gf64::from_bits(0));
            words
        };
        Summand(dealt.components().iter().map(without_guard).map(Some).collect())
    }

    /// Sums, slot by slot, of numbers of which the last one makes 1 of every guard, and the rounds they took.
    fn check(world: &crate::testing::World, slots: usize, bits: usize, numbers: &[Vec<u64>]) -> u64 {
        let lanes = numbers[0].len();
        let shape = Slots {
            slots,
            bits,
            words: lanes.div_ceil(64),
        };
        let all = u64::MAX >> (64 - (slots * (bits + 1) - 1));
        let guards = (1..slots).fold(0, |guards, slot| guards | 1 << (slot * (bits + 1) - 1));
        let sum = |lane: usize| numbers.iter().fold(0u64, |sum, n| sum.wrapping_add(n[lane]));
        let wanted: Vec<u64> = (0..lanes).map(|lane| (sum(lane) & all) | guards).collect();
        let last = (0..lanes).map(|lane| wanted[lane].wrapping_sub(sum(lane)) & all).collect();
        let numbers: Vec<Vec<u64>> = numbers.iter().cloned().chain([last]).collect();
        let mut rounds = 0;
        for result in in_session(world, |session| {
            let party = session.party().clone();
            let summands = numbers.iter().enumerate().map(|(i, n)| summand(&party, &shape, n, i as u64));
            let before = session.traffic().rounds;
            let sum = super::sum(session, &shape, summands.collect())?;
            let depth = session.traffic().rounds - before;
            let row = slots * shape.words;
            let of_slot = |slot: usize| {
                let bit = |bit: usize| sum.slice(bit * row + slot * shape.words..bit * row + (slot + 1) * shape.words);
                (0..bits).map(bit).collect::<Vec<_>>()
            };
            session.verify_claims(())?;
            let values: Result<Vec<_>, _> = (0..slots).map(|slot| opened(session, &of_slot(slot), lanes)).collect();
            Ok((values?, depth))
        }) {
            let (found, depth) = result.unwrap();
            for (slot, found) in found.into_iter().enumerate() {
                let expected: Vec<u64> = wanted.iter().map(|sum| sum >> (slot * (bits + 1)) & ((1 << bits) - 1)).collect();
                assert_eq!(found, expected, "slot {slot}");
            }
            rounds = depth;
        }
        rounds
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn sums_are_those_of_the_integers(
            (n, t, present) in proptest::sample::select(clusters()),
            slots in 1usize..6,
            bits in 1usize..9,
            numbers in proptest::collection::vec(proptest::collection::vec(any::<u64>(), 67), 2..12),
            seed: u64,
        ) {
            check(&world(n, t, seed).present(present), slots, bits, &numbers);
        }
    }

    #[test]
    fn carries_run_through_all_bits() {
        for (bits, depth) in [(1, 0), (2, 1), (3, 2), (4, 4), (5, 5), (18, 7)] {
            let all = u64::MAX >> (64 - bits);
            let rounds = check(&world(3, 1, 1), 1, bits, &[vec![all, all >> 1, 0], vec![1, 1, 0]]);
            assert_eq!(rounds, depth, "{bits} bits");
        }
        // A slot more has a guard, from which carries run.
        assert_eq!(check(&world(3, 1, 1), 2, 3, &[vec![127, 63, 0], vec![1, 1, 0]]), 4);
    }
}
