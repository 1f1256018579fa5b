//! What is logged of connections that do not come up: a stranger can make any number of them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tacit_link::LinkError;
use tokio::time::Instant;
use tracing::warn;

/// One line of a kind at most in this time.
const BETWEEN: Duration = Duration::from_secs(60);

/// Logs the first refused connection of each kind at once, and of those that follow one now and then, with how many went unsaid.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<BTreeMap<&'static str, Said>>);

#[derive(Debug)]
struct Said {
    at: Instant,
    unsaid: u64,
}

impl Refusals {
    /// Logs a connection of this kind, or counts it as unsaid.
    pub fn log(&self, kind: &'static str, error: &LinkError) {
        if let Some(unsaid) = self.due(kind, Instant::now()) {
            warn!(%error, unsaid, "a connection was refused");
        }
    }

    /// How many went unsaid, if it is time to say something.
    fn due(&self, kind: &'static str, now: Instant) -> Option<u64> {
        // A map is whole between any two statements.
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match said.get_mut(kind) {
            Some(last) if now < last.at + BETWEEN => {
                last.unsaid += 1;
                None
            }
            last => {
                let unsaid = last.map_or(0, |last| last.unsaid);
                said.insert(kind, Said { at: now, unsaid: 0 });
                Some(unsaid)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_a_line_a_minute() {
        let refusals = Refusals::default();
        let start = Instant::now();
        assert_eq!(refusals.due("unknown_key", start), Some(0));
        for _ in 0..1000 {
            assert_eq!(refusals.due("unknown_key", start), None);
        }
        assert_eq!(refusals.due("version", start), Some(0));
        assert_eq!(refusals.due("unknown_key", start + BETWEEN), Some(1000));
        assert_eq!(refusals.due("unknown_key", start + BETWEEN), None);
    }
}
