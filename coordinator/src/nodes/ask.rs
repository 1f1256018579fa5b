//! Requests that get one reply, with a time limit.

use std::time::Duration;

use tacit_mpc_core::digest::Digest;
use tacit_protocol::control::{Reply, Request};
use tokio::time::timeout;

use super::{Channel, NodeError};

/// How long a node may take to open a job or to store a batch of submissions.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sends a request and waits for its reply. A refusal is an error.
///
/// # Errors
/// The node refuses, does not answer in time, or cannot be reached.
pub(crate) async fn ask(channel: &dyn Channel, request: &Request) -> Result<Reply, NodeError> {
    let answer = async {
        let mut replies = channel.request(request).await?;
        replies.next().await
    };
    match timeout(TIMEOUT, answer).await {
        Ok(Ok(Reply::Refused(refusal))) => Err(NodeError::Refused(refusal)),
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(NodeError::Link(error)),
        Err(_) => Err(NodeError::Silent(TIMEOUT)),
    }
}

/// Opens a job at a node. `request` must be the [`Request::OpenJob`] of the job with this digest.
///
/// # Errors
/// As for [`ask`], or the node computes another digest from the spec.
pub(crate) async fn open_job(channel: &dyn Channel, request: &Request, digest: Digest) -> Result<(), NodeError> {
    match ask(channel, request).await? {
        Reply::Opened(theirs) if theirs == digest => Ok(()),
        Reply::Opened(_) => Err(NodeError::UnexpectedReply(
            "it computes another digest of the job: run the same release on both",
        )),
        _ => Err(NodeError::UnexpectedReply("expected the job's digest")),
    }
}
