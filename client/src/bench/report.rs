//! What a bench measured: as JSON for machines and later runs, and as a table for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::synthetic::Size;
use crate::output;

/// The whole measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The release of `tacit`.
    pub version: String,
    /// Whether the optimiser was on; figures without it say nothing.
    pub release_build: bool,
    /// The machine's processors.
    pub cores: usize,
    /// Its load of the last minute when the bench began.
    pub load: f64,
    /// What was computed.
    pub job: Job,
    /// On what.
    pub cluster: Cluster,
    /// Where time, messages and processor went, in order.
    pub phases: Vec<Phase>,
    /// Answers shared in a second, on one core.
    pub share_answers_per_s: f64,
    /// Answers that became a delivered and stored submission in a second.
    pub ingest_answers_per_s: f64,
    /// From the coordinator's request to compute to its verified certificate, by its own clock.
    pub certificate_s: f64,
    /// From all submissions delivered to a published job, as the buyer's client sees it.
    pub published_s: f64,
    /// How long fetching and verifying the result took the client.
    pub verify_s: f64,
    /// Rounds of the whole computation.
    pub rounds: u64,
    /// Bytes that the node with most of them sent in the computation, for each item.
    pub bytes_per_item_and_node: f64,
    /// The shortest round trip between two nodes, as their connections saw it.
    pub round_trip_s: f64,
    /// Computations until one succeeded: more than one spoils the figures.
    pub attempts: u32,
    /// The most memory of each process; the client is this one.
    pub peak_rss_bytes: BTreeMap<String, u64>,
    /// Whether the verified result is the one worked out in the clear.
    pub correct: bool,
}

/// What was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Items.
    pub items: usize,
    /// Answers to each.
    pub answers_per_item: usize,
    /// Classes.
    pub classes: usize,
    /// Contributors.
    pub contributors: usize,
    /// Submissions.
    pub submissions: usize,
    /// The seed of the answers.
    pub seed: u64,
}

impl Job {
    /// A job of this size.
    pub fn new(size: Size, submissions: usize, seed: u64) -> Self {
        Self {
            items: size.items,
            answers_per_item: size.answers_per_item,
            classes: size.classes,
            contributors: size.contributors,
            submissions,
            seed,
        }
    }
}

/// The nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// How many.
    pub nodes: usize,
    /// How many of them may be corrupt.
    pub threshold: usize,
    /// How long each datagram between members takes one way, in milliseconds.
    pub delay_ms: u64,
    /// How much memory each node took when it started, in megabytes.
    #[serde(default)]
    pub reserve_memory_mb: usize,
}

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// `share`, `ingest`, one of a node's phases, or `certificate`.
    pub name: String,
    /// How long it took.
    pub wall_s: f64,
    /// Processor time of all processes that work in it.
    pub cpu_s: f64,
    /// Rounds of communication between the nodes.
    pub rounds: u64,
    /// Bytes sent by the node that sent most; in `ingest`, brought to the node that got most.
    pub bytes_per_node: u64,
}

impl Report {
    /// Tables and what follows from them.
    pub fn table(&self) -> String {
        let Job {
            items,
            answers_per_item,
            classes,
            contributors,
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
            "{items} items × {answers_per_item} answers × {classes} classes of {contributors} contributors in {submissions} submissions, seed {seed}; \
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
