//! What all parties of a Tacit cluster must agree on byte for byte, and the mathematics.
//!
//! No sockets, no disk, no clock: protocols run over a [`network::Network`] whose one call is one
//! round, randomness is handed in.

pub mod api;
// The suite stands with the whole-cluster tests; compiled into this crate's unit tests, it alone can switch checks off.
#[cfg(test)]
#[path = "../../tests/attacks/mod.rs"]
mod attacks;
mod canonical;
pub mod card;
pub mod certificate;
mod checks;
mod circuit;
pub mod cluster;
pub mod codec;
pub mod control;
pub mod crowd;
pub mod digest;
pub mod field;
pub mod hello;
pub mod identity;
pub mod job;
pub mod lane;
pub mod network;
pub mod payout;
pub mod prss;
pub mod reject;
pub mod release;
pub mod report;
pub mod scoring;
pub mod sealing;
pub mod session;
pub mod sharing;
pub mod statistics;
pub mod submission;
#[cfg(test)]
mod testbed;
pub mod versions;
#[cfg(any(test, feature = "testing"))]
pub mod world;
