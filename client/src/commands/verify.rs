//! `tacit verify`.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tacit_client::known_jobs::KnownJob;
use tacit_client::text::one_line;
use tacit_client::verify::{Verified, verify};
use tacit_client::{gold, keys, spec};
use tacit_protocol::accepted::RefusedBy;
use tacit_protocol::job::{Gold, Job, JobError, SignedSpec, Terms};

use crate::args::Verify;
use crate::commands::pool_size;
use crate::exit::Cause;
use crate::output::{Format, SOME_JOB, money};

/// Verifies a result and says what was certified.
pub(crate) fn run(args: &Verify, format: Format) -> Result<()> {
    let verified = verify(&args.path, &args.cluster)?;
    let known = KnownJob::look_up(&verified.certificate.terms.id, Some(&verified.cluster.digest()))?;
    let was_created_here = known.map(|known| known.is_this("the result", &verified.certificate.subject.job));
    let was_created_here = was_created_here.transpose()?.unwrap_or(false);
    if let Some(path) = &args.spec {
        of_spec(&verified, path)?;
    }
    let terms = &verified.certificate.terms;
    let size = args.pool_size.as_deref().map(|path| pool_size::of_job(path, terms)).transpose()?;
    let is_known = was_created_here || args.spec.is_some();
    format.print(&machine(&verified, is_known, size), &people(&verified, is_known, size))
}

/// The nodes certify a job's terms, but a coordinator could have opened other terms than the buyer's under
/// the same id.
fn of_spec(verified: &Verified, path: &Path) -> Result<()> {
    let terms = &verified.certificate.terms;
    let mut spec = spec::load(path)?;
    if spec.gold.is_some() {
        let key = keys::load(&gold::key_path(path))?.public();
        spec.job.gold = Some(Gold { key });
    }
    // The signature in the certificate was verified, so it verifies for this spec only if the terms are the same.
    let signed = SignedSpec {
        buyer: terms.buyer,
        signature: verified.certificate.buyer_signature,
        spec: spec.job,
    };
    match Job::open(&verified.cluster.digest(), terms.id.clone(), signed) {
        Ok(_) => Ok(()),
        Err(JobError::Signature(_)) => Err(Cause::NotVerified.error(format!(
            "{}: the result is of a job with other terms than this spec: the buyer {} did not sign these",
            path.display(),
            terms.buyer
        ))),
        Err(error) => Err(error).with_context(|| path.display().to_string()),
    }
}

/// Who vouches for the contributors; empty if the job names no issuers.
fn pool(verified: &Verified, size: Option<u32>) -> String {
    let Some(issuers) = &verified.certificate.terms.issuers else {
        return String::new();
    };
    let keys: Vec<String> = issuers.keys.iter().map(ToString::to_string).collect();
    let of = size.map(|size| format!(", which has {size}")).unwrap_or_default();
    format!(
        "pool         {} people of pool `{}`{of}\nissuers      {} of {}\n",
        verified.report.job.contributors,
        issuers.pool,
        issuers.need,
        keys.join(", ")
    )
}

fn people(verified: &Verified, is_known: bool, size: Option<u32>) -> String {
    let job = &verified.report.job;
    let signers: Vec<String> = verified
        .signers()
        .iter()
        .map(|(name, operator)| format!("{name} ({operator})"))
        .collect();
    let some_job = if is_known {
        String::new()
    } else {
        format!("{SOME_JOB}; give --spec to verify whose terms these are\n")
    };
    let refused: String = verified
        .certificate
        .facts
        .refused
        .iter()
        .map(|one| refused_by(verified, one))
        .collect();
    format!(
        "job          {}: {}\nterms        {}\nbuyer        {}\nanswers      {} of {} contributors to {} items; {} rejected\n{}{refused}\
         signed by    {}\ncluster      {} {}\naccepted set {}\n{some_job}verified\n",
        job.id,
        one_line(&verified.certificate.terms.name),
        pay(&verified.certificate.terms),
        verified.certificate.terms.buyer,
        job.answers,
        job.contributors,
        job.items,
        job.rejected_answers,
        pool(verified, size),
        one_line(&signers.join(", ")),
        one_line(&verified.cluster.file().name),
        verified.cluster.digest(),
        verified.certificate.accepted(),
    )
}

/// Which nodes could not use how many submissions, although each had asked the others for what it missed.
fn refused_by(verified: &Verified, one: &RefusedBy) -> String {
    format!(
        "refused by   {}: {} submissions with {} answers\n",
        one_line(&names(verified, one).join(", ")),
        one.submissions,
        one.answers
    )
}

fn names(verified: &Verified, one: &RefusedBy) -> Vec<String> {
    one.nodes.iter().map(|node| verified.cluster.node_name(node)).collect()
}

fn pay(terms: &Terms) -> String {
    let each = format!("{} answers to an item", terms.answers_per_item);
    match terms.payout() {
        None => format!("{each}, no pay"),
        Some(pay) => format!(
            "{each}, base {} and bonus up to {} for each, budget {}",
            money(pay.base_per_item, &pay.currency),
            money(pay.bonus_per_item, &pay.currency),
            money(pay.budget, &pay.currency)
        ),
    }
}

/// What was verified, for programs.
fn machine(verified: &Verified, is_known: bool, size: Option<u32>) -> Value {
    let signers: Vec<_> = verified
        .signers()
        .iter()
        .map(|(name, operator)| json!({ "node": name, "operator": operator }))
        .collect();
    let refused: Vec<_> = verified
        .certificate
        .facts
        .refused
        .iter()
        .map(|one| json!({ "nodes": names(verified, one), "submissions": one.submissions, "answers": one.answers }))
        .collect();
    let (job, terms) = (&verified.report.job, &verified.certificate.terms);
    json!({
        "verified": true,
        "known": is_known,
        "job": {
            "id": job.id, "name": terms.name, "digest": terms.digest(), "buyer": terms.buyer, "items": job.items,
            "contributors": job.contributors, "answers": job.answers, "rejected_answers": job.rejected_answers,
            "answers_per_item": terms.answers_per_item, "payout": terms.payout(), "issuers": terms.issuers, "pool_size": size,
        },
        "refused_by": refused,
        "cluster": verified.cluster.digest(),
        "accepted": verified.certificate.accepted(),
        "signed_by": signers,
    })
}
