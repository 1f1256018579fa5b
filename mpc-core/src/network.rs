//! What a session asks of the network: rounds. One call sends at most one message to each peer and
//! receives at most one from each, of a length both sides know.

use std::fmt;

use thiserror::Error;

use crate::probe::Probe;

/// The part of a computation that a round belongs to, for errors, metrics and progress: a name.
///
/// The engine has four phases of its own; a program that runs on it adds others with [`Phase::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phase(&'static str);

impl Phase {
    /// The nodes make fresh keys for shared randomness.
    pub const KEYS: Self = Self("keys");
    /// The program runs, and has not entered a phase of its own.
    pub const COMPUTE: Self = Self("compute");
    /// The nodes check every product.
    pub const VERIFY: Self = Self("verify");
    /// The nodes tell each other that they recorded what they are about to release.
    pub const RELEASE: Self = Self("release");

    /// A phase of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a session sent and received so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Calls of the network.
    pub rounds: u64,
    /// Bytes of messages sent, without transport overhead.
    pub sent: u64,
    /// Bytes of messages received.
    pub received: u64,
    /// Terms of inner products computed on shares.
    pub products: u64,
    /// Of those, the ones whose claims were verified.
    pub verified: u64,
}

/// Which round of a session a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Counts the rounds of a session, from 0, the same at all nodes.
    pub number: u32,
    /// The part of the computation.
    pub phase: Phase,
}

impl Step {
    /// Checks that what `peer` sent, `len` bytes for step `number`, is what this round expects of it.
    ///
    /// # Errors
    /// The peer is at another step, or its message has another length.
    pub fn check(self, expected: Expected, number: u32, len: usize) -> Result<(), NetworkError> {
        let peer = expected.from;
        if number != self.number {
            return Err(NetworkError::WrongStep {
                peer,
                expected: self.number,
                got: number,
            });
        }
        if len != expected.len {
            return Err(NetworkError::WrongLength {
                peer,
                expected: expected.len,
                got: len,
            });
        }
        Ok(())
    }
}

/// A message to send in a round.
#[derive(Clone)]
pub struct Outgoing {
    /// The peer's node index.
    pub to: usize,
    /// The message; never empty.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing(to {}, {} bytes)", self.to, self.bytes.len())
    }
}

/// A message to wait for in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The peer's node index.
    pub from: usize,
    /// The exact length in bytes; never 0.
    pub len: usize,
}

/// The connection of one session to its peers.
pub trait Network {
    /// What a test may see and alter at this node: [`Honest`](crate::probe::Honest) for every network outside tests.
    type Probe: Probe;

    /// The probe.
    fn probe(&self) -> &Self::Probe;

    /// Sends every outgoing message and waits for every expected one, in any order of arrival.
    /// Returns the messages in the order of `expected`, each of exactly the expected length.
    ///
    /// # Errors
    /// A peer is silent past the deadline, gone, or sends another step or length.
    fn exchange(&mut self, step: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError>;

    /// Reports what the session has sent and received so far: before every round, and after products were verified.
    /// Whoever counts thus counts sessions that fail, too.
    fn report_traffic(&mut self, _so_far: &Traffic) {}
}

/// Why a round could not be completed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// Nothing came in time.
    #[error("node {peer} sent nothing within the deadline")]
    Silent {
        /// The peer's node index.
        peer: usize,
    },
    /// The connection ended.
    #[error("the connection to node {peer} was lost: {reason}")]
    Lost {
        /// The peer's node index.
        peer: usize,
        /// What the transport says.
        reason: String,
    },
    /// The peer is at another round.
    #[error("node {peer} sent step {got}, expected {expected}")]
    WrongStep {
        /// The peer's node index.
        peer: usize,
        /// The step of this node.
        expected: u32,
        /// The step in the message.
        got: u32,
    },
    /// The message is shorter or longer than the round asks.
    #[error("node {peer} sent {got} bytes, expected {expected}")]
    WrongLength {
        /// The peer's node index.
        peer: usize,
        /// The length the round asks.
        expected: usize,
        /// The length of the message.
        got: usize,
    },
    /// This node gave the session up.
    #[error("the session was cancelled")]
    Cancelled,
}

impl NetworkError {
    /// The peer at fault, if it is one peer.
    pub fn peer(&self) -> Option<usize> {
        match self {
            Self::Silent { peer } | Self::Lost { peer, .. } | Self::WrongStep { peer, .. } | Self::WrongLength { peer, .. } => Some(*peer),
            Self::Cancelled => None,
        }
    }
}
