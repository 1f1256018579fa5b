//! The library behind the `tacit` command: reading answers and job specs, sharing answers, talking to a
//! coordinator, verifying results.

pub mod answers;
pub mod batches;
pub mod cluster_file;
pub mod consent;
pub mod coordinator_receipt;
pub mod credentials;
pub mod erasures;
pub mod event_stream;
pub mod files;
pub mod gold_answers;
pub mod issuer;
pub mod item_columns;
pub mod keys;
pub mod known_jobs;
pub mod outcome;
pub mod receipt;
pub mod spec;
pub mod state;
mod state_folder;
pub mod table;
pub mod text;
pub mod unsent;
pub mod verify;
pub mod weights;

// Modules that need the network.
#[cfg(feature = "command")]
pub mod authenticity;
#[cfg(feature = "command")]
pub mod elsewhere;
#[cfg(feature = "command")]
mod events;
#[cfg(feature = "command")]
pub mod gold;
#[cfg(feature = "command")]
pub mod http;
#[cfg(feature = "command")]
pub mod reading;
#[cfg(feature = "command")]
pub mod resending;
#[cfg(feature = "command")]
pub mod sealing_keys;
#[cfg(feature = "command")]
pub mod sharing;
#[cfg(feature = "command")]
pub mod watch;
#[cfg(feature = "command")]
pub mod withdrawals;
