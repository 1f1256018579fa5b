//! The node's metrics. Names and labels are a contract with operators: `docs/metrics.md`.

mod page;
mod session;

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Gauge, GaugeVec, HistogramVec, IntCounter, IntCounterVec, Result};
use tacit_link::LinkError;
use tacit_metrics::{Connections, Families, Queues, SESSION_SECONDS, StoreMeter, Survey};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;

use crate::config::Config;
use crate::sealing_key_files;
use crate::store::Store;

pub(crate) use page::PageMeter;
pub(crate) use session::SessionMeter;

const COMPLETED: &str = "completed";
const FAILED: &str = "failed";
const RELEASED: &str = "released";
const OPEN: &str = "open";
const SENT: &str = "sent";
const RECEIVED: &str = "received";
const REPAIRED: &str = "repaired";
const LACKING: &str = "lacking";

/// Why this node refuses a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The other end has no key that the cluster file names.
    UnknownKey,
    /// The other end speaks another protocol version.
    Version,
    /// The other end has another cluster file.
    Cluster,
    /// More handshakes began than there are places.
    Overload,
    /// The other end does not follow the protocol.
    Protocol,
}

impl Refused {
    const ALL: [Self; 5] = [Self::UnknownKey, Self::Version, Self::Cluster, Self::Overload, Self::Protocol];

    fn name(self) -> &'static str {
        match self {
            Self::UnknownKey => "unknown_key",
            Self::Version => "version",
            Self::Cluster => "cluster",
            Self::Overload => "overload",
            Self::Protocol => "protocol",
        }
    }

    /// Why this node refused the connection; `None` if it was lost, or if the other end gave it up.
    fn of(error: &LinkError) -> Option<Self> {
        match error {
            LinkError::UnknownKey { .. } => Some(Self::UnknownKey),
            LinkError::Overload { .. } => Some(Self::Overload),
            LinkError::Version { .. } => Some(Self::Version),
            LinkError::Cluster { .. } => Some(Self::Cluster),
            LinkError::Protocol { .. } => Some(Self::Protocol),
            LinkError::Bind { .. } | LinkError::Unreachable { .. } | LinkError::Lost { .. } | LinkError::Tls(_) => None,
        }
    }
}

/// What became of a peer's question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The peer got what this node has.
    Answered,
    /// The peer asked for components that it must not hold, or gave a notice that it has not signed.
    Forbidden,
    /// The question was refused for another reason.
    Refused,
}

impl Asked {
    const ALL: [Self; 3] = [Self::Answered, Self::Forbidden, Self::Refused];

    fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Forbidden => "forbidden",
            Self::Refused => "refused",
        }
    }
}

/// The age of the keys.
#[derive(Debug, Clone)]
pub(crate) struct KeyAges(GaugeVec);

impl KeyAges {
    /// Publishes when the newest sealing key was drawn: the number of its epoch.
    pub(crate) fn sealing_key(&self, epoch: u64) {
        self.0.with_label_values(&["sealing"]).set(epoch as f64);
    }
}

/// The node's metrics. All series exist from the start.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    families: Families,
    survey: Survey,
    jobs: GaugeVec,
    oldest_job: Gauge,
    submissions: IntCounterVec,
    sessions: IntCounterVec,
    session_phases: IntCounterVec,
    verification_failures: IntCounterVec,
    sessions_running: Gauge,
    rounds: IntCounterVec,
    bytes: IntCounterVec,
    phase_seconds: HistogramVec,
    products: IntCounter,
    products_verified: IntCounter,
    refused: IntCounterVec,
    coordinator_up: Gauge,
    repairs: IntCounterVec,
    questions: IntCounterVec,
    wrong_supplies: IntCounterVec,
    /// Metrics of the connections to the peers.
    pub peers: Connections,
    /// Metrics of the work that waits or runs.
    pub queues: Queues,
    /// Times and sizes of the store.
    pub store: StoreMeter,
    /// Requests and connections of the page.
    pub page: PageMeter,
}

