//! What a node does with the answers of its peers.

use std::cell::RefCell;
use std::collections::VecDeque;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_protocol::check::skip;
use tacit_protocol::fixtures::{contributor_key, share};
use tacit_protocol::identity::Signature;
use tacit_protocol::question::Answer as Given;

use super::*;
use crate::store::{Author, NewWithdrawal, Recorded, Withdrawn};

/// What peers answer to one question.
type Came = Option<Vec<(usize, Answer)>>;

/// What peers answer, one time after the other; then nobody answers. `None` is a computation that was cancelled.
#[derive(Default)]
struct Answers {
    left: RefCell<VecDeque<Came>>,
    /// Whether each question gave a notice.
    gave: RefCell<Vec<bool>>,
}

impl Reminders for Answers {
    fn ask_all(&self, question: &NoticeQuestion) -> Came {
        self.gave.borrow_mut().push(question.notice.is_some());
        self.left.borrow_mut().pop_front().unwrap_or(Some(Vec::new()))
    }
}

fn shown(notice: &SignedNotice) -> Came {
    Some(vec![(1, Answer::Notice(None)), (2, Answer::Notice(Some(notice.clone())))])
}

/// What comes of announcing the release of a set at node 0, in one word, and whether each question that it asked gave a notice.
fn announce(nodes: &Nodes, set: &[u8], answers: impl IntoIterator<Item = Came>) -> (&'static str, Vec<bool>) {
    let peers = Answers {
        left: RefCell::new(answers.into_iter().collect()),
        gave: RefCell::default(),
    };
    let announcer = Announcer {
        intake: nodes.at(0),
        key: &nodes.keys[0],
        peers: &peers,
    };
    let came = match announcer.announce(&nodes.job, &[], (&accepted(set), None)) {
        Ok(()) => "announced",
        Err(NotAnnounced::ReleasedBefore) => "released before",
        Err(NotAnnounced::Withdrawn) => "withdrawn",
        Err(NotAnnounced::Cancelled) => "cancelled",
        Err(NotAnnounced::Store(StoreError::Record { .. })) => "altered",
        Err(NotAnnounced::Store(error)) => panic!("{error}"),
    };
    (came, peers.gave.into_inner())
}

#[test]
fn a_node_asks_before_it_signs_and_goes_on_where_nobody_objects() {
    let _all = skip(&[]);
    let nodes = Nodes::new((4, 1));
    assert_eq!(announce(&nodes, b"1", []), ("announced", vec![false, true]));
    // It was cut off before it recorded the release: the same again, and nothing else.
    assert_eq!(announce(&nodes, b"1", []), ("announced", vec![true]));
    assert_eq!(announce(&nodes, b"2", []), ("released before", vec![]));
    let store = &nodes.at(0).store;
    let recorded = store.record_release(&nodes.job, &accepted(b"1"), &[]).unwrap();
    assert_eq!(recorded, Recorded::ThisSet);
    assert_eq!(announce(&nodes, b"1", []), ("announced", vec![]), "nobody is asked any more");
    assert_eq!(announce(&nodes, b"2", []), ("released before", vec![]));
}

#[test]
fn a_node_that_is_reminded_of_another_release_refuses_and_remembers_it() {
    let _all = skip(&[]);
    let old = |nodes: &Nodes| nodes.release(0, b"old").sign(&nodes.keys[0]);
    let nodes = Nodes::new((4, 1));
    assert_eq!(announce(&nodes, b"new", [shown(&old(&nodes))]), ("released before", vec![false]));
    // From now on it knows by itself, and can release the old set again.
    assert_eq!(announce(&nodes, b"new", []), ("released before", vec![]));
    assert_eq!(announce(&nodes, b"old", [shown(&old(&nodes))]), ("announced", vec![true]));
    // A peer that could not be reached the first time objects when it gets the notice.
    let nodes = Nodes::new((4, 1));
    let late = [Some(Vec::new()), shown(&old(&nodes))];
    assert_eq!(announce(&nodes, b"new", late), ("released before", vec![false, true]));
    assert_eq!(nodes.at(0).store.released(&nodes.job).unwrap(), None);
    // Of two releases that it has signed, nobody can tell which was made.
    for set in [b"old".as_slice(), b"new"] {
        let again = [shown(&old(&nodes)), shown(&old(&nodes))];
        assert_eq!(announce(&nodes, set, again).0, "released before");
    }
}

