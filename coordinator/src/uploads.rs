//! The places and the memory of uploads. Strangers get none of it: it is taken when the signed header of a submission was checked.

use tacit_metrics::{Queue, QueuePermit, Queues};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::http::{Origin, Place, Places};
use crate::limits::Limits;

/// The name of the queue, in metrics.
pub(crate) const QUEUE: &str = "uploads";

/// A header of up to this many bytes is read into memory that every connection has. This is enough for 3,000 answers.
pub(crate) const SMALL_HEADER: usize = 16 << 10;

/// The memory of larger headers that were not checked yet.
const LARGE_HEADERS: usize = 64 << 20;

/// Memory is counted in kilobytes, so that the numbers fit.
const UNIT: usize = 1 << 10;

/// An upload is in memory as it arrives, and its envelopes again as they are stored.
const COPIES: usize = 2;

/// The limits of the uploads that are read at once.
pub(crate) struct Uploads {
    queue: Queue,
    origins: Places,
    memory: Semaphore,
    large_headers: Semaphore,
}

/// The right to read an upload, until it is dropped.
pub(crate) struct Upload<'a> {
    _permit: QueuePermit<'a>,
    _place: Place,
    _memory: SemaphorePermit<'a>,
}

impl Uploads {
    /// Uploads within these limits.
    pub(crate) fn new(limits: &Limits, queues: &Queues) -> Self {
        Self {
            queue: queues.queue(QUEUE, limits.uploads),
            origins: Places::new(limits.uploads, limits.uploads_per_origin()),
            memory: Semaphore::new((limits.upload_memory_mb << 20) / UNIT),
            large_headers: Semaphore::new(LARGE_HEADERS / UNIT),
        }
    }

    /// The right to read an upload of this many bytes; `None` if there is no place or no memory for it. Does not wait, as who waits takes
    /// memory, too.
    pub(crate) fn begin(&self, origin: Origin, bytes: usize) -> Option<Upload<'_>> {
        let permit = self.queue.try_enter()?;
        let place = self.origins.take(origin).ok();
        let memory = self.memory.try_acquire_many(units(bytes.saturating_mul(COPIES))).ok();
        if let (Some(place), Some(memory)) = (place, memory) {
            Some(Upload {
                _permit: permit,
                _place: place,
                _memory: memory,
            })
        } else {
            self.queue.refuse();
            None
        }
    }

    /// The right to read a header of this many bytes that is not small; `None` if there is no memory for it.
    pub(crate) fn large_header(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let permit = self.large_headers.try_acquire_many(units(bytes)).ok();
        if permit.is_none() {
            self.queue.refuse();
        }
        permit
    }
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestCluster;
    use std::path::Path;

    fn uploads(limits: &Limits) -> Uploads {
        let metrics = crate::metrics::Metrics::new(&TestCluster::new(3, 1).cluster, Path::new("none"), &[], &[]).unwrap();
        Uploads::new(limits, &metrics.queues)
    }

    #[test]
    fn places_of_one_address_and_memory_are_bounded() {
        let limits = Limits {
            uploads: 3,
            uploads_per_address: 2,
            upload_memory_mb: 16,
            ..Limits::default()
        };
        let uploads = uploads(&limits);
        let one = Origin::of([192, 0, 2, 1].into());
        let held = [uploads.begin(one, 1 << 20).unwrap(), uploads.begin(one, 1 << 20).unwrap()];
        assert!(uploads.begin(one, 1).is_none(), "of one address");
        // Sixteen megabytes hold eight, as there are two copies; two are taken.
        assert!(uploads.begin(Origin::Loopback, (6 << 20) + 1).is_none());
        let third = uploads.begin(Origin::Loopback, 6 << 20).unwrap();
        assert!(uploads.begin(Origin::of([192, 0, 2, 2].into()), 1).is_none(), "in all");
        drop((held, third));
        assert!(uploads.begin(one, 8 << 20).is_some());
        let large = uploads.large_header(LARGE_HEADERS).unwrap();
        assert!(uploads.large_header(1).is_none());
        drop(large);
        assert!(uploads.large_header(usize::MAX).is_none());
    }
}
