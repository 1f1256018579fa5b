//! What is logged of connections that do not come up: a stranger can make any number of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tacit_link::LinkError;
use tokio::time::Instant;
use tracing::warn;

/// This many lines of a kind at most in [`PERIOD`].
const LINES: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);

/// Logs the first refused connections of each kind, and of a flood now and then some, with how many went unsaid.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<&'static str, Said>>);

#[derive(Debug)]
struct Said {
    since: Instant,
    lines: u32,
    unsaid: u64,
}

impl Refusals {
    /// Logs a connection of this kind, or counts it as unsaid.
    pub fn log(&self, kind: &'static str, error: &LinkError) {
        if let Some(unsaid) = self.due(kind, Instant::now()) {
            warn!(%error, unsaid, "a connection was refused");
        }
    }

    /// How many went unsaid, if there is room for another line.
    fn due(&self, kind: &'static str, now: Instant) -> Option<u64> {
        // A map is whole between any two statements.
        let mut kinds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = kinds.entry(kind).or_insert(Said {
            since: now,
            lines: 0,
            unsaid: 0,
        });
        if now >= said.since + PERIOD {
            (said.since, said.lines) = (now, 0);
        }
        if said.lines == LINES {
            said.unsaid += 1;
            return None;
        }
        said.lines += 1;
        Some(std::mem::take(&mut said.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_some_lines_a_minute() {
        let refusals = Refusals::default();
        let start = Instant::now();
        let said = (0..1000).filter(|_| refusals.due("unknown_key", start) == Some(0)).count();
        assert_eq!(said, LINES as usize);
        assert_eq!(refusals.due("version", start), Some(0));
        assert_eq!(refusals.due("unknown_key", start + PERIOD), Some(990));
        assert_eq!(refusals.due("unknown_key", start + PERIOD), Some(0));
    }
}
