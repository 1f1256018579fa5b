//! What whole-cluster tests share: the built programs, a cluster of separate processes with their own folders and keys, relays that
//! record the traffic, honest and malicious contributors, impostors of members, access to what nodes store, and reference data.
//!
//! Everything listens on free ports, lives in temporary folders, and is stopped by its own handle.

pub mod api_client;
pub mod booted_host;
pub mod cluster;
pub mod documents;
pub mod exposition;
pub mod forgery;
pub mod http;
pub mod impostor;
pub mod left_behind;
pub mod malformed_kinds;
pub mod processes;
pub mod programs;
pub mod prometheus;
pub mod reference;
pub mod relay;
pub mod standing_cluster;
pub mod stored;
