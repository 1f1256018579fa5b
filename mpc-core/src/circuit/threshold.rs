//! The index of the first greatest number among numbers with a small sum: which candidates reach each level that can decide.
//!
//! If the numbers of a row have a small sum, it takes fewer rounds and products to compute which candidates reach `v`, for every
//! `v` at once, than to run a tournament ([`super::argmax`]). At most one candidate can have more than half of the sum, and its
//! index is a sum of marks; so all numbers above half are one level.

use super::bit_planes::{BitPlanes, bit_length, complement};
use crate::field::{Field, Gf64};
use crate::network::Network;
use crate::session::{Session, SessionError};
use crate::sharing::{Party, Shared};

/// With more levels than this, a tournament takes fewer products.
const MAX_LEVELS: u64 = 4;

/// The levels that [`first_to_reach`] compares numbers with, for numbers of which those of a row add up to at most a known sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingLevels {
    /// What the numbers of a row add up to at most.
    max_sum: u64,
    /// Ascending; empty if no number can reach the minimum.
    levels: Vec<u64>,
}

impl DecidingLevels {
    /// The levels from `minimum` to the first above half of `max_sum`: at most one number of a row can reach that one. `None` if
    /// they are so many that [`first_of_the_greatest`](super::first_of_the_greatest) is cheaper.
    pub fn new(max_sum: u64, minimum: u64) -> Option<Self> {
        let lowest = minimum.max(1);
        let above_half = lowest.max(max_sum / 2 + 1);
        (above_half - lowest < MAX_LEVELS).then(|| Self {
            max_sum,
            levels: (lowest..=above_half).filter(|level| *level <= max_sum).collect(),
        })
    }
}

/// For each row, one more than the index of the candidate with the greatest number; the first of several; 0 if the greatest number
/// is below the first of the levels. Returns [`bit_length`]`(candidates)` planes.
///
/// Each vector of `numbers` has the words of the first candidate, with one bit for every row, then those of the second, and so
/// on, as [`to_bits`](super::to_bits) returns them. The caller guarantees that the numbers of a row add up to no more than the sum
/// for which `deciding` was made.
///
/// Rounds: at most one for each bit of the numbers, one for each of the `⌈log2 candidates⌉` levels of a tree, and one for the
/// selection.
///
/// # Errors
/// A round failed.
///
/// # Panics
/// There are no candidates.
pub fn first_to_reach<N: Network>(
    session: &mut Session<N>,
    candidates: usize,
    numbers: &BitPlanes,
    deciding: &DecidingLevels,
) -> Result<BitPlanes, SessionError> {
    let party = session.party().clone();
    let words = numbers.first().map_or(0, Shared::len) / candidates;
    let bits = bit_length(candidates as u64) as usize;
    let mut firsts = reaching(session, numbers, deciding)?;
    first_of_each(session, &mut firsts, words, |level| deciding.max_sum / deciding.levels[level])?;
    // The index is a sum of marks, which is local.
    let index_of = |first: &Shared<Gf64>| -> BitPlanes { (0..bits).map(|bit| index_bit(&party, first, words, bit)).collect() };
    let mut indices = firsts.iter().map(index_of);
    let Some(mut index) = indices.next() else {
        return Ok((0..bits).map(|_| Shared::zeros(&party, words)).collect());
    };
    // Whoever reaches a level reaches those below. So if any candidate reaches a level, its index replaces that of the level before.
    let mut moves = Vec::new();
    let mut before = index.clone();
    for (first, next) in firsts.iter().skip(1).zip(indices) {
        let any = sum_of(&party, first, words, |_| true);
        moves.extend(before.iter().zip(&next).map(|(before, next)| (any.clone(), before.add(next))));
        before = next;
    }
    for (bit, moved) in session.bit_products(moves)?.iter().enumerate() {
        index[bit % bits] = index[bit % bits].add(moved);
    }
    Ok(index)
}

/// For each level: one bit for each number, whether it reaches the level.
///
/// The result for the lowest level, if there are others, matters only for numbers that do not reach the next level. For these it
/// takes fewer products to compute whether a number has all bits of the level set.
fn reaching<N: Network>(
    session: &mut Session<N>,
    numbers: &BitPlanes,
    DecidingLevels { max_sum, levels }: &DecidingLevels,
) -> Result<Vec<Shared<Gf64>>, SessionError> {
    let party = session.party().clone();
    let len = numbers.first().map_or(0, Shared::len);
    // Whether the low bits of a number reach those of the level; `None` while the latter are 0, so that every number does.
    let mut reached: Vec<Option<Shared<Gf64>>> = levels.iter().map(|_| None).collect();
    for (bit, plane) in numbers.iter().enumerate() {
        let below = (1u64 << bit) - 1;
        let mut asked = Vec::new();
        for (index, (level, reached)) in levels.iter().zip(&mut reached).enumerate() {
            let is_set = level >> bit & 1 == 1;
            match reached {
                None if is_set => *reached = Some(plane.clone()),
                // A number that has this bit set and whose low bits reach those of the level as well would exceed the sum.
                Some(low) if !is_set && (1 << bit) + (level & below) > *max_sum => *low = low.add(plane),
                Some(low) if is_set || index > 0 || levels.len() == 1 => {
                    asked.push((index, is_set));
                    debug_assert_eq!(low.len(), len);
                }
                _ => {}
            }
        }
        let pairs = asked
            .iter()
            .filter_map(|(index, _)| Some((plane.clone(), reached[*index].clone()?)));
        let products = session.bit_products(pairs.collect())?;
        for ((index, is_set), product) in asked.into_iter().zip(products) {
            reached[index] = match reached[index].take() {
                Some(low) if !is_set => Some(low.add(plane).add(&product)),
                _ => Some(product),
            };
        }
    }
    let some = |reached: Option<Shared<Gf64>>| reached.unwrap_or_else(|| Shared::zeros(&party, len));
    Ok(reached.into_iter().map(some).collect())
}

