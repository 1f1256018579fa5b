//! The demo's job, from creation to publication, over the same HTTP API as anyone's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use tacit_client::http::Api;
use tacit_client::watch::Watch;
use tacit_client::{batches, sharing};
use tacit_core::api::{JobState, JobStatus, WaitingOn};
use tacit_core::cluster::Cluster;
use tacit_core::identity::SecretKey;
use tacit_core::job::Job;
use tacit_core::submission::Submission;
use tokio::time::{Instant, timeout_at};

use crate::demo::input::Input;
use crate::demo::progress::{Phase, Progress};
use crate::output;

/// How many contributors submit at the same time.
const CONTRIBUTORS: usize = 8;
/// How long a node may need its operator before the demo gives up: nobody is there to help it.
const PATIENCE: Duration = Duration::from_secs(3);

/// Creates the job and checks that it is the one that was meant.
pub async fn create(api: &Api, input: &Input) -> Result<Arc<Job>> {
    let status = api.create_job(input.job.id(), &input.spec).await?;
    ensure!(
        status.digest == input.job.digest(),
        "the coordinator has opened another job than was sent"
    );
    Ok(Arc::new(input.job.clone()))
}

/// Lets every contributor enrol, share and submit, as its own client would.
pub async fn submit_all(api: &Api, cluster: &Cluster, job: &Arc<Job>, input: &Input, progress: &Progress) -> Result<()> {
    let contributors = input.by_contributor();
    let title = format!(
        "sharing and submitting {} answers of {} contributors",
        input.answers.rows.len(),
        contributors.len()
    );
    let phase = progress.phase("share and submit", title, Some(input.answers.rows.len() as u64));
    let cluster = Arc::new(cluster.clone());
    stream::iter(contributors)
        .map(|(name, answers)| submit(api, &cluster, job, name, answers, &phase))
        .buffer_unordered(CONTRIBUTORS)
        .try_collect::<Vec<()>>()
        .await?;
    Ok(())
}

/// One contributor's submissions, one after the other: its first answer to an item counts.
async fn submit(api: &Api, cluster: &Arc<Cluster>, job: &Arc<Job>, name: &str, answers: Vec<(u32, u32)>, phase: &Phase<'_>) -> Result<()> {
    let key = SecretKey::generate(&mut rand::rng());
    let of = || format!("contributor {}", output::cell(name));
    sharing::enrol(api, cluster, name, &key).await.with_context(of)?;
    for batch in batches::split(&answers, batches::most(job.terms().classes().len())) {
        let size = batch.len() as u64;
        let (cluster_too, job, key, contributor) = (Arc::clone(cluster), Arc::clone(job), key.clone(), name.to_owned());
        let share = move || Submission::create(&cluster_too, &job, &contributor, &key, &batch, &mut rand::rng()).map(sharing::encode);
        let (header, bytes) = tokio::task::spawn_blocking(share).await.context("sharing")?.with_context(of)?;
        sharing::send(api, cluster, &header, bytes).await.with_context(of)?;
        phase.advance(size);
    }
    Ok(())
}

/// Closes the job and follows it until it is published.
pub async fn close_and_follow(api: &Api, job: &Job, progress: &Progress) -> Result<()> {
    let phase = progress.phase("close to published", "closing the job; the nodes compute".to_owned(), None);
    api.close(job.id()).await?;
    let mut watch = Watch::new(api, job.id());
    let mut complaint: Option<Instant> = None;
    loop {
        let next = match complaint {
            None => watch.next().await?,
            Some(since) => match timeout_at(since + PATIENCE, watch.next()).await {
                Ok(next) => next?,
                Err(_) => Some(api.status(job.id()).await?),
            },
        };
        let status = next.context("the coordinator said no more about the job before it was published")?;
        match status.state {
            JobState::Published => return Ok(()),
            JobState::Failed | JobState::Cancelled => {
                bail!(
                    "the job {}: {}",
                    status.state.name(),
                    output::cell(status.reason.as_deref().unwrap_or("no reason given"))
                );
            }
            _ => phase.note(stage(&status)),
        }
        complaint = match needs_operator(&status) {
            None => None,
            Some(waiting) => {
                let since = complaint.unwrap_or_else(Instant::now);
                if since.elapsed() >= PATIENCE {
                    bail!(
                        "{} needs its operator: {}",
                        output::cell(&waiting.node),
                        output::cell(&waiting.reason)
                    );
                }
                Some(since)
            }
        };
    }
}

fn needs_operator(status: &JobStatus) -> Option<&WaitingOn> {
    status.waiting_on.iter().find(|waiting| waiting.needs_operator)
}

fn stage(status: &JobStatus) -> String {
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
    // While deliveries run every node is behind for a moment, which the count says already.
    for waiting in status
        .waiting_on
        .iter()
        .filter(|waiting| waiting.needs_operator || status.state != JobState::Closing)
    {
        text += &format!("; waiting on {}: {}", output::cell(&waiting.node), output::cell(&waiting.reason));
    }
    text
}
