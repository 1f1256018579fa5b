//! The first of the greatest among few votes: who reaches each number of votes that can decide.
//!
//! Votes are few where answers are: then it takes fewer rounds and products to ask who has at least v of
//! them, for every v at once, than to play a tournament ([`super::argmax`]). Above half of all votes at most
//! one candidate can stand, whose index is a sum; so all numbers of votes above half are one level.

use super::{Planes, bits_of, complement};
use crate::field::{Field, Gf64};
use crate::network::Network;
use crate::session::{Session, SessionError};
use crate::sharing::{Party, Shared};

/// With more levels than this a tournament takes fewer products.
const LEVELS: u64 = 4;

/// The numbers of votes that are asked for, ascending; none if nobody can have `quorum`. `None` if they are too many.
pub fn levels(most: u64, quorum: u64) -> Option<Vec<u64>> {
    let lowest = quorum.max(1);
    let above_half = lowest.max(most / 2 + 1);
    (above_half - lowest < LEVELS).then(|| (lowest..=above_half).filter(|level| *level <= most).collect())
}

/// One more than the index, bit by bit, of the candidate with the greatest tally, lane by lane; of several, the
/// first; 0 where it is below the first of `levels`.
///
/// Each vector of `tallies` holds one candidate's words after the other's; the tallies of all candidates together are
/// at most `most`. One round for each product of bits that a level asks for, one for each of the `log2` levels of a
/// tree, and one for the selection.
pub fn first_to_reach<N: Network>(
    session: &mut Session<N>,
    candidates: usize,
    tallies: &Planes,
    most: u64,
    levels: &[u64],
) -> Result<Planes, SessionError> {
    let party = session.party().clone();
    let words = tallies.first().map_or(0, Shared::len) / candidates;
    let bits = bits_of(candidates as u64) as usize;
    let mut firsts = reaching(session, tallies, most, levels)?;
    first_of_each(session, &mut firsts, words, |level| most / levels[level])?;
    // How many products follow is public, and the last sums are local.
    let index_of = |first: &Shared<Gf64>| -> Planes { (0..bits).map(|bit| index_bit(&party, first, words, bit)).collect() };
    let mut indices = firsts.iter().map(index_of);
    let Some(mut index) = indices.next() else {
        return Ok((0..bits).map(|_| Shared::zeros(&party, words)).collect());
    };
    // Who reaches a level reaches those below: each one moves the index on from that of the level before.
    let mut moves = Vec::new();
    let mut before = index.clone();
    for (first, next) in firsts.iter().skip(1).zip(indices) {
        let any = sum_of(&party, first, words, |_| true);
        moves.extend(before.iter().zip(&next).map(|(before, next)| (any.clone(), before.add(next))));
        before = next;
    }
    for (bit, moved) in session.and(moves)?.iter().enumerate() {
        index[bit % bits] = index[bit % bits].add(moved);
    }
    Ok(index)
}

/// For each level: whether a tally reaches it.
///
/// The lowest one, if there are others, is asked only about tallies that do not reach the next: there it takes fewer
/// products to see whether a tally has all bits of the level.
fn reaching<N: Network>(session: &mut Session<N>, tallies: &Planes, most: u64, levels: &[u64]) -> Result<Vec<Shared<Gf64>>, SessionError> {
    let party = session.party().clone();
    let len = tallies.first().map_or(0, Shared::len);
    // Whether the low bits of a tally reach those of the level; nothing yet where these are 0.
    let mut reached: Vec<Option<Shared<Gf64>>> = levels.iter().map(|_| None).collect();
    for (bit, tally) in tallies.iter().enumerate() {
        let below = (1u64 << bit) - 1;
        let mut asked = Vec::new();
        for (index, (level, reached)) in levels.iter().zip(&mut reached).enumerate() {
            let is_set = level >> bit & 1 == 1;
            match reached {
                None if is_set => *reached = Some(tally.clone()),
                // A tally that has this bit and reaches the low ones as well would be above the most.
                Some(low) if !is_set && (1 << bit) + (level & below) > most => *low = low.add(tally),
                Some(low) if is_set || index > 0 || levels.len() == 1 => {
                    asked.push((index, is_set));
                    debug_assert_eq!(low.len(), len);
                }
                _ => {}
            }
        }
        let pairs = asked
            .iter()
            .filter_map(|(index, _)| Some((tally.clone(), reached[*index].clone()?)));
        let products = session.and(pairs.collect())?;
        for ((index, is_set), product) in asked.into_iter().zip(products) {
            reached[index] = match reached[index].take() {
                Some(low) if !is_set => Some(low.add(tally).add(&product)),
                _ => Some(product),
            };
        }
    }
    let some = |reached: Option<Shared<Gf64>>| reached.unwrap_or_else(|| Shared::zeros(&party, len));
    Ok(reached.into_iter().map(some).collect())
}

