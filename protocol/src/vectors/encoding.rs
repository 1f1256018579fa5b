//! `encoding.json`: a value of every kind that is signed, hashed, sent or stored in the codec's encoding.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Vectors;
use super::encoded_values::{
    contributor_record, credential, digest, entries, erasure, facts, header, issuers, job, key, notice, outputs, pool_size,
    rejected_submission, revocation, root, sealing_epoch, signature, subject,
};
use crate::api::{ReceiptStatement, enrolment_statement};
use crate::codec::{CodecProblem, decode, encode};
use crate::control::{Computed, Refusal, Reply, Request};
use crate::credential::holder_statement;
use crate::identity::{Signature, Signed};
use crate::lane::LaneId;
use crate::peer::{Answer, NoticeQuestion, Parts, PeerQuestion, Question, Unanswered, Wanted};
use crate::phase::Phase;
use crate::receipt::{Record, RootStatement, SaltSeed};
use crate::reject::RejectReason;
use crate::release::{Released, statement};
use crate::sealing::Suite;
use crate::submission::{Delivery, Submission, SubmissionId};
use crate::verdict::Verdict;
use crate::withdrawal::SignedWithdrawal;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

/// A value and its encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the value is, and who signs, hashes or sends it.
    pub name: String,
    /// The value in serde's JSON; byte strings are lists of numbers there.
    pub value: Value,
    /// Its encoding, hexadecimal.
    pub hex: String,
}

/// A value that is signed or hashed and never decoded.
fn written<T: Serialize>(name: &str, value: &T) -> Case {
    Case {
        name: name.to_owned(),
        value: serde_json::to_value(value).unwrap(),
        hex: hex::encode(encode(value)),
    }
}

/// A value that is also decoded, from these bytes only: not from a part of them, and not from more.
fn read<T: Serialize + DeserializeOwned + PartialEq + Debug>(name: &str, value: &T) -> Case {
    let bytes = encode(value);
    assert_eq!(decode::<T>(&bytes, "a value").as_ref(), Ok(value), "{name}");
    for len in 0..bytes.len() {
        let error = decode::<T>(&bytes[..len], "a value").unwrap_err();
        assert_eq!(error.problem(), &CodecProblem::TooShort, "{name}, {len} bytes");
    }
    let error = decode::<T>(&[&bytes[..], &[0]].concat(), "a value").unwrap_err();
    assert_eq!(error.problem(), &CodecProblem::Trailing, "{name}");
    written(name, value)
}

/// Bytes that are made from a value, not by the codec alone.
fn made(name: &str, value: Value, bytes: &[u8]) -> Case {
    Case {
        name: name.to_owned(),
        value,
        hex: hex::encode(bytes),
    }
}

