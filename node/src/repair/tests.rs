//! Repairs among the stores of whole clusters, with peers that hold nothing or are silent.

mod questions;
mod wrong_supplies;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use tacit_protocol::codec::encode;
use tacit_protocol::fixtures::{ClusterWithKeys, EPOCH, cluster_with_keys, credential_of, revocation_of, share, share_with_credential};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::question::Answer as Given;
use tacit_protocol::submission::{Delivery, Submission};

use super::*;
use crate::sealing_keys::SealingKeys;
use crate::supply::supply;
use crate::testing::{intake_of, invited_job, job_for};

/// The stores of all nodes of a cluster, with one open job.
struct Cluster {
    nodes: Vec<Intake>,
    job: Job,
    threshold: usize,
    _folders: Vec<tempfile::TempDir>,
}

/// All subsets of `0..n`.
fn subsets(n: usize) -> impl Iterator<Item = Vec<usize>> {
    (0..1usize << n).map(move |mask| (0..n).filter(|node| mask >> node & 1 == 1).collect())
}

impl Cluster {
    fn new(nodes: usize, threshold: usize) -> Self {
        let job = job_for(&cluster_with_keys(nodes, threshold).cluster, 3);
        Self::with_job((nodes, threshold), job)
    }

    fn with_job((nodes, threshold): (usize, usize), (job, spec): (Job, Vec<u8>)) -> Self {
        let folders: Vec<_> = (0..nodes).map(|_| tempfile::tempdir().unwrap()).collect();
        let intake = |(me, folder): (usize, &tempfile::TempDir)| {
            let intake = intake_of(folder.path(), (nodes, threshold), me);
            intake.store.open_job(&job, &spec, &crate::store::Room::default()).unwrap();
            intake
        };
        Self {
            nodes: folders.iter().enumerate().map(intake).collect(),
            job,
            threshold,
            _folders: folders,
        }
    }

    fn submission(&self) -> Submission {
        self.submission_by(&SecretKey::generate(&mut UnwrapErr(SysRng)))
    }

    fn submission_by(&self, key: &SecretKey) -> Submission {
        let answers = [(0, Given::Class(1)), (2, Given::Class(0))];
        share(&self.nodes[0].cluster, &self.job, "alice", key, &answers, &mut UnwrapErr(SysRng)).unwrap()
    }

    /// Delivers a submission to a node, altered on its way.
    fn deliver(&self, node: usize, submission: &Submission, alter: impl FnOnce(&mut Delivery)) -> Option<RejectReason> {
        let mut delivery = submission.delivery(node).unwrap();
        let digest = delivery.header.value.digest();
        alter(&mut delivery);
        self.nodes[node].deliver(&self.job, &[(digest, encode(&delivery))]).unwrap()[0]
    }

    fn repair(&self, node: usize, submissions: &[&Submission], peers: &impl Peers) -> Repaired {
        self.repair_for(Need::Listed, node, submissions, peers)
    }

    fn repair_for(&self, need: Need, node: usize, submissions: &[&Submission], peers: &impl Peers) -> Repaired {
        let digests: Vec<Digest> = submissions.iter().map(|one| one.header.value.digest()).collect();
        repair(&self.nodes[node], &self.job, &digests, need, peers).unwrap()
    }

    /// The elements that a node opens of a submission that it accepts; `None` if it does not accept it.
    fn opened(&self, node: usize, submission: &Submission) -> Option<Vec<Vec<tacit_mpc_core::field::Fp61>>> {
        let intake = &self.nodes[node];
        let header = &submission.header.value;
        let digest = header.digest();
        let mut at = None;
        let each = |_, found: StoredSubmission<'_>| {
            if let StoredSubmission::Accepted(signed, components) = found {
                assert_eq!(signed, encode(&submission.header));
                at = Some(components);
            }
        };
        intake.store.for_each_stored(self.job.id(), &[digest], each).unwrap();
        let sealed = intake.store.components(at?).unwrap().unwrap();
        let of = (node, &digest);
        let opened = header
            .open_at_rest(&intake.cluster, &self.job, of, &intake.store.key(&self.job).unwrap(), sealed)
            .unwrap();
        let held = intake.cluster.access().held_by(node).len();
        Some((0..held).map(|position| opened.expand(position).to_vec()).collect())
    }

    /// What a node must open of a submission.
    fn due(&self, node: usize, submission: &Submission) -> Vec<Vec<tacit_mpc_core::field::Fp61>> {
        let intake = &self.nodes[node];
        let opened = submission.delivery(node).unwrap();
        let opened = opened
            .open(&intake.cluster, &self.job, node, &intake.keys.key(EPOCH).unwrap())
            .unwrap();
        let held = intake.cluster.access().held_by(node).len();
        (0..held).map(|position| opened.expand(position).to_vec()).collect()
    }
}

