//! The attack that notices prevent: a node whose store was replaced by an older copy, a corrupt node and a node that was away compute a second
//! set of a job. What the two results differ in is the answers of whoever is in one set alone.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::network::{Expected, Network, NetworkError, Outgoing, Step};
use tacit_mpc_core::probe::Honest;
use tacit_mpc_core::sharing::{NodeSet, Party};
use tacit_protocol::check::{Check, skip};
use tacit_protocol::codec::encode;
use tacit_protocol::control::Computed;
use tacit_protocol::fixtures::{contributor_key, share};
use tacit_protocol::peer::Question;
use tacit_protocol::question::Answer as Given;
use tacit_protocol::receipt::SaltSeed;

use super::*;
use crate::compute::{Task, compute};
use crate::metrics::SessionMeter;
use crate::repair::Peers;
use crate::supply::supply;

/// The network of one participant: a channel to and from each of the others.
struct Channels {
    to: BTreeMap<usize, Sender<Vec<u8>>>,
    from: BTreeMap<usize, Receiver<Vec<u8>>>,
}

impl Channels {
    /// The networks of these participants, in their order.
    fn among(participants: &[usize]) -> Vec<Self> {
        let none = |_: &usize| Self {
            to: BTreeMap::new(),
            from: BTreeMap::new(),
        };
        let mut networks: Vec<Self> = participants.iter().map(none).collect();
        for (i, sender) in participants.iter().enumerate() {
            for (j, receiver) in participants.iter().enumerate().filter(|(j, _)| *j != i) {
                let (to, from) = channel();
                networks[i].to.insert(*receiver, to);
                networks[j].from.insert(*sender, from);
            }
        }
        networks
    }
}

impl Network for Channels {
    type Probe = Honest;

    fn probe(&self) -> &Honest {
        &Honest
    }

    fn exchange(&mut self, _: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError> {
        for message in outgoing {
            // One that has stopped receives nothing; the next message that is expected from it says so.
            let _ = self.to[&message.to].send(message.bytes);
        }
        let receive = |one: &Expected| {
            let received = self.from[&one.from].recv_timeout(Duration::from_secs(60));
            received.map_err(|_| NetworkError::Silent { peer: one.from })
        };
        expected.iter().map(receive).collect()
    }
}

/// The peers of a node that it can reach.
struct Reached<'a> {
    nodes: &'a Nodes,
    me: usize,
    peers: Vec<usize>,
}

impl Peers for Reached<'_> {
    fn ask(&self, peer: usize, question: &Question) -> Option<Answer> {
        Some(supply(self.nodes.at(peer), self.me, question))
    }
}

impl Reminders for Reached<'_> {
    fn ask_all(&self, question: &NoticeQuestion) -> Option<Vec<(usize, Answer)>> {
        let ask = |peer: &usize| (*peer, remind(self.nodes.at(*peer), self.me, question));
        Some(self.peers.iter().map(ask).collect())
    }
}

impl Nodes {
    /// Delivers the submissions of three contributors to all nodes. Returns the list of them.
    fn deliver_three(&self) -> Vec<SubmissionEntry> {
        let submit = |contributor: u32| {
            let (key, name) = (contributor_key(contributor), format!("c{contributor}"));
            let answers = [(0, Given::Class(contributor % 2)), (2, Given::Class(1))];
            let cluster = &self.at(0).cluster;
            let submission = share(cluster, &self.job, &name, &key, &answers, &mut UnwrapErr(SysRng)).unwrap();
            let digest = submission.header.value.digest();
            for node in 0..self.size.0 {
                let delivery = encode(&submission.delivery(node).unwrap());
                assert_eq!(self.at(node).deliver(&self.job, &[(digest, delivery)]).unwrap(), [None]);
            }
            SubmissionEntry {
                submission: digest,
                answers: 2,
            }
        };
        (1..4).map(submit).collect()
    }

    /// Lets these nodes compute a list. `reach` says which peers a node can reach besides.
    fn compute(
        &self,
        participants: &[usize],
        list: &[SubmissionEntry],
        reach: impl Fn(usize) -> Vec<usize>,
    ) -> Vec<Result<Computed, Refusal>> {
        let present: NodeSet = participants.iter().copied().collect();
        std::thread::scope(|scope| {
            let mut running = Vec::new();
            for (me, network) in participants.iter().copied().zip(Channels::among(participants)) {
                let nodes = self;
                let peers = reach(me);
                running.push(scope.spawn(move || {
                    let intake = nodes.at(me);
                    let task = Task {
                        job: Arc::clone(&nodes.job),
                        party: Party::new(intake.cluster.access(), present, me).unwrap(),
                        list: list.to_vec(),
                        salts: SaltSeed::from_bytes([7; 32]),
                    };
                    let meter = SessionMeter::begin(&intake.metrics);
                    let peers = Reached { nodes, me, peers };
                    compute(intake, &nodes.keys[me], &task, (network, &peers), &meter)
                }));
            }
            running.into_iter().map(|one| one.join().unwrap()).collect()
        })
    }
}

