//! The tree against its plain definition, paths that are wrong in one thing, and roots that some node has not signed.

use proptest::prelude::*;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

use super::tree::leaf_hash;
use super::*;
use crate::accepted::{AcceptedSet, Outcome, SubmissionEntry};
use crate::fixtures::{ClusterWithKeys, cluster_with_keys, job, submission, submission_list};
use crate::job::PayRule;
use crate::reject::RejectReason;
use crate::release::{NodeSignature, OutputName, Subject};
use crate::verdict::Verdict;

const SEED: SaltSeed = SaltSeed::from_bytes([5; 32]);

fn record(index: u64) -> Record {
    let entry = SubmissionEntry {
        submission: Digest::of("test", &[&index.to_le_bytes()]),
        answers: 3,
    };
    Record::Submission(SubmissionRecord::new(&entry, &Outcome::Rejected(RejectReason::Malformed)))
}

fn tree(leaves: u64) -> RecordTree {
    RecordTree::new(&SEED, (0..leaves).map(record).collect())
}

/// The root by the recursive definition of RFC 9162, section 2.1.1.
fn plain_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of("tacit/v1 receipt tree without leaves", &[]),
        [leaf] => *leaf,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            let (left, right) = (plain_root(&leaves[..half]), plain_root(&leaves[half..]));
            Digest::of("tacit/v1 receipt node", &[left.as_bytes(), right.as_bytes()])
        }
    }
}