/// Marks, level by level, the first of the candidates that are marked, of which there are at most `count(level)`.
fn first_of_each<N: Network>(
    session: &mut Session<N>,
    marks: &mut [Shared<Gf64>],
    words: usize,
    count: impl Fn(usize) -> u64,
) -> Result<(), SessionError> {
    let candidates = marks.first().map_or(0, Shared::len) / words.max(1);
    let (mut pairs_of, mut trees): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for level in 0..marks.len() {
        match count(level) {
            0 | 1 => {}
            2 => pairs_of.push(level),
            _ => trees.push(level),
        }
    }
    let party = session.party().clone();
    let mut half = 1;
    while half < candidates {
        // Of two, the second one is the one that has an odd number before it.
        let last_but = |marks: &Shared<Gf64>| marks.slice(words..marks.len());
        let mut pairs: Vec<_> = pairs_of
            .iter()
            .map(|level| (last_but(&marks[*level]), complement(&party, &sums_before(&marks[*level], words))))
            .collect();
        // Whether any candidate up to this one is marked: runs of `half` candidates are joined.
        let upper: Vec<usize> = (0..candidates).filter(|place| place & half != 0).collect();
        let last_below = |place: usize| (place & !(2 * half - 1)) + half - 1;
        for level in &trees {
            let gather = |from: &dyn Fn(usize) -> usize| gathered(&party, &marks[*level], words, upper.iter().map(|place| from(*place)));
            pairs.push((gather(&|place| place), gather(&last_below)));
        }
        let mut products = session.and(pairs)?.into_iter();
        for (level, product) in pairs_of.drain(..).zip(products.by_ref()) {
            marks[level] = Shared::concat(&party, [&marks[level].slice(0..words), &product]);
        }
        for (level, product) in trees.iter().zip(products) {
            marks[*level] = joined(&party, &marks[*level], words, &upper, last_below, &product);
        }
        half *= 2;
    }
    for level in trees {
        // Whether any is marked up to it, and none before.
        marks[level].components_mut(|marks| {
            for at in (words..marks.len()).rev() {
                let before = marks[at - words];
                marks[at] += before;
            }
        });
    }
    Ok(())
}

/// Before each candidate but the first: the sum of the marks of those before it.
fn sums_before(marks: &Shared<Gf64>, words: usize) -> Shared<Gf64> {
    marks.linear(|marks, out| {
        out.extend_from_slice(&marks[..words]);
        (words..marks.len() - words).for_each(|at| out.push(out[at - words] + marks[at]));
    })
}

/// The words of some candidates.
fn gathered(party: &Party, marks: &Shared<Gf64>, words: usize, places: impl Iterator<Item = usize> + Clone) -> Shared<Gf64> {
    Shared::generate(party, |position| {
        let of = |place: usize| &marks.components()[position][place * words..(place + 1) * words];
        let mut out = Vec::with_capacity(places.clone().count() * words);
        places.clone().for_each(|place| out.extend_from_slice(of(place)));
        out
    })
}

