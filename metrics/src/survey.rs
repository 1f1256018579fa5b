//! Measurements on a disk that may be slow, full or gone: scrapes are answered in any case.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

/// How long a scrape waits for the measurements. Prometheus itself times out after ten seconds.
const MEASUREMENT_TIMEOUT: Duration = Duration::from_millis(500);

/// Runs measurements on a disk, one at a time.
#[derive(Debug, Clone, Default)]
pub struct Survey(Arc<Mutex<()>>);

impl Survey {
    /// Runs `work` in a task of its own and waits for it for a moment. If it takes longer, or if earlier work still runs, the metrics keep
    /// their last values. So a disk that hangs blocks one task only.
    pub async fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Ok(turn) = Arc::clone(&self.0).try_lock_owned() else { return };
        let task = tokio::spawn(async move {
            work.await;
            drop(turn);
        });
        // If the task panics, the metrics keep their last values.
        let _ = tokio::time::timeout(MEASUREMENT_TIMEOUT, task).await;
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
