//! `receipt.json`: records with their paths to a signed root, and altered ones.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

use super::setup::Setup;
use super::{OK, Vectors};
use crate::accepted::{AcceptedSet, Outcome, SubmissionEntry};
use crate::fixtures::{submission, submission_list};
use crate::receipt::{CertifiedRoot, ReceiptRoot, Record, RecordProof, RecordTree, RootError, RootStatement, SaltSeed, SubmissionRecord};
use crate::reject::RejectReason;
use crate::release::{NodeSignature, Subject};
use crate::verdict::Verdict;

/// A record with its path and the root it is said to be under.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is special about it.
    pub name: String,
    /// The root with its signatures.
    pub root: CertifiedRoot,
    /// The record, its salt and its path.
    pub proof: RecordProof,
    /// The encoding of the record, hexadecimal.
    pub record_hex: String,
    /// The encoding of the statement, which the nodes sign, hexadecimal.
    pub statement_hex: String,
    /// `ok`, or what is wrong: `path`, `elsewhere`, `participants` or `signature`.
    pub expect: String,
}

/// What is wrong with a case, by name; `ok` if nothing is.
pub fn verdict(setup: &Setup, case: &Case) -> &'static str {
    match case.root.verify(&setup.members.cluster) {
        Err(RootError::Elsewhere(_)) => "elsewhere",
        Err(RootError::Participants(_)) => "participants",
        Err(RootError::Signature(_)) => "signature",
        Ok(()) if !case.proof.is_under(&case.root.statement.records) => "path",
        Ok(()) => OK,
    }
}

fn case(name: &str, expect: &str, root: CertifiedRoot, proof: RecordProof) -> Case {
    Case {
        name: name.to_owned(),
        record_hex: hex::encode(crate::codec::encode(&proof.record)),
        statement_hex: hex::encode(crate::codec::encode(&root.statement)),
        root,
        proof,
        expect: expect.to_owned(),
    }
}

/// Makes `receipt.json`: three contributors, of whom one has nothing counted, and two submissions that count for nobody. There is no pay
/// in it: that follows from what a computation opens.
pub fn make() -> Vectors<Case> {
    let setup = Setup::new();
    let Setup { members, job, .. } = &setup;
    let submissions = [
        setup.submission(),
        submission(members, job, 1, &[(0, 2), (1, 1), (2, 0), (3, 1)]),
        submission(members, job, 2, &[(0, 0)]),
        submission(members, job, 3, &[(1, 0), (2, 2)]),
        setup.gold_submission(),
    ];
    let list = submission_list(&submissions);
    let mut verdicts = vec![Verdict::Accepted; list.len()];
    verdicts[3] = Verdict::Refused(RejectReason::Unsealable, [1, 2].into_iter().collect());
    let accepted = AcceptedSet::assemble(job, &list, &verdicts, |entry| Some(&submissions[entry].header.value)).unwrap();
    let seed = SaltSeed::from_bytes([7; 32]);
    let tree = RecordTree::new(&seed, Record::without_pay(&list, &accepted));
    let records = ReceiptRoot::new(&tree, accepted.facts().contributors.len());
    let subject = Subject::new(&members.cluster, job.digest(), accepted.digest(), &accepted, NodeSet::all(3));
    let sign = |statement: RootStatement| CertifiedRoot {
        signatures: (0..3u8)
            .map(|node| NodeSignature {
                node,
                signature: statement.sign(&members.identities[usize::from(node)]),
            })
            .collect(),
        statement,
    };
    let root = sign(RootStatement::new(&subject, records));
    let proofs: Vec<RecordProof> = tree.into_proofs().collect();
    let mut cases: Vec<Case> = (0..)
        .zip(&proofs)
        .map(|(index, proof)| case(&format!("leaf {index}"), OK, root.clone(), proof.clone()))
        .collect();
    let mut altered = |name: &str, expect: &str, alter: &dyn Fn(&mut CertifiedRoot, &mut RecordProof)| {
        let (mut root, mut proof) = (root.clone(), proofs[1].clone());
        alter(&mut root, &mut proof);
        cases.push(case(name, expect, root, proof));
    };
    let other = Digest::of("other", &[]);
    altered("another salt", "path", &|_, proof| proof.salt = other);
    altered("another index", "path", &|_, proof| proof.index += 1);
    altered("a path that is too short", "path", &|_, proof| {
        proof.path.truncate(proof.path.len() - 1);
    });
    altered("a path that is too long", "path", &|_, proof| proof.path.push(other));
    altered("an altered path", "path", &|_, proof| proof.path[0] = other);
    altered("an altered record", "path", &|_, proof| {
        let entry = SubmissionEntry {
            submission: other,
            answers: 1,
        };
        proof.record = Record::Submission(SubmissionRecord::new(&entry, &Outcome::Counted(Vec::new())));
    });
    altered("the path of another record", "path", &|_, proof| {
        proof.path = proofs[2].path.clone();
    });
    altered("another root", "signature", &|root, _| root.statement.records.root = other);
    altered("another number of contributors", "signature", &|root, _| {
        root.statement.records.contributors += 1;
    });
    altered("another job", "signature", &|root, _| root.statement.job = other);
    altered("another root, signed by all", "path", &|root, _| {
        let mut statement = root.statement.clone();
        statement.records.root = other;
        *root = sign(statement);
    });
    altered("more leaves, signed by all", "path", &|root, _| {
        let mut statement = root.statement.clone();
        statement.records.leaves *= 3;
        *root = sign(statement);
    });
    altered("another cluster", "elsewhere", &|root, _| root.statement.cluster = other);
    altered("another protocol version", "elsewhere", &|root, _| root.statement.protocol += 1);
    altered("a signature too few", "participants", &|root, _| root.signatures.truncate(2));
    altered("too few participants, who have all signed", "participants", &|root, _| {
        let mut statement = root.statement.clone();
        statement.participants = NodeSet::all(2);
        *root = sign(statement);
        root.signatures.truncate(2);
    });
    Vectors {
        about: "Records of contributors under roots that the nodes of setup.json have signed. Verify the root against cluster_toml, then \
                the path; expect is `ok` or what is wrong. record_hex is hashed with the salt, statement_hex is signed."
            .to_owned(),
        cases,
    }
}
