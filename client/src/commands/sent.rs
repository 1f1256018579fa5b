//! What was sent to a job, from here and from elsewhere.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use tacit_client::coordinator_receipt::check_sent;
use tacit_client::http::Api;
use tacit_client::state::State;
use tacit_client::unsent::MadeSubmission;
use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::Shown;
use tacit_protocol::job::{Job, JobId};

use crate::commands::contributor::AnswerSource;
use crate::exit::Cause;

/// What was made with the key in this file for a job, which must have been something.
pub(super) fn what_was_sent(key: &Path, job: &JobId) -> Result<State> {
    let state = match State::stored(key, job)? {
        Some(state) if state.made_as()?.is_some() => Some(state),
        _ => None,
    };
    state.ok_or_else(|| {
        let folder = format!("{}.{job}.d", key.display());
        Cause::NotFound.error(format!(
            "{}: nothing was sent to job {job} with this key from here: `tacit answer` does that. If you have answered on another \
             machine, use that one, or copy its folder of this name to {folder}",
            key.display()
        ))
    })
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
    let submissions = match api.receipts(job.id()).await {
        Ok(answer) => answer.submissions,
        // It has nothing of this key, or shows the job to enrolled keys only, which this one is not yet.
        Err(error) if matches!(error.kind(), Some(ProblemKind::UnknownJob | ProblemKind::UnknownSubmission)) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let here: HashSet<_> = made.iter().map(|one| one.id).collect();
    let mut items = HashSet::new();
    for one in submissions {
        if let Some(header) = check_sent(cluster, job, &key, &one)
            && !here.contains(&header.statement.id)
        {
            items.extend(&header.statement.items);
        }
    }
    Ok(items)
}
