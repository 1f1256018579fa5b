//! `tacit consent`: shows what a contributor has agreed to, so that anybody can check it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tacit_client::cluster_file::load_cluster;
use tacit_client::consent::{ConsentProof, ProvenSubmission, ShownSubmission, Witness};
use tacit_client::http::Api;
use tacit_client::state::State;
use tacit_client::text::one_line;
use tacit_client::{files, keys};
use tacit_program::durable::{self, Access};
use tacit_protocol::api::{CertifiedReceipts, ProblemKind};
use tacit_protocol::consent::ConsentRecord;
use tacit_protocol::credential::Shown;
use tacit_protocol::job::JobId;
use tacit_protocol::question::Release;

use crate::args::{self, ConsentCommand};
use crate::commands::connect::{connect, need_cluster};
use crate::commands::sent::what_was_sent;
use crate::commands::shell;
use crate::exit::Cause;
use crate::output::{Format, time};

/// Runs the command.
pub(crate) async fn run(args: &args::Consent, format: Format) -> Result<()> {
    match &args.command {
        ConsentCommand::Prove { job, key, out, network } => prove((job, key), out, network, format).await,
        ConsentCommand::Verify { file, cluster } => verify(file, cluster, format),
    }
}

/// Writes a file that shows to anybody what was agreed to.
async fn prove((job, key_file): (&JobId, &Path), out: &Path, network: &args::Network, format: Format) -> Result<()> {
    let key = keys::load(key_file)?;
    let state = what_was_sent(key_file, job)?;
    let (api, cluster) = connect(network, None).await?;
    let cluster = need_cluster(cluster, "the consent is to a job of this cluster")?;
    let missing = || {
        format!(
            "{}: `tacit answer` stores it there before it sends anything",
            state.folder().display()
        )
    };
    let record = state.consent()?.with_context(missing)?;
    let terms = state.terms()?.with_context(missing)?;
    let (mut submissions, mut credential) = (Vec::new(), None);
    for index in state.plan().all() {
        let Some(submission) = state.submission(index)? else { continue };
        let shown = submission.header.value.statement.credential.clone();
        credential = credential.or(shown);
        if !state.is_taken_back(index)? {
            submissions.push(ShownSubmission {
                header: submission.header,
                receipt: state.receipt(index)?,
            });
        }
    }
    let api = api.signed_as(key, cluster.digest(), credential.map(Shown::Credential).as_ref());
    let proof = ConsentProof {
        record,
        terms,
        submissions,
        certified: certified(&api, job).await?,
        shown: Vec::new(),
        page: None,
    };
    let proven = proof
        .verify(&cluster)
        .map_err(|error| Cause::NotVerified.error(format!("{}: {error}", state.folder().display())))?;
    let text = serde_json::to_vec_pretty(&proof).context("cannot write the proof")?;
    match durable::write_new(out, &text, Access::Private) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!(
                "{}: this file exists and is not overwritten: give another name, or move it away",
                out.display()
            )
        }
        other => other.with_context(|| format!("cannot write {}", out.display()))?,
    }
    let (file, given) = (shell::path(out), given(&proof.record));
    let next = format!(
        "{}: shows that you have {given}. It names the items that you have answered and no answer; show it to whom you like. Anybody checks \
         it: tacit consent verify {file} --cluster cluster.toml\n",
        out.display()
    );
    let document = document(&proof, &proven, Some(out));
    format.print(&document, &next)
}

/// What the nodes certify; `None` while there is nothing, or nothing any more.
async fn certified(api: &Api, job: &JobId) -> Result<Option<CertifiedReceipts>> {
    match api.receipts(job).await {
        Ok(answer) => Ok(answer.certified),
        Err(error) => match error.kind() {
            Some(ProblemKind::UnknownSubmission | ProblemKind::UnknownJob | ProblemKind::Purged | ProblemKind::NotPublished) => Ok(None),
            _ => Err(error.into()),
        },
    }
}

