//! `tacit job`: creates, follows and closes jobs, and fetches results.

mod close;
mod result;
mod watch;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tacit_client::gold::Gold;
use tacit_client::http::Api;
use tacit_client::known_jobs::KnownJob;
use tacit_client::spec;
use tacit_client::text::one_line;
use tacit_program::error_line;
use tacit_protocol::api::{JobState, JobStatus, ProblemKind};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{Cancellation, Job, JobId, JobSpec, PayRule};

use crate::args::{self, JobCommand};
use crate::commands::buyer::{Buyer, need_buyer, need_token};
use crate::commands::connect::need_cluster;
use crate::exit::Cause;
use crate::output::{self, Format, PUBLIC_ANSWERS};

/// Runs one of the commands on jobs.
pub(crate) async fn run(args: &args::Job, format: Format) -> Result<()> {
    let buyer = Buyer::of(args)?;
    let (api, cluster) = buyer.connect(&args.network).await?;
    let cluster_file = cluster.as_ref();
    match &args.command {
        JobCommand::Create { spec, id } => create(&api, cluster_file, spec, id.as_ref(), &buyer, format).await,
        JobCommand::List => {
            need_buyer(&api)?;
            let list = api.jobs().await?;
            format.print(&list, &output::jobs(&list.jobs))
        }
        JobCommand::Status { id } => {
            let status = status(&api, cluster_file, id).await?;
            format.print(&status, &output::status(&status))
        }
        JobCommand::Watch { id, timeout } => watch::watch(&api, cluster_file, id, Duration::from_secs(*timeout), format).await,
        JobCommand::Close { id, yes } => {
            need_buyer(&api)?;
            close::close(&api, cluster_file, id, *yes, format).await
        }
        JobCommand::Cancel { id } => {
            need_buyer(&api)?;
            cancel(&api, cluster_file, id, &buyer, format).await
        }
        JobCommand::Result { id, csv, out } => result::result(&api, cluster, id, *csv, out.as_deref(), format).await,
    }
}

/// The job of this id, if it was created on this machine.
fn known_job(id: &JobId, cluster: Option<&Cluster>) -> Result<Option<KnownJob>> {
    Ok(KnownJob::look_up(id, cluster.map(Cluster::digest).as_ref())?)
}

/// The status of a job, which is of the terms that were created here, if any were.
async fn status(api: &Api, cluster: Option<&Cluster>, id: &JobId) -> Result<JobStatus> {
    let known = known_job(id, cluster)?;
    let status = api.status(id).await?;
    if let Some(known) = known {
        known.check("the job at the coordinator", &status.digest)?;
    }
    Ok(status)
}

/// Why there will be no result of a job: `None` where there is one, or may be.
fn without_result(status: &JobStatus) -> Option<anyhow::Error> {
    let cause = match status.state {
        JobState::Failed => Cause::JobFailed,
        JobState::Cancelled => Cause::JobCancelled,
        JobState::Open | JobState::Closing | JobState::Computing | JobState::Verified | JobState::Published => return None,
    };
    let reason = status.reason.as_deref().map_or_else(|| "no reason given".to_owned(), one_line);
    Some(cause.error(format!("job {} is {}: {reason}", status.id, status.state.name())))
}

async fn create(api: &Api, cluster: Option<&Cluster>, path: &Path, id: Option<&JobId>, buyer: &Buyer, format: Format) -> Result<()> {
    let cluster = need_cluster(cluster, "the terms are signed for the cluster that it names")?;
    let key = buyer.key()?;
    let mut spec = spec::load(path)?;
    need_token(api)?;
    let gold = spec.gold.as_ref().map(|file| gold(file, path, &mut spec.job)).transpose()?;
    let id = match id {
        Some(id) => id.clone(),
        None => uuid::Uuid::now_v7().to_string().parse().context("a new id")?,
    };
    let job = Job::sign(&cluster.digest(), id.clone(), spec.job, &key)
        .and_then(|job| job.terms().fits(cluster.access()).map(|()| job))
        .with_context(|| path.display().to_string())?;
    // Kept before it is sent: there is no moment in which a job is open whose digest nobody knows.
    let mut known = KnownJob::of(&job, cluster.digest());
    let is_new = known.keep(path)?;
    let status = match api.create_job(&id, &job.to_signed_spec()).await {
        Err(error) => {
            // Whatever the coordinator says, a job that was open is not forgotten. And what a proxy says is not the coordinator's word: it
            // may have opened the job.
            match error.kind().filter(|_| is_new) {
                None => {}
                Some(ProblemKind::JobConflict) => known.forget(path)?,
                Some(_) => known.keep_as_refused(path)?,
            }
            return match error.kind() {
                Some(ProblemKind::JobConflict) => Err(error).with_context(|| {
                    format!(
                        "nothing was opened: the id `{id}` is used up, also if the job that had it was cancelled or has failed. Choose another \
                         --id, or leave it out and get a new one"
                    )
                }),
                _ => Err(error.into()),
            };
        }
        Ok(status) => status,
    };
    known.check("what the coordinator has opened", &status.digest)?;
    notes(&job);
    let gold = gold.filter(|_| job.terms().scores_gold());
    if let Some(gold) = gold {
        let sent = gold.send(api, cluster, &job).await;
        sent.with_context(|| format!("job {id} is open but waits for its gold answers: run this again with --id {id}"))?;
    }
    format.print(&status, &format!("{id}\n"))
}

/// Says what a buyer may not expect of a job.
fn notes(job: &Job) {
    let terms = job.terms();
    if terms.sensitive && terms.payout().is_some_and(|payout| payout.rule != PayRule::Flat) {
        error_line(
            "tacit",
            &format_args!(
                "job {}: everyone is paid the base for each answer that counts, and no bonus: in a sensitive job a bonus would say how \
             others answered",
                job.id()
            ),
        );
    }
    if terms.gold.is_some() && !terms.scores_gold() {
        error_line(
            "tacit",
            &format_args!(
                "job {}: the gold answers are not sent, because a sensitive job takes none",
                job.id()
            ),
        );
    }
    if !terms.sensitive {
        error_line(
            "tacit",
            &format_args!("job {}: {PUBLIC_ANSWERS}; contributors are asked for their consent", job.id()),
        );
    }
}

/// The gold answers of a spec, whose key becomes a part of it.
fn gold(file: &Path, path: &Path, spec: &mut JobSpec) -> Result<Gold> {
    let gold = Gold::load(file, path, spec)?;
    if let Some(advice) = gold.advice(spec.items.len()) {
        error_line("tacit", &format_args!("{}: {advice}", file.display()));
    }
    Ok(gold)
}

async fn cancel(api: &Api, cluster: Option<&Cluster>, id: &JobId, buyer: &Buyer, format: Format) -> Result<()> {
    let cluster = need_cluster(cluster, "the cancellation is signed for the cluster that it names")?;
    // The nodes erase a job for the signature of the key that signed its terms.
    let key = buyer.key()?;
    let terms = status(api, Some(cluster), id).await?.digest;
    let cancellation = Cancellation {
        cluster: &cluster.digest(),
        job: id,
        terms: &terms,
    };
    let status = api.cancel(id, &cancellation.sign(&key)).await?;
    let text = match status.state {
        JobState::Cancelled => format!("{id} cancelled\n"),
        state => format!("{id} is {}; the nodes erase what they have of it\n", state.name()),
    };
    format.print(&status, &text)
}
