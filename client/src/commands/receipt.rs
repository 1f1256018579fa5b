//! `tacit receipt`: what the nodes certify to a contributor, checked here, and what it means.

use anyhow::{Context, Result, bail};
use tacit_client::http::Api;
use tacit_client::outcome::{Outcome, Sent, explain, fetch};
use tacit_client::receipt::{Certified, Kept, Own, ReceiptError, check, left_out};
use tacit_client::state::State;
use tacit_client::text::one_line;
use tacit_client::{keys, resending};
use tacit_protocol::api::{CertifiedReceipts, JobState, ProblemKind, Receipt as SignedReceipt};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::Shown;
use tacit_protocol::job::{PayRule, Terms};
use tacit_protocol::submission::Header;
use tacit_scoring::payout::Pay;

use crate::args::Receipt;
use crate::commands::connect::connect;
use crate::commands::pool_size;
use crate::output;

/// A submission that was made with the key, and what the coordinator said of it.
struct Made {
    header: Header,
    receipt: Option<SignedReceipt>,
    /// Where the receipt is kept, or would be.
    path: String,
}

/// Runs the command.
pub(crate) async fn run(args: &Receipt) -> Result<()> {
    let key = keys::load(&args.key)?;
    let stored = State::stored(&args.key, &args.job)?;
    let (state, plan) = stored.with_context(|| {
        let key = args.key.display();
        format!(
            "{key}: nothing was sent to job {} with this key: `tacit answer` does that",
            args.job
        )
    })?;
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = cluster.context("give --cluster cluster.toml (or TACIT_CLUSTER): it has the keys that receipts are signed with")?;
    // Signed, and with the credential, as a job that is not public is shown to nobody else: what is purged is not taken for lost.
    let api = api.signed_with(key.clone(), cluster.digest());
    let first = state.submission(0)?;
    let api = match first.and_then(|submission| submission.header.value.statement.credential) {
        Some(credential) => api.showing(&Shown::Credential(credential)),
        None => api,
    };
    output::report_lost(&resending::send_lost(&api, &cluster, &key, &state, plan.submissions()).await?);
    let (mut made, mut withdrawn) = (Vec::new(), 0);
    for index in 0..plan.submissions() {
        // What was withdrawn is in no record.
        if state.erasures(index)?.is_some() {
            withdrawn += 1;
            continue;
        }
        if let Some(submission) = state.submission(index)? {
            made.push(Made {
                header: submission.header.value,
                receipt: state.receipt(index)?,
                path: state.receipt_path(index).display().to_string(),
            });
        }
    }
    let pending = plan.submissions() - withdrawn - made.iter().filter(|one| one.receipt.is_some()).count();
    let certified = match certified(&api, args, &made).await? {
        Some(certified) => {
            let terms = state.terms(&plan)?.with_context(|| {
                format!(
                    "{}: the terms of the job are not kept there: run `tacit answer` again, which keeps them",
                    state.folder().display()
                )
            })?;
            let kept: Vec<Kept<'_>> = made.iter().map(kept).collect();
            let own = Own {
                cluster: &cluster,
                terms: &terms,
                kept: &kept,
            };
            Some((check(&own, &certified)?, terms))
        }
        None => None,
    };
    let (mut text, total) = outcomes(&api, &cluster, made, certified.as_ref().map(|(certified, _)| certified)).await?;
    if pending > 0 {
        text += &format!(
            "{pending} of {} submissions have no receipt yet: run `tacit answer` again\n",
            plan.submissions()
        );
    }
    if withdrawn > 0 {
        text += &format!("{withdrawn} of {} submissions were withdrawn\n", plan.submissions());
    }
    text += &output::rejected(&total, usize::MAX);
    if let Some((certified, terms)) = &certified {
        let size = args.pool_size.as_deref().map(|path| pool_size::of_job(path, terms)).transpose()?;
        text += &explained(certified, terms, size);
    }
    output::print(&text)
}

fn kept(made: &Made) -> Kept<'_> {
    Kept {
        header: &made.header,
        receipt: made.receipt.as_ref().map(|_| made.path.as_str()),
    }
}

/// What the coordinator passes on as certified; `None` until the job is published.
async fn certified(api: &Api, args: &Receipt, made: &[Made]) -> Result<Option<CertifiedReceipts>> {
    let answer = match (api.receipts(&args.job).await, made.iter().find(|one| one.receipt.is_some())) {
        // The job is published, and the coordinator says that the key has sent nothing.
        (Err(error), Some(first)) if error.kind() == Some(ProblemKind::UnknownSubmission) => {
            let left_out = ReceiptError::LeftOut {
                submission: first.header.statement.id.to_string(),
                receipt: first.path.clone(),
            };
            return Err(left_out.into());
        }
        (answer, _) => answer?,
    };
    if answer.state == JobState::Published && answer.certified.is_none() {
        bail!(
            "job {} is published, and the coordinator passes on nothing that the nodes have certified: keep your receipts, and tell the operators",
            args.job
        );
    }
    Ok(answer.certified)
}

