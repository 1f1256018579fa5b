//! What a scrape asks of a disk, which may be slow, full or gone: the scrape is answered all the same.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

/// How long a scrape waits for it. Prometheus gives up after ten seconds.
const PATIENCE: Duration = Duration::from_millis(500);

/// Brings up to date what is read from disk, one time after the other.
#[derive(Debug, Clone, Default)]
pub struct Survey(Arc<Mutex<()>>);

impl Survey {
    /// Does the work, in a task of its own, and waits a moment for it; if it is not done by then, or an
    /// earlier one is still under way, what was seen last stands. So whatever hangs holds one task only.
    pub async fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(turn) = Arc::clone(&self.0).try_lock_owned() else { return };
        let task = tokio::spawn(async move {
            work.await;
            drop(turn);
        });
        // A task that panics leaves the values as they were.
        let _ = tokio::time::timeout(PATIENCE, task).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_disk_that_hangs_holds_up_one_task_and_no_scrape() {
        let (survey, begun) = (Survey::default(), Arc::new(AtomicU32::new(0)));
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let counting = Arc::clone(&begun);
        survey
            .run(async move {
                counting.fetch_add(1, Ordering::Relaxed);
                let _ = released.await;
            })
            .await;
        let again = || {
            let counting = Arc::clone(&begun);
            survey.run(async move {
                counting.fetch_add(1, Ordering::Relaxed);
            })
        };
        again().await;
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        release.send(()).unwrap();
        while begun.load(Ordering::Relaxed) == 1 {
            again().await;
            tokio::task::yield_now().await;
        }
    }
}