fn root_of(tree: &RecordTree) -> ReceiptRoot {
    ReceiptRoot::new(tree, 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_tree_is_the_one_of_the_rfc_and_every_path_leads_to_its_root(leaves in 0u64..70) {
        let tree = tree(leaves);
        let root = root_of(&tree);
        let proofs: Vec<RecordProof> = tree.into_proofs().collect();
        prop_assert_eq!(proofs.len() as u64, leaves);
        let hashes: Vec<Digest> = proofs.iter().map(|proof| leaf_hash(&proof.salt, &proof.record)).collect();
        prop_assert!(hashes.is_sorted());
        prop_assert_eq!(plain_root(&hashes), root.root);
        for (index, proof) in proofs.iter().enumerate() {
            prop_assert_eq!(proof.index, index as u64);
            prop_assert!(proof.is_under(&root));
        }
    }

    #[test]
    fn no_other_path_record_salt_or_index_fits(leaves in 2u64..70, which: prop::sample::Index, other in 1u64..100, bit in 0usize..256) {
        let tree = tree(leaves);
        let root = root_of(&tree);
        let proof = which.get(&tree.into_proofs().collect::<Vec<_>>()).clone();
        let flipped = |digest: Digest| {
            let mut bytes = *digest.as_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            Digest::from_bytes(bytes)
        };
        let refused = |alter: &dyn Fn(&mut RecordProof)| {
            let mut altered = proof.clone();
            alter(&mut altered);
            !altered.is_under(&root)
        };
        prop_assert!(refused(&|proof| proof.salt = flipped(proof.salt)));
        prop_assert!(refused(&|proof| proof.record = record(leaves + other)));
        prop_assert!(refused(&|proof| proof.index += other));
        prop_assert!(refused(&|proof| proof.path.push(root.root)));
        prop_assert!(refused(&|proof| proof.path.truncate(proof.path.len() - 1)));
        for at in 0..proof.path.len() {
            prop_assert!(refused(&|proof| proof.path[at] = flipped(proof.path[at])));
        }
        // In a tree of more than twice as many leaves the path is longer.
        let grown = ReceiptRoot { leaves: leaves * 2 + other, ..root };
        let none = ReceiptRoot { leaves: 0, ..root };
        let elsewhere = ReceiptRoot { root: flipped(root.root), ..root };
        for other in [grown, none, elsewhere] {
            prop_assert!(!proof.is_under(&other));
        }
    }
}

#[test]
fn an_inner_node_is_no_leaf() {
    // Whoever passes off an inner node as a leaf needs a path from it that is shorter by one: the tree would have fewer leaves.
    let tree = tree(4);
    let root = root_of(&tree);
    let proofs: Vec<RecordProof> = tree.into_proofs().collect();
    let inner = Digest::of(
        "tacit/v1 receipt node",
        &[proofs[1].path[0].as_bytes(), proofs[0].path[0].as_bytes()],
    );
    assert_eq!(root_of_path(inner, 0, 2, &proofs[0].path[1..]), Some(root.root));
    assert_ne!(root_of_path(inner, 0, 4, &proofs[0].path[1..]), Some(root.root));
}

#[test]
fn every_record_has_a_salt_of_its_own() {
    let salts: std::collections::BTreeSet<Digest> = (0..100).map(|index| SEED.salt(&record(index))).collect();
    assert_eq!(salts.len(), 100);
    assert_ne!(SaltSeed::from_bytes([6; 32]).salt(&record(1)), SEED.salt(&record(1)));
    assert_ne!(SaltSeed::from_bytes([6; 32]).digest(), SEED.digest());
    assert_eq!(format!("{SEED:?}"), "SaltSeed(..)");
}

fn certified(members: &ClusterWithKeys, participants: NodeSet, alter: impl FnOnce(&mut RootStatement)) -> CertifiedRoot {
    let job = job(4, 3, 1, PayRule::Flat);
    let accepted = AcceptedSet::assemble(&job, &[], &[], |_| None).unwrap();
    let subject = Subject::new(&members.cluster, job.digest(), accepted.digest(), &accepted, participants);
    let mut statement = RootStatement::new(&subject, root_of(&tree(3)));
    alter(&mut statement);
    let sign = |node: usize| NodeSignature {
        node: node as u8,
        signature: statement.sign(&members.identities[node]),
    };
    CertifiedRoot {
        signatures: participants.iter().map(sign).collect(),
        statement,
    }
}

#[test]
fn a_root_counts_if_all_participants_have_signed_it_and_they_are_enough() {
    let members = cluster_with_keys(4, 1);
    let cluster = &members.cluster;
    let good = certified(&members, NodeSet::all(3), |_| {});
    assert_eq!(good.verify(cluster), Ok(()));
    let refused = |alter: &dyn Fn(&mut CertifiedRoot)| {
        let mut altered = good.clone();
        alter(&mut altered);
        altered.verify(cluster).unwrap_err()
    };
    let too_few = certified(&members, NodeSet::all(2), |_| {}).verify(cluster);
    assert!(matches!(too_few, Err(RootError::Participants(_))));
    assert!(matches!(refused(&|root| root.signatures.truncate(2)), RootError::Participants(_)));
    assert!(matches!(refused(&|root| root.signatures.swap(0, 1)), RootError::Participants(_)));
    let forged = good.signatures[0].signature;
    assert_eq!(
        refused(&|root| root.signatures[2].signature = forged),
        RootError::Signature("node-2".to_owned())
    );
    for alter in [
        (|root: &mut CertifiedRoot| root.statement.records.root = Digest::of("other", &[])) as fn(&mut CertifiedRoot),
        |root| root.statement.records.leaves += 1,
        |root| root.statement.records.contributors += 1,
        |root| root.statement.job = Digest::of("other", &[]),
        |root| root.statement.accepted = Digest::of("other", &[]),
        |root| root.statement.session = Digest::of("other", &[]),
    ] {
        assert_eq!(refused(&alter), RootError::Signature("node-0".to_owned()));
    }
    for (other, what) in [
        (
            certified(&members, NodeSet::all(3), |root| root.protocol += 1),
            "another protocol version",
        ),
        (
            certified(&members, NodeSet::all(3), |root| root.cluster = Digest::of("other", &[])),
            "another cluster file",
        ),
    ] {
        assert_eq!(other.verify(cluster), Err(RootError::Elsewhere(what)));
    }
    // A node of no such index has no key.
    let stranger = certified(&members, NodeSet::all(3), |root| {
        root.participants = [0, 1, 7].into_iter().collect();
    });
    assert!(matches!(stranger.verify(cluster), Err(RootError::Participants(_))));
}

#[test]
fn every_submission_of_the_list_has_one_record() {
    let members = cluster_with_keys(3, 1);
    let job = job(4, 3, 1, PayRule::Flat);
    let submissions = [
        submission(&members, &job, 1, &[(0, 0), (1, 1)]),
        // The same person again: one answer counts already, the other finds the item full.
        submission(&members, &job, 1, &[(0, 0)]),
        submission(&members, &job, 2, &[(0, 0), (2, 1)]),
        submission(&members, &job, 3, &[(3, 0)]),
        submission(&members, &job, 4, &[(0, 1)]),
    ];
    let list = submission_list(&submissions);
    let refusing: NodeSet = [1, 2].into_iter().collect();
    let mut verdicts = vec![Verdict::Accepted; list.len()];
    verdicts[3] = Verdict::Refused(RejectReason::Unsealable, refusing);
    let header = |entry: usize| Some(&submissions[entry].header.value);
    let accepted = AcceptedSet::assemble(&job, &list, &verdicts, header).unwrap();
    let records = Record::without_pay(&list, &accepted);
    let of_contributors: Vec<&ContributorRecord> = records
        .iter()
        .filter_map(|record| match record {
            Record::Contributor(one) => Some(one),
            Record::Submission(_) => None,
        })
        .collect();
    let digests = |one: &ContributorRecord| one.submissions.iter().map(|one| one.digest).collect::<Vec<_>>();
    let [first, second, third] = of_contributors[..] else {
        panic!("{of_contributors:?}")
    };
    assert_eq!(digests(first), [list[0].submission, list[1].submission]);
    assert_eq!(digests(second), [list[2].submission]);
    assert_eq!(digests(third), [list[4].submission]);
    assert_eq!((first.facts.answers, first.submissions[1].counted), (2, 0));
    assert_eq!(
        first.submissions[1].left_out,
        [LeftOut {
            reason: RejectReason::DuplicateAnswer,
            answers: 1
        }]
    );
    let alone = Record::Submission(SubmissionRecord {
        digest: list[3].submission,
        answers: 1,
        counted: 0,
        left_out: vec![LeftOut {
            reason: RejectReason::Unsealable,
            answers: 1,
        }],
        refused_by: refusing,
    });
    assert_eq!(records[3..], [alone]);
    for record in of_contributors {
        assert!(record.submissions.iter().all(SubmissionRecord::adds_up));
        assert_eq!(record.score(OutputName::ContributorAgreement), None);
    }
}

#[test]
fn who_has_no_answer_that_counts_has_a_record_too() {
    let members = cluster_with_keys(3, 1);
    let job = job(2, 3, 1, PayRule::Flat);
    let submissions: Vec<_> = (0..2).map(|c| submission(&members, &job, c, &[(0, 0)])).collect();
    let list = submission_list(&submissions);
    let header = |entry: usize| Some(&submissions[entry].header.value);
    let accepted = AcceptedSet::assemble(&job, &list, &[Verdict::Accepted; 2], header).unwrap();
    let [Record::Contributor(first), Record::Contributor(second)] = &Record::without_pay(&list, &accepted)[..] else {
        panic!("two contributors");
    };
    assert_eq!((first.facts.answers, second.facts.answers), (1, 0));
    assert_eq!(accepted.facts().contributors.len(), 1);
    assert_eq!(second.facts.key, submissions[1].header.value.statement.key);
    assert_eq!(
        second.submissions[0].left_out,
        [LeftOut {
            reason: RejectReason::ItemFull,
            answers: 1
        }]
    );
}
