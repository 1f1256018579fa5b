//! What Tacit's programs have in common as programs: where their logs go, and the manual pages and shell
//! completions that follow from their command lines.

#[cfg(feature = "logs")]
mod logs;
mod manual;

#[cfg(feature = "logs")]
pub use logs::{LogError, LogFormat, Logging, Logs};
pub use manual::{Manual, ManualError};
