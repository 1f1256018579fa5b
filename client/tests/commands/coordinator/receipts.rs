//! What the nodes certify to a contributor, or what the coordinator makes of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Json};
use tacit_protocol::accepted::{ContributorFacts, Outcome, Scale, SubmissionEntry};
use tacit_protocol::api::{CertifiedReceipts, ContributorReceipts, JobState, SentSubmission};
use tacit_protocol::codec;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::receipt::{
    CertifiedRoot, ContributorRecord, ReceiptRoot, Record, RecordTree, RootStatement, SaltSeed, SubmissionRecord,
};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::NodeSignature;
use tacit_protocol::request_signature::{RequestSignature, SignedParts};
use tacit_protocol::submission::{Header, Submission};

use super::submissions::{receipt, sequence_of};
use super::{Answer, REFUSING, Server, Stored, find, problem_of};

/// How the coordinator alters what the nodes certify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cheat {
    /// It says that more is paid.
    Pay,
    /// It gives the record another name.
    Name,
    /// It leaves a submission out of the list that the nodes get.
    LeavesOut,
    /// It says that the key has sent nothing.
    Denies,
    /// It passes on nothing although the job is published.
    Silent,
    /// It signs for the nodes.
    Signs,
    /// It lists what was withdrawn, and all nodes certify it.
    CountsWithdrawn,
    /// All nodes certify pay that does not follow from the terms.
    WithAllNodes,
    /// It says that a node refused a submission which did not.
    Accuses,
    /// It names none of the nodes that refused a submission.
    HidesRefusers,
}

/// What three nodes certify, of the outcomes that [`outcome`] says: all answers count except the first of each submission, or none does
/// if two nodes refuse everything.
pub(super) async fn receipts(State(server): State<Arc<Server>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let stored = server.state.lock().unwrap();
    let (job, _, state) = find(&stored, &id)?;
    let signature: RequestSignature = headers[header::AUTHORIZATION].to_str().unwrap().parse().unwrap();
    let parts = SignedParts {
        method: "GET",
        path: &format!("/v1/jobs/{id}/receipts"),
        query: "",
        cluster: &server.cluster.digest(),
        body: b"",
    };
    let key = parts.verify(&signature, signature.created).unwrap();
    let cheats = |cheat: Cheat| stored.cheats == Some(cheat);
    if cheats(Cheat::Denies) {
        return Err(problem_of("unknown_submission", 404, "unknown", "the key has sent nothing"));
    }
    if *state != JobState::Published || cheats(Cheat::Silent) {
        return Ok(Json(ContributorReceipts {
            state: *state,
            submissions: sent(&server, &stored, &key),
            certified: None,
        })
        .into_response());
    }
    let headers = stored.submissions.iter();
    let headers = headers.map(|(bytes, _)| codec::decode::<Submission>(bytes, "a submission").unwrap().header.value);
    let counted_anyway = stored.withdrawn.iter().filter(|_| cheats(Cheat::CountsWithdrawn)).cloned();
    let own: Vec<Header> = headers.chain(counted_anyway).filter(|header| header.statement.key == key).collect();
    if own.is_empty() {
        return Err(problem_of("unknown_submission", 404, "unknown", "the key has sent nothing"));
    }
    let listed = own.len() - usize::from(cheats(Cheat::LeavesOut));
    let submissions: Vec<SubmissionRecord> = own[..listed]
        .iter()
        .map(|header| {
            let entry = SubmissionEntry {
                submission: header.digest(),
                answers: header.statement.items.len() as u32,
            };
            let outcome = if stored.refused_by_nodes {
                Outcome::Refused(RejectReason::Unsealable, REFUSING.into_iter().collect())
            } else {
                Outcome::Counted(vec![(0, RejectReason::DuplicateAnswer)])
            };
            SubmissionRecord::new(&entry, &outcome)
        })
        .collect();
    let answers = submissions.iter().map(|one| u64::from(one.counted)).sum();
    let base = job.terms().payout().map(|payout| payout.base_per_item * answers);
    let contributor = |submissions| ContributorRecord {
        facts: ContributorFacts {
            contributor: own[0].statement.contributor.clone(),
            key,
            answers,
            paired: 0,
            scale: Scale { value: 1, exact: true },
        },
        scores: Vec::new(),
        pay: base.map(|base| base - u64::from(cheats(Cheat::WithAllNodes))),
        submissions,
    };
    let records = if stored.refused_by_nodes {
        submissions.into_iter().map(Record::Submission).collect()
    } else {
        vec![Record::Contributor(contributor(submissions))]
    };
    let tree = RecordTree::new(&SaltSeed::from_bytes([1; 32]), records);
    let statement = RootStatement {
        protocol: server.cluster.file().protocol,
        cluster: server.cluster.digest(),
        job: job.digest(),
        accepted: job.digest(),
        session: job.digest(),
        participants: [0, 1, 2].into_iter().collect(),
        records: ReceiptRoot::new(&tree, usize::from(!stored.refused_by_nodes)),
    };
    let signatures = server.nodes.iter().zip(0..).map(|(key, node)| NodeSignature {
        node,
        signature: statement.sign(if cheats(Cheat::Signs) { &server.key } else { key }),
    });
    let signatures = signatures.collect();
    let mut records: Vec<_> = tree.into_proofs().collect();
    if let Record::Contributor(record) = &mut records[0].record {
        match stored.cheats {
            Some(Cheat::Pay) => record.pay = record.pay.map(|pay| pay + 1),
            Some(Cheat::Name) => record.facts.contributor.push('!'),
            _ => {}
        }
    }
    Ok(Json(ContributorReceipts {
        state: *state,
        submissions: sent(&server, &stored, &key),
        certified: Some(CertifiedReceipts {
            root: CertifiedRoot { statement, signatures },
            records,
        }),
    })
    .into_response())
}

/// The submissions of a key.
fn sent(server: &Server, stored: &Stored, key: &PublicKey) -> Vec<SentSubmission> {
    let of_key = |bytes: &[u8]| {
        let header = codec::decode::<Submission>(bytes, "a submission").unwrap().header;
        (header.value.statement.key == *key).then(|| SentSubmission {
            receipt: receipt(server, stored, &header.value, sequence_of(stored, bytes)),
            header,
        })
    };
    stored.submissions.iter().filter_map(|(bytes, _)| of_key(bytes)).collect()
}
