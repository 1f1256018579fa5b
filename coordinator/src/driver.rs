//! Drives one job to its end: open, closing, computing, verified, published. Everything it needs to
//! go on after a crash is in the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::api::JobState;
use tacit_protocol::certificate::Certified;
use tacit_protocol::control::Refusal;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::app::{STORE_RETRY, Shared};
use crate::board::Live;
use crate::compute::{Failure, compute};
use crate::nodes::Trouble;
use crate::publish::{Foreseen, Publication, PublishError, conclude, publication};
use crate::schedule::{Choice, Word, choose, deviating, missed, standings};
use crate::store::{JobRow, StoreError};
use crate::tidy::tidy;

/// The pause after the first failed computation; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// After this many computations in a row that did not end well, busy nodes are left out too where possible.
const PATIENCE: u32 = 3;

/// The longest sleep: clocks are set, machines are suspended.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Drives a job until it has ended, then takes it off the board.
pub async fn drive(app: Shared, live: Arc<Live>) {
    let mut driver = Driver {
        app,
        live,
        avoid: NodeSet::default(),
        seen: Vec::new(),
        setbacks: 0,
        said: String::new(),
        foreseen: None,
        certified: None,
    };
    let id = driver.live.job().id().clone();
    let state = loop {
        match driver.step().await {
            Ok(None) => {}
            Ok(Some(state)) => break state,
            Err(error) => {
                if driver.said != error.to_string() {
                    tracing::error!(job = %id, %error, "the job waits for the store");
                    driver.said = error.to_string();
                }
                sleep(STORE_RETRY).await;
            }
        }
    };
    tracing::info!(job = %id, state = state.name(), "the job has ended");
    driver.app.board.remove(&id);
    driver.live.changed();
    driver.app.nodes.wake();
    tidy(&driver.app, &id).await;
}

struct Driver {
    app: Shared,
    live: Arc<Live>,
    avoid: NodeSet,
    /// What nodes saw that no honest node sends, in all computations so far.
    seen: Vec<Word>,
    /// Computations in a row that did not end well, whatever the cause.
    setbacks: u32,
    /// The cause that was logged last: a node that is away for a day is one line, not thousands.
    said: String,
    /// What is known of the list: no submission comes after the first computation began.
    foreseen: Option<Arc<Foreseen>>,
    /// The certificate that was stored last, so that it is not read and verified again to be published.
    certified: Option<Certified>,
}

