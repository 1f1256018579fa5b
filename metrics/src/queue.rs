//! Queues that limit how much work runs at once, and count it.

use std::time::Duration;

use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, Result};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Families;

/// The queues of a program.
#[derive(Debug, Clone)]
pub struct Queues {
    depth: GaugeVec,
    capacity: GaugeVec,
    refused: IntCounterVec,
}

impl Queues {
    /// Queues with these names.
    ///
    /// # Errors
    /// A name of a metric is already used.
    pub fn new(families: &Families, names: &[&str]) -> Result<Self> {
        let of = [("queue", names)];
        Ok(Self {
            depth: families.gauges("queue_depth", "Work that waits or runs.", &of)?,
            capacity: families.gauges("queue_capacity", "The most that may run at once.", &of)?,
            refused: families.counters("queue_refused_total", "Work that was refused because the queue was full.", &of)?,
        })
    }

    /// The queue with this name, in which at most `capacity` permits exist at once.
    pub fn queue(&self, name: &str, capacity: usize) -> Queue {
        self.capacity.with_label_values(&[name]).set(capacity as f64);
        Queue {
            permits: Semaphore::new(capacity),
            depth: self.depth.with_label_values(&[name]),
            refused: self.refused.with_label_values(&[name]),
        }
    }
}

/// Work of one kind, of which a limited number runs at once.
#[derive(Debug)]
pub struct Queue {
    permits: Semaphore,
    depth: Gauge,
    refused: IntCounter,
}

/// The right to run, until it is dropped.
#[derive(Debug)]
pub struct QueuePermit<'a> {
    _permit: Option<SemaphorePermit<'a>>,
    _counted: Counted<'a>,
}

impl Queue {
    /// Waits until the work may run.
    pub async fn enter(&self) -> QueuePermit<'_> {
        let counted = Counted::new(&self.depth);
        QueuePermit {
            // It fails on closed semaphores only, and nothing closes this one.
            _permit: self.permits.acquire().await.ok(),
            _counted: counted,
        }
    }

    /// Waits for `patience` at most. `None` if the work may not run by then; this is counted as refused.
    pub async fn enter_within(&self, patience: Duration) -> Option<QueuePermit<'_>> {
        let permit = tokio::time::timeout(patience, self.enter()).await.ok();
        self.or_refused(permit)
    }

    /// Does not wait. `None` if the work may not run now; this is counted as refused.
    pub fn try_enter(&self) -> Option<QueuePermit<'_>> {
        let permit = self.permits.try_acquire().ok().map(|permit| QueuePermit {
            _permit: Some(permit),
            _counted: Counted::new(&self.depth),
        });
        self.or_refused(permit)
    }

    /// Counts work that is refused for another limit than the number of permits.
    pub fn refuse(&self) {
        self.refused.inc();
    }

    fn or_refused<'a>(&self, permit: Option<QueuePermit<'a>>) -> Option<QueuePermit<'a>> {
        if permit.is_none() {
            self.refused.inc();
        }
        permit
    }
}

/// Counts as waiting or running until dropped.
#[derive(Debug)]
struct Counted<'a>(&'a Gauge);

impl<'a> Counted<'a> {
    fn new(depth: &'a Gauge) -> Self {
        depth.inc();
        Self(depth)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue {
            permits: Semaphore::new(1),
            depth: Gauge::new("depth", "Depth.").unwrap(),
            refused: IntCounter::new("refused", "Refused.").unwrap(),
        }
    }

    #[tokio::test]
    async fn who_waits_is_counted_and_who_leaves_is_not() {
        let queue = queue();
        let first = queue.enter().await;
        let mut second = Box::pin(queue.enter());
        assert!(tokio::time::timeout(Duration::ZERO, &mut second).await.is_err());
        assert_eq!((queue.depth.get(), queue.refused.get()), (2.0, 0));
        assert!(queue.try_enter().is_none() && queue.enter_within(Duration::ZERO).await.is_none());
        assert_eq!((queue.depth.get(), queue.refused.get()), (2.0, 2));
        drop(first);
        let second = second.await;
        assert_eq!(queue.depth.get(), 1.0);
        drop(second);
        assert!(queue.try_enter().is_some());
        assert_eq!((queue.depth.get(), queue.refused.get()), (0.0, 2));
    }
}
