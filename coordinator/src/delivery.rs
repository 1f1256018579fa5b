//! Brings one node what it lacks: opens jobs at it, delivers their submissions in order, and tells it what makes it erase jobs that have ended.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tacit_mpc_core::digest::Digest;
use tacit_program::{Backoff, LastReason};
use tacit_protocol::codec::decode;
use tacit_protocol::control::{Refusal, Reply, Request};
use tacit_protocol::identity::Signed;
use tacit_protocol::job::JobId;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Header;
use tacit_protocol::withdrawal::Erasure;
use tokio::time::{Instant, sleep_until};

use crate::active_jobs::ActiveJob;
use crate::app::{App, Shared};
use crate::nodes::{Channel, LinkState, NodeError, ask, open_job};
use crate::store::{Ending, PendingWithdrawal, StoreError};

/// The most submissions of one batch.
const BATCH: usize = 256;
/// The most bytes of a batch of more than one submission. A batch is copied several times on its way, which is fastest while it fits
/// the processor's caches.
const BATCH_BYTES: usize = 1 << 20;

/// The pauses after a failed delivery.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Delivers to a node whenever it is connected. Returns only if there is no such node.
pub(crate) async fn deliver_loop(app: Shared, index: usize) {
    let Some(node) = app.nodes.get(index) else { return };
    let mut link = node.follow();
    loop {
        let state = link.borrow_and_update().clone();
        let changed = match state {
            // A request that is cut off here is repeated on the next connection.
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

/// When a delivery that failed is tried again.
struct Retry {
    at: Instant,
    backoff: Backoff,
}

/// What a node has on this connection. On every connection it gets all of it again, as its store may be another one.
#[derive(Default)]
struct Brought {
    /// Revocations, by digest and with each job they are for: a node forgets them with the last job of the issuers.
    revocations: HashSet<(JobId, Digest)>,
    /// The jobs that it was told to open again, as it did not know their issuers.
    reopened: HashSet<JobId>,
    /// Withdrawals for which it has no room, by the number of the submission.
    declined: HashSet<(JobId, u64)>,
}

impl Brought {
    /// Forgets jobs that are not active any more.
    fn retain(&mut self, is_active: impl Fn(&JobId) -> bool) {
        self.revocations.retain(|(id, _)| is_active(id));
        self.reopened.retain(&is_active);
        self.declined.retain(|(id, _)| is_active(id));
    }
}

async fn serve(app: &Shared, index: usize, channel: &dyn Channel) {
    let Some(node) = app.nodes.get(index) else { return };
    let mut retries: HashMap<JobId, Retry> = HashMap::new();
    let mut brought = Brought::default();
    let mut forget_at = Instant::now();
    let mut not_forgotten: LastReason<NodeError> = LastReason::default();
    loop {
        if forget_at <= Instant::now() {
            match forget(app, index, channel).await {
                Ok(()) => not_forgotten.clear(),
                Err(error) => {
                    if not_forgotten.is_new_by(&error, NodeError::is_like) {
                        tracing::warn!(node = node.name(), %error, "a job that has ended is not erased yet");
                    }
                    forget_at = Instant::now() + LONGEST_PAUSE;
                }
            }
        }
        let jobs = app.active_jobs.all();
        let is_active = |id: &JobId| jobs.iter().any(|active| active.job().id() == id);
        retries.retain(|id, _| is_active(id));
        brought.retain(is_active);
        let mut delivered = false;
        for active in &jobs {
            let id = active.job().id();
            if retries.get(id).is_some_and(|retry| retry.at > Instant::now()) {
                continue;
            }
            let delivering = async {
                revoke(app, index, channel, active, &mut brought).await?;
                withdraw(app, index, channel, active, &mut brought).await?;
                deliver_next(app, index, channel, active).await
            };
            match delivering.await {
                Ok(something) => {
                    delivered |= something;
                    retries.remove(id);
                    active.set_error(index, None);
                }
                Err(error) => {
                    // The last reason is kept with the job, so that a new connection does not log it again.
                    if active.progress(index).error.is_none_or(|(last, _)| !last.is_like(&error)) {
                        tracing::warn!(node = node.name(), job = %id, %error, "not delivered yet");
                    }
                    active.set_error(index, Some(error));
                    let retry = retries.entry(id.clone()).or_insert_with(|| Retry {
                        at: Instant::now(),
                        backoff: Backoff::new(FIRST_PAUSE, LONGEST_PAUSE),
                    });
                    retry.at = Instant::now() + retry.backoff.next_pause();
                }
            }
        }
        if !delivered {
            let next = retries
                .values()
                .map(|retry| retry.at)
                .chain((forget_at > Instant::now()).then_some(forget_at))
                .min();
            let retry = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = node.has_work() => {}
                () = retry => {}
            }
        }
    }
}

/// Opens a job at a node, or delivers the next batch of its submissions. Returns false if the node has everything.
async fn deliver_next(app: &Shared, index: usize, channel: &dyn Channel, active: &ActiveJob) -> Result<bool, NodeError> {
    let job = active.job();
    let progress = active.progress(index);
    if !progress.opened {
        let spec = app
            .store
            .spec(job.id())
            .await?
            .ok_or_else(|| NodeError::Store(format!("it has no spec of job {}", job.id())))?;
        let request = Request::OpenJob {
            id: job.id().clone(),
            spec,
        };
        open_job(channel, &request, job.digest()).await?;
        app.store.set_opened(job.id(), index, true).await?;
        active.set_opened(index, true);
        return Ok(true);
    }
    // Read before the store: it has all submissions that are received.
    let received = active.received();
    if progress.cursor >= received {
        return Ok(false);
    }
    let pending = app.store.pending(job.id(), index, progress.cursor, BATCH, BATCH_BYTES).await?;
    let Some(last) = pending.last() else {
        // All that were left are withdrawn.
        let cursor = received;
        app.store.delivered(job.id(), index, cursor, Vec::new()).await?;
        active.delivered(index, cursor, &[]);
        return Ok(true);
    };
    let cursor = last.sequence + 1;
    let sequences: Vec<u64> = pending.iter().map(|one| one.sequence).collect();
    let submissions: Vec<(Digest, Vec<u8>)> = pending.into_iter().map(|one| (one.digest, one.delivery)).collect();
    let request = Request::Deliver {
        job: job.id().clone(),
        submissions,
    };
    match ask(channel, &request).await {
        Ok(Reply::Delivered(outcomes)) if outcomes.len() == sequences.len() => {
            let refused: Vec<(u64, RejectReason)> = sequences
                .into_iter()
                .zip(outcomes)
                .filter_map(|(sequence, outcome)| Some((sequence, outcome?)))
                .collect();
            app.store.delivered(job.id(), index, cursor, refused.clone()).await?;
            active.delivered(index, cursor, &refused.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>());
            Ok(true)
        }
        Ok(_) => Err(NodeError::UnexpectedReply("expected one outcome for each submission")),
        // The node has lost the job, so it gets everything again.
        Err(error @ NodeError::Refused(Refusal::UnknownJob(_))) => {
            open_again(app, active, index).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Notes that a node has lost a job: it is told of the job again, and gets everything again.
pub(crate) async fn open_again(app: &App, active: &ActiveJob, index: usize) -> Result<(), StoreError> {
    app.store.set_opened(active.job().id(), index, false).await?;
    active.set_opened(index, false);
    Ok(())
}

/// Brings a node the revocations of a job's issuers, before any submission that comes later than they.
async fn revoke(app: &Shared, index: usize, channel: &dyn Channel, active: &ActiveJob, brought: &mut Brought) -> Result<(), NodeError> {
    let Some(issuers) = &active.job().terms().issuers else {
        return Ok(());
    };
    if !active.progress(index).opened {
        return Ok(());
    }
    for digest in app.store.revocations(issuers.digest()).await? {
        let id = active.job().id();
        let one = (id.clone(), digest);
        if brought.revocations.contains(&one) {
            continue;
        }
        let Some(revocation) = app.store.revocation(digest).await? else {
            continue;
        };
        match ask(channel, &Request::Revoke(revocation)).await {
            Ok(Reply::Revoked) => {}
            Ok(_) => return Err(NodeError::UnexpectedReply("expected that the revocation is stored")),
            // It has lost the job with its issuers. So it is told of the job first, and gets the revocation after that.
            Err(NodeError::Refused(Refusal::Malformed(_))) if brought.reopened.insert(id.clone()) => {
                open_again(app, active, index).await?;
                return Ok(());
            }
            // The others are delivered all the same: this coordinator takes nothing of whom the issuers have revoked.
            Err(NodeError::Refused(refusal @ (Refusal::Malformed(_) | Refusal::Policy { .. }))) => {
                tracing::warn!(job = %id, node = index, %refusal, "a node does not store a list of revoked people");
            }
            Err(error) => return Err(error),
        }
        brought.revocations.insert(one);
    }
    Ok(())
}

/// Tells a node of submissions that were taken back, and keeps its receipts.
async fn withdraw(app: &Shared, index: usize, channel: &dyn Channel, active: &ActiveJob, brought: &mut Brought) -> Result<(), NodeError> {
    let id = active.job().id();
    if !active.progress(index).opened {
        return Ok(());
    }
    let mut after = None;
    loop {
        let pending = app.store.pending_withdrawals(id, index, after).await?;
        if pending.is_empty() {
            return Ok(());
        }
        for PendingWithdrawal {
            sequence,
            header,
            signature,
        } in pending
        {
            after = Some(sequence);
            if brought.declined.contains(&(id.clone(), sequence)) {
                continue;
            }
            let signed: Signed<Header> = decode(&header, "a submission's header").map_err(|error| NodeError::Store(error.to_string()))?;
            let request = Request::Withdraw {
                job: id.clone(),
                header,
                signature,
            };
            let receipt = match ask(channel, &request).await {
                Ok(Reply::Withdrawn(receipt)) => receipt,
                Ok(_) => return Err(NodeError::UnexpectedReply("expected a receipt of an erasure")),
                // The list does not name it, so the computation is right without this node's receipt.
                Err(NodeError::Refused(Refusal::Frozen(_))) => return Ok(()),
                // The node never had the submission, and has no room to note that. Everything else it gets all the same.
                Err(NodeError::Refused(refusal @ Refusal::Policy { .. })) => {
                    tracing::warn!(job = %id, sequence, node = index, %refusal, "a node does not note a withdrawal");
                    brought.declined.insert((id.clone(), sequence));
                    continue;
                }
                // The node has lost the job: it is opened again, and gets everything again.
                Err(error @ NodeError::Refused(Refusal::UnknownJob(_))) => {
                    open_again(app, active, index).await?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            };
            if Erasure::signer(&receipt, &app.cluster, &signed.value) != Some(index) {
                return Err(NodeError::UnexpectedReply(
                    "its receipt of an erasure is not signed by it for the submission",
                ));
            }
            app.store.keep_erasure(id, sequence, index, &receipt).await?;
            active.changed();
        }
    }
}

async fn forget(app: &Shared, index: usize, channel: &dyn Channel) -> Result<(), NodeError> {
    for job in app.store.to_forget(index).await? {
        let id = job.clone();
        let request = match app.store.ending(&job).await? {
            Some(Ending::Certified(certificate)) => Request::Certified { job: id, certificate },
            Some(Ending::Cancelled(signature)) => Request::Cancel {
                job: id,
                signature: Some(signature),
            },
            // It was purged meanwhile.
            None => continue,
        };
        match ask(channel, &request).await {
            Ok(Reply::Erased) | Err(NodeError::Refused(Refusal::UnknownJob(_) | Refusal::Ended(_))) => {
                app.store.forgotten(&job, index).await?;
            }
            Ok(_) => return Err(NodeError::UnexpectedReply("expected that the job is erased")),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
