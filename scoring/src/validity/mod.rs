//! Whether rows are valid encodings of answers, found out without looking at them.
//!
//! One file holds one encoding: a [`Combination`] of all rows that is 0 if all rows are valid, whatever they hold, and that is
//! not 0, with overwhelming probability, if one row is not.

mod one_hot;

use std::collections::BTreeSet;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::session::{Session, SessionError};
use tacit_mpc_core::sharing::Shared;
use tacit_protocol::phase::Phase;
use tacit_protocol::question::Validity;

use crate::rows::{Answers, rows_of};
use one_hot::{Sketch, Zeros};

/// A linear combination, with random weights, of a polynomial in each row. It is added up submission by submission.
trait Combination<N: Network> {
    /// Gives the rows of these submissions the weight 0. `ends` says where the rows of each submission end.
    fn leave_out(&mut self, submissions: &BTreeSet<usize>, ends: &[usize]);

    /// Adds the rows of the next submission, one vector for each component.
    fn add(&mut self, rows: &[&[Fp61]]);

    /// Opens the combination of each group of submissions; `groups` says where each group ends. Three rounds.
    ///
    /// # Errors
    /// A round failed.
    fn open(self: Box<Self>, session: &mut Session<N>, groups: &[usize]) -> Result<Vec<Fp61>, SessionError>;
}

/// The combination for an encoding, with fresh random weights, for rows of `width` elements; `ends` says where the rows of each
/// submission end. Two rounds.
///
/// # Errors
/// A round failed.
fn combination<N: Network>(
    session: &mut Session<N>,
    validity: Validity,
    width: usize,
    ends: &[usize],
) -> Result<Box<dyn Combination<N>>, SessionError> {
    Ok(match validity {
        Validity::OneHot => Box::new(Sketch::new(session, width, ends, Zeros::Invalid)?),
        Validity::OneHotOrNone => Box::new(Sketch::new(session, width, ends, Zeros::Valid)?),
    })
}

/// The submissions that hold an invalid row: their indices in the list, ascending.
///
/// The accepted set is fixed before, so a contributor's shares cannot depend on the coin. What is opened is a combination of
/// all rows with a random weight for each. It is 0 if all rows are valid; if some are not, it is 0 with probability 3/p only.
/// For honest contributors it is 0, whatever they answered.
///
/// If all rows are valid, one value is opened for the whole job. If not, one value is opened for each submission: that finds any
/// number of invalid ones in one more look of five rounds, where halving would take many. The other submissions are then checked
/// as a whole once more, with a fresh coin: the chance that any invalid row counts is 3/p, however many were sent.
///
/// A node that frames a contributor by a wrong product is found by [`Session::verify`] before anything is released. Before a
/// further look that a wrong product alone could cause, all products so far are verified, so that no node can force one look
/// after another. `on_submission` sees all rows on the first look, submission by submission, with its index in the list.
///
/// # Errors
/// A round failed, or a node deviated.
pub(crate) fn malformed<N: Network>(
    session: &mut Session<N>,
    answers: &Answers,
    validity: Validity,
    mut on_submission: impl FnMut(usize, &[&[Fp61]]),
) -> Result<Vec<usize>, SessionError> {
    session.enter(Phase::Validate.engine());
    let mut malformed = BTreeSet::new();
    let ends = answers.ends();
    if ends.last().is_none_or(|rows| *rows == 0) {
        return Ok(Vec::new());
    }
    let submissions = ends.len();
    let mut looks = 0u32;
    loop {
        looks += 1;
        let mut sums = combination(session, validity, answers.width(), &ends)?;
        sums.leave_out(&malformed, &ends);
        answers.for_each(|submission, rows| {
            sums.add(rows);
            if looks == 1 {
                on_submission(answers.entry(submission), rows);
            }
        });
        let all = sums.open(session, &[submissions])?;
        if all == [Fp61::ZERO] || !session.performs(Check::Inputs) {
            break;
        }
        if looks > 1 {
            verify_so_far(session)?;
        }
        let mut sums = combination(session, validity, answers.width(), &ends)?;
        sums.leave_out(&malformed, &ends);
        answers.for_each(|_, rows| sums.add(rows));
        let each: Vec<usize> = (1..=submissions).collect();
        let deviations = sums.open(session, &each)?;
        let found = deviations.iter().enumerate().filter(|(_, deviation)| **deviation != Fp61::ZERO);
        let before = malformed.len();
        malformed.extend(found.map(|(submission, _)| submission));
        if malformed.len() == before {
            verify_so_far(session)?;
        }
    }
    Ok(malformed.into_iter().map(|submission| answers.entry(submission)).collect())
}

/// Verifies all products so far and clears their claims. Called when the combination of all rows is not 0 although the malformed
/// submissions are left out, or although no submission's own combination deviates: except with probability `n·3/p` some product
/// is then wrong, and this fails.
fn verify_so_far<N: Network>(session: &mut Session<N>) -> Result<(), SessionError> {
    session.verify_claims(())?;
    session.enter(Phase::Validate.engine());
    Ok(())
}

/// Whether every row of the buyer's gold answers is valid.
///
/// As with answers, 0 is opened for valid gold, whatever it is, and for other gold with probability 3/p only. A wrong product
/// can make valid gold look malformed, so `false` has no consequence before [`Session::verify`].
///
/// # Errors
/// A round failed.
pub(crate) fn gold_is_well_formed<N: Network>(
    session: &mut Session<N>,
    width: usize,
    validity: Validity,
    gold: &Shared<Fp61>,
) -> Result<bool, SessionError> {
    session.enter(Phase::Validate.engine());
    let mut sums = combination(session, validity, width, &[gold.len() / width])?;
    sums.add(&rows_of(gold));
    Ok(sums.open(session, &[1])? == [Fp61::ZERO])
}
