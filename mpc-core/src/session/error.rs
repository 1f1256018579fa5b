//! The errors of a session.

use thiserror::Error;

use crate::network::{NetworkError, Phase};
use crate::prss::Reused;
use crate::sharing::{AccessError, Component, NodeSet};

/// Why a session ended without outputs. [`Self::phase`] says where, [`Self::suspects`] which nodes may be at fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// A round could not be completed.
    #[error("phase {phase}: {source}")]
    Network {
        /// The phase of the round.
        phase: Phase,
        /// What the network reports.
        source: NetworkError,
    },
    /// Nodes that must have sent the same values sent different ones: at least one of them deviates.
    #[error(
        "phase {phase}: nodes {suspects:?} disagree about {what}: at least one of them, or whoever told them, deviates from the protocol"
    )]
    Disagreement {
        /// The phase of the round.
        phase: Phase,
        /// The values they disagree about.
        what: &'static str,
        /// The nodes that disagree, and those that may have misled them.
        suspects: NodeSet,
    },
    /// A message of the right length does not encode what was expected.
    #[error("phase {phase}: node {peer} sent bytes that are not {what}")]
    Malformed {
        /// The phase of the round.
        phase: Phase,
        /// The node index of the sender.
        peer: usize,
        /// The content that was expected.
        what: &'static str,
    },
    /// The check of all products failed: some node computed or sent a wrong one. It cannot be told which node.
    #[error("phase {phase}: a product is wrong; one of nodes {suspects:?} deviates from the protocol, which one cannot be told")]
    WrongProduct {
        /// The phase of the check.
        phase: Phase,
        /// All participants but this node.
        suspects: NodeSet,
    },
    /// Participants have recorded different things. Each may have opened numbers with its own keys, and the same number under two
    /// sets of keys can be averaged, so nothing opens.
    #[error(
        "phase {phase}: nodes {nodes:?} have recorded different things: {what}; nothing is opened, because the same number under \
         two sets of keys could be averaged"
    )]
    RecordsDiffer {
        /// The phase of the round.
        phase: Phase,
        /// What differs.
        what: &'static str,
        /// The nodes whose records differ.
        nodes: NodeSet,
    },
    /// A participant gave another one a key that is not the recorded one.
    #[error("phase {phase}: node {peer} gave a key of component {component} that does not have the recorded digest")]
    WrongKey {
        /// The phase of the round.
        phase: Phase,
        /// The node index of the sender.
        peer: usize,
        /// The component.
        component: Component,
    },
    /// A record is shown, but no participant that shows it holds one of its keys.
    #[error(
        "phase {phase}: nodes {nodes:?} have recorded {keys}, but none of them holds that of component {component}; one of the nodes \
         {holders:?} that were in the earlier session has to take part"
    )]
    NoKey {
        /// The phase of the round.
        phase: Phase,
        /// Which keys.
        keys: &'static str,
        /// The component.
        component: Component,
        /// The nodes that show the record.
        nodes: NodeSet,
        /// The nodes of the cluster that hold the component.
        holders: NodeSet,
    },
    /// Numbers cannot be converted to bits, because they are larger than what masks hide in a cluster of this size.
    #[error("numbers of {bits} bits cannot be converted to bits in this cluster: its masks hide at most {max_bits} bits")]
    TooWide {
        /// The length of the numbers in bits.
        bits: u32,
        /// How many bits a mask hides: [`hidden_bits`](crate::circuit::hidden_bits).
        max_bits: u32,
    },
    /// Shared randomness would have been used twice. This is a defect of the program, not of a peer.
    #[error(transparent)]
    Reused(#[from] Reused),
    /// The participants do not fit the access structure of the cluster.
    #[error(transparent)]
    Access(#[from] AccessError),
}

impl SessionError {
    /// The phase in which it happened, if it happened in a round.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Network { phase, .. }
            | Self::Disagreement { phase, .. }
            | Self::Malformed { phase, .. }
            | Self::RecordsDiffer { phase, .. }
            | Self::WrongKey { phase, .. }
            | Self::NoKey { phase, .. }
            | Self::WrongProduct { phase, .. } => Some(*phase),
            Self::TooWide { .. } | Self::Reused(_) | Self::Access(_) => None,
        }
    }

    /// Nodes of which at least one may be at fault; empty if no node is suspected.
    pub fn suspects(&self) -> NodeSet {
        match self {
            Self::Network { source, .. } => source.peer().into_iter().collect(),
            Self::Disagreement { suspects, .. } | Self::WrongProduct { suspects, .. } => *suspects,
            Self::RecordsDiffer { nodes, .. } | Self::NoKey { nodes, .. } => *nodes,
            Self::Malformed { peer, .. } | Self::WrongKey { peer, .. } => [*peer].into_iter().collect(),
            Self::TooWide { .. } | Self::Reused(_) | Self::Access(_) => NodeSet::default(),
        }
    }
}
