//! Follows a job on a cluster without operators.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tacit_client::http::Api;
use tacit_client::text::one_line;
use tacit_client::watch::Watch;
use tacit_protocol::api::{JobState, JobStatus, WaitingOn};
use tacit_protocol::job::JobId;
use tokio::time::{Instant, timeout_at};

/// How long a node may wait for an operator before the command fails.
const OPERATOR_TIMEOUT: Duration = Duration::from_secs(3);

/// Follows a job until it is published; calls `see` with every status, including the last one.
pub(crate) async fn follow(api: &Api, id: &JobId, mut see: impl FnMut(&JobStatus)) -> Result<()> {
    let mut watch = Watch::new(api, id);
    let mut complaint: Option<Instant> = None;
    loop {
        let next = match complaint {
            None => watch.next(|_| ()).await?,
            Some(since) => match timeout_at(since + OPERATOR_TIMEOUT, watch.next(|_| ())).await {
                Ok(next) => next?,
                Err(_) => Some(api.status(id).await?),
            },
        };
        let status = next.context("the coordinator said no more about the job before it was published")?;
        see(&status);
        match status.state {
            JobState::Published => return Ok(()),
            JobState::Failed | JobState::Cancelled => {
                bail!(
                    "the job {}: {}",
                    status.state.name(),
                    one_line(status.reason.as_deref().unwrap_or("no reason given"))
                );
            }
            _ => {}
        }
        complaint = match needs_operator(&status) {
            None => None,
            Some(waiting) => {
                let since = complaint.unwrap_or_else(Instant::now);
                if since.elapsed() >= OPERATOR_TIMEOUT {
                    bail!("{} needs its operator: {}", one_line(&waiting.node), one_line(&waiting.reason));
                }
                Some(since)
            }
        };
    }
}

fn needs_operator(status: &JobStatus) -> Option<&WaitingOn> {
    status.waiting_on.iter().find(|waiting| waiting.needs_operator)
}

/// The status of a running job in words.
pub(crate) fn stage(status: &JobStatus) -> String {
    let mut text = match status.phase {
        Some(phase) => format!("{}: {phase}", status.state.name()),
        None => format!(
            "{}: {} of {} submissions delivered",
            status.state.name(),
            status.delivered,
            status.submissions
        ),
    };
    if status.attempt > 1 {
        text += &format!(", attempt {}", status.attempt);
    }
    // During delivery every node is behind for a moment, which the count above shows already.
    for waiting in status
        .waiting_on
        .iter()
        .filter(|waiting| waiting.needs_operator || status.state != JobState::Closing)
    {
        text += &format!("; waiting on {}: {}", one_line(&waiting.node), one_line(&waiting.reason));
    }
    text
}