/// What is signed or hashed.
fn signed() -> Vec<Case> {
    let Signed { value: header, .. } = header();
    let (participants, list) = (subject().participants, entries());
    vec![
        read(
            "header of a submission (signed by the contributor; its digest lists the submission)",
            &header,
        ),
        written(
            "statement of a submission and index of a node (aad of the node's envelope)",
            &(&header.statement, 2u8),
        ),
        made(
            "cluster's digest and contributor's name (signed by the contributor to be enrolled)",
            serde_json::to_value((digest(1), "Zoë")).unwrap(),
            &enrolment_statement(&digest(1), "Zoë"),
        ),
        written("issuers of a pool (hashed)", &issuers()),
        made(
            "digest of the issuers and grant (signed by issuers)",
            serde_json::to_value((issuers().digest(), credential().grant)).unwrap(),
            &credential().grant.statement(&issuers()),
        ),
        made(
            "cluster's digest, digest of the issuers and contributor's key (signed with the invitation key)",
            serde_json::to_value((digest(1), issuers().digest(), key())).unwrap(),
            &holder_statement(&digest(1), &issuers(), &key()),
        ),
        made(
            "digest of the issuers and revoked numbers (signed by issuers)",
            serde_json::to_value((issuers().digest(), [3, 258])).unwrap(),
            &revocation().statement(),
        ),
        made(
            "digest of the issuers and number of credentials (signed by issuers)",
            serde_json::to_value((issuers().digest(), 200)).unwrap(),
            &pool_size().statement(),
        ),
        read(
            "receipt (signed by the coordinator)",
            &ReceiptStatement {
                cluster: digest(1),
                job: job(),
                job_digest: digest(2),
                submission: SubmissionId::from_bytes([0x1d; 16]),
                digest: digest(3),
                answers: 2,
                sequence: 7,
            },
        ),
        made(
            "subject, node and digests of its outputs (signed by the node to release them)",
            serde_json::to_value((subject(), 2, outputs())).unwrap(),
            &statement(&subject(), 2, &outputs()),
        ),
        written("facts about the accepted set (hashed)", &facts()),
        read("record of a contributor (hashed)", &Record::Contributor(contributor_record())),
        read(
            "record of a submission that counts for nobody (hashed)",
            &Record::Submission(rejected_submission()),
        ),
        read("root of the records (signed by each node)", &RootStatement::new(&subject(), root())),
        read("notice of a release (signed by the node)", &notice().value),
        written("list of submissions (hashed)", &list),
        written(
            "protocol version, cluster, job, candidates and participants (hashed: the session id)",
            &(1u32, digest(1), digest(2), digest(3), participants),
        ),
        written("suite x-wing (hashed in fingerprints)", &Suite::XWing),
        written("suite x25519 (hashed in fingerprints)", &Suite::X25519),
    ]
}

/// What is uploaded, delivered and stored.
fn stored() -> Vec<Case> {
    vec![
        read("signed header (stored by the coordinator and by nodes)", &header()),
        read(
            "submission (uploaded by the contributor)",
            &Submission {
                header: header(),
                envelopes: vec![vec![1, 2, 3], vec![], vec![4]],
            },
        ),
        read(
            "delivery (what one node gets)",
            &Delivery {
                header: header(),
                envelope: vec![1, 2, 3],
            },
        ),
        read(
            "lane (first frame between two nodes)",
            &LaneId {
                job: digest(1),
                attempt: 2,
                participants: NodeSet::all(3),
            },
        ),
    ]
}

/// What the coordinator asks of nodes.
fn requests() -> Vec<Case> {
    vec![
        read(
            "request: open a job",
            &Request::OpenJob {
                id: job(),
                spec: b"{}".to_vec(),
            },
        ),
        read(
            "request: deliver submissions",
            &Request::Deliver {
                job: job(),
                submissions: vec![(digest(1), vec![1, 2, 3]), (digest(2), vec![])],
            },
        ),
        read(
            "request: compute",
            &Request::Compute {
                job: job(),
                attempt: 2,
                participants: NodeSet::all(3),
                list: entries(),
                salts: SaltSeed::from_bytes([9; 32]),
            },
        ),
        read(
            "request: cancel",
            &Request::Cancel {
                job: job(),
                signature: Some(signature()),
            },
        ),
        read(
            "request: cancel without the buyer's signature",
            &Request::Cancel {
                job: job(),
                signature: None,
            },
        ),
        read("request: revoke", &Request::Revoke(revocation())),
        read(
            "request: certified",
            &Request::Certified {
                job: job(),
                certificate: b"{}".to_vec(),
            },
        ),
        read("request: sealing key", &Request::SealingKey),
        read(
            "request: withdraw",
            &Request::Withdraw {
                job: job(),
                header: vec![1, 2],
                signature: signature(),
            },
        ),
    ]
}