#[test]
fn another_noise_is_another_release() {
    let _all = skip(&[]);
    let nodes = Nodes::new((4, 1));
    let mut noisy = nodes.release(0, b"1");
    noisy.noise = Some(Digest::of("noise", &[]));
    let noisy = noisy.sign(&nodes.keys[0]);
    assert_eq!(announce(&nodes, b"1", [shown(&noisy)]), ("released before", vec![false]));
}

#[test]
fn what_a_node_has_not_signed_stops_it_never() {
    let _all = skip(&[]);
    let nodes = Nodes::new((4, 1));
    let other = |node: usize| nodes.release(node, b"2");
    let mut altered = other(0).sign(&nodes.keys[0]);
    altered.value.accepted = accepted(b"3");
    let mut of_another_job = other(0);
    of_another_job.job_digest = Digest::of("other terms", &[]);
    let made_up: Vec<(usize, Answer)> = [
        other(0).sign(&nodes.keys[1]),
        other(1).sign(&nodes.keys[1]),
        of_another_job.sign(&nodes.keys[0]),
        altered,
    ]
    .map(|notice| (1, Answer::Notice(Some(notice))))
    .into_iter()
    .chain([(2, Answer::Refused(Unanswered::UnknownJob)), (3, Answer::Parts(Vec::new()))])
    .collect();
    let answers = [Some(made_up.clone()), Some(made_up)];
    assert_eq!(announce(&nodes, b"1", answers), ("announced", vec![false, true]));
}

#[test]
fn a_computation_that_is_cancelled_while_peers_are_asked_releases_nothing() {
    let _all = skip(&[]);
    let nodes = Nodes::new((4, 1));
    assert_eq!(announce(&nodes, b"1", [None]), ("cancelled", vec![false]));
    assert_eq!(nodes.at(0).store.announced(&nodes.job).unwrap(), None);
    let while_giving = [Some(Vec::new()), None];
    assert_eq!(announce(&nodes, b"1", while_giving), ("cancelled", vec![false, true]));
    // The notice is out, so the same release is the only one that may follow.
    assert_eq!(announce(&nodes, b"2", []), ("released before", vec![]));
    assert_eq!(announce(&nodes, b"1", []), ("announced", vec![true]));
}

#[test]
fn a_notice_that_somebody_has_put_into_the_store_is_found() {
    let _all = skip(&[]);
    let nodes = Nodes::new((4, 1));
    let foreign = tacit_protocol::codec::encode(&nodes.release(0, b"1").sign(&nodes.keys[1]));
    for altered in [foreign, b"no notice".to_vec()] {
        nodes.at(0).store.alter("UPDATE jobs SET announced = ?1", &[&altered]);
        assert_eq!(announce(&nodes, b"1", []), ("altered", vec![]));
    }
}

#[test]
fn a_withdrawal_comes_before_the_notice_or_too_late() {
    let nodes = Nodes::new((3, 1));
    let store = &nodes.at(0).store;
    let [first, second] = [1, 2].map(|contributor| {
        let (key, answers) = (contributor_key(contributor), [(0, Given::Class(1))]);
        let name = format!("c{contributor}");
        let cluster = &nodes.at(0).cluster;
        let submission = share(cluster, &nodes.job, &name, &key, &answers, &mut UnwrapErr(SysRng)).unwrap();
        let header = submission.header.value;
        let withdrawal = NewWithdrawal {
            digest: header.digest(),
            author: Author::of(&nodes.job, &header.statement),
            signature: Signature::from_bytes([3; 64]),
        };
        let entry = SubmissionEntry {
            submission: header.digest(),
            answers: 1,
        };
        (withdrawal, entry)
    });
    let notice = nodes.release(0, b"1").sign(&nodes.keys[0]);
    let withdraw = |withdrawal| store.withdraw(&nodes.job, 3, withdrawal, false).unwrap();
    assert_eq!(withdraw(&first.0), Withdrawn::Erased);
    assert_eq!(store.announce(&nodes.job, &notice, &[first.1]).unwrap(), Announced::Withdrawn);
    assert_eq!(store.announce(&nodes.job, &notice, &[second.1]).unwrap(), Announced::ThisRelease);
    assert_eq!(withdraw(&second.0), Withdrawn::Frozen);
}
