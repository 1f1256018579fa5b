//! Growing pauses between attempts.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// Pauses that double from a first one up to a longest one. Each pause is drawn between half of its length and all of it, so that
/// programs that lost the same peer do not all return at the same moment.
#[derive(Debug)]
pub struct Backoff {
    schedule: ExponentialBuilder,
    longest: Duration,
    pauses: ExponentialBackoff,
}

impl Backoff {
    /// Pauses from `first` to `longest`.
    pub fn new(first: Duration, longest: Duration) -> Self {
        // backon's jitter adds up to the whole pause, so half a pause plus jitter is between half and all of it.
        Self::with(ExponentialBuilder::new().with_jitter(), first / 2, longest / 2, longest)
    }

    /// The same without the random part, for instance for growing time limits.
    pub fn without_jitter(first: Duration, longest: Duration) -> Self {
        Self::with(ExponentialBuilder::new(), first, longest, longest)
    }

    fn with(schedule: ExponentialBuilder, min: Duration, max: Duration, longest: Duration) -> Self {
        let schedule = schedule
            .with_factor(2.0)
            .with_min_delay(min)
            .with_max_delay(max)
            .without_max_times();
        Self {
            pauses: schedule.build(),
            schedule,
            longest,
        }
    }

    /// The pause before the next attempt.
    pub fn next_pause(&mut self) -> Duration {
        // The schedule has no last pause.
        self.pauses.next().unwrap_or(self.longest)
    }

    /// Starts again with the first pause.
    pub fn reset(&mut self) {
        self.pauses = self.schedule.build();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_double_up_to_the_longest_and_start_again() {
        let mut exact = Backoff::without_jitter(100 * MS, 500 * MS);
        let mut drawn = Backoff::new(100 * MS, 500 * MS);
        for _ in 0..2 {
            for pause in [100, 200, 400, 500, 500].map(|pause| pause * MS) {
                // backon multiplies with 32-bit floats.
                assert_eq!(exact.next_pause().as_millis(), pause.as_millis());
                let drawn = drawn.next_pause();
                assert!((pause / 2..=pause + MS).contains(&drawn), "{drawn:?} of {pause:?}");
            }
            exact.reset();
            drawn.reset();
        }
        let different = (0..20).map(|_| drawn.next_pause()).collect::<std::collections::BTreeSet<_>>();
        assert!(different.len() > 1);
    }
}
