//! Sending again what a coordinator has lost that was restored from a backup: the bytes of submissions that it had acknowledged, and the
//! withdrawals that it had taken. The same bytes are the same submission, so nothing counts twice. What was withdrawn is never sent again.
//!
//! Once a node has destroyed the key that a lost submission is sealed to, the same bytes are of no use. Whoever has the answers shares and
//! seals them again then, as another submission: `docs/security/epochs.md` says why that gives nothing away.

use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::Shown;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::submission::Statement;
use thiserror::Error;

use crate::http::{Api, ApiError};
use crate::sharing::{self, SendError};
use crate::state::{State, StateError};
use crate::withdrawals::{self, WithdrawError};

/// Why submissions that are lost could not be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ResendError {
    /// A request to the coordinator failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The coordinator does not take a lost submission now.
    #[error("the coordinator has lost submission {submission}, and cannot take it again now: {error}; try again later")]
    NotYet {
        /// The submission's id.
        submission: String,
        /// Why the submission was not sent.
        error: ApiError,
    },
    /// The new receipt is not valid.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A file of the folder cannot be read or written.
    #[error(transparent)]
    State(#[from] StateError),
}

/// Who has sent what a folder keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A contributor, whose key is enrolled again with the coordinator unless a credential takes the place of that.
    Contributor,
    /// The buyer, with gold answers, which need no enrolment.
    Buyer,
}

/// What became of what the coordinator had acknowledged and does not know any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resent {
    /// How many submissions it has acknowledged again.
    pub again: usize,
    /// The submissions that it does not take again because they are sealed to keys that nodes have destroyed: indices and ids. Their answers
    /// have to be sealed again.
    pub sealed_too_late: Vec<(usize, String)>,
    /// The ids of the submissions that it does not take again, and what it says.
    pub refused: Vec<(String, ApiError)>,
    /// The ids of the submissions that are withdrawn, as far as it is known here, and that it does not take back, with what it says.
    pub not_withdrawn: Vec<(String, ApiError)>,
}

impl Resent {
    /// Whether the coordinator has lost the submission of this id, and has not taken it again.
    pub fn is_lost(&self, id: &str) -> bool {
        let refused = self.refused.iter().map(|(refused, _)| refused);
        self.sealed_too_late
            .iter()
            .map(|(_, late)| late)
            .chain(refused)
            .any(|lost| lost == id)
    }
}

/// Asks for each acknowledged submission of a folder whether the coordinator still has it, and sends it again if not. Of each one that is
/// withdrawn the withdrawal is sent again.
///
/// # Errors
/// It is not known what became of a submission, or it could not be sent now. That one is refused for good is no error.
pub async fn send_lost(api: &Api, cluster: &Cluster, key: &SecretKey, state: &State, author: Author) -> Result<Resent, ResendError> {
    let mut resent = Resent::default();
    for index in state.plan().all() {
        let Some(submission) = state.submission(index)? else { continue };
        let header = &submission.header.value;
        let id = header.statement.id.to_string();
        if state.is_taken_back(index)? {
            match withdrawals::ask(api, cluster, key, state, (index, header)).await {
                Ok(_) => {}
                Err(WithdrawError::Api(error)) if withdrawals::is_unknown(&error) => {}
                Err(WithdrawError::Api(error @ ApiError::Refused { .. })) => resent.not_withdrawn.push((id, error)),
                Err(WithdrawError::Api(error)) => return Err(error.into()),
                Err(WithdrawError::State(error)) => return Err(error.into()),
            }
            continue;
        }
        // What is replaced is not missed, and was sealed too late.
        if !state.plan().is_current(index) || state.receipt(index)?.is_none() {
            continue;
        }
        if !is_lost(api, cluster, key, author, &header.statement).await? {
            continue;
        }
        let (header, bytes) = sharing::encode(submission);
        match sharing::send(api, cluster, &header, bytes).await {
            Ok(receipt) => {
                state.replace_receipt(index, &receipt)?;
                resent.again += 1;
            }
            // Once for each answer: nodes take two of a subject to an item, and whoever claims a second loss would have a third one refused.
            Err(SendError::Api(error)) if error.kind() == Some(ProblemKind::SealingKeyExpired) && state.plan().is_original(index) => {
                resent.sealed_too_late.push((index, id));
            }
            Err(SendError::Api(error)) if is_final(&error) => resent.refused.push((id, error)),
            Err(SendError::Api(error)) => return Err(ResendError::NotYet { submission: id, error }),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(resent)
}

/// Whether the coordinator has lost a submission that it had acknowledged. Not what a proxy says counts, nor that everything of the job is
/// deleted after its time.
async fn is_lost(api: &Api, cluster: &Cluster, key: &SecretKey, author: Author, statement: &Statement) -> Result<bool, ApiError> {
    // A coordinator tells nobody of a job that is not public but those who may read it: the buyer, whose requests are signed already, and
    // those whom it knows by their keys or credentials.
    let shown = statement.credential.clone().map(Shown::Credential);
    let asking = match author {
        Author::Buyer => api.clone(),
        Author::Contributor => api.clone().signed_as(key.clone(), cluster.digest(), shown.as_ref()),
    };
    let lost = |answer: Result<_, ApiError>| match answer {
        Ok(_) => Ok(false),
        Err(error) if error.kind() == Some(ProblemKind::UnknownSubmission) => Ok(true),
        Err(error) => Err(error),
    };
    let asked = lost(asking.submission(&statement.job, &statement.id).await);
    let (Author::Contributor, None) = (author, &statement.credential) else {
        return asked;
    };
    match asked {
        Ok(false) => Ok(false),
        // It has lost the enrolment, too.
        Err(error) if error.kind() != Some(ProblemKind::UnknownJob) => Err(error),
        Ok(true) | Err(_) => {
            match sharing::enrol(api, cluster, &statement.contributor, key).await {
                Ok(()) => lost(asking.submission(&statement.job, &statement.id).await),
                // What is sent is then refused, too, and that is told.
                Err(error) if matches!(error.kind(), Some(ProblemKind::EnrolmentClosed | ProblemKind::EnrolmentConflict)) => Ok(true),
                Err(error) => Err(error),
            }
        }
    }
}

/// Whether the coordinator refuses a submission, or the enrolment before it, for good. A full disk, a queue or a proxy is no reason to give
/// a submission up: those pass.
fn is_final(error: &ApiError) -> bool {
    matches!(
        error.kind(),
        Some(
            ProblemKind::SealingKeyExpired
                | ProblemKind::JobClosed
                | ProblemKind::JobEnded
                | ProblemKind::JobFull
                | ProblemKind::ContributorQuota
                | ProblemKind::SubmissionConflict
                | ProblemKind::SubmissionRejected
                | ProblemKind::EnrolmentClosed
                | ProblemKind::EnrolmentConflict
                | ProblemKind::NotEnrolled
                | ProblemKind::UnknownJob
        )
    )
}