/// The peers of a node. They answer as nodes do, unless `alter` changes or withholds an answer.
struct Others<'a, F: Fn(usize, &Question, Answer) -> Option<Answer>> {
    cluster: &'a Cluster,
    me: usize,
    alter: F,
    asked: RefCell<Vec<usize>>,
}

fn others<F: Fn(usize, &Question, Answer) -> Option<Answer>>(cluster: &Cluster, me: usize, alter: F) -> Others<'_, F> {
    let asked = RefCell::default();
    Others { cluster, me, alter, asked }
}

fn honest(_: usize, _: &Question, answer: Answer) -> Option<Answer> {
    Some(answer)
}

impl<F: Fn(usize, &Question, Answer) -> Option<Answer>> Peers for Others<'_, F> {
    fn ask(&self, peer: usize, question: &Question) -> Option<Answer> {
        self.asked.borrow_mut().push(peer);
        (self.alter)(peer, question, supply(&self.cluster.nodes[peer], self.me, question))
    }
}

#[test]
fn what_more_than_t_hold_everybody_gets_and_what_t_hold_nobody() {
    for (nodes, threshold) in [(3, 1), (4, 1), (5, 2)] {
        let cluster = Cluster::new(nodes, threshold);
        for holders in subsets(nodes) {
            let submission = cluster.submission();
            for node in &holders {
                assert_eq!(cluster.deliver(*node, &submission, |_| {}), None);
            }
            // All ask at once: what one gets must not be what another is helped by.
            for node in (0..nodes).filter(|node| !holders.contains(node)) {
                let repaired = cluster.repair(node, &[&submission], &others(&cluster, node, honest));
                let enough = holders.len() > cluster.threshold;
                let due = Repaired {
                    repaired: usize::from(enough),
                    lacking: usize::from(!enough),
                    silent: NodeSet::default(),
                };
                assert_eq!(repaired, due, "node {node} from {holders:?}");
                assert!(cluster.opened(node, &submission) == enough.then(|| cluster.due(node, &submission)));
            }
        }
    }
}

#[test]
fn a_spoilt_envelope_is_repaired_and_its_header_serves_others() {
    let cluster = Cluster::new(3, 1);
    let submission = cluster.submission();
    for node in 0..2 {
        cluster.deliver(node, &submission, |_| {});
    }
    let spoilt = cluster.deliver(2, &submission, |delivery| delivery.envelope[40] ^= 1);
    assert_eq!(spoilt, Some(RejectReason::DigestMismatch));
    let asked = RefCell::new(Vec::new());
    let peers = others(&cluster, 2, |peer, question: &Question, answer| {
        asked
            .borrow_mut()
            .push((peer, question.wanted[0].header, question.wanted[0].components.clone()));
        Some(answer)
    });
    assert_eq!(cluster.repair(2, &[&submission], &peers).repaired, 1);
    // The header was there already. Node 0 misses component 0, node 1 component 1.
    assert_eq!(asked.into_inner(), [(0, false, vec![1]), (1, false, vec![0])]);
    assert!(cluster.opened(2, &submission) == Some(cluster.due(2, &submission)));
}

#[test]
fn what_comes_too_late_for_its_key_is_repaired() {
    let mut cluster = Cluster::new(3, 1);
    let submission = cluster.submission();
    let ClusterWithKeys { sealing, identities, .. } = cluster_with_keys(3, 1);
    // Node 2 is in its next epoch, and has destroyed the key before.
    let next = SealingKeys::of_tests(EPOCH + 1, sealing[2].clone(), identities[2].clone());
    let before = std::mem::replace(&mut cluster.nodes[2].keys, Arc::new(next));
    for node in 0..2 {
        assert_eq!(cluster.deliver(node, &submission, |_| {}), None);
    }
    assert_eq!(cluster.deliver(2, &submission, |_| {}), Some(RejectReason::NoSealingKey));
    assert!(RejectReason::NoSealingKey.is_private());
    assert_eq!(cluster.repair(2, &[&submission], &others(&cluster, 2, honest)).repaired, 1);
    let opened = cluster.opened(2, &submission);
    cluster.nodes[2].keys = before;
    assert!(opened == Some(cluster.due(2, &submission)));
}

