//! Why a session ends without outputs.

use thiserror::Error;

use crate::network::{NetworkError, Phase};
use crate::prss::Reused;
use crate::sharing::{AccessError, NodeSet};

/// Why a session ends without outputs. Every error names the phase and the nodes it suspects.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// A round could not be completed.
    #[error("phase {phase}: {source}")]
    Network {
        /// Where.
        phase: Phase,
        /// What happened.
        source: NetworkError,
    },
    /// Nodes that must have sent the same thing did not: at least one of them deviates.
    #[error(
        "phase {phase}: nodes {suspects:?} disagree about {what}: at least one of them, or whoever told them, deviates from the protocol"
    )]
    Disagreement {
        /// Where.
        phase: Phase,
        /// What they disagree about.
        what: &'static str,
        /// Who disagrees.
        suspects: NodeSet,
    },
    /// A message of the right length is not an encoding of what it must be.
    #[error("phase {phase}: node {peer} sent bytes that are not {what}")]
    Malformed {
        /// Where.
        phase: Phase,
        /// The sender.
        peer: usize,
        /// What was expected.
        what: &'static str,
    },
    /// The check of all products failed: some node computed or sent a wrong one.
    #[error("phase {phase}: a product is wrong; one of nodes {suspects:?} deviates from the protocol, which one cannot be told")]
    WrongProduct {
        /// Where it was found.
        phase: Phase,
        /// Everyone else.
        suspects: NodeSet,
    },
    /// Numbers that were to become bits are larger than masks can hide.
    #[error("numbers of {bits} bits do not become bits in this cluster: its masks hide at most {room}")]
    TooWide {
        /// The bits of the numbers.
        bits: u32,
        /// How many bits masks hide.
        room: u32,
    },
    /// Shared randomness would have been used twice: a defect of this program.
    #[error(transparent)]
    Reused(#[from] Reused),
    /// The participants do not fit the cluster.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl SessionError {
    /// Where it happened, if in a phase.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Network { phase, .. }
            | Self::Disagreement { phase, .. }
            | Self::Malformed { phase, .. }
            | Self::WrongProduct { phase, .. } => Some(*phase),
            Self::TooWide { .. } | Self::Reused(_) | Self::Access(_) => None,
        }
    }

    /// The nodes of which at least one is at fault.
    pub fn suspects(&self) -> NodeSet {
        match self {
            Self::Network { source, .. } => source.peer().into_iter().collect(),
            Self::Disagreement { suspects, .. } | Self::WrongProduct { suspects, .. } => *suspects,
            Self::Malformed { peer, .. } => [*peer].into_iter().collect(),
            Self::TooWide { .. } | Self::Reused(_) | Self::Access(_) => NodeSet::default(),
        }
    }
}
