//! The errors of connections between members.

use tacit_protocol::versions::Versions;
use thiserror::Error;

/// Why a connection to a member fails. `member` is always the member's name as messages show it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The local address cannot be used.
    #[error("cannot listen on UDP {address}: {reason}")]
    Bind {
        /// The local address.
        address: String,
        /// The error of the operating system.
        reason: String,
    },
    /// The member's address does not resolve, or the member does not answer there.
    #[error("cannot reach {member} at {address}: {reason}")]
    Unreachable {
        /// The name of the member.
        member: String,
        /// Its address as in the cluster file.
        address: String,
        /// What failed, as the transport reports it.
        reason: String,
    },
    /// More handshakes began than there are places, and this one was the oldest.
    #[error("the handshake with {address} was ended: it was the oldest, and more begin than this program takes")]
    Overload {
        /// The address of the other end.
        address: String,
    },
    /// The other end speaks no protocol version that this program speaks.
    #[error("{member} speaks protocol {theirs}, this program {ours}: upgrade {}", theirs.who_upgrades(member, *ours, "this program"))]
    Version {
        /// The name of the member.
        member: String,
        /// The versions it speaks.
        theirs: Versions,
        /// The versions this program speaks.
        ours: Versions,
    },
    /// The other end has another cluster file.
    #[error("{member} has another cluster file (digest {theirs}, here {ours}): give every member the same file, byte for byte")]
    Cluster {
        /// The name of the member.
        member: String,
        /// The digest of its file.
        theirs: String,
        /// The digest of our file.
        ours: String,
    },
    /// The other end does not own a key that the cluster file names.
    #[error("{member} at {address} does not show a key that the cluster file names: compare the file with the card of whoever runs there")]
    UnknownKey {
        /// The name of the member.
        member: String,
        /// The address it was reached at, or connected from.
        address: String,
    },
    /// The connection ended.
    #[error("the connection to {member} was lost: {reason}")]
    Lost {
        /// The name of the member.
        member: String,
        /// What the transport reports.
        reason: String,
    },
    /// The other end sent something that is not part of the protocol.
    #[error("{member} broke the protocol: {reason}")]
    Protocol {
        /// The name of the member.
        member: String,
        /// What it sent.
        reason: String,
    },
    /// Keys or TLS settings cannot be used.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl LinkError {
    /// Whether an operator has to act: trying again later will not help.
    pub fn needs_operator(&self) -> bool {
        matches!(
            self,
            Self::Version { .. } | Self::Cluster { .. } | Self::UnknownKey { .. } | Self::Tls(_) | Self::Bind { .. }
        )
    }
}
