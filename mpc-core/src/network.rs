//! What a session asks of the network: rounds. One call sends at most one message to each peer and
//! receives at most one from each, of a length both sides know.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::session::Traffic;

/// The part of a job a round belongs to, for errors, metrics and progress.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The nodes agree on the accepted set of submissions.
    AcceptedSet,
    /// The nodes make fresh keys for shared randomness.
    Keys,
    /// Answers are checked to be well-formed.
    Validate,
    /// Agreement statistics and contributor scores.
    Agreement,
    /// Consensus labels.
    Labels,
    /// Every product is checked.
    Verify,
    /// Output components are signed and sent.
    Release,
}

impl Phase {
    /// All phases in the order they run.
    pub const ALL: [Self; 7] = [
        Self::AcceptedSet,
        Self::Keys,
        Self::Validate,
        Self::Agreement,
        Self::Labels,
        Self::Verify,
        Self::Release,
    ];

    /// The name used in errors, metric labels and progress.
    pub fn name(self) -> &'static str {
        match self {
            Self::AcceptedSet => "accepted_set",
            Self::Keys => "keys",
            Self::Validate => "validate",
            Self::Agreement => "agreement",
            Self::Labels => "labels",
            Self::Verify => "verify",
            Self::Release => "release",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which round of a session a message belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Counts the rounds of a lane, from 0, the same at all nodes.
    pub number: u32,
    /// The lane, a strand of a session whose rounds are ordered among themselves.
    pub lane: u16,
    /// The part of the job.
    pub phase: Phase,
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

/// The connection of one session lane to its peers.
pub trait Network {
    /// Sends every outgoing message and waits for every expected one, in any order of arrival.
    /// Returns the messages in the order of `expected`, each of exactly the expected length.
    ///
    /// # Errors
    /// A peer is silent past the deadline, gone, or sends another step or length.
    fn exchange(&mut self, step: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError>;

    /// Hears what the session has done so far, before every round and when products were verified: for whoever
    /// counts, also of a session that fails.
    fn hear(&mut self, _so_far: &Traffic) {}

    /// What a test's node does otherwise than the protocol says.
    #[cfg(test)]
    fn deviation(&self) -> crate::checks::Deviation {
        crate::checks::Deviation::default()
    }
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
