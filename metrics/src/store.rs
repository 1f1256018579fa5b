//! Metrics of a program's store: durations, errors, size and free space.

use std::ffi::OsString;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Gauge, HistogramVec, IntCounterVec, Result};

use crate::Families;

const SECONDS: &[f64] = &[0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

/// The kind of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Reading stored data.
    Read,
    /// A transaction that stores data.
    Write,
}

impl Operation {
    const ALL: [Self; 2] = [Self::Read, Self::Write];

    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// Metrics of a store in one SQLite file.
#[derive(Debug, Clone)]
pub struct StoreMeter {
    seconds: HistogramVec,
    errors: IntCounterVec,
    bytes: Gauge,
    free: Gauge,
    answered: Gauge,
}

impl StoreMeter {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name is already used.
    pub fn new(families: &Families) -> Result<Self> {
        let operations = Operation::ALL.map(Operation::name);
        let of = [("operation", operations.as_slice())];
        Ok(Self {
            seconds: families.histograms(
                "store_seconds",
                "Duration of reads and writes of the store, including the wait for it.",
                &of,
                SECONDS,
            )?,
            errors: families.counters("store_errors_total", "Failed reads and writes of the store.", &of)?,
            bytes: families.gauge("store_bytes", "Size of the store on disk.")?,
            free: families.gauge("store_free_bytes", "Free space of the store's file system.")?,
            answered: families.gauge(
                "store_answered_timestamp_seconds",
                "When the store last finished all reads and the write of a scrape, Unix time; 0 if there is none.",
            )?,
        })
    }

    /// Runs `work` and measures its duration.
    ///
    /// # Errors
    /// Those of `work`, which are counted.
    pub fn time<T, E>(&self, operation: Operation, work: impl FnOnce() -> std::result::Result<T, E>) -> std::result::Result<T, E> {
        let of = [operation.name()];
        let timer = self.seconds.with_label_values(&of).start_timer();
        let result = work();
        timer.observe_duration();
        if result.is_err() {
            self.errors.with_label_values(&of).inc();
        }
        result
    }

    /// Measures the size of the store's files and the free space of their file system. Takes no lock of the store; blocks for as long as
    /// the file system does.
    pub fn measure(&self, file: &Path) {
        let size = |suffix: &str| {
            let mut path = OsString::from(file);
            path.push(suffix);
            std::fs::metadata(path).map_or(0, |file| file.len())
        };
        // With the write-ahead log and its index.
        let bytes: u64 = ["", "-wal", "-shm"].map(size).iter().sum();
        self.bytes.set(bytes as f64);
        if let Ok(system) = rustix::fs::statvfs(file) {
            self.free.set(system.f_bavail.saturating_mul(system.f_frsize) as f64);
        }
    }

    /// Records that the store has answered all operations of a survey, the last of which is a write. If reads or writes hang, nothing
    /// fails, but this time stops advancing. Errors are answers too.
    pub fn answered(&self) {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.answered.set(since.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter() -> StoreMeter {
        StoreMeter::new(&Families::bare("test")).unwrap()
    }

    #[test]
    fn failures_are_timed_and_counted() {
        let meter = meter();
        assert_eq!(meter.time(Operation::Read, || Ok::<_, ()>(1)), Ok(1));
        assert_eq!(meter.time(Operation::Write, || Err::<(), _>(2)), Err(2));
        let seen = |operation: &str| {
            let times = meter.seconds.with_label_values(&[operation]).get_sample_count();
            (times, meter.errors.with_label_values(&[operation]).get())
        };
        assert_eq!((seen("read"), seen("write")), ((1, 0), (1, 1)));
    }

    #[test]
    fn the_log_counts_towards_the_size() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("store.sqlite");
        std::fs::write(&file, [0; 100]).unwrap();
        std::fs::write(folder.path().join("store.sqlite-wal"), [0; 20]).unwrap();
        std::fs::write(folder.path().join("other"), [0; 3]).unwrap();
        let meter = meter();
        meter.measure(&file);
        assert_eq!(meter.bytes.get(), 120.0);
        assert!(meter.free.get() > 0.0);
    }
}
