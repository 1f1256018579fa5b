//! Drives one job through its states to its end: open, closing, computing, verified, published. The store holds everything that is needed
//! to continue after a crash.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::sharing::NodeSet;
use tacit_program::{Backoff, LastReason, unix_time};
use tacit_protocol::api::JobState;
use tacit_protocol::certificate::VerifiedCertificate;
use tacit_protocol::control::Refusal;
use tacit_protocol::job::Terms;
use tacit_protocol::receipt::SaltSeed;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::active_jobs::ActiveJob;
use crate::app::Shared;
use crate::compute::{Failure, compute};
use crate::delivery::open_again;
use crate::drop_envelopes::drop_envelopes;
use crate::listed_withdrawals::take_out;
use crate::nodes::NodeError;
use crate::publish::{PreparedSet, Publication, PublishError, conclude, publication};
use crate::schedule::{Accusation, Choice, choose, deviating, missed, standings};
use crate::store::{JobRow, RETRY_PAUSE, StoreError};

/// The pauses after failed computations.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// After this many failed computations in a row, busy and suspected nodes are left out too, if a quorum remains.
const MAX_SETBACKS_WITH_BUSY_NODES: u32 = 3;

/// The longest sleep until a point in time: the clock may be set, or the machine suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Drives a job until it has ended. Then it is no longer active.
pub(crate) async fn drive(app: Shared, active: Arc<ActiveJob>) {
    let mut driver = Driver {
        app,
        active,
        avoid: NodeSet::default(),
        seen: Vec::new(),
        setbacks: 0,
        pauses: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
        last_failure: LastReason::default(),
        prepared: None,
        certified: None,
    };
    let id = driver.active.job().id().clone();
    let mut last_error: LastReason<StoreError> = LastReason::default();
    let state = loop {
        match driver.step().await {
            Ok(None) => last_error.clear(),
            Ok(Some(state)) => break state,
            Err(error) => {
                if last_error.is_new(&error) {
                    tracing::error!(job = %id, %error, "the job waits for the store");
                }
                sleep(RETRY_PAUSE).await;
            }
        }
    };
    tracing::info!(job = %id, state = state.name(), "the job has ended");
    driver.app.active_jobs.remove(&id);
    driver.active.changed();
    driver.app.nodes.wake();
    drop_envelopes(&driver.app, &id).await;
}

struct Driver {
    app: Shared,
    active: Arc<ActiveJob>,
    /// The nodes to leave out of the next computation, if a quorum remains.
    avoid: NodeSet,
    /// The accusations of all computations so far, except those of silence.
    seen: Vec<Accusation>,
    /// How many computations have failed, for whatever reason.
    setbacks: u32,
    pauses: Backoff,
    /// Why the last computation failed.
    last_failure: LastReason<String>,
    /// What was prepared during the first computation. It stays valid while the list does: no submission is accepted once a job has closed.
    prepared: Option<Arc<PreparedSet>>,
    /// The certificate that this process has stored, so that publishing does not read and verify it again.
    certified: Option<VerifiedCertificate>,
}

impl Driver {
    /// Does the next step for the job's state. Returns the state once it is final.
    async fn step(&mut self) -> Result<Option<JobState>, StoreError> {
        // Subscribed before the state is read, so that no change is missed.
        let mut changes = self.active.changes();
        let Some(row) = self.app.store.job(self.active.job().id()).await? else {
            return Ok(Some(JobState::Cancelled));
        };
        match row.state {
            JobState::Open => self.wait_for_close(&mut changes).await?,
            JobState::Closing | JobState::Computing => self.attempt(&row, &mut changes).await?,
            JobState::Verified => self.publish().await?,
            JobState::Published | JobState::Cancelled | JobState::Failed => return Ok(Some(row.state)),
        }
        Ok(None)
    }

