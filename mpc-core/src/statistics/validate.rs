//! Well-formedness without looking: every element is a bit, every row has exactly one.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::checks;
use crate::field::{Field, Fp61};
use crate::network::{Network, Phase};
use crate::session::{Factors, Session, SessionError};
use crate::sharing::Shared;

/// The submissions that are not well-formed, by index, ascending.
///
/// `answers` holds the rows of all submissions one after the other, `classes` elements each; `ends`
/// says at which row each submission ends. The accepted set is fixed before, so a contributor's shares
/// cannot depend on the coin's weights: with those, `Σ ρ(x² - x)` and `Σ ρ'(Σ_k x_k - 1)` are 0 for
/// well-formed rows, and for others only with probability 2/p. What is opened is 0 for every honest
/// contributor, whatever it answered.
///
/// All is well: two values are opened for the whole job. If not, two for each submission: that finds
/// any number of culprits in two more rounds, where halving would take many. What is left is then
/// checked as a whole once more, with fresh weights: so the chance that any malformed row counts is
/// 2/p, however many were sent.
///
/// A node that frames a contributor by a wrong product is found by [`Session::verify`], before anything
/// is released.
pub fn malformed<N: Network>(
    session: &mut Session<N>,
    classes: usize,
    answers: &Shared<Fp61>,
    ends: &[usize],
) -> Result<Vec<usize>, SessionError> {
    session.enter(Phase::Validate);
    let mut culprits = BTreeSet::new();
    if answers.is_empty() {
        return Ok(Vec::new());
    }
    loop {
        let check = Check::new(session, classes, answers, ends, &culprits)?;
        let all = check.deviations(session, &ends[ends.len() - 1..])?;
        if all == [Fp61::ZERO; 2] || !session.makes(checks::Check::WellFormed) {
            break;
        }
        let found = culprits.len();
        let each = check.deviations(session, ends)?;
        let malformed = each.chunks_exact(2).enumerate().filter(|(_, pair)| pair != &[Fp61::ZERO; 2]);
        culprits.extend(malformed.map(|(submission, _)| submission));
        if culprits.len() == found {
            // The whole deviates and no part of it does: a wrong product, which the check of all will find.
            break;
        }
    }
    Ok(culprits.into_iter().collect())
}

/// One pass over all rows, with weights from one coin.
struct Check<'a> {
    classes: usize,
    answers: &'a Shared<Fp61>,
    bit_weights: Vec<Fp61>,
    row_weights: Vec<Fp61>,
}

impl<'a> Check<'a> {
    /// Draws the weights; those of submissions that are known to be malformed are 0.
    fn new<N: Network>(
        session: &mut Session<N>,
        classes: usize,
        answers: &'a Shared<Fp61>,
        ends: &[usize],
        culprits: &BTreeSet<usize>,
    ) -> Result<Self, SessionError> {
        let mut coin = ChaCha20Rng::from_seed(session.coin()?);
        let mut bit_weights: Vec<Fp61> = (0..answers.len()).map(|_| Fp61::random(&mut coin)).collect();
        let mut row_weights: Vec<Fp61> = (0..answers.len() / classes).map(|_| Fp61::random(&mut coin)).collect();
        for culprit in culprits {
            let start = culprit.checked_sub(1).map_or(0, |before| ends[before]);
            row_weights[start..ends[*culprit]].fill(Fp61::ZERO);
            bit_weights[start * classes..ends[*culprit] * classes].fill(Fp61::ZERO);
        }
        Ok(Self {
            classes,
            answers,
            bit_weights,
            row_weights,
        })
    }

    /// For each segment of rows, opened: `Σ ρ(x² - x)` and `Σ ρ'(Σ_k x_k - 1)`.
    fn deviations<N: Network>(&self, session: &mut Session<N>, ends: &[usize]) -> Result<Vec<Fp61>, SessionError> {
        let classes = self.classes;
        // The claim takes the vector over: it is as long as all answers, and not copied.
        let weighted = self.answers.scale(&self.bit_weights);
        let weighted_sums = sums(&weighted, ends, |row| row * classes);
        let factors = Factors {
            x: weighted,
            y: self.answers.clone(),
            ends: ends.iter().map(|end| end * classes).collect(),
        };
        let squares = session
            .inner_products(vec![factors])?
            .pop()
            .unwrap_or_else(|| Shared::zeros(session.party(), 0));
        let bits = squares.sub(&weighted_sums);
        let rows = self.answers.linear(|values, out| {
            out.extend(
                values
                    .chunks_exact(classes)
                    .zip(&self.row_weights)
                    .map(|(row, weight)| row.iter().fold(Fp61::ZERO, |sum, x| sum + *x) * *weight),
            );
        });
        let ones = Shared::public(session.party(), &self.row_weights);
        let rows = sums(&rows.sub(&ones), ends, |row| row);
        // All nodes have the same squares before any of them opens, or they would go on differently.
        session.settle()?;
        session.open(&interleaved(&bits, &rows), "the well-formedness of answers")
    }
}

/// Sums over segments that end at `at(ends[j])`.
pub(super) fn sums(shared: &Shared<Fp61>, ends: &[usize], at: impl Fn(usize) -> usize) -> Shared<Fp61> {
    shared.linear(|values, out| {
        let mut start = 0;
        for end in ends {
            let end = at(*end);
            out.push(values[start..end].iter().fold(Fp61::ZERO, |sum, x| sum + *x));
            start = end;
        }
    })
}

/// `a_0, b_0, a_1, b_1, …`
fn interleaved(a: &Shared<Fp61>, b: &Shared<Fp61>) -> Shared<Fp61> {
    let len = a.len();
    let mut both = a.clone();
    both.append(b);
    both.linear(|values, out| out.extend((0..len).flat_map(|i| [values[i], values[len + i]])))
}
