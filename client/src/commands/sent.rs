//! What was sent to a job, from here and from elsewhere.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Error, Result};
use tacit_client::elsewhere;
use tacit_client::http::Api;
use tacit_client::state::State;
use tacit_client::unsent::MadeSubmission;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::Shown;
use tacit_protocol::job::{Job, JobId};

use crate::commands::contributor::AnswerSource;
use crate::exit::Cause;

/// What was made with the key in this file for a job; `None` if nothing was.
pub(super) fn made_here(key: &Path, job: &JobId) -> Result<Option<State>> {
    match State::stored(key, job)? {
        Some(state) if state.made_as()?.is_some() => Ok(Some(state)),
        _ => Ok(None),
    }
}

/// The same, which must have been something.
pub(super) fn what_was_sent(key: &Path, job: &JobId) -> Result<State> {
    made_here(key, job)?.ok_or_else(|| nothing_was_sent(key, job))
}

/// There is nothing of this key and job.
pub(super) fn nothing_was_sent(key: &Path, job: &JobId) -> Error {
    let folder = format!("{}.{job}.d", key.display());
    Cause::NotFound.error(format!(
        "{}: nothing was sent to job {job} with this key from here: `tacit answer` does that. If you have answered on another \
         machine, use that one, or copy its folder of this name to {folder}",
        key.display()
    ))
}

/// The items of a job that a key has answered in submissions which were not made here. The key has signed them, so that the coordinator cannot
/// claim others and keep them unanswered: what the key has not signed for this job is no reason to leave out an answer.
pub(super) async fn sent_elsewhere(
    api: &Api,
    cluster: &Cluster,
    job: &Job,
    source: &AnswerSource,
    made: &[MadeSubmission],
) -> Result<HashSet<u32>> {
    let shown = source.credential.clone().map(Shown::Credential);
    let key = source.key.public();
    let api = api.clone().signed_as(source.key.clone(), cluster.digest(), shown.as_ref());
    let answer = elsewhere::ask_what_was_sent(&api, job.id()).await?;
    let listed = answer.map(|answer| answer.submissions).unwrap_or_default();
    let here: HashSet<_> = made.iter().map(|one| one.id).collect();
    let sent = elsewhere::not_made_here(cluster, job.id(), &key, listed, &here);
    let statements = sent.iter().map(|one| &one.header.value.statement);
    let of_job = statements.filter(|statement| statement.job_digest == job.digest());
    Ok(of_job.flat_map(|statement| &statement.items).copied().collect())
}
