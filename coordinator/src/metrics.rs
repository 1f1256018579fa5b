//! Prometheus metrics. No label names a job or a contributor.

use prometheus::{Encoder, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};
use tacit_core::api::JobState;
use tacit_core::crowd::Facts;
use tacit_core::reject::RejectReason;

use crate::app::App;

/// The coordinator's metrics.
pub struct Metrics {
    registry: Registry,
    jobs: IntGaugeVec,
    submissions: IntCounterVec,
    answers: IntCounterVec,
    node_up: IntGaugeVec,
    requests: IntCounterVec,
}

const ACCEPTED: &str = "accepted";

/// Why an upload is refused; the other reasons are found by the nodes.
const AT_UPLOAD: [RejectReason; 7] = [
    RejectReason::Malformed,
    RejectReason::WrongJob,
    RejectReason::BadSignature,
    RejectReason::DigestMismatch,
    RejectReason::DuplicateSubmission,
    RejectReason::JobClosed,
    RejectReason::KeyConflict,
];

impl Metrics {
    /// Registers the metrics.
    ///
    /// # Errors
    /// A name is used twice.
    pub fn new() -> Result<Self, prometheus::Error> {
        let jobs = IntGaugeVec::new(Opts::new("tacit_coordinator_jobs", "Jobs by state."), &["state"])?;
        let help = "Uploaded submissions, accepted or refused at upload, by outcome.";
        let submissions = IntCounterVec::new(Opts::new("tacit_coordinator_submissions_total", help), &["outcome"])?;
        let help = "Answers of published jobs, counted or not, by outcome.";
        let answers = IntCounterVec::new(Opts::new("tacit_coordinator_answers_total", help), &["outcome"])?;
        let node_up = IntGaugeVec::new(Opts::new("tacit_coordinator_node_up", "Whether the node is connected."), &["node"])?;
        let requests = IntCounterVec::new(
            Opts::new(
                "tacit_coordinator_http_requests_total",
                "HTTP requests by route and class of status.",
            ),
            &["route", "status"],
        )?;
        let build = IntGaugeVec::new(
            Opts::new("tacit_coordinator_build_info", "The release that runs."),
            &["version", "protocol"],
        )?;
        build
            .with_label_values(&[env!("CARGO_PKG_VERSION"), &tacit_core::cluster::PROTOCOL_VERSION.to_string()])
            .set(1);
        // Present from the start, so that a rate over the first one is right.
        let names = |reasons: &[RejectReason]| {
            let refused = reasons.iter().map(|reason| reason.name());
            std::iter::once(ACCEPTED).chain(refused).collect::<Vec<_>>()
        };
        for outcome in names(&AT_UPLOAD) {
            submissions.with_label_values(&[outcome]);
        }
        for outcome in names(&RejectReason::ALL) {
            answers.with_label_values(&[outcome]);
        }
        for state in JobState::ALL {
            jobs.with_label_values(&[state.name()]);
        }
        let registry = Registry::new();
        registry.register(Box::new(jobs.clone()))?;
        registry.register(Box::new(submissions.clone()))?;
        registry.register(Box::new(answers.clone()))?;
        registry.register(Box::new(node_up.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(build))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(Self {
            registry,
            jobs,
            submissions,
            answers,
            node_up,
            requests,
        })
    }

    /// Counts an upload: kept, or refused and why.
    pub fn upload(&self, refused: Option<RejectReason>) {
        self.submissions
            .with_label_values(&[refused.map_or(ACCEPTED, RejectReason::name)])
            .inc();
    }

    /// Counts the answers of a job that is published.
    pub fn published(&self, facts: &Facts) {
        self.answers.with_label_values(&[ACCEPTED]).inc_by(facts.answers);
        for (reason, count) in &facts.rejected {
            self.answers.with_label_values(&[reason.name()]).inc_by(*count);
        }
    }

    /// Counts a request.
    pub fn request(&self, route: &str, status: u16) {
        let class = match status {
            0..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.with_label_values(&[route, class]).inc();
    }

    /// The metrics as text.
    ///
    /// # Errors
    /// In words: the store or the encoder failed.
    pub async fn text(&self, app: &App) -> Result<Vec<u8>, String> {
        for (state, count) in app.store.count_jobs().await.map_err(|e| e.to_string())? {
            self.jobs
                .with_label_values(&[state.name()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        for node in app.nodes.iter() {
            self.node_up
                .with_label_values(&[node.name()])
                .set(i64::from(node.channel().is_some()));
        }
        let mut text = Vec::new();
        TextEncoder::new()
            .encode(&self.registry.gather(), &mut text)
            .map_err(|e| e.to_string())?;
        Ok(text)
    }
}
