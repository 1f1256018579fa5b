//! Runs the demo's job from creation to publication over the HTTP API that buyers and contributors use.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use tacit_client::batches::{self, Batch};
use tacit_client::http::Api;
use tacit_client::text::one_line;
use tacit_client::{sealing_keys, sharing};
use tacit_program::unix_time;
use tacit_protocol::api::JobStatus;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::consent::ConsentRecord;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;
use tacit_protocol::submission::{Submission, SubmissionError};

use crate::demo::input::{Input, JOB};
use crate::local_cluster::{follow, stage};
use crate::progress::{Phase, Progress};

/// How many contributors submit at the same time.
const CONTRIBUTORS: usize = 8;

/// Creates the job, signed with a new key, and checks that the coordinator opened exactly this job.
pub(super) async fn create(api: &Api, cluster: &Cluster, input: &Input) -> Result<Arc<Job>> {
    let buyer = SecretKey::generate(&mut rand::rng());
    let job = Job::sign(&cluster.digest(), JOB.parse()?, input.spec.clone(), &buyer)?;
    let status = api.create_job(job.id(), &job.to_signed_spec()).await?;
    ensure!(
        status.digest == job.digest(),
        "the coordinator has opened another job than was sent"
    );
    Ok(Arc::new(job))
}

/// Enrols every contributor and sends its submissions, as its own client would. Returns the submission that has the first answer of the file,
/// as it was sent.
pub(super) async fn submit_all(
    api: &Api,
    cluster: &Cluster,
    job: &Arc<Job>,
    input: &Input,
    progress: &Progress,
) -> Result<Option<Submission>> {
    let contributors = input.by_contributor();
    // Contributors are numbered by first appearance: the first answer is one of contributor 0.
    let first = input.answers.rows.first().map(|row| row.item);
    let title = format!(
        "sharing and submitting {} answers of {} contributors",
        input.answers.rows.len(),
        contributors.len()
    );
    let phase = progress.phase("share and submit", title, Some(input.answers.rows.len() as u64));
    let cluster = Arc::new(sealing_keys::fetch_first(api, cluster.clone()).await?);
    let kept = stream::iter(contributors.into_iter().enumerate())
        .map(|(index, (name, answers))| submit(api, &cluster, job, name, answers, first.filter(|_| index == 0), &phase))
        .buffer_unordered(CONTRIBUTORS)
        .try_collect::<Vec<Option<Submission>>>()
        .await?;
    Ok(kept.into_iter().flatten().next())
}

/// Sends one contributor's submissions one after the other, because its first answer to an item counts. Returns the first one that has an
/// answer to the item `keep`.
async fn submit(
    api: &Api,
    cluster: &Arc<Cluster>,
    job: &Arc<Job>,
    name: &str,
    answers: Batch,
    keep: Option<u32>,
    phase: &Phase<'_>,
) -> Result<Option<Submission>> {
    let mut kept = None;
    let key = SecretKey::generate(&mut rand::rng());
    let consent = ConsentRecord::new(cluster, job.terms(), &key, unix_time(), &mut rand::rng());
    let of = || format!("contributor {}", one_line(name));
    sharing::enrol(api, cluster, name, &key).await.with_context(of)?;
    for batch in batches::split(&answers, batches::most(&job.terms().question)) {
        let size = batch.len() as u64;
        let is_kept = kept.is_none() && batch.iter().any(|(item, _)| Some(*item) == keep);
        let (cluster_too, job, contributor) = (Arc::clone(cluster), Arc::clone(job), name.to_owned());
        let (key, consent) = (key.clone(), consent.clone());
        let share = move || {
            let submission = Submission::create(&cluster_too, &job, &contributor, &key, &consent, &batch, &mut rand::rng())?;
            Ok::<_, SubmissionError>((is_kept.then(|| submission.clone()), sharing::encode(submission)))
        };
        let (copy, (header, bytes)) = tokio::task::spawn_blocking(share).await.context("sharing")?.with_context(of)?;
        sharing::send(api, cluster, &header, bytes).await.with_context(of)?;
        kept = kept.or(copy);
        phase.advance(size);
    }
    Ok(kept)
}

/// Closes the job and follows it until it is published.
pub(super) async fn close_and_follow(api: &Api, job: &Job, progress: &Progress) -> Result<()> {
    let phase = progress.phase("close to published", "closing the job; the nodes compute".to_owned(), None);
    api.close(job.id()).await?;
    let note = |status: &JobStatus| {
        if !status.state.is_final() {
            phase.note(stage(status));
        }
    };
    follow(api, job.id(), note).await
}
