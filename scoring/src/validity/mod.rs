//! Whether rows are valid encodings of answers, found out without looking at them.
//!
//! For each encoding there is a file that makes a public combination of all rows which is 0 if they are valid, whatever they
//! hold, and another number with overwhelming probability if one of them is not.

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
use one_hot::Sketch;

/// The submissions that hold an invalid row: their indices in the list, ascending.
///
/// The accepted set is fixed before, so a contributor's shares cannot depend on the coin. What is opened is a combination of
/// all rows with a random weight for each: 0 if they are valid, and if not, only with probability 3/p. For every honest
/// contributor it is 0, whatever it answered.
///
/// If all is well one value is opened for the whole job. If not, one value is opened for each submission: that finds any number
/// of invalid ones in one more look of five rounds, where halving would take many. What remains is then checked as a whole once
/// more, with a fresh coin: the chance that any invalid row counts is 3/p, however many were sent.
///
/// A node that frames a contributor by a wrong product is found by [`Session::verify`] before anything is released. Where that
/// alone could make for another look, all products so far are verified first, so that no node can make the others look again
/// and again. `on_submission` sees all rows on the first look, submission by submission, with its index in the list.
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
        let mut sketch = Sketch::new(session, answers.width(), &ends, validity)?;
        sketch.leave_out(&malformed, &ends);
        answers.for_each(|submission, rows| {
            sketch.add(rows);
            if looks == 1 {
                on_submission(answers.entry(submission), rows);
            }
        });
        let all = sketch.open(session, &[submissions])?;
        if all == [Fp61::ZERO] || !session.performs(Check::Inputs) {
            break;
        }
        if looks > 1 {
            verify_so_far(session)?;
        }
        let mut sketch = Sketch::new(session, answers.width(), &ends, validity)?;
        sketch.leave_out(&malformed, &ends);
        answers.for_each(|_, rows| sketch.add(rows));
        let each: Vec<usize> = (1..=submissions).collect();
        let deviations = sketch.open(session, &each)?;
        let found = deviations.iter().enumerate().filter(|(_, deviation)| **deviation != Fp61::ZERO);
        let before = malformed.len();
        malformed.extend(found.map(|(submission, _)| submission));
        if malformed.len() == before {
            verify_so_far(session)?;
        }
    }
    Ok(malformed.into_iter().map(|submission| answers.entry(submission)).collect())
}

/// The whole deviates although what made it deviate is left out, or no part of it does: unless it is a chance of `n·3/p`, a node
/// lies. It is found here. The claims so far are then done with.
fn verify_so_far<N: Network>(session: &mut Session<N>) -> Result<(), SessionError> {
    session.verify_claims(())?;
    session.enter(Phase::Validate.engine());
    Ok(())
}

/// Whether every row of the buyer's gold answers is an answer or all zeros, without looking.
///
/// As with answers, 0 is opened for gold that is valid, whatever it is, and for other gold only with probability 3/p. A node
/// that frames the buyer by a wrong product is found by [`Session::verify`]: nothing follows from `false` before that.
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
    let mut sketch = Sketch::new(session, width, &[gold.len() / width], validity)?;
    sketch.add(&rows_of(gold));
    Ok(sketch.open(session, &[1])? == [Fp61::ZERO])
}