/// Keeps, at each level, only the mark of the first candidate that is marked. At most `count(level)` candidates are marked in a
/// row.
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
        // If two are marked, the second one has an odd number of marks before it.
        let last_but = |marks: &Shared<Gf64>| marks.slice(words..marks.len());
        let mut pairs: Vec<_> = pairs_of
            .iter()
            .map(|level| (last_but(&marks[*level]), complement(&party, &sums_before(&marks[*level], words))))
            .collect();
        // Whether any candidate up to each one is marked, within spans of `half` candidates, which are joined in pairs.
        let upper: Vec<usize> = (0..candidates).filter(|candidate| candidate & half != 0).collect();
        let last_below = |candidate: usize| (candidate & !(2 * half - 1)) + half - 1;
        for level in &trees {
            let gather =
                |from: &dyn Fn(usize) -> usize| gathered(&party, &marks[*level], words, upper.iter().map(|candidate| from(*candidate)));
            pairs.push((gather(&|candidate| candidate), gather(&last_below)));
        }
        let mut products = session.bit_products(pairs)?.into_iter();
        for (level, product) in pairs_of.drain(..).zip(products.by_ref()) {
            marks[level] = Shared::concat(&party, [&marks[level].slice(0..words), &product]);
        }
        for (level, product) in trees.iter().zip(products) {
            marks[*level] = joined(&party, &marks[*level], words, &upper, last_below, &product);
        }
        half *= 2;
    }
    for level in trees {
        // A candidate is the first if one is marked up to it and none before it.
        marks[level].components_mut(|marks| {
            for at in (words..marks.len()).rev() {
                let before = marks[at - words];
                marks[at] += before;
            }
        });
    }
    Ok(())
}

/// For each candidate but the first: the sum of the marks of all candidates before it.
fn sums_before(marks: &Shared<Gf64>, words: usize) -> Shared<Gf64> {
    marks.linear(|marks, out| {
        out.extend_from_slice(&marks[..words]);
        (words..marks.len() - words).for_each(|at| out.push(out[at - words] + marks[at]));
    })
}

/// The words of some candidates, in their order.
fn gathered(party: &Party, marks: &Shared<Gf64>, words: usize, candidates: impl Iterator<Item = usize> + Clone) -> Shared<Gf64> {
    Shared::generate(party, |position| {
        let of = |candidate: usize| &marks.components()[position][candidate * words..(candidate + 1) * words];
        let mut out = Vec::with_capacity(candidates.clone().count() * words);
        candidates.clone().for_each(|candidate| out.extend_from_slice(of(candidate)));
        out
    })
}

/// Replaces each upper mark by its "or" with the mark that stands for the span below, given their products.
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
        for (candidate, product) in upper.iter().zip(products) {
            let (low, high) = out.split_at_mut(candidate * words);
            let below = &low[last_below(*candidate) * words..][..words];
            high.iter_mut()
                .zip(below)
                .zip(product)
                .for_each(|((mark, below), product)| *mark += *below + *product);
        }
        out
    })
}

/// The sum of the marks of the chosen candidates.
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

/// One bit of one more than the index of the marked candidate; 0 if none is marked.
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
        let levels = |max_sum, minimum| DecidingLevels::new(max_sum, minimum).map(|deciding| deciding.levels);
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
            max in 1u64..12,
            minimum in 1u64..9,
            rows in 1usize..80,
            seed: u64,
            draws in proptest::collection::vec(any::<usize>(), 12 * 80),
        ) {
            let minimum = minimum.max((max / 2 + 1).saturating_sub(MAX_LEVELS - 1));
            let deciding = DecidingLevels::new(max, minimum).unwrap();
            // The numbers of each candidate, row by row. In some rows only few candidates have a number above 0.
            let mut numbers = vec![vec![0u64; rows]; candidates];
            for row in 0..rows {
                let sum = draws[row] as u64 % (max + 1);
                (0..sum as usize).for_each(|one| numbers[draws[row * 11 + one + 1] % (1 + row % candidates)][row] += 1);
            }
            let winner = |row: usize| {
                let best = (0..candidates).rev().max_by_key(|c| numbers[*c][row]).unwrap();
                if numbers[best][row] >= minimum { best as u64 + 1 } else { 0 }
            };
            let expected: Vec<u64> = (0..rows).map(winner).collect();
            let bits = bit_length(max);
            for result in in_session(&world(n, t, seed).present(present), |session| {
                let party = session.party().clone();
                let each: Vec<BitPlanes> = numbers.iter().map(|column| planes(&party, column, bits, 1)).collect();
                let all: BitPlanes = (0..bits as usize).map(|bit| Shared::concat(&party, each.iter().map(|planes| &planes[bit]))).collect();
                let index = first_to_reach(session, candidates, &all, &deciding)?;
                assert_eq!(index.len(), bit_length(candidates as u64) as usize);
                opened(session, &index, rows)
            }) {
                prop_assert_eq!(result.unwrap(), expected.clone(), "{} of {}", minimum, max);
            }
        }
    }
}
