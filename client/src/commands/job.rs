//! `tacit job`: creates, follows and closes jobs, and fetches results.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tacit_client::files::{self, Access};
use tacit_client::gold::Gold;
use tacit_client::http::{Api, ApiError, Published};
use tacit_client::known_jobs::KnownJob;
use tacit_client::verify::{CERTIFICATE, Files, PAYOUTS, RESULT, check};
use tacit_client::watch::Watch;
use tacit_client::{keys, spec};
use tacit_protocol::api::JobState;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{Cancellation, Job, JobId, JobSpec, PayRule};
use tacit_scoring::report::Report;

use crate::args::{self, JobCommand, Part};
use crate::commands::connect::{connect, need_buyer, need_token, token};
use crate::output::{self, PUBLIC_ANSWERS};

/// The last line about a result of a job that was not created here.
const SOME_JOB: &str =
    "verified, but of SOME job with this id: it was not created on this machine, so nothing here says that these are its buyer's terms";

/// Runs one of the commands on jobs.
pub(crate) async fn run(args: &args::Job) -> Result<()> {
    let token = token(args.token_file.as_deref())?;
    let (api, cluster) = connect(&args.network, token.as_ref().map(|token| token.as_str())).await?;
    let api = match (&args.buyer_key, &cluster) {
        // A token says who the buyer is, too; and without a cluster file nothing says for which cluster to sign.
        (Some(file), Some(cluster)) if token.is_none() => api.signed_with(keys::load(file)?, cluster.digest()),
        _ => api,
    };
    match &args.command {
        JobCommand::Create { spec, id, key } => create(&api, cluster.as_ref(), spec, id.as_ref(), key).await,
        JobCommand::List => {
            need_buyer(&api)?;
            output::print(&output::jobs(&api.jobs().await?.jobs))
        }
        JobCommand::Status { id } => output::print(&output::status(&api.status(id).await?)),
        JobCommand::Watch { id } => watch(&api, id).await,
        JobCommand::Close { id } => {
            need_buyer(&api)?;
            output::print(&format!("{}\n", output::status_line(&api.close(id).await?)))
        }
        JobCommand::Cancel { id, key } => {
            need_buyer(&api)?;
            let key = key.as_ref().or(args.buyer_key.as_ref());
            cancel(&api, cluster.as_ref(), id, key.map(PathBuf::as_path)).await
        }
        JobCommand::Result { id, csv, out } => result(&api, cluster, id, *csv, out.as_deref()).await,
    }
}

async fn create(api: &Api, cluster: Option<&Cluster>, path: &Path, id: Option<&JobId>, key: &Path) -> Result<()> {
    let cluster = cluster.context("give --cluster cluster.toml (or TACIT_CLUSTER): the terms are signed for the cluster that it names")?;
    let key = keys::load(key)?;
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
    let known = KnownJob::of(&job, cluster.digest());
    known.keep(path)?;
    let status = match api.create_job(&id, &job.to_signed_spec()).await {
        Err(refused @ ApiError::Refused { .. }) => {
            known.forget(path)?;
            return Err(refused.into());
        }
        other => other?,
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
        eprintln!(
            "tacit: job {}: everyone is paid the base for each answer that counts, and no bonus: in a sensitive job a bonus would say how \
             others answered",
            job.id()
        );
    }
    if terms.gold.is_some() && !terms.scores_gold() {
        eprintln!(
            "tacit: job {}: the gold answers are not sent, because a sensitive job takes none",
            job.id()
        );
    }
    if !terms.sensitive {
        eprintln!(
            "tacit: job {}: {PUBLIC_ANSWERS}; contributors are asked for their consent",
            job.id()
        );
    }
}

/// The gold answers of a spec, whose key becomes a part of it.
fn gold(file: &Path, path: &Path, spec: &mut JobSpec) -> Result<Gold> {
    let gold = Gold::load(file, path, spec)?;
    if let Some(advice) = gold.advice(spec.items.len()) {
        eprintln!("tacit: {}: {advice}", file.display());
    }
    Ok(gold)
}

async fn cancel(api: &Api, cluster: Option<&Cluster>, id: &JobId, key: Option<&Path>) -> Result<()> {
    let cluster =
        cluster.context("give --cluster cluster.toml (or TACIT_CLUSTER): the cancellation is signed for the cluster that it names")?;
    let key =
        key.context("give --key FILE (or TACIT_BUYER_KEY): the nodes erase a job for the signature of the key that signed its terms")?;
    let terms = api.status(id).await?.digest;
    if let Some(known) = KnownJob::look_up(id)? {
        known.check("the job at the coordinator", &terms)?;
    }
    let cancellation = Cancellation {
        cluster: &cluster.digest(),
        job: id,
        terms: &terms,
    };
    let status = api.cancel(id, &cancellation.sign(&keys::load(key)?)).await?;
    output::print(&match status.state {
        JobState::Cancelled => format!("{id} cancelled\n"),
        state => format!("{id} is {}; the nodes erase what they have of it\n", state.name()),
    })
}

async fn watch(api: &Api, id: &JobId) -> Result<()> {
    let known = KnownJob::look_up(id)?;
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
    let known = KnownJob::look_up(id)?;
    let verified = cluster.is_some();
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
        if let Some(known) = &known {
            known.check("the coordinator's result", &verified.certificate.subject.job)?;
        }
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
    let ending = match (verified, known) {
        (true, Some(_)) => "verified",
        (true, None) => SOME_JOB,
        (false, _) => "not verified: give --cluster cluster.toml",
    };
    output::print(&format!("{}\n{ending}\n", output::report(id.as_str(), &report)))
}
