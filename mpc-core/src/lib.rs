//! Multi-party computation on additive secret shares: fields, sharing, sessions, circuits.
//!
//! No sockets, no disk, no clock, no text: protocols run over a [`network::Network`] whose one call is one
//! round; randomness is handed in.

pub mod circuit;
pub mod digest;
pub mod field;
pub mod network;
pub mod probe;
pub mod prss;
pub mod session;
pub mod sharing;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
