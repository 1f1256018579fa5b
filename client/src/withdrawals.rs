//! Taking submissions back. Every node signs that it has erased a submission; the receipts are checked and kept.

use std::time::Duration;

use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::submission::{Header, SubmissionId};
use tacit_protocol::withdrawal::Withdrawal;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::erasures::{Erased, checked};
use crate::http::{Api, ApiError};
use crate::state::{State, StateError, StoredWithdrawal};

const PAUSE: Duration = Duration::from_millis(500);

/// Why it is not known whether a submission is withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WithdrawError {
    /// The coordinator refuses the withdrawal, or cannot be reached.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A file of the folder cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What became of the withdrawal of one submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is out of the job.
    Erased(Erased),
    /// It never arrived: the coordinator has given no receipt, and does not know it. It will not be sent any more.
    NeverArrived,
    /// The coordinator has given a receipt, and says that it does not know it. It will not be sent any more.
    Lost,
    /// The coordinator refuses, or cannot be reached.
    Failed(ApiError),
}

/// Takes back the submissions of a folder, or only those with the same answers as the one of this id. All withdrawals are sent before any node is waited for; then it asks
/// again for those that a node has not signed, until the patience is at an end.
///
/// # Errors
/// A file of the folder cannot be read or written. What the coordinator refuses stands in the outcomes.
pub async fn withdraw(
    api: &Api,
    cluster: &Cluster,
    key: &SecretKey,
    state: &State,
    only: Option<SubmissionId>,
    patience: Duration,
) -> Result<Vec<(SubmissionId, Outcome)>, StateError> {
    let mut chosen = Vec::new();
    for index in state.plan().all() {
        if let Some(submission) = state.submission(index)? {
            chosen.push((index, submission.header.value));
        }
    }
    if let Some(only) = only {
        // Also what the coordinator says it has lost, and what took its place.
        let newest = |(index, _): &(usize, Header)| state.plan().newest(*index);
        let wanted = chosen.iter().find(|(_, header)| header.statement.id == only).map(newest);
        chosen.retain(|one| Some(newest(one)) == wanted);
    }
    for (index, _) in &chosen {
        mark(state, *index)?;
    }
    let mut outcomes = Vec::with_capacity(chosen.len());
    for (index, header) in &chosen {
        outcomes.push(outcome(api, cluster, key, state, (*index, header)).await?);
    }
    let end = Instant::now() + patience;
    while outcomes.iter().any(is_waiting) && Instant::now() < end {
        sleep(PAUSE).await;
        for ((index, header), known) in chosen.iter().zip(&mut outcomes) {
            if is_waiting(known) {
                *known = outcome(api, cluster, key, state, (*index, header)).await?;
            }
        }
    }
    Ok(chosen.iter().map(|(_, header)| header.statement.id).zip(outcomes).collect())
}

fn is_waiting(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Erased(erased) if !erased.missing.is_empty())
}

async fn outcome(
    api: &Api,
    cluster: &Cluster,
    key: &SecretKey,
    state: &State,
    (index, header): (usize, &Header),
) -> Result<Outcome, StateError> {
    match ask(api, cluster, key, state, (index, header)).await {
        Ok(erased) => Ok(Outcome::Erased(erased)),
        Err(WithdrawError::State(error)) => Err(error),
        Err(WithdrawError::Api(error)) => {
            let known = state.withdrawal(index)?.unwrap_or_default();
            // The coordinator has taken it out once. What it says now, with the job purged or the submission lost, changes nothing of that.
            if known.is_confirmed && error.kind() != Some(ProblemKind::Frozen) {
                return Ok(Outcome::Erased(checked(cluster, header, known.erasures)));
            }
            Ok(match (is_unknown(&error), state.receipt(index)?) {
                (true, None) => Outcome::NeverArrived,
                // That everything of the job is deleted after its time is not lost.
                (true, Some(_)) if error.kind() != Some(ProblemKind::Purged) => Outcome::Lost,
                _ => Outcome::Failed(error),
            })
        }
    }
}

/// Whether the coordinator has answered that it has nothing to take back, or nothing any more. It hides a whole job that is not public from
/// whoever has sent nothing to it.
pub(crate) fn is_unknown(error: &ApiError) -> bool {
    matches!(
        error.kind(),
        Some(ProblemKind::UnknownSubmission | ProblemKind::UnknownJob | ProblemKind::Purged)
    )
}

/// Keeps that a withdrawal was asked for, unless it is kept.
fn mark(state: &State, index: usize) -> Result<StoredWithdrawal, StateError> {
    match state.withdrawal(index)? {
        Some(known) => Ok(known),
        None => {
            let asked = StoredWithdrawal::default();
            state.store_withdrawal(index, &asked)?;
            Ok(asked)
        }
    }
}

/// Asks once to take back the submission of this index and header, and keeps the receipts of the nodes that have erased it. The same
/// withdrawal again is no error.
///
/// # Errors
/// The coordinator refuses the withdrawal or cannot be reached, or a file cannot be written.
pub async fn ask(
    api: &Api,
    cluster: &Cluster,
    key: &SecretKey,
    state: &State,
    (index, header): (usize, &Header),
) -> Result<Erased, WithdrawError> {
    let known = mark(state, index)?;
    let statement = &header.statement;
    let signature = Withdrawal::of(header).sign(key);
    let status = match api.withdraw(&statement.job, &statement.id, signature).await {
        Ok(status) => status,
        Err(error) => {
            // The job closed before: the submission stays in it, and what is certified of it is to be checked.
            if error.kind() == Some(ProblemKind::Frozen) && !known.is_confirmed {
                state.forget_withdrawal(index)?;
            }
            return Err(error.into());
        }
    };
    let receipts = known.erasures.iter().cloned().chain(status.erasures).collect();
    let erased = checked(cluster, header, receipts);
    let now = StoredWithdrawal {
        is_confirmed: true,
        erasures: erased.receipts.clone(),
    };
    if now != known {
        state.store_withdrawal(index, &now)?;
    }
    Ok(erased)
}
