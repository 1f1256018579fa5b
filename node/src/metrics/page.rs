//! Metrics of the page that a node may serve.

use std::sync::Arc;

use prometheus::{Gauge, IntCounterVec, Result};
use tacit_http_server::{OnRefusal, Refusal};
use tacit_metrics::Families;

const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// Counts requests and connections of the page.
#[derive(Debug, Clone)]
pub(crate) struct PageMeter {
    requests: IntCounterVec,
    connections: Gauge,
    refused: IntCounterVec,
}

impl PageMeter {
    /// Registers the metrics.
    pub(super) fn new(families: &Families) -> Result<Self> {
        Ok(Self {
            requests: families.counters(
                "page_requests_total",
                "Requests for files of the page, by class of status.",
                &[("status", &CLASSES)],
            )?,
            connections: families.gauge("page_connections", "Open connections to the page.")?,
            refused: families.counters(
                "page_connections_refused_total",
                "Connections to the page that were refused.",
                &[("reason", &Refusal::ALL.map(Refusal::name))],
            )?,
        })
    }

    /// Counts a request.
    pub(crate) fn request(&self, status: u16) {
        let class = CLASSES[usize::from((status / 100).clamp(2, 5) - 2)];
        self.requests.with_label_values(&[class]).inc();
    }

    /// Says how many connections are open.
    pub(crate) fn connections(&self, open: usize) {
        self.connections.set(open as f64);
    }

    /// Counts connections that are refused.
    pub(crate) fn refusals(&self) -> OnRefusal {
        let counted = self.refused.clone();
        Arc::new(move |refusal| counted.with_label_values(&[refusal.name()]).inc())
    }
}
