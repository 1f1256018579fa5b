//! An in-memory world of nodes: one thread for each node, real protocol messages between them, a seed, a deadline, and an
//! interceptor that sees and may change every message.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::misbehaviour::Misbehaviour;
use crate::network::{Expected, Network, NetworkError, Outgoing, Step};
use crate::sharing::{AccessStructure, NodeSet, Party};

/// A message between two nodes, before it is delivered.
#[derive(Debug)]
pub struct Wire<'a> {
    /// The step that the sender states.
    pub step: &'a mut Step,
    /// The node index of the sender.
    pub from: usize,
    /// The node index of the receiver.
    pub to: usize,
    /// The content, which may be changed.
    pub bytes: &'a mut Vec<u8>,
}

type Message = (Step, Vec<u8>);

/// Whether a message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The message arrives.
    Deliver,
    /// The message is lost.
    Drop,
}

/// Sees every message and decides whether it arrives.
pub type Interceptor = Arc<dyn Fn(Wire<'_>) -> Fate + Send + Sync>;

/// A description of a cluster in memory; [`Self::run`] runs a program in it.
#[derive(Clone)]
pub struct World {
    access: AccessStructure,
    present: NodeSet,
    seed: u64,
    /// Seeds of nodes that have their own.
    seeds: HashMap<usize, u64>,
    deadline: Duration,
    interceptor: Interceptor,
    misbehaviours: Vec<Misbehaviour>,
}

impl World {
    /// A world in which all nodes of `access` take part, follow the protocol, and receive every message.
    pub fn new(access: AccessStructure, seed: u64) -> Self {
        let present = NodeSet::all(access.nodes());
        Self {
            access,
            present,
            seed,
            seeds: HashMap::new(),
            deadline: Duration::from_secs(20),
            interceptor: Arc::new(|_| Fate::Deliver),
            misbehaviours: Vec::new(),
        }
    }

    /// Lets a node deviate from the protocol.
    pub fn misbehave(mut self, node: usize, misbehaviour: Misbehaviour) -> Self {
        self.misbehaviours.resize(self.access.nodes(), Misbehaviour::default());
        self.misbehaviours[node] = misbehaviour;
        self
    }

    /// Gives one node a seed of its own for its randomness.
    pub fn seed_of(mut self, node: usize, seed: u64) -> Self {
        self.seeds.insert(node, seed);
        self
    }

    /// Lets only these nodes take part.
    pub fn present(mut self, present: NodeSet) -> Self {
        self.present = present;
        self
    }

    /// Sets how long a node waits for a message; 20 seconds by default.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Shows every message to `interceptor`.
    pub fn intercept(mut self, interceptor: impl Fn(Wire<'_>) -> Fate + Send + Sync + 'static) -> Self {
        self.interceptor = Arc::new(interceptor);
        self
    }

    /// Runs `program` at every participant, each in its own thread. Returns the results in node order.
    ///
    /// # Panics
    /// `program` panics at a node, or the participants do not fit the access structure.
    pub fn run<T: Send>(&self, program: impl Fn(Party, WorldNetwork, ChaCha20Rng) -> T + Sync) -> Vec<T> {
        let mut senders: HashMap<(usize, usize), Sender<Message>> = HashMap::new();
        let mut receivers: HashMap<(usize, usize), Receiver<Message>> = HashMap::new();
        for from in self.present.iter() {
            for to in self.present.without(from).iter() {
                let (sender, receiver) = channel();
                senders.insert((from, to), sender);
                receivers.insert((from, to), receiver);
            }
        }
        let mut nodes = Vec::new();
        for me in self.present.iter() {
            let network = WorldNetwork {
                me,
                deadline: self.deadline,
                interceptor: Arc::clone(&self.interceptor),
                misbehaviour: self.misbehaviours.get(me).cloned().unwrap_or_default(),
                to: self
                    .present
                    .without(me)
                    .iter()
                    .filter_map(|to| Some((to, senders.remove(&(me, to))?)))
                    .collect(),
                from: self
                    .present
                    .without(me)
                    .iter()
                    .filter_map(|from| Some((from, receivers.remove(&(from, me))?)))
                    .collect(),
            };
            #[expect(
                clippy::expect_used,
                reason = "for tests only: a description that does not fit is a defect of the test"
            )]
            let party = Party::new(&self.access, self.present, me).expect("participants fit the access structure");
            let mut seed = [0; 32];
            seed[..8].copy_from_slice(&self.seeds.get(&me).unwrap_or(&self.seed).to_le_bytes());
            seed[8] = me as u8;
            nodes.push((party, network, ChaCha20Rng::from_seed(seed)));
        }
        let program = &program;
        std::thread::scope(|scope| {
            let threads: Vec<_> = nodes
                .into_iter()
                .map(|(party, network, rng)| scope.spawn(move || program(party, network, rng)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        })
    }
}

/// One node's connections in a [`World`].
pub struct WorldNetwork {
    me: usize,
    deadline: Duration,
    interceptor: Interceptor,
    to: HashMap<usize, Sender<Message>>,
    from: HashMap<usize, Receiver<Message>>,
    misbehaviour: Misbehaviour,
}

impl Network for WorldNetwork {
    type Probe = Misbehaviour;

    fn probe(&self) -> &Misbehaviour {
        &self.misbehaviour
    }

    fn exchange(&mut self, step: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError> {
        for Outgoing { to, mut bytes } in outgoing {
            let mut sent = step;
            let fate = (self.interceptor)(Wire {
                step: &mut sent,
                from: self.me,
                to,
                bytes: &mut bytes,
            });
            if fate == Fate::Deliver
                && let Some(sender) = self.to.get(&to)
            {
                // A peer that has finished no longer listens; its own result says why.
                let _ = sender.send((sent, bytes));
            }
        }
        expected
            .iter()
            .map(|expected| {
                let from = expected.from;
                let receiver = self.from.get(&from).ok_or(NetworkError::Silent { peer: from })?;
                let (got, bytes) = receiver.recv_timeout(self.deadline).map_err(|error| match error {
                    RecvTimeoutError::Timeout => NetworkError::Silent { peer: from },
                    RecvTimeoutError::Disconnected => NetworkError::Lost {
                        peer: from,
                        reason: "it ended".to_owned(),
                    },
                })?;
                step.check(*expected, got.number, bytes.len())?;
                Ok(bytes)
            })
            .collect()
    }
}
