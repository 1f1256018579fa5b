//! What was sent to a job, from here and from elsewhere.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use tacit_client::http::Api;
use tacit_client::state::State;
use tacit_client::unsent::MadeSubmission;
use tacit_protocol::api::ProblemKind;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::Shown;
use tacit_protocol::identity::Purpose;
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

/// The items of a job that a key has answered in submissions which were not made here, as the coordinator says. If it claims some that the
/// key has not sent, nothing but these items is left unanswered, and its signed receipts show what it has claimed.
pub(super) async fn sent_elsewhere(
    api: &Api,
    cluster: &Cluster,
    job: &Job,
    source: &AnswerSource,
    made: &[MadeSubmission],
) -> Result<HashSet<u32>> {
    let shown = source.credential.clone().map(Shown::Credential);
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
        let signed = one.receipt.verify(Purpose::Receipt, &cluster.file().coordinator.identity).ok();
        let is_elsewhere = signed.is_some_and(|signed| signed.job_digest == job.digest() && !here.contains(&signed.submission));
        if is_elsewhere {
            items.extend(one.items);
        }
    }
    Ok(items)
}
