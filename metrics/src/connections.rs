//! Metrics of the connections that a program maintains to nodes.

use std::time::Duration;

use prometheus::{GaugeVec, IntCounterVec, Result};

use crate::Families;

/// Metrics of the connections to other nodes.
#[derive(Debug, Clone)]
pub struct Connections {
    up: GaugeVec,
    round_trip: GaugeVec,
    reconnects: IntCounterVec,
}

impl Connections {
    /// Metrics of the connections to these nodes. Their names begin with `kind`, for instance `peer`.
    ///
    /// # Errors
    /// A name is invalid or already used.
    pub fn new(families: &Families, kind: &str, names: &[&str]) -> Result<Self> {
        let of = [(kind, names)];
        Ok(Self {
            up: families.gauges(&format!("{kind}_up"), "1 while it is connected.", &of)?,
            round_trip: families.gauges(
                &format!("{kind}_round_trip_seconds"),
                "Smoothed round-trip time of the connection; 0 if there is none.",
                &of,
            )?,
            reconnects: families.counters(
                &format!("{kind}_reconnects_total"),
                "Connections that were lost and made again.",
                &of,
            )?,
        })
    }

    /// Sets the round-trip time of a connection; `None` if there is no connection.
    pub fn see(&self, name: &str, round_trip: Option<Duration>) {
        self.up.with_label_values(&[name]).set(f64::from(u8::from(round_trip.is_some())));
        self.round_trip
            .with_label_values(&[name])
            .set(round_trip.unwrap_or_default().as_secs_f64());
    }

    /// Counts a connection that was lost and is open again.
    pub fn reconnected(&self, name: &str) {
        self.reconnects.with_label_values(&[name]).inc();
    }
}
