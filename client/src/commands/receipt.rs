//! `tacit receipt`: what the nodes certify to a contributor, checked here, and what it means.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tacit_client::http::Api;
use tacit_client::keys;
use tacit_client::outcome::{Outcome, Sent, explain, fetch};
use tacit_client::receipt::{
    Certified, ContributorView, KeptSubmission, ReceiptError, WithdrawnSubmission, check, check_outcome, left_out, refused_by,
};
use tacit_client::resending::{self, Author, Resent};
use tacit_client::state::{State, StoredWithdrawal};
use tacit_client::text::one_line;
use tacit_protocol::api::{CertifiedReceipts, JobState, ProblemKind, Receipt as SignedReceipt};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::Shown;
use tacit_protocol::job::{PayRule, Terms};
use tacit_protocol::submission::Header;
use tacit_scoring::payout::Pay;

use crate::args::Receipt;
use crate::commands::connect::{connect, need_cluster};
use crate::commands::sent::made_here;
use crate::commands::{consent, elsewhere, pool_size, shell};
use crate::output::{self, Format};

/// A submission that was made with the key, and what the coordinator said of it.
struct StoredSubmission {
    header: Header,
    receipt: Option<SignedReceipt>,
    /// Where the receipt is kept, or would be.
    path: String,
    /// Whether it was to be taken back, which the coordinator has not confirmed.
    taken_back: bool,
}

/// What was made with the key for a job.
struct Submissions {
    kept: Vec<StoredSubmission>,
    withdrawn: Vec<(Header, StoredWithdrawal)>,
    /// How many have no receipt yet, those among them that are not made.
    pending: usize,
    /// How many the coordinator had lost and the nodes do not open any more, so that others with the same answers took their place.
    replaced: usize,
}

impl Submissions {
    fn read(state: &State) -> Result<Self> {
        let (mut kept, mut withdrawn) = (Vec::new(), Vec::new());
        let (mut pending, mut replaced) = (0, 0);
        for index in state.plan().all() {
            let Some(submission) = state.submission(index)? else {
                pending += usize::from(state.plan().is_current(index) && !state.is_taken_back(index)?);
                continue;
            };
            let header = submission.header.value;
            let withdrawal = state.withdrawal(index)?;
            let taken_back = withdrawal.is_some();
            let receipt = match withdrawal {
                Some(withdrawal) if withdrawal.is_confirmed => {
                    withdrawn.push((header, withdrawal));
                    continue;
                }
                // Nobody has promised that it is out of the job, nor is it to stay in it.
                Some(_) => None,
                // Its answers are in the job by another one that the coordinator has acknowledged, so it is not missed. Until then it is.
                None if is_replaced(state, index)? => {
                    replaced += 1;
                    None
                }
                None => {
                    let receipt = state.receipt(index)?;
                    pending += usize::from(receipt.is_none());
                    receipt
                }
            };
            kept.push(StoredSubmission {
                header,
                receipt,
                path: state.receipt_path(index).display().to_string(),
                taken_back,
            });
        }
        Ok(Self {
            kept,
            withdrawn,
            pending,
            replaced,
        })
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.kept.len() + self.withdrawn.len()
    }

    /// The ids of those that are certified although they were to be taken back.
    fn taken_back(&self, certified: Option<&Certified>) -> Vec<String> {
        let records = certified.into_iter().flat_map(|certified| &certified.submissions);
        let both = self
            .kept
            .iter()
            .zip(records)
            .filter(|(one, record)| one.taken_back && record.is_some());
        both.map(|(one, _)| one.header.statement.id.to_string()).collect()
    }

    /// Checks what the coordinator passes on as certified about them.
    fn check(&self, cluster: &Cluster, terms: &Terms, certified: &CertifiedReceipts) -> Result<Certified, ReceiptError> {
        let kept: Vec<KeptSubmission<'_>> = self
            .kept
            .iter()
            .map(|one| KeptSubmission {
                header: &one.header,
                receipt: one.receipt.as_ref().map(|_| one.path.as_str()),
            })
            .collect();
        let withdrawn: Vec<WithdrawnSubmission<'_>> = self
            .withdrawn
            .iter()
            .map(|(header, withdrawal)| WithdrawnSubmission {
                header,
                erasures: &withdrawal.erasures,
            })
            .collect();
        let own = ContributorView {
            cluster,
            terms,
            kept: &kept,
            withdrawn: &withdrawn,
        };
        check(&own, certified)
    }
}