#[test]
fn a_silent_peer_is_asked_once_and_named_if_something_is_lacking() {
    let cluster = Cluster::new(4, 1);
    let submissions: Vec<Submission> = (0..150).map(|_| cluster.submission()).collect();
    for submission in &submissions {
        for node in [0, 1] {
            cluster.deliver(node, submission, |_| {});
        }
    }
    let all: Vec<&Submission> = submissions.iter().collect();
    let peers = others(&cluster, 3, |peer, _: &Question, answer| (peer != 1).then_some(answer));
    let silent: NodeSet = [1].into_iter().collect();
    let due = Repaired {
        repaired: 0,
        lacking: 150,
        silent,
    };
    assert_eq!(cluster.repair(3, &all, &peers), due);
    assert_eq!(peers.asked.borrow().iter().filter(|peer| **peer == 1).count(), 1);
    // With the header learnt from node 0, the rest comes once node 1 answers, in batches.
    let peers = others(&cluster, 3, honest);
    assert_eq!(cluster.repair(3, &all, &peers).repaired, 150);
    assert!(peers.asked.borrow().len() <= 9, "{:?}", peers.asked);
    for submission in &submissions {
        assert!(cluster.opened(3, submission) == Some(cluster.due(3, submission)));
    }
    // Who lacks nothing names nobody, and a node that answers one submission at a time is asked on.
    let others_of_2 = Cell::new(0);
    let peers = others(&cluster, 2, |peer, _: &Question, answer| match answer {
        Answer::Parts(mut parts) if peer != 1 => {
            others_of_2.set(others_of_2.get() + 1);
            parts.truncate(1);
            Some(Answer::Parts(parts))
        }
        answer => Some(answer),
    });
    assert_eq!(cluster.repair(2, &all, &peers).repaired, 150);
    assert!(others_of_2.get() >= 150);
}

#[test]
fn a_node_learns_of_one_contributor_no_more_than_all_nodes_together_take() {
    let key = SecretKey::from_bytes(&[9; 32]);
    let cluster = Cluster::new(3, 1);
    // Three submissions of two answers each are as much as the door of one node takes.
    let most = 3 * 3;
    let mut learnt = 0;
    for round in 0..5 {
        // What other stores hold of the same contributor, as nodes that deviate can.
        let others_hold = Cluster::new(3, 1);
        for _ in 0..3 {
            let submission = others_hold.submission_by(&key);
            for node in 0..2 {
                assert_eq!(others_hold.deliver(node, &submission, |_| {}), None);
            }
            let need = if round % 2 == 0 { Need::Delivered } else { Need::Listed };
            learnt += cluster
                .repair_for(need, 2, &[&submission], &others(&others_hold, 2, honest))
                .repaired;
            let digest = submission.header.value.digest();
            let noted = cluster.nodes[2].store.outcomes(cluster.job.id(), &[digest]).unwrap().len();
            assert_eq!(noted, usize::from(round < 3), "of what is refused no row stays");
        }
    }
    assert_eq!(learnt, most);
    // It says nothing of others.
    let submission = cluster.submission();
    for node in 0..2 {
        cluster.deliver(node, &submission, |_| {});
    }
    assert_eq!(cluster.repair(2, &[&submission], &others(&cluster, 2, honest)).repaired, 1);
}

#[test]
fn what_is_revoked_comes_in_by_no_quiet_repair_and_counts_where_a_list_names_it() {
    let cluster = Cluster::with_job((3, 1), invited_job());
    let key = SecretKey::from_bytes(&[9; 32]);
    let credential = credential_of(&cluster.nodes[0].cluster, &cluster.job, 7, &key).unwrap();
    let answers = [(0, Given::Class(1))];
    let mut rng = UnwrapErr(SysRng);
    let submission = share_with_credential(&cluster.nodes[0].cluster, &cluster.job, &credential, &key, &answers, &mut rng).unwrap();
    for node in 0..2 {
        assert_eq!(cluster.deliver(node, &submission, |_| {}), None);
    }
    let issuers = cluster.job.terms().issuers.clone().unwrap();
    let revoked = cluster.nodes[2].store.revoke(&revocation_of(&issuers, &[7])).unwrap();
    assert_eq!(revoked, crate::store::Revoked::Stored);
    let repair = |need| cluster.repair_for(need, 2, &[&submission], &others(&cluster, 2, honest)).repaired;
    assert_eq!(repair(Need::Delivered), 0);
    let digest = submission.header.value.digest();
    assert!(cluster.nodes[2].store.outcomes(cluster.job.id(), &[digest]).unwrap().is_empty());
    assert_eq!(repair(Need::Listed), 1);
}