impl Metrics {
    /// Registers all metrics, for the node of this index.
    pub(crate) fn new(cluster: &Cluster, me: usize) -> Result<Self> {
        let families = Families::new("tacit_node", cluster)?;
        let outcomes: Vec<&str> = std::iter::once("accepted")
            .chain(RejectReason::ALL.map(RejectReason::name))
            .collect();
        let phases = Phase::ALL.map(Phase::name);
        let refusals = Refused::ALL.map(Refused::name);
        let peers = cluster.nodes().iter().enumerate().filter(|(node, _)| *node != me);
        let peers: Vec<&str> = peers.map(|(_, node)| node.name.as_str()).collect();
        let by_phase = [("phase", phases.as_slice())];
        let counter = |name: &str, help: &str| families.counter(name, help);
        let phase_counters = |name: &str, help: &str| families.counters(name, help, &by_phase);
        Ok(Self {
            survey: Survey::default(),
            jobs: families.gauges("jobs", "Jobs in this node's store.", &[("state", &[OPEN, RELEASED])])?,
            oldest_job: families.gauge(
                "oldest_job_timestamp_seconds",
                "When the oldest job that has not been released was opened here, Unix time; 0 if there is none.",
            )?,
            submissions: families.counters(
                "submissions_total",
                "Submissions delivered to this node.",
                &[("outcome", &outcomes)],
            )?,
            sessions: families.counters("sessions_total", "Sessions that have ended.", &[("result", &[RELEASED, FAILED])])?,
            session_phases: families.counters(
                "session_phases_total",
                "Phases of sessions that have ended.",
                &[("phase", &phases), ("result", &[COMPLETED, FAILED])],
            )?,
            verification_failures: phase_counters(
                "verification_failures_total",
                "Sessions that ended because a peer sent something wrong, not because it was silent.",
            )?,
            sessions_running: families.gauge("sessions_running", "Running sessions.")?,
            rounds: phase_counters("rounds_total", "Completed rounds of communication.")?,
            bytes: families.counters(
                "session_bytes_total",
                "Bytes of session messages in completed rounds.",
                &[("phase", &phases), ("direction", &[SENT, RECEIVED])],
            )?,
            phase_seconds: families.histograms("phase_seconds", "Duration of completed phases.", &by_phase, SESSION_SECONDS)?,
            products: counter("products_total", "Terms of inner products computed on shares.")?,
            products_verified: counter("products_verified_total", "Verified terms of inner products.")?,
            refused: families.counters("connections_refused_total", "Connections refused.", &[("reason", &refusals)])?,
            coordinator_up: families.gauge("coordinator_up", "1 while the coordinator is connected.")?,
            repairs: families.counters(
                "repairs_total",
                "Submissions of which this node's part was missing or spoilt, after peers were asked for it.",
                &[("outcome", &[REPAIRED, LACKING])],
            )?,
            questions: families.counters(
                "peer_questions_total",
                "Questions of peers for parts of submissions, and about the releases that they have announced.",
                &[("peer", &peers), ("outcome", &Asked::ALL.map(Asked::name))],
            )?,
            wrong_supplies: families.counters(
                "wrong_supplies_total",
                "Parts of submissions that a peer supplied and that are not what the contributor signed.",
                &[("peer", &peers)],
            )?,
            peers: Connections::new(&families, "peer", &peers)?,
            queues: Queues::new(&families, &["requests", "sessions"])?,
            store: StoreMeter::new(&families)?,
            page: PageMeter::new(&families)?,
            families,
        })
    }

    /// Publishes the age of the keys. That of the sealing key changes later.
    pub(crate) fn keys(&self, config: &Config) -> Result<KeyAges> {
        let sealing = sealing_key_files::folder(&config.data);
        let created = self.families.keys(&[("identity", &config.identity_key), ("sealing", &sealing)])?;
        Ok(KeyAges(created))
    }

    /// Counts submissions of one outcome.
    pub(crate) fn submissions(&self, outcome: Option<RejectReason>, count: u64) {
        let outcome = outcome.map_or("accepted", RejectReason::name);
        self.submissions.with_label_values(&[outcome]).inc_by(count);
    }

