//! `tacit verify`.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tacit_client::text::one_line;
use tacit_client::verify::{Verified, verify};
use tacit_client::{gold, keys, spec};
use tacit_protocol::accepted::RefusedBy;
use tacit_protocol::job::{Gold, Job, Terms};

use crate::args::Verify;
use crate::output;

/// Verifies a result and says what was certified.
pub(crate) fn run(args: &Verify) -> Result<()> {
    let verified = verify(&args.path, &args.cluster)?;
    if let Some(path) = &args.spec {
        of_spec(&verified, path)?;
    }
    output::print(&if args.json { machine(&verified) } else { people(&verified) })
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
    let job = Job::new(terms.id.clone(), spec.job).with_context(|| path.display().to_string())?;
    ensure!(
        job.digest() == terms.digest(),
        "{}: the result is of a job with other terms: its digest is {}, this spec's {}",
        path.display(),
        terms.digest(),
        job.digest()
    );
    Ok(())
}

fn people(verified: &Verified) -> String {
    let job = &verified.report.job;
    let signers: Vec<String> = verified
        .signers()
        .iter()
        .map(|(name, operator)| format!("{name} ({operator})"))
        .collect();
    let refused: String = verified
        .certificate
        .facts
        .refused
        .iter()
        .map(|one| refused_by(verified, one))
        .collect();
    format!(
        "job          {}: {}\nterms        {}\nanswers      {} of {} contributors to {} items; {} rejected\n{refused}\
         signed by    {}\ncluster      {} {}\naccepted set {}\nverified\n",
        job.id,
        one_line(&verified.certificate.terms.name),
        pay(&verified.certificate.terms),
        job.answers,
        job.contributors,
        job.items,
        job.rejected_answers,
        one_line(&signers.join(", ")),
        one_line(&verified.cluster.file().name),
        verified.cluster.digest(),
        verified.certificate.accepted(),
    )
}

/// Which nodes could not use how many submissions, although each had asked the others for what it missed.
fn refused_by(verified: &Verified, one: &RefusedBy) -> String {
    let names: Vec<String> = one.nodes.iter().map(|node| verified.cluster.node_name(node)).collect();
    format!(
        "refused by   {}: {} submissions with {} answers\n",
        one_line(&names.join(", ")),
        one.submissions,
        one.answers
    )
}

fn pay(terms: &Terms) -> String {
    let each = format!("{} answers to an item", terms.answers_per_item);
    match terms.payout() {
        None => format!("{each}, no pay"),
        Some(pay) => format!(
            "{each}, base {} and bonus up to {} for each, budget {}",
            output::money(pay.base_per_item, &pay.currency),
            output::money(pay.bonus_per_item, &pay.currency),
            output::money(pay.budget, &pay.currency)
        ),
    }
}

fn machine(verified: &Verified) -> String {
    let signers: Vec<_> = verified
        .signers()
        .iter()
        .map(|(name, operator)| json!({ "node": name, "operator": operator }))
        .collect();
    let job = &verified.report.job;
    let text = json!({
        "verified": true,
        "job": { "id": job.id, "name": verified.certificate.terms.name, "digest": verified.certificate.terms.digest() },
        "cluster": verified.cluster.digest(),
        "accepted": verified.certificate.accepted(),
        "signed_by": signers,
    });
    format!("{text:#}\n")
}
