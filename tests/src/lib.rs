//! What whole-cluster tests share: the built programs, a cluster of separate processes with their own
//! folders and keys, relays that record what passes between them, contributors good and bad, what nodes keep, and
//! reference data.
//!
//! Everything listens on free ports, lives in temporary folders, and is stopped by its own handle.

pub mod cluster;
pub mod desk;
pub mod exposition;
pub mod forgery;
pub mod http;
pub mod kept;
pub mod kinds;
pub mod played;
pub mod processes;
pub mod programs;
pub mod reference;
pub mod relay;
