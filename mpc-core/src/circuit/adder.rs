//! Sums of packed numbers: carry-save adders until two numbers are left, then one adder for each slot.
//!
//! Numbers are packed side by side into slots, with a **guard** bit below each slot but the lowest. The sum is known to be 1 at
//! every guard. So the two bits at a guard determine the carry into it, and their product is the carry out of it: carries never
//! propagate from slot to slot.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::field::Gf64;
use crate::network::Network;
use crate::session::{Session, SessionError};
use crate::sharing::{Party, Shared};

/// Up to this number of bits a ripple carry takes no more rounds than a tree, and fewer products.
pub(super) const RIPPLE_BITS: usize = 3;

/// The layout of the bits of packed numbers: the guards of all slots, then the lowest bits of all slots, and so on. The lowest slot
/// has no guard; zeros take its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slots {
    /// Number of slots.
    pub slots: usize,
    /// Number of bits of a slot above its guard.
    pub bits: usize,
    /// Number of words of one bit of one slot.
    pub words: usize,
}

impl Slots {
    /// Number of words of all bits.
    pub(super) fn len(&self) -> usize {
        (self.bits + 1) * self.row()
    }

    /// Number of words of one bit of all slots.
    fn row(&self) -> usize {
        self.slots * self.words
    }

    /// The words of one bit of all slots; the guards are bit 0.
    fn row_of(&self, bit: usize) -> Range<usize> {
        bit * self.row()..(bit + 1) * self.row()
    }

    /// The first word of each bit of packed numbers, the lowest bit first.
    pub(super) fn starts(&self) -> impl Iterator<Item = usize> {
        let Self { slots, bits, words } = *self;
        (1..slots * (bits + 1)).map(move |bit| (bit % (bits + 1) * slots + bit / (bits + 1)) * words)
    }
}

/// This node's components of the bits of packed numbers; a component that is `None` is zero.
pub(super) struct Summand(Vec<Option<Zeroizing<Vec<Gf64>>>>);

impl Summand {
    /// Numbers that the holders of a component know: all other components are zero.
    pub(super) fn known(party: &Party, component: usize, bits: impl FnOnce(usize) -> Zeroizing<Vec<Gf64>>) -> Self {
        let mut components: Vec<_> = party.held().iter().map(|_| None).collect();
        if let Some(position) = party.position(component) {
            components[position] = Some(bits(position));
        }
        Self(components)
    }

    /// Numbers of which every component is given.
    fn generate(party: &Party, component: impl FnMut(usize) -> Zeroizing<Vec<Gf64>>) -> Self {
        Self((0..party.held().len()).map(component).map(Some).collect())
    }

    fn range(&self, position: usize, range: &Range<usize>) -> Option<&[Gf64]> {
        self.0[position].as_ref().map(|words| &words[range.clone()])
    }
}

/// Adds a range of words of each number to `sum`.
fn add_ranges<'a>(sum: &mut [Gf64], position: usize, numbers: impl IntoIterator<Item = &'a Summand>, range: &Range<usize>) {
    for words in numbers.into_iter().filter_map(|number| number.range(position, range)) {
        sum.iter_mut().zip(words).for_each(|(sum, word)| *sum += *word);
    }
}

/// The sum of at least three packed numbers, modulo 2 to the number of all their bits: the bits above the guards.
pub(super) fn sum<N: Network>(session: &mut Session<N>, layout: &Slots, summands: Vec<Summand>) -> Result<Shared<Gf64>, SessionError> {
    let [a, b] = carry_save(session, layout, summands)?;
    let pair = Pair { layout: *layout, a, b };
    if layout.bits <= RIPPLE_BITS {
        pair.ripple(session)
    } else {
        pair.tree(session)
    }
}

