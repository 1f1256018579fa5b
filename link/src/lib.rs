//! Authenticated QUIC between the members of a Tacit cluster.
//!
//! TLS 1.3 both ways with raw public keys (RFC 7250) pinned in the cluster file, hybrid
//! post-quantum key exchange only, no 0-RTT. The first thing on every connection is a [`Hello`] each
//! way: members without a common protocol version or with another cluster file refuse each other by name.

mod connection;
mod endpoint;
mod frame;
mod hello;
mod probe;
#[cfg(test)]
mod tests;
mod tls;

pub use connection::{Connection, Replies, Responder};
pub use endpoint::{Incoming, Link, Member};
pub use frame::{read_frame, write_frame};
pub use probe::{ProbeFinding, probe_nodes};
/// The receiving end of a lane.
pub use quinn::RecvStream as LaneReceiver;
/// The sending end of a lane.
pub use quinn::SendStream as LaneSender;

use tacit_protocol::versions::Versions;
use thiserror::Error;

/// Why a link to a member fails.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The local address cannot be used.
    #[error("cannot listen on UDP {address}: {reason}")]
    Bind {
        /// Which.
        address: String,
        /// Why.
        reason: String,
    },
    /// The member's address does not resolve, or the member does not answer there.
    #[error("cannot reach {member} at {address}: {reason}")]
    Unreachable {
        /// Who.
        member: String,
        /// Where.
        address: String,
        /// Why.
        reason: String,
    },
    /// The other end speaks no protocol version that this one does.
    #[error("{member} speaks protocol {theirs}, this program {ours}: upgrade {}", theirs.who_upgrades(member, *ours, "this program"))]
    Version {
        /// Who.
        member: String,
        /// Its versions.
        theirs: Versions,
        /// Ours.
        ours: Versions,
    },
    /// The other end has another cluster file.
    #[error("{member} has another cluster file (digest {theirs}, here {ours}): give every member the same file, byte for byte")]
    Cluster {
        /// Who.
        member: String,
        /// Its digest.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// The other end does not own a key that the cluster file names.
    #[error("{member} at {address} does not show a key that the cluster file names: compare the file with the card of whoever runs there")]
    UnknownKey {
        /// Who.
        member: String,
        /// Where.
        address: String,
    },
    /// The connection ended.
    #[error("the connection to {member} was lost: {reason}")]
    Lost {
        /// Who.
        member: String,
        /// Why.
        reason: String,
    },
    /// The other end sent something that is not part of the protocol.
    #[error("{member} broke the protocol: {reason}")]
    Protocol {
        /// Who.
        member: String,
        /// How.
        reason: String,
    },
    /// Keys or TLS settings cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl LinkError {
    /// Whether waiting alone will not help.
    pub fn needs_operator(&self) -> bool {
        matches!(
            self,
            Self::Version { .. } | Self::Cluster { .. } | Self::UnknownKey { .. } | Self::Tls(_) | Self::Bind { .. }
        )
    }
}

#[cfg(doc)]
use tacit_protocol::hello::Hello;
