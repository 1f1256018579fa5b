//! Logging of refused connections. Strangers can make any number of them, so the lines per minute are limited.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tacit_link::LinkError;
use tokio::time::Instant;
use tracing::warn;

/// The most lines of one kind in one [`PERIOD`].
const LINES: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

/// Logs refused connections, at most [`LINES`] of each kind per [`PERIOD`]. The next line says how many were left out.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<&'static str, Logged>>);

#[derive(Debug)]
struct Logged {
    since: Instant,
    lines: u32,
    suppressed: u64,
}

impl Refusals {
    /// Logs a refused connection, or only counts it if there were too many of its kind.
    pub(crate) fn log(&self, kind: &'static str, error: &LinkError) {
        if let Some(suppressed) = self.due(kind, Instant::now()) {
            warn!(%error, suppressed, "a connection was refused");
        }
    }

    /// How many lines were left out since the last one, if another line may be logged; otherwise counts one more.
    fn due(&self, kind: &'static str, now: Instant) -> Option<u64> {
        // No panic leaves the map half changed.
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let logged = kinds.entry(kind).or_insert(Logged {
            since: now,
            lines: 0,
            suppressed: 0,
        });
        if now >= logged.since + PERIOD {
            (logged.since, logged.lines) = (now, 0);
        }
        if logged.lines == LINES {
            logged.suppressed += 1;
            return None;
        }
        logged.lines += 1;
        Some(std::mem::take(&mut logged.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_becomes_a_few_lines_a_minute() {
        let refusals = Refusals::default();
        let start = Instant::now();
        let logged = (0..1000).filter(|_| refusals.due("unknown_key", start) == Some(0)).count();
        assert_eq!(logged, LINES as usize);
        assert_eq!(refusals.due("version", start), Some(0));
        assert_eq!(refusals.due("unknown_key", start + PERIOD), Some(990));
        assert_eq!(refusals.due("unknown_key", start + PERIOD), Some(0));
    }
}