/// "Or" of each of the upper places and the one that stands for those below, from their products.
fn joined(
    party: &Party,
    marks: &Shared<Gf64>,
    words: usize,
    upper: &[usize],
    last_below: impl Fn(usize) -> usize,
    products: &Shared<Gf64>,
) -> Shared<Gf64> {
    Shared::generate(party, |position| {
        let mut out = marks.components()[position].clone();
        let products = products.components()[position].chunks(words.max(1));
        for (place, product) in upper.iter().zip(products) {
            let (low, high) = out.split_at_mut(place * words);
            let below = &low[last_below(*place) * words..][..words];
            high.iter_mut()
                .zip(below)
                .zip(product)
                .for_each(|((mark, below), product)| *mark += *below + *product);
        }
        out
    })
}

/// The sum of the marks of the candidates chosen.
fn sum_of(party: &Party, marks: &Shared<Gf64>, words: usize, chosen: impl Fn(usize) -> bool) -> Shared<Gf64> {
    Shared::generate(party, |position| {
        let mut sum = vec![Gf64::ZERO; words];
        let candidates = marks.components()[position].chunks(words.max(1));
        for (_, marks) in candidates.enumerate().filter(|(candidate, _)| chosen(*candidate)) {
            Gf64::add_vector(&mut sum, marks);
        }
        sum
    })
}

/// A bit of one more than the index of the candidate that is marked; 0 if none is.
fn index_bit(party: &Party, first: &Shared<Gf64>, words: usize, bit: usize) -> Shared<Gf64> {
    sum_of(party, first, words, |candidate| (candidate + 1) >> bit & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::tests::{opened, planes};
    use crate::testing::sessions::{clusters, in_session, world};
    use proptest::prelude::*;

    #[test]
    fn levels_end_above_half() {
        assert_eq!(levels(5, 0), Some(vec![1, 2, 3]));
        assert_eq!(levels(5, 2), Some(vec![2, 3]));
        assert_eq!(levels(5, 4), Some(vec![4]));
        assert_eq!(levels(5, 6), Some(vec![]));
        assert_eq!(levels(7, 1), Some(vec![1, 2, 3, 4]));
        assert_eq!(levels(8, 1), None);
        assert_eq!(levels(100_000, 50_001), Some(vec![50_001]));
        assert_eq!(levels(5, u64::MAX), Some(vec![]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_first_to_reach_the_greatest_wins(
            (n, t, present) in proptest::sample::select(clusters()),
            candidates in 1usize..12,
            most in 1u64..12,
            quorum in 1u64..9,
            lanes in 1usize..80,
            seed: u64,
            draws in proptest::collection::vec(any::<usize>(), 12 * 80),
        ) {
            let quorum = quorum.max((most / 2 + 1).saturating_sub(LEVELS - 1));
            let levels = levels(most, quorum).unwrap();
            // Votes of one lane, one row of lanes for each candidate; few candidates have any in some lanes.
            let mut tallies = vec![vec![0u64; lanes]; candidates];
            for lane in 0..lanes {
                let votes = draws[lane] as u64 % (most + 1);
                (0..votes as usize).for_each(|vote| tallies[draws[lane * 11 + vote + 1] % (1 + lane % candidates)][lane] += 1);
            }
            let winner = |lane: usize| {
                let best = (0..candidates).rev().max_by_key(|c| tallies[*c][lane]).unwrap();
                if tallies[best][lane] >= quorum { best as u64 + 1 } else { 0 }
            };
            let expected: Vec<u64> = (0..lanes).map(winner).collect();
            let bits = bits_of(most);
            for result in in_session(&world(n, t, seed).present(present), |session| {
                let party = session.party().clone();
                let each: Vec<Planes> = tallies.iter().map(|row| planes(&party, row, bits, 1)).collect();
                let all: Planes = (0..bits as usize).map(|bit| Shared::concat(&party, each.iter().map(|planes| &planes[bit]))).collect();
                let index = first_to_reach(session, candidates, &all, most, &levels)?;
                assert_eq!(index.len(), bits_of(candidates as u64) as usize);
                opened(session, &index, lanes)
            }) {
                prop_assert_eq!(result.unwrap(), expected.clone(), "{} of {}", quorum, most);
            }
        }
    }
}
