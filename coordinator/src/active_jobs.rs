//! The jobs that have not ended: their state in memory, and notifications of its changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::phase::Phase;
use tacit_protocol::submission::Statement;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::completeness::Completeness;
use crate::nodes::NodeError;

/// The jobs that have not ended, by id.
#[derive(Default)]
pub(crate) struct ActiveJobs(RwLock<BTreeMap<JobId, Arc<ActiveJob>>>);

impl ActiveJobs {
    /// Adds a job.
    pub(crate) fn add(&self, active: Arc<ActiveJob>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(active.job().id().clone(), active);
    }

    /// Removes a job that has ended.
    pub(crate) fn remove(&self, id: &JobId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The job of this id, if it has not ended.
    pub(crate) fn get(&self, id: &JobId) -> Option<Arc<ActiveJob>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All jobs that have not ended, in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Arc<ActiveJob>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A job that has not ended.
pub(crate) struct ActiveJob {
    job: Job,
    cancelled: CancellationToken,
    changed: watch::Sender<()>,
    inner: Mutex<Inner>,
}

struct Inner {
    received: u64,
    /// How many nodes a computation needs.
    quorum: usize,
    completeness: Completeness,
    progress: Vec<DeliveryProgress>,
    running: Option<NodeSet>,
    setbacks: Vec<(usize, NodeError)>,
    refusing: NodeSet,
    /// Whether a node may have recorded a release.
    may_be_recorded: bool,
}

/// How much of a job one node has.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeliveryProgress {
    /// Whether the node has opened the job.
    pub opened: bool,
    /// How many submissions the node has: the first `cursor` ones.
    pub cursor: u64,
    /// Why delivering to the node fails, and since when.
    pub error: Option<(NodeError, Instant)>,
    /// The phase of its computation, if it computes.
    pub phase: Option<Phase>,
}

impl Inner {
    /// Counts the submissions that a quorum of nodes has. `refused` are sequence numbers with a node that refuses the submission.
    fn count(&mut self, refused: &[(u64, usize)]) {
        for (sequence, node) in refused {
            self.completeness.refuse(*sequence, *node);
        }
        let mut cursors: Vec<u64> = self.progress.iter().map(|progress| progress.cursor).collect();
        cursors.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(reached) = cursors.get(self.quorum.saturating_sub(1)) {
            self.completeness.reach(*reached);
        }
    }
}

impl ActiveJob {
    /// A job that `quorum` nodes can compute, of which `threshold` may be corrupt. `deliveries` says for each node whether it has opened the job, and how many submissions it
    /// has.
    pub(crate) fn new(job: Job, (quorum, threshold): (usize, usize), deliveries: Vec<(bool, u64)>) -> Self {
        let progress = deliveries
            .into_iter()
            .map(|(opened, cursor)| DeliveryProgress {
                opened,
                cursor,
                ..DeliveryProgress::default()
            })
            .collect();
        let completeness = Completeness::new(&job, threshold);
        Self {
            job,
            cancelled: CancellationToken::new(),
            changed: watch::Sender::new(()),
            inner: Mutex::new(Inner {
                received: 0,
                quorum,
                completeness,
                progress,
                running: None,
                setbacks: Vec::new(),
                refusing: NodeSet::default(),
                may_be_recorded: false,
            }),
        }
    }

    /// The job itself.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// Cancelled when the buyer cancels the job.
    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Notifies of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Notifies everyone who waits for changes.
    pub(crate) fn changed(&self) {
        self.changed.send_replace(());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner());
        self.changed();
    }

    fn change_progress(&self, node: usize, change: impl FnOnce(&mut DeliveryProgress)) {
        self.change(|inner| {
            if let Some(progress) = inner.progress.get_mut(node) {
                change(progress);
            }
        });
    }

    /// Notes that the store has this submission, and therefore all before it.
    pub(crate) fn receive(&self, sequence: u64, statement: &Statement) {
        self.change(|inner| {
            // Uploads finish in any order.
            inner.received = inner.received.max(sequence + 1);
            inner.completeness.receive(sequence, statement);
        });
    }

    /// Notes that the store has `received` submissions.
    pub(crate) fn set_received(&self, received: u64) {
        self.change(|inner| inner.received = inner.received.max(received));
    }

    /// How many submissions the store is known to have.
    pub(crate) fn received(&self) -> u64 {
        self.inner().received
    }

    /// Whether every item has as many answers as the job asks for.
    pub(crate) fn is_full(&self) -> bool {
        self.inner().completeness.is_full()
    }

