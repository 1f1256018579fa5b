//! A lock for each job id. It exists as long as someone holds it or waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tacit_protocol::job::JobId;
use tokio::sync::OwnedMutexGuard;

/// Locks by job id.
#[derive(Default)]
pub(crate) struct Locks(Mutex<HashMap<JobId, Weak<tokio::sync::Mutex<()>>>>);

impl Locks {
    /// Waits for the lock of this id. It is held until the guard is dropped.
    pub(crate) async fn hold(&self, id: &JobId) -> OwnedMutexGuard<()> {
        self.of(id).lock_owned().await
    }

    fn of(&self, id: &JobId) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(id).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::default();
        locks.insert(id.clone(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_id_waits() {
        use futures::FutureExt;

        let locks = Locks::default();
        let (one, other): (JobId, JobId) = ("one".parse().unwrap(), "other".parse().unwrap());
        let first = locks.hold(&one).await;
        let second = locks.hold(&one);
        assert!(locks.hold(&other).now_or_never().is_some());
        let mut second = Box::pin(second);
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        assert!(second.now_or_never().is_some());
        assert!(locks.hold(&one).now_or_never().is_some());
        assert!(locks.0.lock().unwrap().len() <= 2);
    }
}
