//! `tacit job result`: fetches, verifies, prints and saves the result of a job.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::CommandFactory;
use clap::error::ErrorKind;
use serde::Serialize;
use tacit_client::files::{self, Access};
use tacit_client::http::{Api, ApiError, FailureClass, Published};
use tacit_client::verify::{CERTIFICATE, Files, PAYOUTS, RESULT, VerifyError, check};
use tacit_program::error_line;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::job::{JobId, Terms};
use tacit_protocol::question::Release;
use tacit_scoring::report::Report;

use super::{known_job, without_result};
use crate::args::{Args, Part};
use crate::exit::Cause;
use crate::output::{self, Format, SOME_JOB, csv};

/// About a result that nothing was compared with.
const NOT_VERIFIED: &str = "not verified: give --cluster cluster.toml";
/// About a result that is not what the nodes have signed.
const REFUSED: &str = "the coordinator's result is refused";

/// What the command prints for programs.
#[derive(Serialize)]
struct Outcome<'a> {
    /// Whether it was verified with the cluster file.
    verified: bool,
    /// Whether it is of a job that was created on this machine.
    known: bool,
    /// Where the files are.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved_to: Option<&'a Path>,
    result: &'a Report,
}

/// The files of a result as the coordinator sends them.
struct Fetched {
    result: Vec<u8>,
    payouts: Option<Vec<u8>>,
    certificate: Vec<u8>,
}

/// Fetches the result of a published job.
pub(super) async fn result(
    api: &Api,
    cluster: Option<Cluster>,
    id: &JobId,
    part: Option<Part>,
    out: Option<&Path>,
    format: Format,
) -> Result<()> {
    if part.is_some() && format == Format::Json {
        let text = "--csv and --json are two forms of the same output: give one of them";
        return Err(Args::command().error(ErrorKind::ArgumentConflict, text).into());
    }
    let (fetched, report) = fetch(api, id).await?;
    let syntax = |error| VerifyError::Syntax {
        path: CERTIFICATE.into(),
        error,
    };
    let named = Certificate::from_json(&fetched.certificate).map_err(syntax).context(REFUSED)?;
    // Also where nothing is verified: what names other terms is never passed on.
    let known = known_job(id, cluster.as_ref())?.map(|known| known.is_this("the coordinator's result", &named.terms.digest()));
    let known = known.transpose()?.unwrap_or(false);
    let verified = cluster.is_some();
    if let Some(cluster) = cluster {
        verify(&fetched, id, cluster)?;
    } else if part.is_some() || out.is_some() || format == Format::Json {
        error_line("tacit", &format_args!("job {id}: {NOT_VERIFIED}"));
    }
    if let Some(out) = out {
        save(&fetched, out)?;
    }
    if let Some(part) = part {
        return output::print(&text_of(part, &report, &named.terms, fetched.payouts)?);
    }
    let ending = match (verified, known) {
        (true, true) => "verified".to_owned(),
        (true, false) => format!("verified, but {SOME_JOB}, so nothing here says that these are its buyer's terms"),
        (false, _) => NOT_VERIFIED.to_owned(),
    };
    let outcome = Outcome {
        verified,
        known,
        saved_to: out,
        result: &report,
    };
    format.print(&outcome, &format!("{}\n{ending}\n", output::report(id.as_str(), &report)))
}

async fn fetch(api: &Api, id: &JobId) -> Result<(Fetched, Report)> {
    let result = match api.fetch(id, Published::Result).await {
        Err(error) if error.class() == FailureClass::NotPublished => return Err(not_published(api, id, error).await),
        answer => answer?,
    };
    let report: Report = serde_json::from_slice(&result).context("the coordinator's result cannot be read")?;
    let payouts = match report.payouts {
        Some(_) => Some(api.fetch(id, Published::Payouts).await?),
        None => None,
    };
    let certificate = api.fetch(id, Published::Certificate).await?;
    let fetched = Fetched {
        result,
        payouts,
        certificate,
    };
    Ok((fetched, report))
}

/// Why there is no result: it is not published yet, or never will be.
async fn not_published(api: &Api, id: &JobId, error: ApiError) -> anyhow::Error {
    let status = api.status(id).await.ok();
    match status.as_ref().and_then(without_result) {
        Some(ended) => ended,
        None => anyhow::Error::from(error).context(format!("there is no result yet: `tacit job watch {id}` waits for it")),
    }
}

fn verify(fetched: &Fetched, id: &JobId, cluster: Cluster) -> Result<()> {
    let files = Files {
        certificate: (CERTIFICATE.into(), fetched.certificate.clone()),
        result: Some((RESULT.into(), fetched.result.clone())),
        payouts: fetched.payouts.clone().map(|payouts| (PAYOUTS.into(), payouts)),
    };
    let verified = check(&files, cluster).context(REFUSED)?;
    if verified.report.job.id == id.as_str() {
        return Ok(());
    }
    Err(Cause::NotVerified.error(format!("{REFUSED}: it is of job {}, not {id}", verified.report.job.id)))
}

fn save(fetched: &Fetched, out: &Path) -> Result<()> {
    files::make_folder(out, Access::Public)?;
    let files = [
        (PAYOUTS, fetched.payouts.as_ref()),
        (CERTIFICATE, Some(&fetched.certificate)),
        (RESULT, Some(&fetched.result)),
    ];
    for (name, bytes) in files.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))) {
        files::write(&out.join(name), bytes, Access::Public)?;
    }
    Ok(())
}

/// A part of a result as CSV.
fn text_of(part: Part, report: &Report, terms: &Terms, payouts: Option<Vec<u8>>) -> Result<String> {
    let not_released = |name: &str| format!("the job has no {name}: its spec does not release them");
    match part {
        Part::Payouts => {
            let payouts = payouts.with_context(|| not_released("payouts"))?;
            String::from_utf8(payouts).context("the coordinator's payouts are not text")
        }
        Part::Labels if report.labels_reason.is_some() => bail!(not_released("labels")),
        Part::Labels => Ok(csv::labels(report)),
        Part::Scores if !terms.releases(Release::Scores) => bail!(not_released("scores")),
        Part::Scores => Ok(csv::scores(report)),
        Part::Agreement => csv::agreement(report).with_context(|| match report.agreement_reason {
            Some(reason) => format!("the job has no agreement statistics: {reason}"),
            None => "the job has no agreement statistics".to_owned(),
        }),
        Part::ClassTotals => csv::class_totals(report).with_context(|| match report.class_totals_reason {
            Some(reason) => format!("the job has no class totals: {reason}"),
            None => "the job has no class totals".to_owned(),
        }),
    }
}