    /// How many items have as many answers as the job asks for.
    pub(crate) fn complete_items(&self) -> u64 {
        self.inner().completeness.complete_items()
    }

    /// Whether the gold answers to these items have not been uploaded yet.
    pub(crate) fn lacks_gold(&self, items: &[u32]) -> bool {
        self.inner().completeness.lacks_gold(items)
    }

    /// How much of the job a node has.
    pub(crate) fn progress(&self, node: usize) -> DeliveryProgress {
        self.inner().progress.get(node).cloned().unwrap_or_default()
    }

    /// Notes that a node has opened the job, or that it does not know it any more.
    pub(crate) fn set_opened(&self, node: usize, opened: bool) {
        self.change_progress(node, |progress| {
            progress.opened = opened;
            if !opened {
                progress.cursor = 0;
            }
        });
    }

    /// Notes that a node has the first `cursor` submissions. `refused` are the sequence numbers of those that it refuses.
    pub(crate) fn delivered(&self, node: usize, cursor: u64, refused: &[u64]) {
        self.change(|inner| {
            if let Some(progress) = inner.progress.get_mut(node) {
                progress.cursor = cursor;
            }
            inner.count(&refused.iter().map(|sequence| (*sequence, node)).collect::<Vec<_>>());
        });
    }

    /// Notes that a submission was taken back.
    pub(crate) fn withdraw(&self, sequence: u64) {
        self.change(|inner| inner.completeness.withdraw(sequence));
    }

    /// How many of the `stored` answers take room of the job: all but those that never count, as too many nodes refuse them.
    pub(crate) fn taking_room(&self, stored: u64) -> u64 {
        stored.saturating_sub(self.inner().completeness.refused_answers())
    }

    /// Notes which submissions, by sequence number, which node refused before the restart.
    pub(crate) fn restore_refused(&self, refused: &[(u64, usize)]) {
        self.change(|inner| inner.count(refused));
    }

    /// Notes why delivering to a node fails, or that it succeeds again.
    pub(crate) fn set_error(&self, node: usize, error: Option<NodeError>) {
        if error.is_none() && self.progress(node).error.is_none() {
            return;
        }
        self.change_progress(node, |progress| {
            let since = progress.error.as_ref().map_or_else(Instant::now, |(_, since)| *since);
            progress.error = error.map(|error| (error, since));
        });
    }

    /// Notes which nodes compute.
    pub(crate) fn set_running(&self, running: Option<NodeSet>) {
        self.change(|inner| {
            inner.running = running;
            inner.setbacks.clear();
            inner.progress.iter_mut().for_each(|progress| progress.phase = None);
        });
    }

    /// The nodes that compute; `None` if no computation runs.
    pub(crate) fn running(&self) -> Option<NodeSet> {
        self.inner().running
    }

    /// Notes that the computation has failed, the errors of the nodes, and which nodes refuse submissions that the others hold.
    pub(crate) fn set_back(&self, setbacks: Vec<(usize, NodeError)>, refusing: NodeSet) {
        self.change(|inner| {
            inner.running = None;
            inner.setbacks = setbacks;
            inner.refusing = refusing;
        });
    }

    /// The nodes that refused submissions which the others hold, when the last computation failed; none if it failed for another
    /// reason.
    pub(crate) fn refusing(&self) -> NodeSet {
        self.inner().refusing
    }

    /// The errors of the last computation, until the next one begins.
    pub(crate) fn setbacks(&self) -> Vec<(usize, NodeError)> {
        self.inner().setbacks.clone()
    }

    /// Notes the phase in which a node is.
    pub(crate) fn set_phase(&self, node: usize, phase: Phase) {
        // A node records a release between these phases, and the news may be late. A node that knows of a withdrawal refuses before the
        // session, so no honest one gets here then.
        if phase >= Phase::Verify {
            self.inner().may_be_recorded = true;
        }
        self.change_progress(node, |progress| progress.phase = Some(phase));
    }

    /// Notes that the job was computed before this process began, with an outcome that it does not know.
    pub(crate) fn computed_before(&self) {
        self.inner().may_be_recorded = true;
    }

    /// Whether a node may have recorded a release: a node reached the phase in which it records one, or an earlier process computed the job.
    pub(crate) fn may_be_recorded(&self) -> bool {
        self.inner().may_be_recorded
    }

    /// The phase of the slowest node that computes.
    pub(crate) fn phase(&self) -> Option<Phase> {
        let inner = self.inner();
        let running = inner.running?.iter().filter_map(|node| inner.progress.get(node));
        running.map(|progress| progress.phase.unwrap_or(Phase::AcceptedSet)).min()
    }
}
