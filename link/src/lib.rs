//! Authenticated QUIC between the members of a Tacit cluster.
//!
//! Connections use TLS 1.3 with raw public keys ([RFC 7250](https://www.rfc-editor.org/rfc/rfc7250)) on both sides, pinned in
//! the cluster file, with hybrid post-quantum key exchange only and no 0-RTT. Each side begins with a
//! [`Hello`](tacit_protocol::hello::Hello); members that share no protocol version, or that have different cluster files, refuse
//! each other and say which of the two it is.

#[cfg(feature = "quic")]
mod connection;
#[cfg(feature = "quic")]
mod endpoint;
mod error;
mod frame;
#[cfg(feature = "quic")]
mod handshakes;
#[cfg(feature = "quic")]
mod hello;
#[cfg(feature = "quic")]
mod probe;
#[cfg(feature = "quic")]
mod question;
#[cfg(test)]
#[cfg(feature = "quic")]
mod tests;
#[cfg(feature = "quic")]
mod tls;

#[cfg(feature = "quic")]
pub use connection::{Connection, Replies, Responder};
#[cfg(feature = "quic")]
pub use endpoint::{Incoming, Link, Member};
pub use error::LinkError;
pub use frame::{read_frame, write_frame};
#[cfg(feature = "quic")]
pub use probe::{ProbeFinding, probe_nodes};
#[cfg(feature = "quic")]
pub use question::Questioner;
/// The receiving end of a lane.
#[cfg(feature = "quic")]
pub use quinn::RecvStream as LaneReceiver;
/// The sending end of a lane.
#[cfg(feature = "quic")]
pub use quinn::SendStream as LaneSender;
