//! Families of metrics, registered under the program's prefix, with all label values known in advance.

use std::path::Path;
use std::time::UNIX_EPOCH;

use jiff::Timestamp;
use prometheus::core::{MetricVec, MetricVecBuilder};
use prometheus::{Encoder, Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry, Result, TextEncoder};
use tacit_program::key_file;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::versions::PROTOCOL_VERSIONS;
use zeroize::Zeroizing;

/// Buckets for sessions and their phases: from 1 ms to 5 minutes.
pub const SESSION_SECONDS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0];

/// A label and its possible values.
type Label<'a> = (&'a str, &'a [&'a str]);

/// The families of one program.
#[derive(Debug, Clone)]
pub struct Families {
    prefix: &'static str,
    registry: Registry,
}

impl Families {
    /// The families of a program whose metrics begin with `prefix`. They contain the metrics of the process and `build_info`.
    ///
    /// # Errors
    /// A name is invalid or already used.
    pub fn new(prefix: &'static str, cluster: &Cluster) -> Result<Self> {
        let families = Self::bare(prefix);
        #[cfg(target_os = "linux")]
        families
            .registry
            .register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        let (protocol, digest) = (PROTOCOL_VERSIONS.to_string(), cluster.digest().to_string());
        let runs: [Label<'_>; 3] = [
            ("version", &[env!("CARGO_PKG_VERSION")]),
            ("protocol", &[&protocol]),
            ("cluster", &[&digest]),
        ];
        let build = families.gauges("build_info", "Always 1; the labels say what runs.", &runs)?;
        build.get_metric_with_label_values(&runs.map(|(_, values)| values[0]))?.set(1.0);
        Ok(families)
    }

    /// An empty set of families.
    pub(crate) fn bare(prefix: &'static str) -> Self {
        let registry = Registry::new();
        Self { prefix, registry }
    }

    /// A counter without labels.
    ///
    /// # Errors
    /// The name is invalid or already used.
    pub fn counter(&self, name: &str, help: &str) -> Result<IntCounter> {
        self.counters(name, help, &[])?.get_metric_with_label_values::<&str>(&[])
    }

    /// A gauge without labels.
    ///
    /// # Errors
    /// The name is invalid or already used.
    pub fn gauge(&self, name: &str, help: &str) -> Result<Gauge> {
        self.gauges(name, help, &[])?.get_metric_with_label_values::<&str>(&[])
    }

    /// Counters, one for each combination of label values.
    ///
    /// # Errors
    /// The name or a label is invalid, or the name is already used.
    pub fn counters(&self, name: &str, help: &str, labels: &[Label<'_>]) -> Result<IntCounterVec> {
        self.register(IntCounterVec::new(self.options(name, help), &names(labels))?, labels)
    }

    /// Gauges, one for each combination of label values.
    ///
    /// # Errors
    /// The name or a label is invalid, or the name is already used.
    pub fn gauges(&self, name: &str, help: &str, labels: &[Label<'_>]) -> Result<GaugeVec> {
        self.register(GaugeVec::new(self.options(name, help), &names(labels))?, labels)
    }

    /// Histograms, one for each combination of label values.
    ///
    /// # Errors
    /// The name, a label or the buckets are invalid, or the name is already used.
    pub fn histograms(&self, name: &str, help: &str, labels: &[Label<'_>], buckets: &[f64]) -> Result<HistogramVec> {
        let options = HistogramOpts::from(self.options(name, help)).buckets(buckets.to_vec());
        self.register(HistogramVec::new(options, &names(labels))?, labels)
    }

    /// When keys were made: what their files say, or else when those were written. Whoever hands keys to a service makes new files of them.
    ///
    /// # Errors
    /// The name is invalid or already used.
    pub fn keys(&self, keys: &[(&str, &Path)]) -> Result<GaugeVec> {
        let kinds: Vec<&str> = keys.iter().map(|(kind, _)| *kind).collect();
        let help = "When the key was made, Unix time.";
        let created = self.gauges("key_created_timestamp_seconds", help, &[("key", &kinds)])?;
        for (kind, path) in keys {
            created.get_metric_with_label_values(&[*kind])?.set(made(path));
        }
        Ok(created)
    }

    /// All families as text.
    ///
    /// # Errors
    /// The encoder fails.
    pub fn text(&self) -> Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    fn options(&self, name: &str, help: &str) -> Opts {
        Opts::new(format!("{}_{name}", self.prefix), help)
    }

    fn register<B: MetricVecBuilder + 'static>(&self, family: MetricVec<B>, labels: &[Label<'_>]) -> Result<MetricVec<B>> {
        for values in combinations(labels) {
            family.get_metric_with_label_values(&values)?;
        }
        self.registry.register(Box::new(family.clone()))?;
        Ok(family)
    }
}

fn names<'a>(labels: &[Label<'a>]) -> Vec<&'a str> {
    labels.iter().map(|(name, _)| *name).collect()
}

fn combinations<'a>(labels: &[Label<'a>]) -> Vec<Vec<&'a str>> {
    labels.iter().fold(vec![Vec::new()], |so_far, (_, values)| {
        let extended = |start: &Vec<&'a str>| {
            values
                .iter()
                .map(|value| [start.as_slice(), &[*value]].concat())
                .collect::<Vec<_>>()
        };
        so_far.iter().flat_map(extended).collect()
    })
}

fn made(path: &Path) -> f64 {
    let text = std::fs::read_to_string(path).map(Zeroizing::new).unwrap_or_default();
    if let Some(made) = key_file::created_at(&text).and_then(|made| made.parse::<Timestamp>().ok()) {
        return made.as_second() as f64;
    }
    let written = std::fs::metadata(path).and_then(|file| file.modified());
    let since = written.ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    since.as_secs() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_as_old_as_its_file_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.key");
        std::fs::write(&path, key_file::header("2026-01-02T03:04:05Z", false) + "c0ffee\n").unwrap();
        assert_eq!(made(&path), 1_767_323_045.0);
        // A file without a header.
        std::fs::write(&path, "c0ffee\n").unwrap();
        assert!(made(&path) > 1_767_323_045.0);
        assert_eq!(made(&folder.path().join("none")), 0.0);
    }

    #[test]
    fn every_combination_is_there_from_the_start() {
        let families = Families::bare("test");
        families
            .counters("drops_total", "Drops.", &[("from", &["a", "b"]), ("to", &["c", "d"])])
            .unwrap();
        families.gauge("level", "Level.").unwrap();
        families.histograms("seconds", "Time.", &[("of", &["a"])], &[1.0]).unwrap();
        let text = String::from_utf8(families.text().unwrap()).unwrap();
        for line in [
            "test_drops_total{from=\"a\",to=\"c\"} 0",
            "test_drops_total{from=\"b\",to=\"d\"} 0",
            "test_level 0",
            "test_seconds_bucket{of=\"a\",le=\"1\"} 0",
            "test_seconds_count{of=\"a\"} 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
        }
        assert_eq!(text.lines().filter(|line| line.starts_with("test_drops_total{")).count(), 4);
        assert!(families.gauge("level", "Twice.").is_err());
    }
}
