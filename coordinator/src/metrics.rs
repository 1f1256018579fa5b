//! The coordinator's metrics. Names and labels are a contract with operators: `docs/metrics.md`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use prometheus::{Gauge, GaugeVec, HistogramVec, IntCounterVec, Result};
use tacit_metrics::{Connections, Families, Queues, SESSION_SECONDS, StoreMeter, Survey};
use tacit_protocol::accepted::PublicFacts;
use tacit_protocol::api::JobState;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::reject::RejectReason;

use crate::active_jobs::ActiveJobs;
use crate::nodes::Nodes;
use crate::store::Store;
use crate::uploads;
use tacit_http_server::{OnRefusal, Places, Refusal};

/// The coordinator's metrics. All series exist from the start.
#[derive(Clone)]
pub(crate) struct Metrics {
    families: Families,
    survey: Survey,
    jobs: GaugeVec,
    oldest_job: GaugeVec,
    submissions: IntCounterVec,
    answers: IntCounterVec,
    computations: IntCounterVec,
    computation_seconds: HistogramVec,
    deliveries_waiting: GaugeVec,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    http_connections: Gauge,
    refused_connections: IntCounterVec,
    /// Metrics of the connections to the nodes.
    pub nodes: Connections,
    /// Metrics of the work that waits or runs.
    pub queues: Queues,
    /// Times and sizes of the store.
    pub store: StoreMeter,
}

/// The names of the ports.
pub(crate) const API_PORT: &str = "api";
/// The port of health and metrics.
pub(crate) const ADMIN_PORT: &str = "admin";

const ACCEPTED: &str = "accepted";
const PUBLISHED: &str = "published";
const FAILED: &str = "failed";

/// The reasons for which the coordinator refuses an upload; only nodes find the others.
const AT_UPLOAD: [RejectReason; 11] = [
    RejectReason::Malformed,
    RejectReason::WrongJob,
    RejectReason::BadSignature,
    RejectReason::BadConsent,
    RejectReason::BadCredential,
    RejectReason::DigestMismatch,
    RejectReason::DuplicateSubmission,
    RejectReason::JobClosed,
    RejectReason::KeyConflict,
    RejectReason::JobFull,
    RejectReason::NoSealingKey,
];

/// The states that a job leaves by itself.
pub(crate) const PASSING: [JobState; 3] = [JobState::Closing, JobState::Computing, JobState::Verified];

/// Buckets of the durations of HTTP requests: from 1 ms to 30 s.
const HTTP_SECONDS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];

const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

impl Metrics {
    /// Registers all metrics, for these routes. Requests to the `untimed` routes last as long as somebody listens.
    ///
    /// # Errors
    /// A name is used twice.
    pub(crate) fn new(cluster: &Cluster, identity_key: &Path, routes: &[String], untimed: &[&str]) -> Result<Self> {
        let families = Families::new("tacit_coordinator", cluster)?;
        drop(families.keys(&[("identity", identity_key)])?);
        let outcomes = |reasons: &[RejectReason]| {
            let refused = reasons.iter().map(|reason| reason.name());
            std::iter::once(ACCEPTED).chain(refused).collect::<Vec<_>>()
        };
        let routes: Vec<&str> = routes.iter().map(String::as_str).collect();
        let timed: Vec<&str> = routes.iter().copied().filter(|route| !untimed.contains(route)).collect();
        let nodes: Vec<&str> = cluster.nodes().iter().map(|node| node.name.as_str()).collect();
        Ok(Self {
            survey: Survey::default(),
            jobs: families.gauges("jobs", "Jobs.", &[("state", &JobState::ALL.map(JobState::name))])?,
            oldest_job: families.gauges(
                "oldest_job_timestamp_seconds",
                "When the job that has been in this state for longest entered it, Unix time; 0 if there is none.",
                &[("state", &PASSING.map(JobState::name))],
            )?,
            submissions: families.counters(
                "submissions_total",
                "Uploads, accepted or refused.",
                &[("outcome", &outcomes(&AT_UPLOAD))],
            )?,
            answers: families.counters(
                "answers_total",
                "Answers of published jobs: accepted, or rejected by reason.",
                &[("outcome", &outcomes(&RejectReason::ALL))],
            )?,
            computations: families.counters(
                "computations_total",
                "Computations that have ended.",
                &[("result", &[PUBLISHED, FAILED])],
            )?,
            computation_seconds: families.histograms(
                "computation_seconds",
                "Duration of computations whose certificate was verified.",
                &[],
                SESSION_SECONDS,
            )?,
            deliveries_waiting: families.gauges(
                "deliveries_waiting",
                "Envelopes of unfinished jobs not delivered to the node yet.",
                &[("node", &nodes)],
            )?,
            requests: families.counters(
                "http_requests_total",
                "HTTP requests by route and class of status.",
                &[("route", &routes), ("status", &CLASSES)],
            )?,
            request_seconds: families.histograms(
                "http_request_seconds",
                "Duration of HTTP requests, except event streams.",
                &[("route", &timed)],
                HTTP_SECONDS,
            )?,
            http_connections: families.gauge("http_connections", "Open connections to the API.")?,
            refused_connections: families.counters(
                "http_connections_refused_total",
                "Connections to the API and to the admin port that were refused.",
                &[("port", &[API_PORT, ADMIN_PORT]), ("reason", &Refusal::ALL.map(Refusal::name))],
            )?,
            nodes: Connections::new(&families, "node", &nodes)?,
            queues: Queues::new(&families, &[uploads::QUEUE])?,
            store: StoreMeter::new(&families)?,
            families,
        })
    }

