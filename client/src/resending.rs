//! Sending again what a coordinator has lost that was restored from a backup: the bytes of submissions that it had acknowledged, and the
//! withdrawals that it had taken. The same bytes are the same submission, so nothing counts twice. What was withdrawn is never sent again.

use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
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
    /// The ids of the submissions that it does not take again, and what it says.
    pub refused: Vec<(String, ApiError)>,
    /// The ids of the submissions that are withdrawn, as far as it is known here, and that it does not take back, with what it says.
    pub not_withdrawn: Vec<(String, ApiError)>,
}

/// Asks for each acknowledged submission of a folder whether the coordinator still has it, and sends it again if not. Of each one that is
/// withdrawn the withdrawal is sent again.
///
/// # Errors
/// It is not known what became of a submission. That one is refused is no error.
pub async fn send_lost(api: &Api, cluster: &Cluster, key: &SecretKey, state: &State, author: Author) -> Result<Resent, ResendError> {
    let mut resent = Resent::default();
    for index in state.plan().all() {
        let Some(submission) = state.submission(index)? else { continue };
        let header = &submission.header.value;
        let id = header.statement.id.to_string();
        if state.withdrawal(index)?.is_some() {
            match withdrawals::ask(api, cluster, key, state, (index, header)).await {
                Ok(_) => {}
                // It has nothing to take back, or nothing any more.
                Err(WithdrawError::Api(error))
                    if ["unknown_submission", "unknown_job", "purged"]
                        .iter()
                        .any(|kind| error.is_problem(kind)) => {}
                Err(WithdrawError::Api(error @ ApiError::Refused { .. })) => resent.not_withdrawn.push((id, error)),
                Err(WithdrawError::Api(error)) => return Err(error.into()),
                Err(WithdrawError::State(error)) => return Err(error.into()),
            }
            continue;
        }
        if state.receipt(index)?.is_none() {
            continue;
        }
        match api.submission(&header.statement.job, &header.statement.id).await {
            Ok(_) => continue,
            // Not what a proxy says, nor that everything of the job is deleted after its time.
            Err(error) if error.is_problem("unknown_submission") => {}
            Err(error) => return Err(error.into()),
        }
        let enrolled = match (author, &header.statement.credential) {
            (Author::Contributor, None) => sharing::enrol(api, cluster, &header.statement.contributor, key).await,
            (Author::Contributor, Some(_)) | (Author::Buyer, _) => Ok(()),
        };
        let (header, bytes) = sharing::encode(submission);
        let sent = match enrolled {
            Ok(()) => sharing::send(api, cluster, &header, bytes).await,
            Err(error) => Err(error.into()),
        };
        match sent {
            Ok(receipt) => {
                state.replace_receipt(index, &receipt)?;
                resent.again += 1;
            }
            Err(SendError::Api(error @ ApiError::Refused { .. })) => resent.refused.push((id, error)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(resent)
}
