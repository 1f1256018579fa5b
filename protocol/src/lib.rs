//! What the parties of a Tacit cluster sign, seal, send and store, and the public arithmetic that all of them must agree on
//! byte for byte.
//!
//! No sockets, no disk, no clock. Randomness is handed in.

pub mod accepted;
pub mod api;
pub mod canonical;
pub mod card;
pub mod certificate;
pub mod check;
pub mod cluster;
pub mod codec;
pub mod consent;
pub mod control;
pub mod credential;
#[cfg(any(test, feature = "testing"))]
pub mod fixtures;
pub mod hello;
pub mod identity;
pub mod job;
pub mod lane;
pub mod name;
mod normal_form;
pub mod peer;
pub mod phase;
pub mod question;
pub mod receipt;
pub mod reject;
pub mod release;
pub mod release_notice;
pub mod request_signature;
pub mod sealing;
pub mod sealing_epoch;
pub mod submission;
#[cfg(any(test, feature = "testing"))]
pub mod vectors;
pub mod verdict;
pub mod versions;
pub mod withdrawal;
pub mod words;
