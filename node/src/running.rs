//! The computations that run at this node. Each has a number of its own: the coordinator chooses the numbers of attempts, so it can give two
//! computations the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tacit_protocol::job::JobId;
use tokio_util::sync::CancellationToken;

/// The computations that run.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<Runs>);

#[derive(Debug, Default)]
struct Runs {
    /// The number of the run that began last.
    last: u64,
    by_number: BTreeMap<u64, (JobId, CancellationToken)>,
}

/// One computation. It counts as running until this is dropped.
#[derive(Debug)]
pub(crate) struct Run {
    running: Arc<Running>,
    number: u64,
}

impl Running {
    /// Notes that a computation of a job begins, which `stop` ends, and ends those of the same job that began before: the coordinator has given
    /// them up. They stay noted until they have really ended.
    pub(crate) fn begin(self: &Arc<Self>, job: &JobId, stop: CancellationToken) -> Run {
        let mut runs = self.runs();
        runs.cancel(job);
        runs.last += 1;
        let number = runs.last;
        runs.by_number.insert(number, (job.clone(), stop));
        Run {
            running: Arc::clone(self),
            number,
        }
    }

    /// Ends all computations of a job, as soon as each finds out.
    pub(crate) fn cancel(&self, job: &JobId) {
        self.runs().cancel(job);
    }

    /// Whether a computation of a job has begun and not yet ended.
    pub(crate) fn computes(&self, job: &JobId) -> bool {
        self.runs().by_number.values().any(|(of, _)| of == job)
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        // No panic leaves the map half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runs {
    fn cancel(&self, job: &JobId) {
        let of_job = self.by_number.values().filter(|(of, _)| of == job);
        of_job.for_each(|(_, stop)| stop.cancel());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.running.runs().by_number.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_computed_until_the_last_of_its_runs_has_ended() {
        let (running, job, other) = (Arc::new(Running::default()), "job".parse().unwrap(), "other".parse().unwrap());
        let tokens: [CancellationToken; 3] = std::array::from_fn(|_| CancellationToken::new());
        let cancelled = || tokens.each_ref().map(CancellationToken::is_cancelled);
        let first = running.begin(&job, tokens[0].clone());
        let _unrelated = running.begin(&other, tokens[1].clone());
        // The same attempt again ends the first, which takes a while to notice.
        let second = running.begin(&job, tokens[2].clone());
        assert_eq!(cancelled(), [true, false, false]);
        drop(first);
        assert!(running.computes(&job), "the second is still there");
        running.cancel(&job);
        assert_eq!(cancelled(), [true, false, true]);
        assert!(running.computes(&job), "it has not ended yet");
        drop(second);
        assert!(!running.computes(&job) && running.computes(&other));
    }
}