    /// Counts the connections that one of [`API_PORT`] and [`ADMIN_PORT`] refuses.
    pub(crate) fn refusals(&self, port: &'static str) -> OnRefusal {
        let counted = self.refused_connections.clone();
        Arc::new(move |refusal| counted.with_label_values(&[port, refusal.name()]).inc())
    }

    /// Counts an upload; `refused` says why if it was not accepted.
    pub(crate) fn upload(&self, refused: Option<RejectReason>) {
        self.submissions
            .with_label_values(&[refused.map_or(ACCEPTED, RejectReason::name)])
            .inc();
    }

    /// Counts a computation whose certificate was verified.
    pub(crate) fn computed(&self, took: Duration) {
        self.computation_seconds.with_label_values::<&str>(&[]).observe(took.as_secs_f64());
    }

    /// Counts a computation that failed.
    pub(crate) fn computation_failed(&self) {
        self.computations.with_label_values(&[FAILED]).inc();
    }

    /// Counts a published job and its answers.
    pub(crate) fn published(&self, facts: &PublicFacts) {
        self.computations.with_label_values(&[PUBLISHED]).inc();
        self.answers.with_label_values(&[ACCEPTED]).inc_by(facts.answers);
        for (reason, count) in &facts.rejected {
            self.answers.with_label_values(&[reason.name()]).inc_by(*count);
        }
    }

    /// Counts a request; `took` is `None` for routes that are not timed.
    pub(crate) fn request(&self, route: &str, status: u16, took: Option<Duration>) {
        let class = CLASSES[usize::from((status / 100).clamp(2, 5) - 2)];
        self.requests.with_label_values(&[route, class]).inc();
        if let Some(took) = took {
            self.request_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
        }
    }

    /// The metrics as text, with the values that are looked up at each scrape.
    ///
    /// # Errors
    /// The encoder fails.
    pub(crate) async fn text(&self, active_jobs: &ActiveJobs, nodes: &Nodes, store: &Store, connections: &Places) -> Result<Vec<u8>> {
        self.http_connections.set(connections.taken() as f64);
        let jobs = active_jobs.all();
        for (index, node) in nodes.iter().enumerate() {
            self.nodes.see(node.name(), node.channel().map(|channel| channel.round_trip()));
            let waiting = jobs.iter().map(|job| job.received().saturating_sub(job.progress(index).cursor));
            self.deliveries_waiting
                .with_label_values(&[node.name()])
                .set(waiting.sum::<u64>() as f64);
        }
        let (metrics, store) = (self.clone(), store.clone());
        self.survey.run(async move { metrics.look_at(&store).await }).await;
        self.families.text()
    }

    /// Looks up what is in the store. If this fails, the store counts it, and the gauges keep their last values.
    async fn look_at(&self, store: &Store) {
        store.measure().await;
        if let Ok(counts) = store.count_jobs().await {
            for (state, count) in counts {
                self.jobs.with_label_values(&[state.name()]).set(count as f64);
            }
        }
        if let Ok(oldest) = store.oldest_jobs(&PASSING).await {
            for (state, since) in oldest {
                self.oldest_job.with_label_values(&[state.name()]).set(since as f64);
            }
        }
        // The reads above do not wait for the writing connection, so probe it too.
        let _ = store.probe().await;
        self.store.answered();
    }
}
