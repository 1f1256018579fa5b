//! The values of `encoding.json`: one of every kind, with lists that are not empty.

use std::collections::BTreeMap;

use crate::accepted::{ContributorFacts, PublicFacts, RefusedBy, Scale, SubmissionEntry};
use crate::credential::{Credential, Grant, IssuerSignature, Issuers, PoolSize, Revocation};
use crate::identity::{PublicKey, Signature, Signed};
use crate::job::JobId;
use crate::receipt::{ContributorRecord, LeftOut, ReceiptRoot, Score, SubmissionRecord};
use crate::reject::RejectReason;
use crate::release::{OutputName, OutputValues, ReleasedOutput, Subject};
use crate::release_notice::{ReleaseNotice, SignedNotice};
use crate::sealing::{SealingKey, Suite};
use crate::sealing_epoch::{SealingEpoch, SignedEpoch};
use crate::submission::{Header, Statement, SubmissionId};
use crate::withdrawal::{Erasure, ErasureReceipt};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;

pub(super) fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

pub(super) fn key() -> PublicKey {
    PublicKey::from_bytes([0x4b; 32])
}

pub(super) fn signature() -> Signature {
    Signature::from_bytes([0x53; 64])
}

pub(super) fn job() -> JobId {
    "job-1".parse().unwrap()
}

pub(super) fn notice() -> SignedNotice {
    Signed {
        value: ReleaseNotice {
            cluster: digest(1),
            job_digest: digest(2),
            accepted: digest(3),
            noise: Some(digest(4)),
            node: 2,
        },
        signature: signature(),
    }
}

pub(super) fn root() -> ReceiptRoot {
    ReceiptRoot {
        contributors: 1,
        leaves: 2,
        root: digest(11),
    }
}

pub(super) fn left_out(reason: RejectReason, answers: u32) -> LeftOut {
    LeftOut { reason, answers }
}

pub(super) fn rejected_submission() -> SubmissionRecord {
    SubmissionRecord {
        digest: digest(3),
        answers: 2,
        counted: 0,
        left_out: vec![left_out(RejectReason::Unsealable, 2)],
        refused_by: NodeSet::all(2),
    }
}

pub(super) fn contributor_record() -> ContributorRecord {
    ContributorRecord {
        facts: facts().contributors.swap_remove(0),
        scores: vec![Score {
            output: OutputName::ContributorAgreement,
            value: Fp61::reduce(9),
        }],
        pay: Some(210_000),
        submissions: vec![SubmissionRecord {
            digest: digest(2),
            answers: 8,
            counted: 5,
            left_out: vec![left_out(RejectReason::DuplicateAnswer, 1), left_out(RejectReason::ItemFull, 2)],
            refused_by: NodeSet::default(),
        }],
    }
}

pub(super) fn issuers() -> Issuers {
    Issuers {
        pool: "crowd-1".to_owned(),
        keys: vec![PublicKey::from_bytes([0x4c; 32]), PublicKey::from_bytes([0x4d; 32])],
        need: 1,
    }
}

pub(super) fn credential() -> Credential {
    Credential {
        grant: Grant {
            serial: 258,
            invitation: PublicKey::from_bytes([0x49; 32]),
            expires: Some(1_796_083_200),
        },
        signatures: vec![IssuerSignature {
            issuer: 1,
            signature: signature(),
        }],
        holder: signature(),
    }
}

pub(super) fn header() -> Signed<Header> {
    let statement = Statement {
        cluster: digest(1),
        job: job(),
        job_digest: digest(2),
        contributor: "Zoë".to_owned(),
        key: key(),
        id: SubmissionId::from_bytes([0x1d; 16]),
        items: vec![0, 258],
        components: vec![digest(3), digest(4), digest(5)],
        epochs: vec![1_784_030_400, 1_784_030_401, 1_784_030_402],
        credential: Some(credential()),
        consent: Some(digest(9)),
    };
    Signed {
        value: Header {
            statement,
            envelopes: vec![digest(6), digest(7), digest(8)],
        },
        signature: signature(),
    }
}

pub(super) fn erasure() -> ErasureReceipt {
    let value = Erasure {
        cluster: digest(1),
        job_digest: digest(2),
        submission: digest(3),
    };
    Signed {
        value,
        signature: signature(),
    }
}

pub(super) fn sealing_epoch() -> SignedEpoch {
    let value = SealingEpoch {
        cluster: digest(1),
        number: 1_784_030_400,
        expires: 1_784_808_000,
        opens_older_until: 1_784_203_200,
        key: SealingKey {
            suite: Suite::X25519,
            public_key: vec![0x58; 32],
        },
    };
    Signed {
        value,
        signature: signature(),
    }
}

pub(super) fn revocation() -> Revocation {
    Revocation {
        issuers: issuers(),
        serials: vec![3, 258],
        signatures: credential().signatures,
    }
}

pub(super) fn pool_size() -> PoolSize {
    PoolSize {
        issuers: issuers(),
        credentials: 200,
        signatures: credential().signatures,
    }
}

pub(super) fn subject() -> Subject {
    Subject {
        protocol: 1,
        cluster: digest(1),
        job: digest(2),
        candidates: digest(3),
        accepted: digest(4),
        facts: digest(5),
        session: digest(6),
        participants: [0, 2].into_iter().collect(),
    }
}

pub(super) fn outputs() -> Vec<ReleasedOutput> {
    let numbers = |values: &[u64]| values.iter().map(|value| Fp61::reduce(*value)).collect::<Vec<_>>();
    vec![
        ReleasedOutput {
            name: OutputName::ClassTotals,
            values: OutputValues::Components(BTreeMap::from([(0, numbers(&[1, 2])), (2, numbers(&[3, 1 << 60]))])),
        },
        ReleasedOutput {
            name: OutputName::Labels,
            values: OutputValues::Opened(numbers(&[0, 1, 2])),
        },
    ]
}

pub(super) fn facts() -> PublicFacts {
    PublicFacts {
        answers: 3,
        rejected: BTreeMap::from([
            (RejectReason::DuplicateAnswer, 2),
            (RejectReason::ItemFull, 1),
            (RejectReason::Unsealable, 4),
        ]),
        refused: vec![RefusedBy {
            nodes: NodeSet::all(2),
            submissions: 3,
            answers: 4,
        }],
        redundancy: BTreeMap::from([(1, 1), (2, 1)]),
        too_few_answers: vec![0, 7],
        contributors: vec![ContributorFacts {
            contributor: "Zoë".to_owned(),
            key: key(),
            answers: 3,
            paired: 2,
            scale: Scale { value: 6, exact: true },
        }],
    }
}

pub(super) fn entries() -> Vec<SubmissionEntry> {
    vec![
        SubmissionEntry {
            submission: digest(1),
            answers: 2,
        },
        SubmissionEntry {
            submission: digest(2),
            answers: 258,
        },
    ]
}
