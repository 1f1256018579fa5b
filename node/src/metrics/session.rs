//! Metrics of one session: the time and traffic of each phase, and how far it came.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tacit_mpc_core::network::Traffic;
use tacit_protocol::phase::Phase;

use super::{COMPLETED, FAILED, Metrics, RECEIVED, RELEASED, SENT};

/// Measures one session from its start to its end.
///
/// A session may return to a phase; each phase is counted once, with all its time. Work before a round counts towards the phase of
/// that round.
#[derive(Debug)]
pub(crate) struct SessionMeter {
    metrics: Metrics,
    course: Mutex<Course>,
}

#[derive(Debug)]
struct Course {
    /// The end of the time that is accounted for.
    counted: Instant,
    spent: BTreeMap<Phase, Duration>,
    /// The current phase, or the phase in which the session failed.
    phase: Phase,
    traffic: Traffic,
}

impl Course {
    fn spend(&mut self, now: Instant) {
        *self.spent.entry(self.phase).or_default() += now - self.counted;
        self.counted = now;
    }
}

impl SessionMeter {
    /// Starts to measure a session.
    pub(crate) fn begin(metrics: &Metrics) -> Self {
        metrics.sessions_running.inc();
        let course = Course {
            counted: Instant::now(),
            spent: BTreeMap::new(),
            phase: Phase::AcceptedSet,
            traffic: Traffic::default(),
        };
        Self {
            metrics: metrics.clone(),
            course: Mutex::new(course),
        }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        // No panic leaves it half changed.
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a round of this phase begins.
    pub(crate) fn round(&self, phase: Phase) {
        self.course().phase = phase;
    }

    /// Notes that the round is completed, with the bytes sent and received in it.
    pub(crate) fn completed(&self, sent: usize, received: usize) {
        let mut course = self.course();
        course.spend(Instant::now());
        let (phase, metrics) = (course.phase.name(), &self.metrics);
        metrics.rounds.with_label_values(&[phase]).inc();
        metrics.bytes.with_label_values(&[phase, SENT]).inc_by(sent as u64);
        metrics.bytes.with_label_values(&[phase, RECEIVED]).inc_by(received as u64);
    }

    /// Notes how much the session has done so far.
    pub(crate) fn traffic(&self, so_far: &Traffic) {
        let mut course = self.course();
        self.metrics.products.inc_by(so_far.products - course.traffic.products);
        self.metrics.products_verified.inc_by(so_far.verified - course.traffic.verified);
        course.traffic = *so_far;
    }

    /// Notes that the session fails in this phase. `deviation` means that a peer sent something wrong.
    pub(crate) fn fails(&self, phase: Phase, deviation: bool) {
        self.course().phase = phase;
        if deviation {
            self.metrics.verification_failures.with_label_values(&[phase.name()]).inc();
        }
    }

    /// Notes that the session has ended. Unless it released its outputs, its last phase counts as failed.
    pub(crate) fn end(&self, released: bool) {
        let mut course = self.course();
        course.spend(Instant::now());
        let metrics = &self.metrics;
        metrics.sessions_running.dec();
        metrics
            .sessions
            .with_label_values(&[if released { RELEASED } else { FAILED }])
            .inc();
        for (phase, spent) in &course.spent {
            let completed = released || *phase != course.phase;
            if completed {
                metrics
                    .phase_seconds
                    .with_label_values(&[phase.name()])
                    .observe(spent.as_secs_f64());
            }
            let result = if completed { COMPLETED } else { FAILED };
            metrics.session_phases.with_label_values(&[phase.name(), result]).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::cluster;

    fn phases(metrics: &Metrics, phase: Phase) -> [u64; 3] {
        let ended = |result| metrics.session_phases.with_label_values(&[phase.name(), result]).get();
        let timed = metrics.phase_seconds.with_label_values(&[phase.name()]).get_sample_count();
        [ended(COMPLETED), ended(FAILED), timed]
    }

    #[test]
    fn a_repeated_phase_counts_once_and_the_last_phase_fails() {
        let metrics = Metrics::new(&cluster(), 0).unwrap();
        let session = SessionMeter::begin(&metrics);
        for phase in [Phase::Keys, Phase::Verify, Phase::Labels, Phase::Verify] {
            session.round(phase);
            session.completed(3, 4);
        }
        let so_far = |products, verified| Traffic {
            products,
            verified,
            ..Traffic::default()
        };
        session.traffic(&so_far(5, 0));
        session.traffic(&so_far(7, 5));
        assert_eq!(metrics.sessions_running.get(), 1.0);
        session.fails(Phase::Verify, true);
        session.end(false);
        assert_eq!(metrics.sessions_running.get(), 0.0);
        assert_eq!(phases(&metrics, Phase::Keys), [1, 0, 1]);
        assert_eq!(phases(&metrics, Phase::Verify), [0, 1, 0]);
        assert_eq!(phases(&metrics, Phase::Release), [0, 0, 0]);
        assert_eq!(metrics.rounds.with_label_values(&["verify"]).get(), 2);
        assert_eq!(metrics.bytes.with_label_values(&["verify", RECEIVED]).get(), 8);
        assert_eq!((metrics.products.get(), metrics.products_verified.get()), (7, 5));
        assert_eq!(metrics.verification_failures.with_label_values(&["verify"]).get(), 1);
        assert_eq!(metrics.sessions.with_label_values(&[FAILED]).get(), 1);
    }
}