/// Whether the coordinator has acknowledged another submission with the answers of this one, in its place.
fn is_replaced(state: &State, index: usize) -> Result<bool> {
    for newer in state.plan().replacements(index) {
        if state.receipt(newer)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Runs the command.
pub(crate) async fn run(args: &Receipt, format: Format) -> Result<()> {
    let Some(state) = made_here(&args.key, &args.job)? else {
        return elsewhere::receipt(args, format).await;
    };
    let key = keys::load(&args.key)?;
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = need_cluster(cluster, "it has the keys that receipts are signed with")?;
    // Signed, and with the credential, as a job that is not public is shown to nobody else: what is purged is not taken for lost.
    let credential = state.submission(0)?.and_then(|first| first.header.value.statement.credential);
    let api = api.signed_as(key.clone(), cluster.digest(), credential.map(Shown::Credential).as_ref());
    let lost = resending::send_lost(&api, &cluster, &key, &state, Author::Contributor).await?;
    output::report_resent(&lost);
    output::report_sealed_too_late(&lost);
    let made = Submissions::read(&state)?;
    let certified = match certified(&api, args, &made).await? {
        Some(certified) => {
            let terms = state.terms()?.with_context(|| {
                format!(
                    "{}: the terms of the job are not kept there: run `tacit answer` again, which keeps them",
                    state.folder().display()
                )
            })?;
            Some((made.check(&cluster, &terms, &certified)?, terms))
        }
        None => None,
    };
    let (submissions, pending, withdrawn, replaced) = (made.len(), made.pending, made.withdrawn.len(), made.replaced);
    let of = certified.as_ref().map(|(certified, _)| certified);
    let taken_back = made.taken_back(of);
    let nothing_left = made.kept.is_empty() && withdrawn > 0;
    let (listed, mut text, total) = outcomes(&api, &cluster, made.kept, of, &lost).await?;
    if pending > 0 {
        text += &format!("{pending} submissions have no receipt yet: run `tacit answer` again\n");
    }
    if withdrawn > 0 {
        text += &format!("{withdrawn} of {submissions} submissions were withdrawn\n");
    }
    if replaced > 0 {
        text += &format!(
            "{replaced} submissions were sealed again as others, because the nodes did not open them any more, as the \
             coordinator said; their receipts are kept\n"
        );
    }
    for id in &taken_back {
        text += &format!(
            "submission {id} is certified although you have asked for it back, which the coordinator has not confirmed: tell the operators\n"
        );
    }
    if nothing_left {
        text += "nothing that was sent from here is left in the job: there is nothing to certify about it, and no pay for it\n";
    }
    text += &output::rejected(&total);
    let agreed = consent::of_state(&state)?;
    if let Some((given, _)) = &agreed {
        let (job, key) = (&args.job, shell::path(&args.key));
        text += &format!("you have {given}; to show that to anybody: tacit consent prove {job} --key {key} --out FILE.json\n");
    }
    let mut document = Value::Null;
    if let Some((certified, terms)) = &certified {
        let size = args.pool_size.as_deref().map(|path| pool_size::of_job(path, terms)).transpose()?;
        text += &explained(&cluster, certified, terms, size);
        document = certified_document(&cluster, certified, terms, size);
    }
    let outcome = json!({
        "job": args.job,
        "submissions": listed,
        "without_receipt": pending,
        "withdrawn": withdrawn,
        "sealed_again": replaced,
        "certified_although_taken_back": taken_back,
        "rejected": total.rejected,
        "consent": agreed.map(|(_, document)| document),
        "certified": document,
    });
    format.print(&outcome, &text)
}

/// What the coordinator passes on as certified; `None` until the job is published, and if everything is withdrawn.
async fn certified(api: &Api, args: &Receipt, made: &Submissions) -> Result<Option<CertifiedReceipts>> {
    let was_taken_back = !made.withdrawn.is_empty() || made.kept.iter().any(|one| one.taken_back);
    let answer = match (api.receipts(&args.job).await, made.kept.iter().find(|one| one.receipt.is_some())) {
        // The job is published, and the coordinator says that the key has sent nothing.
        (Err(error), Some(first)) if error.kind() == Some(ProblemKind::UnknownSubmission) => {
            let left_out = ReceiptError::LeftOut {
                submission: first.header.statement.id.to_string(),
                receipt: first.path.clone(),
            };
            return Err(left_out.into());
        }
        (Err(error), None) if error.kind() == Some(ProblemKind::UnknownSubmission) && was_taken_back => return Ok(None),
        (answer, _) => answer?,
    };
    let is_due = !was_taken_back || made.kept.iter().any(|one| !one.taken_back);
    if answer.state == JobState::Published && answer.certified.is_none() && is_due {
        bail!(
            "job {} is published, and the coordinator passes on nothing that the nodes have certified: keep your receipts, and tell the operators",
            args.job
        );
    }
    Ok(answer.certified)
}

/// The submissions with a receipt in a table, and which of their answers count as the coordinator says; it has to fit what is certified,
/// and is not known before that.
async fn outcomes(
    api: &Api,
    cluster: &Cluster,
    kept: Vec<StoredSubmission>,
    certified: Option<&Certified>,
    lost: &Resent,
) -> Result<(Vec<Value>, String, Outcome)> {
    let (mut listed, mut rows, mut total) = (Vec::new(), Vec::new(), Outcome::default());
    for (index, StoredSubmission { header, receipt, .. }) in kept.into_iter().enumerate() {
        let Some(receipt) = receipt else { continue };
        let sent = &Sent { header, receipt };
        let record = certified.and_then(|certified| certified.submissions.get(index)?.as_ref());
        let signed = &sent.receipt.value;
        let mut document = json!({
            "submission": signed.submission, "place": signed.sequence, "answers": signed.answers, "lost": false, "accepted": null,
            "rejected": null,
        });
        let row = |accepted, rejected| {
            let (id, sequence) = (signed.submission.to_string(), signed.sequence.to_string());
            vec![id, sequence, signed.answers.to_string(), accepted, rejected]
        };
        if lost.is_lost(&signed.submission.to_string()) {
            rows.push(row("lost".to_owned(), "lost".to_owned()));
            document["lost"] = true.into();
            listed.push(document);
            continue;
        }
        let outcome = fetch(api, cluster, sent).await?.filter(|_| record.is_some());
        let (accepted, rejected) = match &outcome {
            Some(outcome) => (outcome.accepted.to_string(), outcome.rejections().to_string()),
            None => ("not yet known".to_owned(), "not yet known".to_owned()),
        };
        if let (Some(outcome), Some(record)) = (&outcome, record) {
            check_outcome(cluster, &sent.header, record, outcome)?;
        }
        rows.push(row(accepted, rejected));
        if let Some(outcome) = &outcome {
            document["accepted"] = outcome.accepted.into();
            document["rejected"] = outcome.rejections().into();
        }
        listed.push(document);
        outcome.into_iter().for_each(|outcome| total.add(outcome));
    }
    let table = output::table(&["submission", "place", "answers", "count", "rejected"], rows);
    Ok((listed, table, total))
}

/// What is certified, for programs.
fn certified_document(cluster: &Cluster, certified: &Certified, terms: &Terms, pool: Option<u32>) -> Value {
    let submissions = || certified.submissions.iter().flatten();
    let pay = certified
        .pay
        .zip(terms.payout())
        .map(|(pay, payout)| json!({ "total": pay.total, "base": pay.base, "currency": payout.currency, "rule": terms.pay_rule() }));
    json!({
        "counted": submissions().map(|one| u64::from(one.counted)).sum::<u64>(),
        "answers": submissions().map(|one| u64::from(one.answers)).sum::<u64>(),
        "left_out": left_out(submissions()),
        "refused_by": refused_by(cluster, submissions()),
        "submissions_from_elsewhere": certified.elsewhere,
        "pay": pay,
        "contributors": certified.contributors,
        "pool_size": pool,
        "signed_by": certified.signers,
    })
}

/// What is certified, in words.
fn explained(cluster: &Cluster, certified: &Certified, terms: &Terms, pool: Option<u32>) -> String {
    let submissions = || certified.submissions.iter().flatten();
    let counted: u64 = submissions().map(|one| u64::from(one.counted)).sum();
    let sent: u64 = submissions().map(|one| u64::from(one.answers)).sum();
    let mut text = format!("certified: {counted} of your {sent} answers count\n");
    for (reason, answers) in left_out(submissions()) {
        text += &format!("  {answers} do not: {}\n", explain(reason));
    }
    let refused_by: Vec<String> = refused_by(cluster, submissions()).into_iter().collect();
    if !refused_by.is_empty() {
        let names = one_line(&refused_by.join(", "));
        text += &format!("  refused by {names}: their parts did not come or cannot be used\n");
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
