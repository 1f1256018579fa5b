//! The index of the first greatest number: a tournament in pairs.

use super::bit_planes::BitPlanes;
use super::compare::greater;
use crate::field::Gf64;
use crate::network::Network;
use crate::session::{Session, SessionError};
use crate::sharing::{Party, Shared};

/// For each row, the index of the candidate with the greatest number; the first of several. Returns the `⌈log2 candidates⌉`
/// planes of the index.
///
/// Each vector of `numbers` has the words of the first candidate, with one bit for every row, then those of the second, and so
/// on, as [`to_bits`](super::to_bits) returns them.
///
/// Rounds: for each of the `⌈log2 candidates⌉` levels at most one for the selection, and those of a comparison: `n` for numbers
/// of `n ≤ 3` bits, else `1 + ⌈log2 n⌉`.
///
/// # Errors
/// A round failed.
///
/// # Panics
/// There are no candidates.
pub fn first_of_the_greatest<N: Network>(
    session: &mut Session<N>,
    candidates: usize,
    mut numbers: BitPlanes,
) -> Result<BitPlanes, SessionError> {
    let words = numbers.first().map_or(0, Shared::len) / candidates;
    let mut left = candidates;
    let mut index = BitPlanes::new();
    while left > 1 {
        let split =
            |planes: &BitPlanes, party: &Party| -> Vec<Pairs> { planes.iter().map(|plane| Pairs::of(party, plane, left, words)).collect() };
        let number = split(&numbers, session.party());
        let so_far = split(&index, session.party());
        // The later candidate wins only if it has strictly more.
        let (first, second): (BitPlanes, BitPlanes) = number.iter().map(|pairs| (pairs.first.clone(), pairs.second.clone())).unzip();
        let second_wins = greater(session, &second, &first)?;
        let last = left == 2;
        let number = if last { Vec::new() } else { number };
        let moves = number
            .iter()
            .chain(&so_far)
            .map(|pairs| (second_wins.clone(), pairs.first.add(&pairs.second)));
        let moves = session.bit_products(moves.collect())?;
        let party = session.party();
        let winners = number.iter().chain(&so_far).zip(moves);
        let mut winners = winners.map(|(pairs, moved)| Shared::concat(party, [&pairs.first.add(&moved), &pairs.odd]));
        numbers = winners.by_ref().take(number.len()).collect();
        index = winners.collect();
        // A candidate without an opponent is the first of its group: the bit of its index is 0.
        let odd = Shared::zeros(party, (left % 2) * words);
        index.push(Shared::concat(party, [&second_wins, &odd]));
        left = left.div_ceil(2);
    }
    Ok(index)
}

/// One bit of all candidates, in pairs.
struct Pairs {
    first: Shared<Gf64>,
    second: Shared<Gf64>,
    /// The words of the last candidate, if it has no opponent.
    odd: Shared<Gf64>,
}

impl Pairs {
    fn of(party: &Party, plane: &Shared<Gf64>, candidates: usize, words: usize) -> Self {
        let every_second = |start: usize| {
            Shared::generate(party, |position| {
                let words_of = |pair: usize| {
                    let at = (2 * pair + start) * words;
                    &plane.components()[position][at..at + words]
                };
                (0..candidates / 2).flat_map(words_of).copied().collect()
            })
        };
        Self {
            first: every_second(0),
            second: every_second(1),
            odd: plane.slice(candidates / 2 * 2 * words..plane.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::tests::{opened, planes};
    use crate::testing::sessions::{clusters, in_session, world};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn the_first_of_the_greatest_wins(
            (n, t, present) in proptest::sample::select(clusters()),
            candidates in 1usize..20,
            bits in 1u32..6,
            seed: u64,
            rows in 1usize..130,
            draws in proptest::collection::vec(any::<u64>(), 20 * 130),
        ) {
            let low = u64::MAX >> (64 - bits);
            // The numbers of each candidate, row by row.
            let numbers: Vec<Vec<u64>> = draws.chunks(130).take(candidates).map(|column| column[..rows].iter().map(|v| v & low).collect()).collect();
            let winner = |row: usize| (0..candidates).rev().max_by_key(|c| numbers[*c][row]).unwrap() as u64;
            let expected: Vec<u64> = (0..rows).map(winner).collect();
            for result in in_session(&world(n, t, seed).present(present), |session| {
                let party = session.party().clone();
                let each: Vec<BitPlanes> = numbers.iter().map(|column| planes(&party, column, bits, 1)).collect();
                let all = (0..bits as usize).map(|bit| Shared::concat(&party, each.iter().map(|planes| &planes[bit])));
                let index = first_of_the_greatest(session, candidates, all.collect())?;
                assert_eq!(index.len(), candidates.next_power_of_two().ilog2() as usize);
                opened(session, &index, rows)
            }) {
                prop_assert_eq!(result.unwrap(), expected.clone());
            }
        }
    }
}