    async fn wait_for_close(&self, changes: &mut watch::Receiver<()>) -> Result<(), StoreError> {
        let left = closes_in(self.active.job().terms(), unix_time());
        if self.active.is_full() || left == Some(Duration::ZERO) {
            self.app.store.close_job(self.active.job().id()).await?;
            self.active.changed();
            return Ok(());
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(left.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)) => {}
        }
        Ok(())
    }

    async fn attempt(&mut self, row: &JobRow, changes: &mut watch::Receiver<()>) -> Result<(), StoreError> {
        let (app, active) = (&Arc::clone(&self.app), &Arc::clone(&self.active));
        // The job is closed, so this number is final.
        active.set_received(row.submissions);
        changes.mark_unchanged();
        let participants = match choose(
            &standings(&app.nodes, active, row.submissions),
            app.quorum(),
            self.avoid,
            Instant::now(),
        ) {
            Choice::Go(participants) => participants,
            Choice::Wait(until) => {
                let pause = until.map_or(LONGEST_SLEEP, |until| until.saturating_duration_since(Instant::now()));
                app.nodes.wake();
                tokio::select! {
                    _ = changes.changed() => {}
                    () = sleep(pause) => {}
                }
                return Ok(());
            }
        };
        let job = active.job();
        let list = app.store.list(job.id()).await?;
        let Some(attempt) = app.store.begin_attempt(job.id()).await? else {
            return Ok(());
        };
        active.set_running(Some(participants));
        tracing::info!(job = %job.id(), attempt, ?participants, submissions = list.len(), "computing");
        let began = Instant::now();
        // Prepare the results once, and while the nodes compute, so that nobody waits for it.
        let known = self.prepared.clone();
        let prepared = async {
            if let Some(known) = known {
                return Ok(known);
            }
            let headers: Vec<Vec<u8>> = app.store.headers(job.id()).await?.into_iter().map(|(_, header)| header).collect();
            let (of, list) = (Arc::clone(active), list.clone());
            let prepared = tokio::task::spawn_blocking(move || PreparedSet::new(of.job(), &list, &headers)).await;
            prepared.map(Arc::new).map_err(|_| StoreError::ShuttingDown)
        };
        let salts = SaltSeed::generate(&mut UnwrapErr(SysRng));
        let computation = compute(&app.nodes, active, participants, attempt, (list.clone(), salts));
        let (outcome, prepared) = tokio::join!(active.cancelled().run_until_cancelled(computation), prepared);
        self.prepared = prepared.as_ref().ok().cloned();
        match outcome {
            None => active.set_running(None),
            Some(Err(failure)) => self.set_back(failure, attempt).await?,
            Some(Ok(computed)) => {
                let session = computed.first().map(|(_, one)| one.released.subject().session);
                // A result that cannot be stored is computed again.
                let lost = |error: StoreError| {
                    app.metrics.computation_failed();
                    error
                };
                let prepared = prepared.map_err(lost)?;
                let (cluster, of) = (Arc::clone(&app.cluster), Arc::clone(active));
                let work = move || conclude(&cluster, of.job(), participants, (&list, &salts), &prepared, computed);
                match tokio::task::spawn_blocking(work).await {
                    Ok(Ok((conclusion, certified))) => {
                        let session = session.map(tracing::field::display);
                        tracing::info!(job = %job.id(), attempt, session, "verified");
                        app.metrics.computed(began.elapsed());
                        let stored = app
                            .store
                            .conclude(job.id(), conclusion, active.complete_items())
                            .await
                            .map_err(lost)?;
                        active.set_running(None);
                        self.certified = stored.then_some(certified);
                    }
                    Ok(Err(PublishError::Text(reason))) => return Err(lost(StoreError::Text { reason })),
                    Ok(Err(error)) => self.deviated(&error, attempt).await?,
                    Err(_) => return Err(StoreError::ShuttingDown),
                }
            }
        }
        Ok(())
    }

    /// Decides what follows from a failed computation, and pauses before the next.
    async fn set_back(&mut self, failure: Failure, attempt: u32) -> Result<(), StoreError> {
        let (app, active) = (Arc::clone(&self.app), Arc::clone(&self.active));
        app.metrics.computation_failed();
        let failure = self.without_withdrawn(failure).await?;
        let id = active.job().id();
        let reason = failure.describe(&app.cluster);
        if self.last_failure.is_new(&reason) {
            tracing::warn!(job = %id, attempt, reason, "the computation failed");
        }
        let refusing = failure.refusing_what_others_hold(app.cluster.access().threshold());
        if let Some(reason) = failure.about_gold(app.cluster.access().threshold()) {
            app.store.fail_job(id, reason.to_owned()).await?;
        } else if failure.is_final(app.cluster.nodes().len(), app.cluster.access().threshold(), app.quorum()) {
            app.store.fail_job(id, reason.clone()).await?;
        } else if failure.is_deviation() && refusing.is_empty() {
            app.store.attempt_failed(id, reason.clone(), app.max_attempts).await?;
        }
        for (node, error) in &failure.0 {
            if matches!(error, NodeError::Refused(Refusal::UnknownJob(_))) {
                open_again(&app, &active, *node).await?;
            }
        }
        let accusations = failure.accusations();
        self.seen
            .extend(accusations.iter().filter(|accusation| accusation.dispute().is_some()));
        let nodes = app.cluster.nodes().len();
        let mut avoid = deviating(&self.seen, nodes, nodes - app.quorum())
            .union(missed(&accusations, nodes, app.cluster.access().threshold()))
            .union(failure.unable());
        if self.setbacks >= MAX_SETBACKS_WITH_BUSY_NODES {
            avoid = avoid.union(failure.busy());
            let suspected = accusations
                .iter()
                .fold(NodeSet::default(), |all, accusation| all.union(accusation.suspects));
            if avoid.is_empty() && !suspected.is_empty() {
                // Two nodes accuse each other, perhaps because only the link between them fails: leave out one of them at a time.
                avoid = suspected.iter().nth(self.setbacks as usize % suspected.len()).into_iter().collect();
            }
        }
        active.set_back(failure.0, refusing);
        self.avoid = avoid;
        self.pause().await
    }

    /// Removes submissions from the list whose withdrawals nodes have shown. Such a failure uses up no attempt.
    async fn without_withdrawn(&mut self, failure: Failure) -> Result<Failure, StoreError> {
        if failure.withdrawals().next().is_none() {
            return Ok(failure);
        }
        let taken_out = take_out(&self.app, &self.active, &failure).await?;
        if taken_out.submissions > 0 {
            // It was prepared for another list.
            self.prepared = None;
        }
        Ok(failure.without_withdrawals(taken_out.false_by, taken_out.waiting == 0))
    }

    /// Handles outputs that do not verify: some node deviates, so the attempt counts towards the limit.
    async fn deviated(&mut self, error: &PublishError, attempt: u32) -> Result<(), StoreError> {
        let (app, active) = (Arc::clone(&self.app), Arc::clone(&self.active));
        app.metrics.computation_failed();
        let id = active.job().id();
        let suspects = error.suspects(&app.cluster);
        self.seen.extend(suspects.iter().next().map(|node| Accusation {
            node,
            suspects,
            transient: false,
        }));
        let nodes = app.cluster.nodes().len();
        self.avoid = deviating(&self.seen, nodes, nodes - app.quorum());
        tracing::warn!(job = %id, attempt, %error, "the nodes' outputs cannot be used");
        app.store.attempt_failed(id, error.to_string(), app.max_attempts).await?;
        active.set_running(None);
        self.pause().await
    }

    /// Waits before the next computation, longer after each failure.
    async fn pause(&mut self) -> Result<(), StoreError> {
        let pause = self.pauses.next_pause();
        let Self { app, active, .. } = &*self;
        app.nodes.wake();
        let ended = app.store.job(active.job().id()).await?.is_none_or(|row| row.state.is_final());
        if !ended {
            active.cancelled().run_until_cancelled(sleep(pause)).await;
        }
        self.setbacks += 1;
        Ok(())
    }

    async fn publish(&mut self) -> Result<(), StoreError> {
        let certified = self.certified.take();
        let Self { app, active, .. } = &*self;
        let id = active.job().id();
        let work = match certified {
            Some(certified) => tokio::task::spawn_blocking(move || Publication::from_certified(certified)),
            // An earlier process stored it.
            None => {
                let certificate = app.store.certificate(id).await?.unwrap_or_default();
                let cluster = Arc::clone(&app.cluster);
                tokio::task::spawn_blocking(move || publication(&cluster, &certificate))
            }
        };
        match work.await {
            Ok(Ok(publication)) => {
                if app.store.publish(id, publication.result, publication.payouts).await? {
                    app.metrics.published(&publication.facts);
                }
                active.changed();
                Ok(())
            }
            // Nothing is wrong with the result, so publishing it is tried again.
            Ok(Err(PublishError::Text(reason))) => Err(StoreError::Text { reason }),
            Ok(Err(error)) => self.fail(&error).await,
            Err(_) => Err(StoreError::ShuttingDown),
        }
    }

    async fn fail(&self, error: &PublishError) -> Result<(), StoreError> {
        self.app.store.fail_job(self.active.job().id(), error.to_string()).await?;
        self.app.metrics.computation_failed();
        self.active.changed();
        Ok(())
    }
}

/// The time from `now`, in Unix time, until a job closes by itself; zero if that time has passed, `None` if the job has no closing time.
fn closes_in(terms: &Terms, now: u64) -> Option<Duration> {
    // The terms were checked, so the time can be read.
    let at = terms.closes_at_seconds().ok().flatten()?;
    Some(Duration::from_secs(at.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spec;
    use tacit_protocol::fixtures::job_of;
    use tacit_protocol::job::JobSpec;

    #[test]
    fn closing_times() {
        let closing = |closes_at: Option<&str>| {
            let spec = JobSpec {
                closes_at: closes_at.map(str::to_owned),
                ..spec(1)
            };
            closes_in(job_of("signs", spec).unwrap().terms(), 1_796_083_200)
        };
        assert_eq!(closing(None), None);
        assert_eq!(closing(Some("2001-01-01T00:00:00Z")), Some(Duration::ZERO));
        assert_eq!(closing(Some("2026-12-01T00:00:00Z")), Some(Duration::ZERO));
        assert_eq!(closing(Some("2026-12-01T00:00:09Z")), Some(Duration::from_secs(9)));
    }
}
