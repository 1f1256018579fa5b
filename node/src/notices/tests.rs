//! What peers remember of a node's releases, and what the node does when they remind it.

mod asking;
mod whole_nodes;

use std::path::Path;
use std::sync::Arc;

use tacit_protocol::control::Refusal;
use tacit_protocol::fixtures::cluster_with_keys;

use super::*;
use crate::store::{Ended, Room};
use crate::testing::{intake_of, job_for};

/// The stores of all nodes of a cluster, with one open job.
struct Nodes {
    size: (usize, usize),
    intakes: Vec<Option<Intake>>,
    keys: Vec<SecretKey>,
    job: Arc<Job>,
    folders: Vec<tempfile::TempDir>,
}

impl Nodes {
    /// Nodes of a cluster of this size and threshold.
    fn new(size: (usize, usize)) -> Self {
        let members = cluster_with_keys(size.0, size.1);
        let (job, spec) = job_for(&members.cluster, 3);
        let mut nodes = Self {
            size,
            intakes: (0..size.0).map(|_| None).collect(),
            keys: members.identities,
            job: Arc::new(job),
            folders: (0..size.0).map(|_| tempfile::tempdir().unwrap()).collect(),
        };
        for node in 0..size.0 {
            nodes.start(node);
            nodes.at(node).store.open_job(&nodes.job, &spec, &Room::default()).unwrap();
        }
        nodes
    }

    fn at(&self, node: usize) -> &Intake {
        self.intakes[node].as_ref().unwrap()
    }

    fn start(&mut self, node: usize) {
        self.intakes[node] = Some(intake_of(self.folders[node].path(), self.size, node));
    }

    /// Stops a node, does something with its folder, and starts it again.
    fn while_stopped(&mut self, node: usize, body: impl FnOnce(&Path)) {
        self.intakes[node] = None;
        body(self.folders[node].path());
        self.start(node);
    }

    /// A copy of what a node has stored.
    fn copy(&mut self, node: usize) -> tempfile::TempDir {
        let copy = tempfile::tempdir().unwrap();
        self.while_stopped(node, |folder| copy_files(folder, copy.path()));
        copy
    }

    /// Puts such a copy in the place of what the node has stored.
    fn put_back(&mut self, node: usize, copy: &tempfile::TempDir) {
        self.while_stopped(node, |folder| {
            std::fs::remove_dir_all(folder).unwrap();
            copy_files(copy.path(), folder);
        });
    }

    /// The release of an accepted set, without noise, as a node announces it.
    fn release(&self, node: usize, set: &[u8]) -> ReleaseNotice {
        ReleaseNotice {
            cluster: self.at(node).cluster.digest(),
            job_digest: self.job.digest(),
            accepted: accepted(set),
            noise: None,
            node: node as u8,
        }
    }

    fn question(&self, notice: Option<SignedNotice>) -> NoticeQuestion {
        NoticeQuestion {
            job: self.job.id().clone(),
            terms: self.job.digest(),
            notice,
        }
    }
}

fn accepted(set: &[u8]) -> Digest {
    Digest::of("accepted", &[set])
}

