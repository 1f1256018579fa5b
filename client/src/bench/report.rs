//! The measurements of a benchmark: as JSON for programs and later runs, and as a table for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::synthetic::Size;
use crate::output;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The version of `tacit`.
    pub version: String,
    /// Whether the programs were built with optimisation; otherwise the figures mean nothing.
    pub release_build: bool,
    /// The number of processors.
    pub cores: usize,
    /// The load average of the last minute at the start.
    pub load: f64,
    pub job: Job,
    pub cluster: Cluster,
    /// Time, traffic and processor time of each phase, in order.
    pub phases: Vec<Phase>,
    /// Answers shared per second on one core.
    pub share_answers_per_s: f64,
    /// Answers delivered to and stored by all nodes per second.
    pub ingest_answers_per_s: f64,
    /// Seconds from the coordinator's request to compute to its verified certificate, by its own clock.
    pub certificate_s: f64,
    /// Seconds from the delivery of all submissions to the published job, as the buyer's client sees it.
    pub published_s: f64,
    /// Seconds that the client took to fetch and verify the result.
    pub verify_s: f64,
    /// Rounds of the whole computation.
    pub rounds: u64,
    /// Bytes per item that a node sent in the computation; those of the node that sent most.
    pub bytes_per_item_and_node: f64,
    /// The shortest round trip between two nodes, in seconds.
    pub round_trip_s: f64,
    /// Computations until one succeeded; with more than one, the figures are not comparable.
    pub attempts: u32,
    /// The peak memory of each process; `client` is this process.
    pub peak_rss_bytes: BTreeMap<String, u64>,
    /// Whether the verified result is that of the answers in the clear.
    pub correct: bool,
}

/// The job of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Job {
    pub items: usize,
    /// Answers to each.
    pub answers_per_item: usize,
    pub classes: usize,
    pub contributors: usize,
    /// Issuers who have signed each contributor's credential; 0 if contributors were enrolled.
    #[serde(default)]
    pub issuers: u8,
    pub submissions: usize,
    /// The seed of the answers.
    pub seed: u64,
}

impl Job {
    /// A job of this size.
    pub(super) fn new(size: Size, submissions: usize, seed: u64) -> Self {
        Self {
            items: size.items,
            answers_per_item: size.answers_per_item,
            classes: size.classes,
            contributors: size.contributors,
            issuers: size.issuers,
            submissions,
            seed,
        }
    }
}

/// The cluster of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cluster {
    /// The number of nodes.
    pub nodes: usize,
    /// How many nodes may be corrupt.
    pub threshold: usize,
    /// The one-way delay of each datagram between members, in milliseconds.
    pub delay_ms: u64,
    /// The memory that each node reserves at its start, in megabytes.
    #[serde(default)]
    pub reserve_memory_mb: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Phase {
    /// `share`, `ingest`, one of a node's phases, or `certificate`.
    pub name: String,
    /// Duration in seconds.
    pub wall_s: f64,
    /// Processor time of all processes in seconds.
    pub cpu_s: f64,
    /// Rounds of communication between the nodes.
    pub rounds: u64,
    /// Bytes sent by the node that sent most; in `ingest`, bytes delivered to the node that received most.
    pub bytes_per_node: u64,
}

impl Report {
    /// The measurements as text.
    pub(super) fn table(&self) -> String {
        let Job {
            items,
            answers_per_item,
            classes,
            contributors,
            issuers,
            submissions,
            seed,
        } = &self.job;
        let Cluster {
            nodes,
            threshold,
            delay_ms,
            reserve_memory_mb,
        } = &self.cluster;
        let phases = self.phases.iter().map(|phase| {
            vec![
                phase.name.clone(),
                seconds(phase.wall_s),
                seconds(phase.cpu_s),
                phase.rounds.to_string(),
                phase.bytes_per_node.to_string(),
            ]
        });
        let memory = self
            .peak_rss_bytes
            .iter()
            .map(|(name, bytes)| vec![name.clone(), megabytes(*bytes)]);
        let mut text = format!(
            "{items} items × {answers_per_item} answers × {classes} classes of {contributors} contributors of {issuers} issuers in {submissions} submissions, seed {seed}; \
             {nodes} nodes of which {threshold} may be corrupt, {delay_ms} ms one way, {reserve_memory_mb} MB reserved at each; {} cores, load {:.2}\n\n",
            self.cores, self.load
        );
        if !self.release_build {
            text += "not a release build: these figures say nothing about speed\n\n";
        }
        text += &output::table(&["phase", "wall", "CPU", "rounds", "bytes per node"], phases);
        text += &output::table(&["process", "peak memory"], memory);
        let rows = [
            ("accepted submissions to certificate", seconds(self.certificate_s)),
            ("accepted submissions to published job", seconds(self.published_s)),
            ("fetched and verified by the client", seconds(self.verify_s)),
            ("share, one core", format!("{:.0} answers/s", self.share_answers_per_s)),
            ("ingest", format!("{:.0} answers/s", self.ingest_answers_per_s)),
            ("bytes per item and node", format!("{:.1}", self.bytes_per_item_and_node)),
            ("rounds", self.rounds.to_string()),
            ("round trip between nodes", format!("{:.1} ms", 1000.0 * self.round_trip_s)),
            ("computations", self.attempts.to_string()),
            ("correct", self.correct.to_string()),
        ];
        text + &output::table(&["in all", ""], rows.map(|(what, value)| vec![what.to_owned(), value]))
    }
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
