//! `tacit job watch`: follows a job to its end.

use std::time::Duration;

use anyhow::Result;
use tacit_client::http::{Api, ApiError};
use tacit_client::watch::Watch;
use tacit_program::error_line;
use tacit_protocol::api::JobStatus;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::JobId;

use super::{known_job, without_result};
use crate::exit::Cause;
use crate::output::{self, Format};

/// Prints every change until the job has ended. Fails unless it is published then.
pub(super) async fn watch(api: &Api, cluster: Option<&Cluster>, id: &JobId, patience: Duration, format: Format) -> Result<()> {
    let known = known_job(id, cluster)?;
    let mut watch = Watch::with_patience(api, id, patience);
    let mut last: Option<JobStatus> = None;
    let mut is_lost = false;
    loop {
        let lost = |error: &ApiError| {
            is_lost = true;
            let seconds = patience.as_secs();
            error_line(
                "tacit",
                &format_args!("{error}; trying again, for {seconds} seconds at most (--timeout)"),
            );
        };
        let Some(status) = watch.next(lost).await? else { break };
        if std::mem::take(&mut is_lost) {
            error_line("tacit", &"the coordinator answers again");
        }
        if let Some(known) = &known {
            known.check("the job at the coordinator", &status.digest)?;
        }
        let line = output::status_line(&status);
        if last.as_ref().is_none_or(|last| output::status_line(last) != line) {
            format.print(&status, &format!("{line}\n"))?;
        }
        last = Some(status);
    }
    match last {
        Some(status) => without_result(&status).map_or(Ok(()), Err),
        None => Err(Cause::Unavailable.error(format!("job {id}: the coordinator sent no status"))),
    }
}