fn copy_files(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_files(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_peer_stores_the_first_notice_of_a_node_and_shows_it_to_that_node() {
    let mut nodes = Nodes::new((4, 1));
    let ask = |nodes: &Nodes, node: usize, notice| remind(nodes.at(1), node, &nodes.question(notice));
    let [first, second] = [b"1", b"2"].map(|set| nodes.release(0, set).sign(&nodes.keys[0]));
    assert_eq!(ask(&nodes, 0, None), Answer::Notice(None));
    assert_eq!(ask(&nodes, 0, Some(first.clone())), Answer::Notice(Some(first.clone())));
    assert_eq!(ask(&nodes, 0, Some(second)), Answer::Notice(Some(first.clone())), "the first stays");
    assert_eq!(ask(&nodes, 0, None), Answer::Notice(Some(first.clone())));
    // Each node has a notice of its own.
    assert_eq!(ask(&nodes, 2, None), Answer::Notice(None));
    let other = nodes.release(2, b"2").sign(&nodes.keys[2]);
    assert_eq!(ask(&nodes, 2, Some(other.clone())), Answer::Notice(Some(other)));
    // It lasts over restarts, and when the job has ended.
    nodes.while_stopped(1, |_| ());
    assert_eq!(ask(&nodes, 0, None), Answer::Notice(Some(first.clone())));
    nodes.at(1).store.end(&nodes.job, Ended::Cancelled).unwrap();
    assert_eq!(ask(&nodes, 0, None), Answer::Notice(Some(first)));
    let late = nodes.release(3, b"3").sign(&nodes.keys[3]);
    assert_eq!(
        ask(&nodes, 3, Some(late.clone())),
        Answer::Notice(Some(late)),
        "also one that comes later"
    );
}

#[test]
fn a_peer_stores_nothing_but_what_the_asking_node_has_signed_for_a_job_that_it_knows() {
    let nodes = Nodes::new((3, 1));
    let ask = |question: &NoticeQuestion| remind(nodes.at(1), 0, question);
    let not_signed = Answer::Refused(Unanswered::NotSigned);
    let release = || nodes.release(0, b"1");
    let by_another_key = release().sign(&nodes.keys[2]);
    let of_another_node = nodes.release(2, b"1").sign(&nodes.keys[2]);
    let mut altered = release().sign(&nodes.keys[0]);
    altered.value.accepted = accepted(b"2");
    let mut of_another_cluster = release();
    of_another_cluster.cluster = cluster_with_keys(4, 1).cluster.digest();
    let mut of_another_job = release();
    of_another_job.job_digest = Digest::of("other terms", &[]);
    let [of_another_cluster, of_another_job] = [of_another_cluster, of_another_job].map(|one| one.sign(&nodes.keys[0]));
    for notice in [by_another_key, of_another_node, altered, of_another_cluster, of_another_job.clone()] {
        assert_eq!(ask(&nodes.question(Some(notice))), not_signed);
    }
    let unknown = Answer::Refused(Unanswered::UnknownJob);
    let good = release().sign(&nodes.keys[0]);
    let mut other_id = nodes.question(Some(good.clone()));
    other_id.job = "other".parse().unwrap();
    assert_eq!(ask(&other_id), unknown);
    let mut other_terms = nodes.question(Some(of_another_job));
    other_terms.terms = Digest::of("other terms", &[]);
    assert_eq!(ask(&other_terms), unknown);
    assert_eq!(ask(&nodes.question(None)), Answer::Notice(None), "nothing was stored");
    // A job that is dropped, as one that could not be opened everywhere, takes no notice with it.
    assert_eq!(ask(&nodes.question(Some(good.clone()))), Answer::Notice(Some(good.clone())));
    assert!(nodes.at(1).store.unopen(&nodes.job).unwrap());
    assert_eq!(ask(&nodes.question(None)), Answer::Notice(Some(good)));
}

#[test]
fn a_job_of_which_a_release_is_announced_is_not_dropped_and_not_opened_anew() {
    let mut nodes = Nodes::new((3, 1));
    let notice = nodes.release(0, b"1").sign(&nodes.keys[0]);
    let store = &nodes.at(0).store;
    assert_eq!(store.announce(&nodes.job, &notice, &[]).unwrap(), Announced::ThisRelease);
    assert!(!store.unopen(&nodes.job).unwrap());
    let key = format!("job-keys/{}", nodes.job.digest());
    nodes.while_stopped(0, |folder| std::fs::remove_file(folder.join(key)).unwrap());
    let id = nodes.job.id();
    assert_eq!(nodes.at(0).known_job(id), Err(Refusal::Ended(id.clone())));
}