/// What nodes answer.
fn replies() -> Vec<Case> {
    let computed = Computed {
        verdicts: vec![
            Verdict::Accepted,
            Verdict::Rejected(RejectReason::MalformedAnswer),
            Verdict::Refused(RejectReason::Unsealable, NodeSet::all(2)),
        ],
        released: Released {
            subject: subject(),
            node: 2,
            outputs: outputs(),
            signature: signature(),
            records: root(),
            records_signature: signature(),
        },
        rounds: 40,
        bytes_sent: 123_456,
    };
    let mut cases = vec![
        read("reply: opened", &Reply::Opened(digest(1))),
        read(
            "reply: delivered",
            &Reply::Delivered(vec![None, Some(RejectReason::Malformed), Some(RejectReason::JobFull)]),
        ),
        read("reply: progress", &Reply::Progress(Phase::Verify)),
        read("reply: computed", &Reply::Computed(Box::new(computed))),
        read("reply: erased", &Reply::Erased),
        read("reply: revoked", &Reply::Revoked),
        read("reply: sealing key", &Reply::SealingKey(Box::new(sealing_epoch()))),
        read("reply: withdrawn", &Reply::Withdrawn(Box::new(erasure()))),
    ];
    let text = || "why".to_owned();
    let refusals = [
        ("malformed", Refusal::Malformed(text())),
        ("job", Refusal::Job(text())),
        (
            "policy",
            Refusal::Policy {
                rule: "rule".to_owned(),
                detail: text(),
            },
        ),
        ("other spec", Refusal::OtherSpec(job())),
        ("unknown job", Refusal::UnknownJob(job())),
        ("released before", Refusal::ReleasedBefore(job())),
        ("busy", Refusal::Busy(text())),
        (
            "session",
            Refusal::Session {
                phase: Some(Phase::Labels),
                suspects: [1].into_iter().collect(),
                transient: true,
                message: text(),
            },
        ),
        ("storage", Refusal::Storage(text())),
        ("shutting down", Refusal::ShuttingDown),
        ("frozen", Refusal::Frozen(job())),
        ("gold", Refusal::Gold(text())),
        (
            "disputed",
            Refusal::Disputed {
                refusing: [2].into_iter().collect(),
                suspects: [0, 1].into_iter().collect(),
                message: text(),
            },
        ),
        ("ended", Refusal::Ended(job())),
        ("not cancelled", Refusal::NotCancelled(job())),
        (
            "withdrawn",
            Refusal::Withdrawn(vec![SignedWithdrawal {
                submission: Digest::of("submission", &[]),
                signature: Signature::from_bytes([7; 64]),
            }]),
        ),
        (
            "policy changed",
            Refusal::PolicyChanged {
                rule: "issuers".to_owned(),
                detail: text(),
            },
        ),
    ];
    let refused = refusals.map(|(name, refusal)| read(&format!("reply: refused, {name}"), &Reply::Refused(refusal)));
    cases.extend(refused);
    cases
}

/// What nodes ask each other outside computations, and the answers.
fn questions() -> Vec<Case> {
    let wanted = |header, components| Wanted {
        submission: digest(2),
        header,
        components,
    };
    let question = Question {
        job: job(),
        terms: digest(1),
        wanted: vec![wanted(true, Vec::new()), wanted(false, vec![0, 2])],
    };
    let about_notices = |notice| {
        let (job, terms) = (job(), digest(1));
        PeerQuestion::Notice(NoticeQuestion { job, terms, notice })
    };
    let parts = Parts {
        header: vec![1, 2],
        payloads: vec![vec![3], Vec::new()],
    };
    vec![
        read("question of a node: parts", &PeerQuestion::Parts(question)),
        read("question of a node: the notice it gave", &about_notices(None)),
        read("question of a node: its notice", &about_notices(Some(notice()))),
        read("answer to a node: parts", &Answer::Parts(vec![parts, Parts::default()])),
        read("answer to a node: refused", &Answer::Refused(Unanswered::Forbidden)),
        read(
            "answer to a node: a notice that is not its own",
            &Answer::Refused(Unanswered::NotSigned),
        ),
        read("answer to a node: no notice", &Answer::Notice(None)),
        read("answer to a node: its notice", &Answer::Notice(Some(notice()))),
    ]
}

/// Makes `encoding.json`.
pub fn make() -> Vectors<Case> {
    Vectors {
        about: "Values in the encoding that protocol/src/codec/mod.rs describes. The keys, digests and signatures in them are made up."
            .to_owned(),
        cases: [signed(), stored(), requests(), replies(), questions()].concat(),
    }
}
