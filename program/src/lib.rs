//! What Tacit's programs share as programs, whatever they compute.
//!
//! Without features there are [`durable`] files, [`key_file`], [`CreatedFiles`] and [`error_line`]. The feature `manual` adds manual pages and shell
//! completions, `backoff` growing pauses between attempts. The feature `server` adds these and what else the node and the coordinator
//! need: logs, SQLite stores, shutdown, the allocator, and logging of repeated failures.

#[cfg(feature = "server")]
pub mod allocator;
#[cfg(feature = "backoff")]
mod backoff;
mod clock;
mod created_files;
pub mod durable;
#[cfg(feature = "server")]
mod erasable_keys;
mod error_line;
pub mod key_file;
#[cfg(feature = "server")]
mod last_reason;
#[cfg(feature = "server")]
mod logs;
#[cfg(feature = "manual")]
mod manual;
#[cfg(feature = "server")]
mod shutdown;
#[cfg(feature = "server")]
pub mod sqlite;

#[cfg(feature = "backoff")]
pub use backoff::Backoff;
pub use clock::unix_time;
pub use created_files::{CreateError, CreatedFiles, create_private};
#[cfg(feature = "server")]
pub use erasable_keys::{ErasableKeyError, ErasableKeys};
pub use error_line::{UNWRITTEN_ERROR, error_line, failure_code, report_failure};
#[cfg(feature = "server")]
pub use last_reason::LastReason;
#[cfg(feature = "server")]
pub use logs::{LogError, LogFormat, Logging, Logs};
#[cfg(feature = "manual")]
pub use manual::{Manual, ManualError};
#[cfg(feature = "server")]
pub use shutdown::{CLOSE_TIMEOUT, SHUTDOWN_TIMEOUT, ShutdownError, finish_within, shutdown_requested};
