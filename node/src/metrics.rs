//! What operators watch. Names and labels are a contract; no job, contributor or item is ever a label.

use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use tacit_core::cluster::Cluster;
use tacit_core::network::Phase;
use tacit_core::reject::RejectReason;

/// The node's metrics, all present from the start.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Registry,
    /// Submissions by outcome.
    pub submissions: IntCounterVec,
    /// Sessions by result.
    pub sessions: IntCounterVec,
    /// Sessions under way.
    pub sessions_running: IntGauge,
    /// Failed sessions by phase.
    pub failures: IntCounterVec,
    /// Rounds by phase.
    pub rounds: IntCounterVec,
    /// Bytes to and from peers in sessions.
    pub bytes: IntCounterVec,
    /// Terms of inner products computed.
    pub products: IntCounter,
    /// Whether each peer is connected.
    pub peer_up: IntGaugeVec,
    /// Connections to each peer that were made again.
    pub reconnects: IntCounterVec,
}

impl Metrics {
    /// Registers everything.
    pub fn new(cluster: &Cluster, me: usize) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, label: &str, values: &[&str]| -> prometheus::Result<IntCounterVec> {
            let counter = IntCounterVec::new(Opts::new(name, help), &[label])?;
            values.iter().for_each(|value| counter.with_label_values(&[*value]).inc_by(0));
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let mut outcomes = vec!["accepted"];
        outcomes.extend(RejectReason::ALL.map(RejectReason::name));
        let phases = Phase::ALL.map(Phase::name);
        let peers: Vec<&str> = cluster
            .nodes()
            .iter()
            .enumerate()
            .filter(|(i, _)| *i != me)
            .map(|(_, n)| n.name.as_str())
            .collect();

        let submissions = counter(
            "tacit_node_submissions_total",
            "Submissions delivered to this node, by outcome.",
            "outcome",
            &outcomes,
        )?;
        let sessions = counter(
            "tacit_node_sessions_total",
            "Sessions ended, by result.",
            "result",
            &["released", "failed"],
        )?;
        let failures = counter("tacit_node_session_failures_total", "Sessions failed, by phase.", "phase", &phases)?;
        let rounds = counter("tacit_node_rounds_total", "Rounds of communication, by phase.", "phase", &phases)?;
        let bytes = counter(
            "tacit_node_session_bytes_total",
            "Bytes of session messages.",
            "direction",
            &["sent", "received"],
        )?;
        let reconnects = counter(
            "tacit_node_peer_reconnects_total",
            "Connections to a peer that had been lost and were made again.",
            "peer",
            &peers,
        )?;

        let peer_up = IntGaugeVec::new(Opts::new("tacit_node_peer_up", "Whether a peer is connected."), &["peer"])?;
        peers.iter().for_each(|peer| peer_up.with_label_values(&[*peer]).set(0));
        registry.register(Box::new(peer_up.clone()))?;
        let sessions_running = IntGauge::new("tacit_node_sessions_running", "Sessions under way.")?;
        registry.register(Box::new(sessions_running.clone()))?;
        let products = IntCounter::new("tacit_node_products_total", "Terms of inner products computed on shares.")?;
        registry.register(Box::new(products.clone()))?;
        let build = Opts::new("tacit_node_build_info", "Always 1; the labels say what runs.")
            .const_label("version", env!("CARGO_PKG_VERSION"))
            .const_label("protocol", tacit_core::cluster::PROTOCOL_VERSION.to_string())
            .const_label("cluster", cluster.digest().to_string());
        let build = IntGauge::with_opts(build)?;
        build.set(1);
        registry.register(Box::new(build))?;
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self {
            registry,
            submissions,
            sessions,
            sessions_running,
            failures,
            rounds,
            bytes,
            products,
            peer_up,
            reconnects,
        })
    }

    /// The exposition text.
    pub fn text(&self) -> prometheus::Result<Vec<u8>> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}