impl Driver {
    /// Does what the job's state asks for; gives the final state once it is there.
    async fn step(&mut self) -> Result<Option<JobState>, StoreError> {
        // Changes from here on wake what follows, so none is missed.
        let mut changes = self.live.changes();
        let Some(row) = self.app.store.job(self.live.job().id()).await? else {
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
        let left = closes_in(self.live.job().terms().closes_at.as_deref());
        if self.live.is_full() || left == Some(Duration::ZERO) {
            self.app.store.close_job(self.live.job().id()).await?;
            self.live.changed();
            return Ok(());
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)) => {}
        }
        Ok(())
    }

    async fn attempt(&mut self, row: &JobRow, changes: &mut watch::Receiver<()>) -> Result<(), StoreError> {
        let (app, live) = (&Arc::clone(&self.app), &Arc::clone(&self.live));
        // No submission comes any more.
        live.set_received(row.submissions);
        changes.mark_unchanged();
        let participants = match choose(&standings(app, live, row.submissions), app.quorum(), self.avoid, Instant::now()) {
            Choice::Go(participants) => participants,
            Choice::Wait(until) => {
                let pause = until.map_or(LOOK_AGAIN, |until| until.saturating_duration_since(Instant::now()));
                app.nodes.wake();
                tokio::select! {
                    _ = changes.changed() => {}
                    () = sleep(pause) => {}
                }
                return Ok(());
            }
        };
        let job = live.job();
        let list = app.store.list(job.id()).await?;
        let Some(attempt) = app.store.begin_attempt(job.id()).await? else {
            return Ok(());
        };
        live.set_running(Some(participants));
        tracing::info!(job = %job.id(), attempt, ?participants, submissions = list.len(), "computing");
        let began = Instant::now();
        // Read while the nodes compute, when nobody waits for it, and only once.
        let known = self.foreseen.clone();
        let foreseen = async {
            if let Some(known) = known {
                return Ok(known);
            }
            let headers = app.store.headers(job.id()).await?;
            let (of, list) = (Arc::clone(live), list.clone());
            let foreseen = tokio::task::spawn_blocking(move || Foreseen::of(of.job(), &list, &headers)).await;
            foreseen.map(Arc::new).map_err(|_| StoreError::ShuttingDown)
        };
        let computation = compute(app, live, participants, attempt, list.clone());
        let (outcome, foreseen) = tokio::join!(live.cancelled().run_until_cancelled(computation), foreseen);
        self.foreseen = foreseen.as_ref().ok().cloned();
        match outcome {
            None => live.set_running(None),
            Some(Err(failure)) => self.set_back(failure, attempt).await?,
            Some(Ok(computed)) => {
                let session = computed.first().map(|(_, one)| one.released.subject().session);
                // What cannot be stored is computed again.
                let lost = |error: StoreError| {
                    app.metrics.computation_failed();
                    error
                };
                let foreseen = foreseen.map_err(lost)?;
                let (cluster, of) = (Arc::clone(&app.cluster), Arc::clone(live));
                let work = move || conclude(&cluster, of.job(), participants, &list, &foreseen, computed);
                match tokio::task::spawn_blocking(work).await {
                    Ok(Ok((conclusion, certified))) => {
                        let session = session.map(tracing::field::display);
                        tracing::info!(job = %job.id(), attempt, session, "verified");
                        app.metrics.computed(began.elapsed());
                        let stored = app.store.conclude(job.id(), conclusion).await.map_err(lost)?;
                        live.set_running(None);
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

    /// Decides what follows from a failed computation, and waits before the next.
    async fn set_back(&mut self, failure: Failure, attempt: u32) -> Result<(), StoreError> {
        let (app, live) = (Arc::clone(&self.app), Arc::clone(&self.live));
        app.metrics.computation_failed();
        let id = live.job().id();
        let reason = failure.words(&app.cluster);
        if reason != self.said {
            tracing::warn!(job = %id, attempt, reason, "the computation failed");
        }
        if let Some(reason) = failure.about_gold(app.cluster.access().threshold()) {
            app.store.fail_job(id, reason.to_owned()).await?;
        } else if failure.is_final(app.cluster.nodes().len(), app.cluster.access().threshold(), app.quorum()) {
            app.store.fail_job(id, reason.clone()).await?;
        } else if failure.is_deviation() {
            app.store.attempt_failed(id, reason.clone(), app.max_attempts).await?;
        }
        for (node, trouble) in &failure.0 {
            if matches!(trouble, Trouble::Refused(Refusal::UnknownJob(_))) {
                app.store.set_opened(id, *node, false).await?;
                live.set_opened(*node, false);
            }
        }
        let words = failure.session_words();
        self.seen.extend(words.iter().filter(|word| word.dispute().is_some()));
        let nodes = app.cluster.nodes().len();
        let mut avoid = deviating(&self.seen, nodes, nodes - app.quorum())
            .union(missed(&words, nodes, app.cluster.access().threshold()))
            .union(failure.unable());
        if self.setbacks >= PATIENCE {
            avoid = avoid.union(failure.busy());
            let suspected = words.iter().fold(NodeSet::default(), |all, word| all.union(word.suspects));
            if avoid.is_empty() && !suspected.is_empty() {
                // Two nodes that accuse each other, perhaps only cut off from each other: one of them at a time is left out.
                avoid = suspected.iter().nth(self.setbacks as usize % suspected.len()).into_iter().collect();
            }
        }
        live.set_back(failure.0);
        self.avoid = avoid;
        self.said = reason;
        self.pause().await
    }

    /// What the nodes returned does not verify: some node deviates, and it is tried again as often as
    /// any deviation is.
    async fn deviated(&mut self, error: &PublishError, attempt: u32) -> Result<(), StoreError> {
        let (app, live) = (Arc::clone(&self.app), Arc::clone(&self.live));
        app.metrics.computation_failed();
        let id = live.job().id();
        let suspects = error.suspects(&app.cluster);
        self.seen.extend(suspects.iter().next().map(|node| Word {
            node,
            suspects,
            transient: false,
        }));
        let nodes = app.cluster.nodes().len();
        self.avoid = deviating(&self.seen, nodes, nodes - app.quorum());
        tracing::warn!(job = %id, attempt, %error, "the nodes' outputs cannot be used");
        app.store.attempt_failed(id, error.to_string(), app.max_attempts).await?;
        live.set_running(None);
        self.pause().await
    }

    /// Waits before the next computation, longer each time.
    async fn pause(&mut self) -> Result<(), StoreError> {
        let Self { app, live, .. } = &*self;
        app.nodes.wake();
        let pause = crate::nodes::with_jitter((FIRST_PAUSE * 2u32.saturating_pow(self.setbacks.min(8))).min(LONGEST_PAUSE));
        let ended = app.store.job(live.job().id()).await?.is_none_or(|row| row.state.is_final());
        if !ended {
            live.cancelled().run_until_cancelled(sleep(pause)).await;
        }
        self.setbacks += 1;
        Ok(())
    }

    async fn publish(&mut self) -> Result<(), StoreError> {
        let certified = self.certified.take();
        let Self { app, live, .. } = &*self;
        let id = live.job().id();
        let work = match certified {
            Some(certified) => tokio::task::spawn_blocking(move || Publication::of(certified)),
            // Another process stored it.
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
                live.changed();
                Ok(())
            }
            // Nothing is wrong with the result: it is published as soon as it can be.
            Ok(Err(PublishError::Text(reason))) => Err(StoreError::Text { reason }),
            Ok(Err(error)) => self.fail(&error).await,
            Err(_) => Err(StoreError::ShuttingDown),
        }
    }

    async fn fail(&self, error: &PublishError) -> Result<(), StoreError> {
        self.app.store.fail_job(self.live.job().id(), error.to_string()).await?;
        self.app.metrics.computation_failed();
        self.live.changed();
        Ok(())
    }
}

/// How long until a job closes by itself; zero when that is past.
fn closes_in(closes_at: Option<&str>) -> Option<Duration> {
    let at: Timestamp = closes_at?.parse().ok()?;
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_times() {
        assert_eq!(closes_in(None), None);
        assert_eq!(closes_in(Some("2001-01-01T00:00:00Z")), Some(Duration::ZERO));
        assert!(closes_in(Some("2999-01-01T00:00:00Z")).unwrap() > LOOK_AGAIN);
    }
}
