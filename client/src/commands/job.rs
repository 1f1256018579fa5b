//! `tacit job`: creates, follows and closes jobs, and fetches results.

use std::path::Path;

use anyhow::{Context, Result, bail};
use tacit_client::files::{self, Access};
use tacit_client::gold::Gold;
use tacit_client::http::{Api, Published};
use tacit_client::known_jobs::KnownJob;
use tacit_client::spec;
use tacit_client::verify::{CERTIFICATE, Files, PAYOUTS, RESULT, check};
use tacit_client::watch::Watch;
use tacit_program::error_line;
use tacit_protocol::api::{JobState, JobStatus, ProblemKind};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{Cancellation, Job, JobId, JobSpec, PayRule};
use tacit_scoring::report::Report;

use crate::args::{self, JobCommand, Part};
use crate::commands::buyer::{Buyer, need_buyer, need_token};
use crate::commands::connect::need_cluster;
use crate::output::{self, PUBLIC_ANSWERS, SOME_JOB};

/// About a result that nothing was compared with.
const NOT_VERIFIED: &str = "not verified: give --cluster cluster.toml";

/// Runs one of the commands on jobs.
pub(crate) async fn run(args: &args::Job) -> Result<()> {
    let buyer = Buyer::of(args)?;
    let (api, cluster) = buyer.connect(&args.network).await?;
    match &args.command {
        JobCommand::Create { spec, id } => create(&api, cluster.as_ref(), spec, id.as_ref(), &buyer).await,
        JobCommand::List => {
            need_buyer(&api)?;
            output::print(&output::jobs(&api.jobs().await?.jobs))
        }
        JobCommand::Status { id } => output::print(&output::status(&status(&api, cluster.as_ref(), id).await?)),
        JobCommand::Watch { id } => watch(&api, cluster.as_ref(), id).await,
        JobCommand::Close { id } => {
            need_buyer(&api)?;
            // Closing a job of other terms would certify them.
            status(&api, cluster.as_ref(), id).await?;
            output::print(&format!("{}\n", output::status_line(&api.close(id).await?)))
        }
        JobCommand::Cancel { id } => {
            need_buyer(&api)?;
            cancel(&api, cluster.as_ref(), id, &buyer).await
        }
        JobCommand::Result { id, csv, out } => result(&api, cluster, id, *csv, out.as_deref()).await,
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

async fn create(api: &Api, cluster: Option<&Cluster>, path: &Path, id: Option<&JobId>, buyer: &Buyer) -> Result<()> {
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
            return Err(error.into());
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
    output::print(&format!("{id}\n"))
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

async fn cancel(api: &Api, cluster: Option<&Cluster>, id: &JobId, buyer: &Buyer) -> Result<()> {
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
    output::print(&match status.state {
        JobState::Cancelled => format!("{id} cancelled\n"),
        state => format!("{id} is {}; the nodes erase what they have of it\n", state.name()),
    })
}

async fn watch(api: &Api, cluster: Option<&Cluster>, id: &JobId) -> Result<()> {
    let known = known_job(id, cluster)?;
    let mut watch = Watch::new(api, id);
    let mut last = String::new();
    let mut state = None;
    while let Some(status) = watch.next().await? {
        if let Some(known) = &known {
            known.check("the job at the coordinator", &status.digest)?;
        }
        let line = output::status_line(&status);
        if line != last {
            output::print(&format!("{line}\n"))?;
            last = line;
        }
        state = Some((status.state, status.reason));
    }
    match state {
        Some((JobState::Published, _)) => Ok(()),
        Some((state, reason)) => bail!(
            "job {id} is {}: {}",
            state.name(),
            reason.unwrap_or_else(|| "no reason given".to_owned())
        ),
        None => bail!("job {id}: the coordinator sent no status"),
    }
}

async fn result(api: &Api, cluster: Option<Cluster>, id: &JobId, csv: Option<Part>, out: Option<&Path>) -> Result<()> {
    let result = api.fetch(id, Published::Result).await?;
    let report: Report = serde_json::from_slice(&result).context("the coordinator's result cannot be read")?;
    let payouts = match report.payouts {
        Some(_) => Some(api.fetch(id, Published::Payouts).await?),
        None => None,
    };
    let certificate = api.fetch(id, Published::Certificate).await?;
    let verified = cluster.is_some();
    let is_known = match known_job(id, cluster.as_ref())? {
        None => false,
        Some(known) => {
            // Also where nothing is verified: what names other terms is never passed on.
            let named = Certificate::from_json(&certificate).context("the coordinator's certificate cannot be read")?;
            known.is_this("the coordinator's result", &named.terms.digest())?
        }
    };
    if let Some(cluster) = cluster {
        let files = Files {
            certificate: (CERTIFICATE.into(), certificate.clone()),
            result: Some((RESULT.into(), result.clone())),
            payouts: payouts.clone().map(|payouts| (PAYOUTS.into(), payouts)),
        };
        let verified = check(&files, cluster).context("the coordinator's result is refused")?;
        if verified.report.job.id != id.as_str() {
            bail!(
                "the coordinator's result is refused: it is of job {}, not {id}",
                verified.report.job.id
            );
        }
    } else if csv.is_some() || out.is_some() {
        error_line("tacit", &format_args!("job {id}: {NOT_VERIFIED}"));
    }
    if let Some(out) = out {
        files::make_folder(out, Access::Public)?;
        let files = [
            (PAYOUTS, payouts.as_ref()),
            (CERTIFICATE, Some(&certificate)),
            (RESULT, Some(&result)),
        ];
        for (name, bytes) in files.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))) {
            files::write(&out.join(name), bytes, Access::Public)?;
        }
    }
    match csv {
        Some(Part::Payouts) => {
            let payouts = payouts.context("the job has no payouts: its spec does not release them")?;
            return output::print(&String::from_utf8(payouts).context("the coordinator's payouts are not text")?);
        }
        Some(Part::Labels) => {
            if report.labels_reason.is_some() {
                bail!("the job has no labels: its spec does not release them");
            }
            return output::print(&output::labels(&report));
        }
        None => {}
    }
    let ending = match (verified, is_known) {
        (true, true) => "verified".to_owned(),
        (true, false) => format!("verified, but {SOME_JOB}, so nothing here says that these are its buyer's terms"),
        (false, _) => NOT_VERIFIED.to_owned(),
    };
    output::print(&format!("{}\n{ending}\n", output::report(id.as_str(), &report)))
}