/// Reduces at least three numbers to two with the same sum; the lowest bit of the second one is 0. One round for each layer of
/// full adders, which make two numbers of three.
fn carry_save<N: Network>(session: &mut Session<N>, layout: &Slots, mut numbers: Vec<Summand>) -> Result<[Summand; 2], SessionError> {
    assert!(numbers.len() > 2, "fewer than three numbers are in no need of a carry-save adder");
    let party = session.party().clone();
    let Slots { words, .. } = *layout;
    // The lowest slot has no guard, and the carry out of the highest bit is not needed.
    let inner = words..layout.len() - words;
    while numbers.len() > 2 {
        let rest = numbers.split_off(numbers.len() / 3 * 3);
        let (groups, _) = numbers.as_chunks::<3>();
        // The majority of three bits takes one product: (a + c)(b + c) + c.
        let factor = |of: usize| {
            Shared::generate(&party, |position| {
                let mut out = vec![Gf64::from_bits(0); groups.len() * inner.len()];
                for (group, out) in groups.iter().zip(out.chunks_mut(inner.len().max(1))) {
                    add_ranges(out, position, [&group[of], &group[2]], &inner);
                }
                out
            })
        };
        let products = session.bit_product(factor(0), factor(1))?;
        let mut fewer = Vec::with_capacity(2 * groups.len() + rest.len());
        for (index, group) in groups.iter().enumerate() {
            fewer.push(Summand::generate(&party, |position| {
                let mut sum = Zeroizing::new(vec![Gf64::from_bits(0); layout.len()]);
                add_ranges(&mut sum, position, group, &(0..layout.len()));
                sum
            }));
            fewer.push(Summand::generate(&party, |position| {
                let mut carry = Zeroizing::new(vec![Gf64::from_bits(0); layout.len()]);
                let products = &products.components()[position][index * inner.len()..][..inner.len()];
                // The highest bit of a slot carries into the guard of the next slot, every other bit into the row above.
                let (within, out_of) = products.split_at(inner.len() - (layout.row() - words));
                let above = layout.row() + words..layout.len();
                carry[words..layout.row()].copy_from_slice(out_of);
                carry[above.clone()].copy_from_slice(within);
                add_ranges(
                    &mut carry[words..layout.row()],
                    position,
                    [&group[2]],
                    &(layout.len() - layout.row()..inner.end),
                );
                add_ranges(&mut carry[above], position, [&group[2]], &(words..layout.len() - layout.row()));
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

/// Two packed numbers. The lowest bit of the second one is 0, and their sum is 1 at every guard.
struct Pair {
    layout: Slots,
    a: Summand,
    b: Summand,
}

impl Pair {
    /// The sum by ripple carries in each slot: one round for each bit.
    fn ripple<N: Network>(&self, session: &mut Session<N>) -> Result<Shared<Gf64>, SessionError> {
        let party = session.party().clone();
        let Slots { slots, bits, words } = self.layout;
        let mut carries = self.out_of_guards(session)?;
        let mut sum = self.without_carries(&party);
        for bit in 1..=bits {
            let row = self.layout.row_of(bit);
            let above = self.layout.row_of(bit - 1);
            add_at(&mut sum, above.start, &carries);
            if bit == bits {
                break;
            }
            // No carry comes into the lowest slot, and the second number is 0 there.
            let skipped = if bit == 1 { words } else { 0 };
            let factor = |number: &Summand| {
                Shared::generate(&party, |position| {
                    let mut out = carries.components()[position][skipped..].to_vec();
                    add_ranges(&mut out, position, [number], &(row.start + skipped..row.end));
                    out
                })
            };
            let products = session.bit_product(factor(&self.a), factor(&self.b))?;
            debug_assert_eq!(products.len(), slots * words - skipped);
            add_at(&mut carries, skipped, &products);
        }
        Ok(sum)
    }

    /// The sum by a parallel-prefix tree in each slot, in logarithmic depth. (Sklansky, "Conditional-sum addition logic", 1960.)
    fn tree<N: Network>(&self, session: &mut Session<N>) -> Result<Shared<Gf64>, SessionError> {
        let party = session.party().clone();
        let (row, bits) = (self.layout.row(), self.layout.bits);
        let below_highest = 0..bits * row;
        let of = |numbers: &[&Summand], range: Range<usize>| {
            Shared::generate(&party, |position| {
                let mut out = vec![Gf64::from_bits(0); range.len()];
                add_ranges(&mut out, position, numbers.iter().copied(), &range);
                out
            })
        };
        let generated = session.bit_product(of(&[&self.a], below_highest.clone()), of(&[&self.b], below_highest))?;
        let mut generates: Vec<Shared<Gf64>> = (0..bits).map(|bit| generated.slice(bit * row..(bit + 1) * row)).collect();
        // A span of bits carries if it generates a carry or passes one on, never both: so their sum is their "or".
        let mut passes: Vec<Shared<Gf64>> = (0..bits).map(|bit| of(&[&self.a, &self.b], self.layout.row_of(bit))).collect();
        let mut half = 1;
        while half < bits {
            // Spans of `half` bits are joined in pairs; each index stands for the bits from the start of its span.
            let upper: Vec<usize> = (0..bits).filter(|index| index & half != 0).collect();
            let start = |index: usize| index & !(2 * half - 1);
            let last_below = |index: usize| start(index) + half - 1;
            let inside: Vec<usize> = upper.iter().copied().filter(|index| start(*index) > 0).collect();
            let pairs = upper
                .iter()
                .map(|index| (passes[*index].clone(), generates[last_below(*index)].clone()))
                .chain(
                    inside
                        .iter()
                        .map(|index| (passes[*index].clone(), passes[last_below(*index)].clone())),
                );
            let mut products = session.bit_products(pairs.collect())?.into_iter();
            for (index, passed_on) in upper.into_iter().zip(products.by_ref()) {
                generates[index] = generates[index].add(&passed_on);
            }
            // Spans that start at the guards have nothing below them to pass on.
            for (index, passed_through) in inside.into_iter().zip(products) {
                passes[index] = passed_through;
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

    /// The carries into the lowest bits of all slots. No carry comes into the lowest slot.
    ///
    /// The bits `a` and `b` at a guard and the carry `c` into it add up to a sum bit of 1. If `a = b`, then `c = 1` and the carry
    /// out is `a`; otherwise `c = 0` and the carry out is 0. In both cases it is `ab`.
    fn out_of_guards<N: Network>(&self, session: &mut Session<N>) -> Result<Shared<Gf64>, SessionError> {
        let party = session.party().clone();
        let Slots { words, .. } = self.layout;
        let guards = words..self.layout.row();
        let factor = |number: &Summand| {
            Shared::generate(&party, |position| {
                let words = number.range(position, &guards).map(<[Gf64]>::to_vec);
                words.unwrap_or_else(|| vec![Gf64::from_bits(0); guards.len()])
            })
        };
        let products = session.bit_product(factor(&self.a), factor(&self.b))?;
        let mut carries = Shared::zeros(&party, self.layout.row());
        add_at(&mut carries, words, &products);
        Ok(carries)
    }

    /// The sum of both numbers above the guards, without carries.
    fn without_carries(&self, party: &Party) -> Shared<Gf64> {
        let range = self.layout.row()..self.layout.len();
        Shared::generate(party, |position| {
            let mut sum = vec![Gf64::from_bits(0); range.len()];
            add_ranges(&mut sum, position, [&self.a, &self.b], &range);
            sum
        })
    }
}

/// Adds words to those of `sum` from `start` on.
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
    use crate::circuit::bit_planes::tests::planes_of;
    use crate::circuit::tests::opened;
    use crate::testing::sessions::{clusters, deal, in_session, world};
    use proptest::prelude::*;

    /// This node's components of packed numbers, in the layout of a sum.
    fn summand(party: &Party, layout: &Slots, numbers: &[u64], seed: u64) -> Summand {
        let count = layout.slots * (layout.bits + 1) - 1;
        let mut packed = vec![Gf64::from_bits(0); layout.len()];
        for (start, plane) in layout.starts().zip(planes_of(numbers, count)) {
            packed[start..start + layout.words].copy_from_slice(&plane);
        }
        let dealt = deal(party, &packed, seed);
        // The lowest slot has no guard.
        let without_guard = |words: &Vec<Gf64>| {
            let mut words = Zeroizing::new(words.clone());
            words[..layout.words].fill(Gf64::from_bits(0));
            words
        };
        Summand(dealt.components().iter().map(without_guard).map(Some).collect())
    }

    /// Compares sums with plain ones, slot by slot, and returns how many rounds they took. A further number makes every guard 1.
    fn check(world: &crate::testing::World, slots: usize, bits: usize, numbers: &[Vec<u64>]) -> u64 {
        let count = numbers[0].len();
        let layout = Slots {
            slots,
            bits,
            words: count.div_ceil(64),
        };
        let all = u64::MAX >> (64 - (slots * (bits + 1) - 1));
        let guards = (1..slots).fold(0, |guards, slot| guards | 1 << (slot * (bits + 1) - 1));
        let sum = |index: usize| numbers.iter().fold(0u64, |sum, n| sum.wrapping_add(n[index]));
        let wanted: Vec<u64> = (0..count).map(|index| (sum(index) & all) | guards).collect();
        let last = (0..count).map(|index| wanted[index].wrapping_sub(sum(index)) & all).collect();
        let numbers: Vec<Vec<u64>> = numbers.iter().cloned().chain([last]).collect();
        let mut rounds = 0;
        for result in in_session(world, |session| {
            let party = session.party().clone();
            let summands = numbers.iter().enumerate().map(|(i, n)| summand(&party, &layout, n, i as u64));
            let before = session.traffic().rounds;
            let sum = super::sum(session, &layout, summands.collect())?;
            let depth = session.traffic().rounds - before;
            let row = slots * layout.words;
            let of_slot = |slot: usize| {
                let bit = |bit: usize| sum.slice(bit * row + slot * layout.words..bit * row + (slot + 1) * layout.words);
                (0..bits).map(bit).collect::<Vec<_>>()
            };
            session.verify_claims(())?;
            let values: Result<Vec<_>, _> = (0..slots).map(|slot| opened(session, &of_slot(slot), count)).collect();
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
        // A second slot has a guard, out of which carries come.
        assert_eq!(check(&world(3, 1, 1), 2, 3, &[vec![127, 63, 0], vec![1, 1, 0]]), 4);
    }
}
