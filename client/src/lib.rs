//! The library behind the `tacit` command: reading answers and job specs, sharing answers, talking to a
//! coordinator, verifying results.

pub mod answers;
pub mod batches;
mod event_stream;
pub mod files;
pub mod gold;
pub mod http;
pub mod keys;
pub mod outcome;
pub mod sharing;
pub mod spec;
pub mod state;
pub mod table;
pub mod trust;
pub mod verify;
pub mod watch;
pub mod weights;
