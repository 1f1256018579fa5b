//! What a proof of consent shows, and each lie that it is refused for.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::api::ReceiptStatement;
use tacit_protocol::fixtures::{ClusterWithKeys, class_answers, cluster_with_keys, consent, contributor_key, job, submission_list};
use tacit_protocol::identity::Purpose;
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::receipt::{CertifiedRoot, ReceiptRoot, RecordTree, RootStatement, SaltSeed};
use tacit_protocol::release::{NodeSignature, Subject};
use tacit_protocol::submission::Submission;
use tacit_protocol::verdict::Verdict;

use super::*;

struct Scene {
    members: ClusterWithKeys,
    job: Job,
    record: ConsentRecord,
    sent: Submission,
}

impl Scene {
    fn new() -> Self {
        let (members, job) = (cluster_with_keys(3, 1), job(4, 3, 3, PayRule::Flat));
        let (key, mut rng) = (contributor_key(1), ChaCha20Rng::seed_from_u64(1));
        let record = consent(&members.cluster, &job, &key, &mut rng);
        let answers = class_answers(&[(0, 1), (2, 0)]);
        let sent = Submission::create(&members.cluster, &job, "ada", &key, &record, &answers, &mut rng).unwrap();
        Self {
            members,
            job,
            record,
            sent,
        }
    }

    fn receipt(&self) -> Receipt {
        let statement = &self.sent.header.value.statement;
        let value = ReceiptStatement {
            cluster: statement.cluster,
            job: statement.job.clone(),
            job_digest: statement.job_digest,
            submission: statement.id,
            digest: self.sent.header.value.digest(),
            answers: 2,
            sequence: 0,
        };
        Signed::new(value, Purpose::Receipt, &self.members.identities[3])
    }

    /// What the nodes sign about a job that this submission alone was sent to.
    fn certified(&self) -> CertifiedReceipts {
        let list = submission_list(std::slice::from_ref(&self.sent));
        let accepted = AcceptedSet::assemble(&self.job, &list, &[Verdict::Accepted], |_| Some(&self.sent.header.value)).unwrap();
        let tree = RecordTree::new(&SaltSeed::from_bytes([3; 32]), Record::without_pay(&list, &accepted));
        let digest = accepted.digest();
        let subject = Subject::new(&self.members.cluster, self.job.digest(), digest, &accepted, NodeSet::all(3));
        let statement = RootStatement::new(&subject, ReceiptRoot::new(&tree, 1));
        let sign = |node: u8| NodeSignature {
            node,
            signature: statement.sign(&self.members.identities[usize::from(node)]),
        };
        CertifiedReceipts {
            root: CertifiedRoot {
                signatures: (0..3).map(sign).collect(),
                statement,
            },
            records: tree.into_proofs().collect(),
        }
    }

    fn proof(&self) -> ConsentProof {
        ConsentProof {
            record: self.record.clone(),
            terms: self.job.terms().clone(),
            submissions: vec![ShownSubmission {
                header: self.sent.header.clone(),
                receipt: Some(self.receipt()),
            }],
            certified: Some(self.certified()),
            shown: Vec::new(),
            page: None,
        }
    }

    fn verify(&self, alter: impl FnOnce(&mut ConsentProof)) -> Result<Witness, ConsentProofError> {
        let mut proof = self.proof();
        alter(&mut proof);
        // As it is read from a file.
        let text = serde_json::to_vec(&proof).unwrap();
        let proof: ConsentProof = serde_json::from_slice(&text).unwrap();
        Ok(proof.verify(&self.members.cluster)?.swap_remove(0).witness)
    }
}

#[test]
fn it_says_who_has_signed_for_a_submission() {
    let scene = Scene::new();
    let nodes = ["node-0", "node-1", "node-2"].map(str::to_owned).to_vec();
    assert_eq!(scene.verify(|_| ()), Ok(Witness::Nodes(nodes)));
    // What is certified names other submissions only.
    let unnamed = scene.verify(|proof| proof.certified.as_mut().unwrap().records.clear());
    assert_eq!(unnamed, Ok(Witness::Coordinator));
    assert_eq!(scene.verify(|proof| proof.certified = None), Ok(Witness::Coordinator));
    let alone = scene.verify(|proof| (proof.certified, proof.submissions[0].receipt) = (None, None));
    assert_eq!(alone, Ok(Witness::Nobody));
}

#[test]
fn lies_are_refused() {
    let scene = Scene::new();
    let other = job(5, 3, 3, PayRule::Flat);
    let terms = scene.verify(|proof| proof.terms = other.terms().clone());
    assert!(
        matches!(terms, Err(ConsentProofError::Consent(ConsentError::OtherTerms { .. }))),
        "{terms:?}"
    );
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let later = consent(&scene.members.cluster, &scene.job, &contributor_key(1), &mut rng);
    assert_eq!(
        scene.verify(|proof| proof.record = later),
        Err(ConsentProofError::Consent(ConsentError::OtherDigest))
    );
    let receipt = scene.verify(|proof| proof.submissions[0].receipt.as_mut().unwrap().value.answers = 3);
    assert!(matches!(receipt, Err(ConsentProofError::Receipt(_))), "{receipt:?}");
    let root = scene.verify(|proof| proof.certified.as_mut().unwrap().root.statement.records.contributors = 2);
    assert!(matches!(root, Err(ConsentProofError::Root(_))), "{root:?}");
    let leaf = scene.verify(|proof| proof.certified.as_mut().unwrap().records[0].salt = Digest::of("other", &[]));
    assert_eq!(leaf, Err(ConsentProofError::Leaf));
    // The nodes' signatures on another job do not vouch for this one.
    let elsewhere = Scene {
        job: other,
        ..Scene::new()
    };
    let statement = {
        let list = submission_list(&[]);
        let accepted = AcceptedSet::assemble(&elsewhere.job, &list, &[], |_| None).unwrap();
        let tree = RecordTree::new(&SaltSeed::from_bytes([3; 32]), Vec::new());
        let subject = Subject::new(
            &elsewhere.members.cluster,
            elsewhere.job.digest(),
            accepted.digest(),
            &accepted,
            NodeSet::all(3),
        );
        RootStatement::new(&subject, ReceiptRoot::new(&tree, 0))
    };
    let sign = |node: u8| NodeSignature {
        node,
        signature: statement.sign(&elsewhere.members.identities[usize::from(node)]),
    };
    let root = CertifiedRoot {
        signatures: (0..3).map(sign).collect(),
        statement: statement.clone(),
    };
    let moved = scene.verify(|proof| proof.certified = Some(CertifiedReceipts { root, records: Vec::new() }));
    assert_eq!(moved, Err(ConsentProofError::OtherTerms(elsewhere.job.digest())));
}
