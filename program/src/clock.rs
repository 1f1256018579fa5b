//! The clock of the machine.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time now in seconds since 1970, in Unix time; 0 if the clock is set before that.
pub fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