/// Four nodes of which node 2 is corrupt, after a release of all three submissions by nodes 0, 1 and 2. Then node 0's store was replaced by a
/// copy from before. `at_release` says which peers each node could reach when it was released.
struct Attack {
    nodes: Nodes,
    list: Vec<SubmissionEntry>,
    /// What node 2 had stored before the release.
    forgetful: tempfile::TempDir,
}

impl Attack {
    fn prepare(at_release: impl Fn(usize) -> Vec<usize>) -> Self {
        let mut nodes = Nodes::new((4, 1));
        let list = nodes.deliver_three();
        let [copy, forgetful] = [0, 2].map(|node| nodes.copy(node));
        for computed in nodes.compute(&[0, 1, 2], &list, at_release) {
            computed.unwrap();
        }
        nodes.put_back(0, &copy);
        // The corrupt node forgets what it likes.
        nodes.put_back(2, &forgetful);
        Self { nodes, list, forgetful }
    }

    /// The corrupt coordinator chooses nodes 0, 2 and 3, and a list without the last submission. Returns what comes of it at node 0.
    fn second_set(&self, node_0_reaches: &[usize]) -> Result<Computed, Refusal> {
        // Node 2 does not want to know.
        let reach = |node: usize| match node {
            0 => node_0_reaches.to_vec(),
            _ => Vec::new(),
        };
        let mut computed = self.nodes.compute(&[0, 2, 3], &self.list[..2], reach);
        let released = computed.iter().filter(|one| one.is_ok()).count();
        assert!(released == 0 || released == 3, "{computed:?}");
        computed.remove(0)
    }

    fn is_refused(&self, node_0_reaches: &[usize]) {
        let refused = self.second_set(node_0_reaches);
        assert_eq!(refused.err(), Some(Refusal::ReleasedBefore(self.nodes.job.id().clone())));
    }
}

fn others(node: usize) -> Vec<usize> {
    (0..4).filter(|other| *other != node).collect()
}

#[test]
fn a_node_that_has_forgotten_is_reminded_by_one_that_takes_no_part_in_the_second_computation() {
    let _all = skip(&[]);
    // Node 3 was away when the first set was released: of the participants of the second, nobody honest remembers it.
    let mut attack = Attack::prepare(|node| others(node).into_iter().filter(|other| *other != 3).collect());
    attack.is_refused(&[1, 2, 3]);
    // Node 0 knows it from now on, also without node 1.
    attack.is_refused(&[2, 3]);
    // The first set comes to its result again.
    attack.nodes.put_back(2, &attack.forgetful);
    for computed in attack.nodes.compute(&[0, 1, 2], &attack.list, others) {
        computed.unwrap();
    }
}

#[test]
fn a_node_that_has_forgotten_is_reminded_by_one_that_took_no_part_in_the_first() {
    let _all = skip(&[]);
    // Node 3 was told of the first release. Node 1 is away when the second set is computed.
    Attack::prepare(others).is_refused(&[2, 3]);
}

#[test]
fn without_reminders_a_second_set_is_released() {
    let attack = {
        let _all = skip(&[]);
        Attack::prepare(others)
    };
    let _skipped = skip(&[Check::Reminders]);
    let computed = attack.second_set(&[1, 2, 3]).unwrap();
    assert_eq!(computed.released.subject().job, attack.nodes.job.digest());
}

#[test]
fn where_no_honest_node_that_remembers_is_reached_a_second_set_is_released() {
    let _all = skip(&[]);
    // What remains, see docs/security/limits.md: node 3 was away at the first release, and node 1 is at the second.
    let attack = Attack::prepare(|node| others(node).into_iter().filter(|other| *other != 3).collect());
    assert!(attack.second_set(&[2, 3]).is_ok());
}

#[test]
fn a_release_that_was_cut_off_is_made_again_for_the_same_set_only() {
    let _all = skip(&[]);
    let mut nodes = Nodes::new((4, 1));
    let list = nodes.deliver_three();
    for computed in nodes.compute(&[0, 1, 2], &list, others) {
        computed.unwrap();
    }
    // As if the process had ended between the notice and the record.
    for node in [0, 1] {
        let code = tacit_protocol::sealing::RecordKey::of(&nodes.keys[node]).code(&nodes.job.digest(), None);
        let forget = "UPDATE jobs SET released = NULL, record = ?1";
        nodes.at(node).store.alter(forget, &[&code]);
        nodes.while_stopped(node, |_| ());
    }
    let refused = nodes.compute(&[0, 1, 3], &list[..2], others);
    assert!(
        refused.iter().any(|one| matches!(one, Err(Refusal::ReleasedBefore(_)))),
        "{refused:?}"
    );
    for computed in nodes.compute(&[0, 1, 2], &list, others) {
        computed.unwrap();
    }
}