/// The submissions with a receipt in a table, and which of their answers count as the coordinator says; it has to fit what is certified.
async fn outcomes(api: &Api, cluster: &Cluster, made: Vec<Made>, certified: Option<&Certified>) -> Result<(String, Outcome)> {
    let (mut rows, mut total) = (Vec::new(), Outcome::default());
    for (index, Made { header, receipt, .. }) in made.into_iter().enumerate() {
        let Some(receipt) = receipt else { continue };
        let sent = &Sent { header, receipt };
        let outcome = fetch(api, cluster, sent).await?;
        let (accepted, rejected) = match &outcome {
            Some(outcome) => (outcome.accepted.to_string(), outcome.rejections().to_string()),
            None => ("not yet known".to_owned(), "not yet known".to_owned()),
        };
        let record = certified.and_then(|certified| certified.submissions.get(index)?.as_ref());
        if let (Some(outcome), Some(record)) = (&outcome, record) {
            let said = outcome.rejected.iter().map(|(reason, items)| (*reason, items.len() as u64));
            if !said.eq(left_out([record])) {
                let text = format!(
                    "of submission {} the coordinator names other answers that do not count than the nodes have certified",
                    sent.header.statement.id
                );
                return Err(ReceiptError::Sum(text).into());
            }
        }
        let signed = &sent.receipt.value;
        rows.push(vec![
            signed.submission.to_string(),
            signed.sequence.to_string(),
            signed.answers.to_string(),
            accepted,
            rejected,
        ]);
        outcome.into_iter().for_each(|outcome| total.add(outcome));
    }
    Ok((output::table(&["submission", "place", "answers", "count", "rejected"], rows), total))
}

/// What is certified, in words.
fn explained(certified: &Certified, terms: &Terms, pool: Option<u32>) -> String {
    let submissions = || certified.submissions.iter().flatten();
    let counted: u64 = submissions().map(|one| u64::from(one.counted)).sum();
    let sent: u64 = submissions().map(|one| u64::from(one.answers)).sum();
    let mut text = format!("certified: {counted} of your {sent} answers count\n");
    for (reason, answers) in left_out(submissions()) {
        text += &format!("  {answers} do not: {}\n", explain(reason));
    }
    if certified.elsewhere > 0 {
        text += &format!(
            "  and {} more submissions of yours, sent with another key or from elsewhere\n",
            certified.elsewhere
        );
    }
    text += &match (&certified.contributor, certified.pay) {
        (Some(record), Some(pay)) => paid(record.facts.answers, pay, terms),
        (None, _) if terms.payout().is_some() => "your pay: none, as no submission of yours was accepted\n".to_owned(),
        _ => "your pay: the job publishes none\n".to_owned(),
    };
    let of = pool.map(|size| format!(" of a pool of {size}")).unwrap_or_default();
    text += &format!(
        "contributors with answers that count: {}{of}\nchecked: signed by all nodes that took part ({}), for the terms that you answered; every \
         submission that has a receipt is in it, and the pay was worked out again\n",
        certified.contributors,
        one_line(&certified.signers.join(", "))
    );
    text
}

/// The pay, and how it comes about.
fn paid(answers: u64, pay: Pay, terms: &Terms) -> String {
    let Some(payout) = terms.payout() else { return String::new() };
    let money = |micro: u64| output::money(micro, &payout.currency);
    let bonus = match u64::try_from(pay.bonus.unsigned_abs()) {
        Ok(amount) if pay.bonus < 0 => format!(", less {}", money(amount)),
        Ok(amount) if pay.bonus > 0 => format!(", and {}", money(amount)),
        _ => String::new(),
    };
    let rule = match terms.pay_rule().unwrap_or(PayRule::Flat) {
        PayRule::Flat if terms.sensitive => "the base for every answer: in a sensitive job nothing depends on what was answered",
        PayRule::Flat => "the base for every answer",
        PayRule::PeerAgreement => "by agreement with others who answered the same",
        PayRule::PeerAgreementBeyondChance => "by agreement with others who answered the same, beyond chance",
        PayRule::Gold => "by the answers that the buyer knew",
    };
    format!(
        "your pay: {} = {answers} answers at {}{bonus} ({rule})\n",
        money(pay.total),
        money(payout.base_per_item)
    )
}
