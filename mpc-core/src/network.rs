//! The interface to the network: rounds.
//!
//! One call of [`Network::exchange`] is one round. It sends at most one message to each peer and receives at most one from each.
//! Both sides know the length of every message in advance.

use std::fmt;

use thiserror::Error;

use crate::probe::Probe;

/// The name of the part of a computation that a round belongs to, for errors, metrics and progress.
///
/// The engine has four phases of its own. A program adds others with [`Phase::new`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phase(&'static str);

impl Phase {
    /// The participants make fresh keys for shared randomness.
    pub const KEYS: Self = Self("keys");
    /// The program runs and has not entered a phase of its own.
    pub const COMPUTE: Self = Self("compute");
    /// The participants verify every product.
    pub const VERIFY: Self = Self("verify");
    /// The participants tell each other that they have recorded what they are about to release.
    pub const RELEASE: Self = Self("release");

    /// A phase with this name.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name of the phase.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Rounds, bytes and products of a session so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Number of rounds in which this node sent or received a message.
    pub rounds: u64,
    /// Bytes sent in messages, without transport overhead.
    pub sent: u64,
    /// Bytes received in messages, without transport overhead.
    pub received: u64,
    /// Number of terms of all inner products computed so far.
    pub products: u64,
    /// How many of these have been verified.
    pub verified: u64,
}

/// The round of a session that a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// The number of the step, from 0, the same at all nodes. Steps without messages are counted, too.
    pub number: u32,
    /// The phase of the round.
    pub phase: Phase,
}

impl Step {
    /// Checks a message that the peer `expected.from` sent, of `len` bytes for step `number`.
    ///
    /// # Errors
    /// The peer is at another step, or its message does not have the expected length.
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
    /// The node index of the receiver.
    pub to: usize,
    /// The content; never empty.
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
    /// The node index of the sender.
    pub from: usize,
    /// Its exact length in bytes; never 0.
    pub len: usize,
}

/// The connections of one session to its peers.
pub trait Network {
    /// The hook for tests: [`Honest`](crate::probe::Honest) in every network outside tests.
    type Probe: Probe;

    /// The hook for tests.
    fn probe(&self) -> &Self::Probe;

    /// Sends every outgoing message and waits for every expected one, in any order of arrival. Returns the received messages in
    /// the order of `expected`, each of exactly the expected length.
    ///
    /// # Errors
    /// A peer sends nothing before the deadline, is gone, or sends a message of another step or length.
    fn exchange(&mut self, step: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError>;

    /// Is told the traffic of the session so far: before every round, and after products were verified. So an implementation can
    /// also count the traffic of sessions that fail.
    fn report_traffic(&mut self, _so_far: &Traffic) {}
}

/// Why a round could not be completed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// The peer sent nothing before the deadline.
    #[error("node {peer} sent nothing within the deadline")]
    Silent {
        /// The peer's node index.
        peer: usize,
    },
    /// The connection to the peer ended.
    #[error("the connection to node {peer} was lost: {reason}")]
    Lost {
        /// The peer's node index.
        peer: usize,
        /// The reason that the transport reports.
        reason: String,
    },
    /// The peer is at another step.
    #[error("node {peer} sent step {got}, expected {expected}")]
    WrongStep {
        /// The peer's node index.
        peer: usize,
        /// The step of this node.
        expected: u32,
        /// The step in the message.
        got: u32,
    },
    /// The message is shorter or longer than expected.
    #[error("node {peer} sent {got} bytes, expected {expected}")]
    WrongLength {
        /// The peer's node index.
        peer: usize,
        /// The expected length in bytes.
        expected: usize,
        /// The length of the message in bytes.
        got: usize,
    },
    /// This node cancelled the session.
    #[error("the session was cancelled")]
    Cancelled,
}

impl NetworkError {
    /// The peer at fault, if there is one.
    pub fn peer(&self) -> Option<usize> {
        match self {
            Self::Silent { peer } | Self::Lost { peer, .. } | Self::WrongStep { peer, .. } | Self::WrongLength { peer, .. } => Some(*peer),
            Self::Cancelled => None,
        }
    }
}
