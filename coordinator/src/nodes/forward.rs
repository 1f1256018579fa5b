//! Brings one node what it does not have: opens jobs, delivers submissions in order, tells it to
//! forget jobs that have ended.

use std::collections::HashMap;
use std::time::Duration;

use tacit_mpc_core::digest::Digest;
use tacit_protocol::control::{Refusal, Reply, Request};
use tacit_protocol::job::JobId;
use tacit_protocol::reject::RejectReason;
use tokio::time::{Instant, sleep_until};

use super::keep::with_jitter;
use super::{Channel, LinkState, Trouble, ask, open_job};
use crate::app::Shared;
use crate::board::Live;
use crate::store::StoreError;

/// The most submissions of a batch.
const BATCH: usize = 256;
/// The most bytes of a batch of more than one: it is copied some times on its way, best within the caches.
const BATCH_BYTES: usize = 1 << 20;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(10);

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// Serves a node whenever it is connected. Never ends by itself.
pub async fn forward(app: Shared, index: usize) {
    let Some(node) = app.nodes.get(index) else { return };
    let mut link = node.follow();
    loop {
        let state = link.borrow_and_update().clone();
        let changed = match state {
            // What is under way is dropped with the connection; the node is asked the same again later.
            LinkState::Up(channel) => tokio::select! {
                () = serve(&app, index, &*channel) => link.changed().await,
                changed = link.changed() => changed,
            },
            LinkState::Down { .. } => link.changed().await,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// When a job is tried again.
struct Later {
    at: Instant,
    pause: Duration,
}

async fn serve(app: &Shared, index: usize, channel: &dyn Channel) {
    let Some(node) = app.nodes.get(index) else { return };
    let mut later: HashMap<JobId, Later> = HashMap::new();
    let mut forget_at = Instant::now();
    let mut unforgotten: Option<Trouble> = None;
    loop {
        let mut went_on = false;
        if forget_at <= Instant::now() {
            match forget(app, index, channel).await {
                Ok(()) => unforgotten = None,
                Err(trouble) => {
                    if unforgotten.as_ref().is_none_or(|said| !said.is_like(&trouble)) {
                        tracing::warn!(node = node.name(), %trouble, "a job that has ended is not forgotten yet");
                    }
                    unforgotten = Some(trouble);
                    forget_at = Instant::now() + LONGEST;
                }
            }
        }
        let jobs = app.board.all();
        later.retain(|id, _| jobs.iter().any(|live| live.job().id() == id));
        for live in &jobs {
            let id = live.job().id();
            if later.get(id).is_some_and(|later| later.at > Instant::now()) {
                continue;
            }
            match bring(app, index, channel, live).await {
                Ok(progress) => {
                    went_on |= progress;
                    later.remove(id);
                    live.set_trouble(index, None);
                }
                Err(trouble) => {
                    let pause = later.get(id).map_or(FIRST, |later| (later.pause * 2).min(LONGEST));
                    // One line for each new reason, not one for each try.
                    if live.place(index).trouble.is_none_or(|(said, _)| !said.is_like(&trouble)) {
                        tracing::warn!(node = node.name(), job = %id, %trouble, "not delivered yet");
                    }
                    live.set_trouble(index, Some(trouble));
                    later.insert(
                        id.clone(),
                        Later {
                            at: Instant::now() + with_jitter(pause),
                            pause,
                        },
                    );
                }
            }
        }
        if !went_on {
            let next = later
                .values()
                .map(|later| later.at)
                .chain((forget_at > Instant::now()).then_some(forget_at))
                .min();
            let retry = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = node.work.notified() => {}
                () = retry => {}
            }
        }
    }
}

/// Brings the next part of one job; whether there was something to bring.
async fn bring(app: &Shared, index: usize, channel: &dyn Channel, live: &Live) -> Result<bool, Trouble> {
    let job = live.job();
    let place = live.place(index);
    if !place.opened {
        let spec = app.store.spec(job.id()).await?.ok_or(Trouble::Odd("the job has no spec"))?;
        open_job(
            channel,
            &Request::OpenJob {
                id: job.id().clone(),
                spec,
            },
            job.digest(),
        )
        .await?;
        app.store.set_opened(job.id(), index, true).await?;
        live.set_opened(index, true);
        return Ok(true);
    }
    if place.cursor >= live.received() {
        return Ok(false);
    }
    let pending = app.store.pending(job.id(), index, place.cursor, BATCH, BATCH_BYTES).await?;
    let Some(last) = pending.last() else { return Ok(false) };
    let cursor = last.sequence + 1;
    let sequences: Vec<u64> = pending.iter().map(|one| one.sequence).collect();
    let submissions = pending
        .into_iter()
        .map(|one| (one.digest, one.delivery))
        .collect::<Vec<(Digest, Vec<u8>)>>();
    match ask(
        channel,
        &Request::Deliver {
            job: job.id().clone(),
            submissions,
        },
    )
    .await
    {
        Ok(Reply::Delivered(outcomes)) if outcomes.len() == sequences.len() => {
            let refused: Vec<(u64, RejectReason)> = sequences
                .into_iter()
                .zip(outcomes)
                .filter_map(|(sequence, outcome)| Some((sequence, outcome?)))
                .collect();
            app.store.delivered(job.id(), index, cursor, refused.clone()).await?;
            live.delivered(index, cursor, &refused.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>());
            Ok(true)
        }
        Ok(_) => Err(Trouble::Odd("not one outcome for each submission")),
        // The node has lost the job: it gets everything again.
        Err(trouble @ Trouble::Refused(Refusal::UnknownJob(_))) => {
            app.store.set_opened(job.id(), index, false).await?;
            live.set_opened(index, false);
            Err(trouble)
        }
        Err(trouble) => Err(trouble),
    }
}

async fn forget(app: &Shared, index: usize, channel: &dyn Channel) -> Result<(), Trouble> {
    for job in app.store.to_forget(index).await? {
        match ask(channel, &Request::Cancel { job: job.clone() }).await {
            Ok(Reply::Cancelled) | Err(Trouble::Refused(Refusal::UnknownJob(_))) => app.store.forgotten(&job, index).await?,
            Ok(_) => return Err(Trouble::Odd("not that the job is forgotten")),
            Err(trouble) => return Err(trouble),
        }
    }
    Ok(())
}