    /// Counts submissions that were repaired, and those of which something is still lacking.
    pub(crate) fn repaired(&self, repaired: u64, lacking: u64) {
        self.repairs.with_label_values(&[REPAIRED]).inc_by(repaired);
        self.repairs.with_label_values(&[LACKING]).inc_by(lacking);
    }

    /// Counts a question of a peer.
    pub(crate) fn asked(&self, peer: &str, outcome: Asked) {
        self.questions.with_label_values(&[peer, outcome.name()]).inc();
    }

    /// Counts parts of submissions that a peer supplied and that were wrong.
    pub(crate) fn supplied_wrong(&self, peer: &str, parts: u64) {
        self.wrong_supplies.with_label_values(&[peer]).inc_by(parts);
    }

    /// How many parts a peer supplied that were wrong.
    #[cfg(test)]
    pub(crate) fn wrong_supplies_of(&self, peer: &str) -> u64 {
        self.wrong_supplies.with_label_values(&[peer]).get()
    }

    /// How many submissions had this outcome.
    #[cfg(test)]
    pub(crate) fn submissions_of(&self, outcome: &str) -> u64 {
        self.submissions.with_label_values(&[outcome]).get()
    }

    /// Counts a connection that this node refuses.
    pub(crate) fn refused(&self, reason: Refused) {
        self.refused.with_label_values(&[reason.name()]).inc();
    }

    /// Counts a connection that failed, if this node refused it. Returns the kind of failure, for the log.
    pub(crate) fn not_connected(&self, error: &LinkError) -> &'static str {
        let refused = Refused::of(error);
        if let Some(reason) = refused {
            self.refused(reason);
        }
        refused.map_or("unreachable", Refused::name)
    }

    /// The metrics as text, with the values that are looked up at each scrape. `round_trips` are those of the connections to the peers, by
    /// name.
    pub(crate) async fn text(
        &self,
        round_trips: Vec<(String, Option<Duration>)>,
        coordinator_up: bool,
        store: &Arc<Store>,
    ) -> Result<Vec<u8>> {
        for (peer, round_trip) in round_trips {
            self.peers.see(&peer, round_trip);
        }
        self.coordinator_up.set(f64::from(u8::from(coordinator_up)));
        self.survey_store(store).await;
        self.families.text()
    }

    async fn survey_store(&self, store: &Arc<Store>) {
        let (metrics, store) = (self.clone(), Arc::clone(store));
        let look = move || metrics.look_at(&store);
        self.survey
            .run(async move {
                // This fails only when the runtime shuts down.
                let _ = tokio::task::spawn_blocking(look).await;
            })
            .await;
    }

    /// Looks up what is in the store. Blocks.
    fn look_at(&self, store: &Store) {
        self.store.measure(store.path());
        // If this fails, the store counts it, and the gauges keep their last values.
        if let Ok(counts) = store.count_jobs() {
            for (state, jobs) in [(OPEN, counts.open), (RELEASED, counts.released)] {
                self.jobs.with_label_values(&[state]).set(jobs as f64);
            }
            self.oldest_job.set(counts.oldest_open as f64);
        }
        // The probe is a write, so a store that cannot be written is counted as failing.
        let _ = store.probe();
        self.store.answered();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{cluster, records};

    #[tokio::test]
    async fn a_store_that_hangs_has_not_answered() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Metrics::new(&cluster(), 0).unwrap();
        let store = Arc::new(Store::open(folder.path(), metrics.store.clone(), records()).unwrap());
        let answered = async || {
            metrics.survey_store(&store).await;
            let text = String::from_utf8(metrics.families.text().unwrap()).unwrap();
            let mut lines = text.lines();
            let at = lines.find_map(|line| line.strip_prefix("tacit_node_store_answered_timestamp_seconds "));
            at.unwrap().parse::<f64>().unwrap()
        };
        metrics.store.answered();
        let hung = store.hang();
        let before = answered().await;
        assert!(before > 0.0);
        assert_eq!(answered().await, before);
        drop(hung);
        while answered().await == before {
            tokio::task::yield_now().await;
        }
    }
}
