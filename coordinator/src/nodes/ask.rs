//! Requests with one reply, and a deadline.

use std::time::Duration;

use tacit_mpc_core::digest::Digest;
use tacit_protocol::control::{Reply, Request};
use tokio::time::timeout;

use super::{Channel, Trouble};

/// How long a node may take to open a job or to keep a batch of submissions.
const DEADLINE: Duration = Duration::from_secs(60);

/// Sends a request and waits for its one reply; a refusal is an error.
///
/// # Errors
/// The node refuses, does not answer in time, or cannot be reached.
pub async fn ask(channel: &dyn Channel, request: &Request) -> Result<Reply, Trouble> {
    let answer = async {
        let mut replies = channel.request(request).await?;
        replies.next().await
    };
    match timeout(DEADLINE, answer).await {
        Ok(Ok(Reply::Refused(refusal))) => Err(Trouble::Refused(refusal)),
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(Trouble::Link(error)),
        Err(_) => Err(Trouble::Silent(DEADLINE)),
    }
}

/// Opens a job at a node; `request` is the one that opens the job of this digest.
///
/// # Errors
/// As [`ask`]; or the node makes another job of the spec.
pub async fn open_job(channel: &dyn Channel, request: &Request, digest: Digest) -> Result<(), Trouble> {
    match ask(channel, request).await? {
        Reply::Opened(theirs) if theirs == digest => Ok(()),
        Reply::Opened(_) => Err(Trouble::Odd("its digest of the job is another one: run the same release on both")),
        _ => Err(Trouble::Odd("not the job's digest")),
    }
}