/// Checks such a file with the cluster file alone.
fn verify(file: &Path, cluster: &Path, format: Format) -> Result<()> {
    let cluster = load_cluster(cluster)?;
    let bytes = files::read(file)?;
    let refused = |why: &dyn std::fmt::Display| Cause::NotVerified.error(format!("{}: {why}", file.display()));
    let proof: ConsentProof =
        serde_json::from_slice(&bytes).map_err(|error| refused(&format_args!("not a proof of consent, or a damaged one: {error}")))?;
    let proven = proof.verify(&cluster).map_err(|error| refused(&error))?;
    format.print(&document(&proof, &proven, None), &people(&proof, &proven))
}

/// To what the consent was given, and when.
pub(super) fn given(record: &ConsentRecord) -> String {
    let said = &record.consent.value;
    format!("agreed to job {} on {} (terms {})", said.job, time(said.agreed_at), said.terms)
}

/// What was checked, for people.
fn people(proof: &ConsentProof, proven: &[ProvenSubmission]) -> String {
    let said = &proof.record.consent.value;
    let release: Vec<&str> = said.release.iter().copied().map(Release::name).collect();
    let mut text = format!(
        "verified: the holder of key {} has {}; the time is its own clock's\n  buyer {}; name of the job: {}\n  published: {}, {}; answers are \
         {}\n",
        said.key,
        given(&proof.record),
        said.buyer,
        one_line(&proof.terms.name),
        release.join(", "),
        if said.public {
            "for anybody"
        } else {
            "for the buyer, who can show it to anybody"
        },
        if said.sensitive { "sensitive" } else { "as good as public" }
    );
    if let Some(issuers) = &said.issuers {
        text += &format!(
            "  the contributors are of pool `{}`, as {} of {} issuers say\n",
            one_line(&issuers.pool),
            issuers.need,
            issuers.keys.len()
        );
    }
    if !said.image_hosts.is_empty() {
        let hosts: Vec<String> = said.image_hosts.iter().map(|host| one_line(host)).collect();
        text += &format!("  images come from {}\n", hosts.join(", "));
    }
    text += &format!(
        "  answers are taken until {}\n",
        said.closes_at.as_deref().map_or("the buyer closes the job".to_owned(), one_line)
    );
    for node in &said.operators {
        text += &format!(
            "  {} is run by {}, key {}\n",
            one_line(&node.node),
            one_line(&node.operator),
            node.key
        );
    }
    for one in proven {
        let witness = match &one.witness {
            Witness::Nodes(nodes) => format!("the nodes have signed that they had it ({})", one_line(&nodes.join(", "))),
            Witness::Coordinator => "the coordinator has signed that it has it".to_owned(),
            Witness::Nobody => "nobody but the contributor has signed for it".to_owned(),
        };
        text += &format!(
            "submission {} with {} answers was made under this consent: {witness}\n",
            one.id, one.answers
        );
    }
    if proven.is_empty() {
        text += "no submission is shown that was made under it\n";
    }
    text
}

/// What was checked, for programs.
fn document(proof: &ConsentProof, proven: &[ProvenSubmission], saved_to: Option<&Path>) -> Value {
    let submissions: Vec<Value> = proven
        .iter()
        .map(|one| {
            let (witness, nodes) = match &one.witness {
                Witness::Nodes(nodes) => ("nodes", nodes.clone()),
                Witness::Coordinator => ("coordinator", Vec::new()),
                Witness::Nobody => ("nobody", Vec::new()),
            };
            json!({ "submission": one.id, "answers": one.answers, "witness": witness, "signed_by": nodes })
        })
        .collect();
    json!({
        "verified": true,
        "consent": proof.record.consent.value,
        "digest": proof.record.digest(),
        "submissions": submissions,
        "saved_to": saved_to,
    })
}

/// The consent that stands behind what was sent with a key, as `tacit receipt` names it.
pub(super) fn of_state(state: &State) -> Result<Option<(String, Value)>> {
    let Some(record) = state.consent()? else { return Ok(None) };
    let said = &record.consent.value;
    let document = json!({ "agreed_at": said.agreed_at, "terms": said.terms, "digest": record.digest(), "file": state.consent_path() });
    Ok(Some((given(&record), document)))
}
