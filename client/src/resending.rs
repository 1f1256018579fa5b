//! Sending kept bytes again: a coordinator that was restored from a backup has lost what it acknowledged since. The same bytes are the
//! same submission, so nothing counts twice.

use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use thiserror::Error;

use crate::http::{Api, ApiError};
use crate::sharing::{self, SendError};
use crate::state::{State, StateError};

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

/// What became of the submissions that the coordinator had acknowledged and does not know any more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resent {
    /// How many it has acknowledged again.
    pub again: usize,
    /// The ids of those that it does not take again, and what it says.
    pub refused: Vec<(String, ApiError)>,
}

/// Asks for each acknowledged submission of a folder whether the coordinator still has it, and sends it again if not.
///
/// # Errors
/// It is not known what became of a submission. That one is refused is no error.
pub async fn send_lost(api: &Api, cluster: &Cluster, key: &SecretKey, state: &State, submissions: usize) -> Result<Resent, ResendError> {
    let mut resent = Resent::default();
    for index in 0..submissions {
        let (Some(submission), Some(_)) = (state.submission(index)?, state.receipt(index)?) else {
            continue;
        };
        let statement = &submission.header.value.statement;
        match api.submission(&statement.job, &statement.id).await {
            Err(error) if error.is_unknown() => {}
            Err(error) => return Err(error.into()),
            Ok(_) => continue,
        }
        let id = statement.id.to_string();
        let enrolled = match &statement.credential {
            Some(_) => Ok(()),
            None => sharing::enrol(api, cluster, &statement.contributor, key).await,
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
