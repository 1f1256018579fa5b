//! `tacit receipt` and `tacit withdraw` on a machine that has the key, and not what was sent with it.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tacit_client::elsewhere::{self, CertifiedElsewhere};
use tacit_client::http::Api;
use tacit_client::keys;
use tacit_client::outcome::explain;
use tacit_client::receipt::{left_out, refused_by};
use tacit_client::state::State;
use tacit_client::text::one_line;
use tacit_client::withdrawals::Outcome;
use tacit_program::error_line;
use tacit_protocol::api::{ProblemKind, SentSubmission};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::submission::SubmissionId;

use crate::args::{Receipt, Withdraw};
use crate::commands::connect::{connect, need_cluster};
use crate::commands::sent::nothing_was_sent;
use crate::output::{self, Format};

/// What cannot be checked here, whatever the coordinator says.
const NOT_CHECKED: &str = "not checked here, as only the machine that has sent them can: that the coordinator names all, that the terms are those that \
                           were answered, and that the pay follows from them";

/// Says what the key has sent from elsewhere, and what the nodes certify about it.
pub(super) async fn receipt(args: &Receipt, format: Format) -> Result<()> {
    let key = keys::load(&args.key)?;
    let (api, cluster) = connect(&args.network, None).await?;
    let cluster = need_cluster(cluster, "it has the keys that receipts are signed with")?;
    let api = api.signed_as(key.clone(), cluster.digest(), None);
    let Some(answer) = elsewhere::ask_what_was_sent(&api, &args.job).await? else {
        return Err(nothing_was_sent(&args.key, &args.job));
    };
    let listed = elsewhere::not_made_here(&cluster, &args.job, &key.public(), answer.submissions, &HashSet::new());
    let certified = answer
        .certified
        .map(|certified| elsewhere::check(&cluster, &key.public(), &listed, &certified))
        .transpose()?;
    let (mut documents, mut rows) = (Vec::new(), Vec::new());
    for (index, one) in listed.iter().enumerate() {
        let signed = &one.receipt.value;
        let record = certified.as_ref().and_then(|certified| certified.submissions.get(index)?.as_ref());
        let counted = record.map(|record| record.counted);
        let known = |number: Option<u32>| number.map_or_else(|| "not yet known".to_owned(), |number| number.to_string());
        let rejected = counted.map(|counted| signed.answers.saturating_sub(counted));
        let (id, place) = (signed.submission.to_string(), signed.sequence.to_string());
        documents.push(json!({
            "submission": id, "place": signed.sequence, "answers": signed.answers, "lost": false, "accepted": counted, "rejected": rejected,
        }));
        rows.push(vec![id, place, signed.answers.to_string(), known(counted), known(rejected)]);
    }
    let mut text = output::table(&["submission", "place", "answers", "count", "rejected"], rows);
    text += "sent with this key from another machine, as the coordinator says and has signed\n";
    if let Some(certified) = &certified {
        text += &explained(&cluster, certified);
    }
    text += &format!("{NOT_CHECKED}\n");
    let outcome = json!({
        "job": args.job,
        "submissions": documents,
        "without_receipt": 0,
        "withdrawn": 0,
        "sealed_again": 0,
        "certified_although_taken_back": [],
        "rejected": {},
        "consent": null,
        "certified": certified.as_ref().map(|certified| document(&cluster, certified)),
        "not_checked": NOT_CHECKED,
    });
    format.print(&outcome, &text)
}

/// What is certified, in words.
fn explained(cluster: &Cluster, certified: &CertifiedElsewhere) -> String {
    let records = || certified.submissions.iter().flatten();
    let counted: u64 = records().map(|one| u64::from(one.counted)).sum();
    let sent: u64 = records().map(|one| u64::from(one.answers)).sum();
    let mut text = format!("certified: {counted} of your {sent} answers count\n");
    for (reason, answers) in left_out(records()) {
        text += &format!("  {answers} do not: {}\n", explain(reason));
    }
    let refused: Vec<String> = refused_by(cluster, records()).into_iter().collect();
    if !refused.is_empty() {
        text += &format!(
            "  refused by {}: their parts did not come or cannot be used\n",
            one_line(&refused.join(", "))
        );
    }
    if let Some(pay) = certified.contributor.as_ref().and_then(|one| one.pay) {
        text += &format!("your pay: {pay} millionths of the job's currency\n");
    }
    text + &format!(
        "contributors with answers that count: {}\nchecked: signed by all nodes that took part ({}), and of this key\n",
        certified.contributors,
        one_line(&certified.signers.join(", "))
    )
}

/// What is certified, for programs.
fn document(cluster: &Cluster, certified: &CertifiedElsewhere) -> Value {
    let records = || certified.submissions.iter().flatten();
    json!({
        "counted": records().map(|one| u64::from(one.counted)).sum::<u64>(),
        "answers": records().map(|one| u64::from(one.answers)).sum::<u64>(),
        "left_out": left_out(records()),
        "refused_by": refused_by(cluster, records()),
        "submissions_from_elsewhere": certified.submissions.len(),
        "pay": certified.contributor.as_ref().and_then(|one| one.pay).map(|total| json!({ "total": total })),
        "contributors": certified.contributors,
        "pool_size": null,
        "signed_by": certified.signers,
    })
}

/// Takes back what the key has sent from elsewhere. `state` is what was sent from here.
pub(super) async fn withdraw(
    args: &Withdraw,
    (api, cluster, key): (&Api, &Cluster, &SecretKey),
    state: Option<&State>,
) -> Result<Vec<(SubmissionId, Outcome)>> {
    let mut here = HashSet::new();
    if let Some(state) = state {
        for index in state.plan().all() {
            here.extend(state.submission(index)?.map(|one| one.header.value.statement.id));
        }
    }
    let signed = api.clone().signed_as(key.clone(), cluster.digest(), None);
    let listed: Vec<SentSubmission> = match elsewhere::ask_what_was_sent(&signed, &args.job).await {
        Ok(answer) => answer.map(|answer| answer.submissions).unwrap_or_default(),
        Err(error) if error.kind() == Some(ProblemKind::Purged) => Vec::new(),
        // What was sent from here is taken back all the same.
        Err(error) if state.is_some() => {
            let text = format_args!("it is not known whether this key has sent answers from another machine, too: {error}");
            error_line("tacit", &text);
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let listed = elsewhere::not_made_here(cluster, &args.job, &key.public(), listed, &here);
    let patience = Duration::from_secs(args.wait_seconds);
    let chosen = (&listed[..], args.submission);
    Ok(elsewhere::withdraw(api, cluster, (&args.key, key), &args.job, chosen, patience).await?)
}

/// What is said of submissions from elsewhere that were taken back from here; nothing if there are none.
pub(super) fn said_of_withdrawn(outcomes: &[(SubmissionId, Outcome)], key: &Path) -> String {
    let erased = |(_, outcome): &&(SubmissionId, Outcome)| matches!(outcome, Outcome::Erased(_));
    match outcomes.iter().filter(erased).count() {
        0 => String::new(),
        number => format!(
            "{number} of them were sent with {} from another machine, as the coordinator says: only that machine can tell whether these are all\n",
            key.display()
        ),
    }
}
