//! The jobs that have not ended: what is known of them beyond the store, and who waits for changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::phase::Phase;
use tacit_protocol::submission::Statement;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fill::Fill;
use crate::nodes::Trouble;

/// The jobs that have not ended.
#[derive(Default)]
pub struct Board(RwLock<BTreeMap<JobId, Arc<Live>>>);

impl Board {
    /// Puts a job on the board.
    pub fn add(&self, live: Arc<Live>) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(live.job().id().clone(), live);
    }

    /// Takes a job off the board.
    pub fn remove(&self, id: &JobId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The job of this id, if it has not ended.
    pub fn get(&self, id: &JobId) -> Option<Arc<Live>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All jobs that have not ended.
    pub fn all(&self) -> Vec<Arc<Live>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A job that has not ended.
pub struct Live {
    job: Job,
    cancelled: CancellationToken,
    changed: watch::Sender<()>,
    inner: Mutex<Inner>,
}

struct Inner {
    received: u64,
    /// How many nodes a computation needs.
    quorum: usize,
    fill: Fill,
    places: Vec<Place>,
    running: Option<NodeSet>,
    setbacks: Vec<(usize, Trouble)>,
}

/// How far one node is with a job.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// Whether it has opened the job.
    pub opened: bool,
    /// How many of the submissions it has.
    pub cursor: u64,
    /// Why it gets no further, and since when.
    pub trouble: Option<(Trouble, Instant)>,
    /// The phase of the computation it is in.
    pub phase: Option<Phase>,
}

impl Inner {
    /// Counts towards the job being full what enough nodes have and none refuses.
    fn count(&mut self, refused: &[u64]) {
        refused.iter().for_each(|sequence| self.fill.refuse(*sequence));
        let mut cursors: Vec<u64> = self.places.iter().map(|place| place.cursor).collect();
        cursors.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(reached) = cursors.get(self.quorum.saturating_sub(1)) {
            self.fill.reach(*reached);
        }
    }
}

impl Live {
    /// A job that `quorum` nodes can compute, with what each node has of it: whether it is open there,
    /// and how many submissions.
    pub fn new(job: Job, quorum: usize, deliveries: Vec<(bool, u64)>) -> Self {
        let places = deliveries
            .into_iter()
            .map(|(opened, cursor)| Place {
                opened,
                cursor,
                ..Place::default()
            })
            .collect();
        let fill = Fill::of(&job);
        Self {
            job,
            cancelled: CancellationToken::new(),
            changed: watch::Sender::new(()),
            inner: Mutex::new(Inner {
                received: 0,
                quorum,
                fill,
                places,
                running: None,
                setbacks: Vec::new(),
            }),
        }
    }

    /// The job.
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Ends when the buyer cancels the job.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Resolves at every change.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Tells everyone who waits for changes.
    pub fn changed(&self) {
        self.changed.send_replace(());
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        change(&mut self.inner());
        self.changed();
    }

    fn change_place(&self, node: usize, change: impl FnOnce(&mut Place)) {
        self.change(|inner| {
            if let Some(place) = inner.places.get_mut(node) {
                change(place);
            }
        });
    }

    /// Notes that the store has this submission, and thus those before it.
    pub fn receive(&self, sequence: u64, statement: &Statement) {
        self.change(|inner| {
            // Uploads end in any order.
            inner.received = inner.received.max(sequence + 1);
            inner.fill.receive(sequence, statement);
        });
    }

    /// Notes that the store has `received` submissions.
    pub fn set_received(&self, received: u64) {
        self.change(|inner| inner.received = inner.received.max(received));
    }

    /// How many submissions the store has, as far as noted.
    pub fn received(&self) -> u64 {
        self.inner().received
    }

    /// Whether every item has as many answers as the job asks for.
    pub fn is_full(&self) -> bool {
        self.inner().fill.is_full()
    }

    /// Whether the part of the gold answers with these items is still to come.
    pub fn lacks_gold(&self, items: &[u32]) -> bool {
        self.inner().fill.lacks_gold(items)
    }

    /// How far a node is.
    pub fn place(&self, node: usize) -> Place {
        self.inner().places.get(node).cloned().unwrap_or_default()
    }

    /// Notes that a node has opened the job, or does not know it.
    pub fn set_opened(&self, node: usize, opened: bool) {
        self.change_place(node, |place| {
            place.opened = opened;
            if !opened {
                place.cursor = 0;
            }
        });
    }

    /// Notes that a node has the first `cursor` submissions, and which of them it refuses.
    pub fn delivered(&self, node: usize, cursor: u64, refused: &[u64]) {
        self.change(|inner| {
            if let Some(place) = inner.places.get_mut(node) {
                place.cursor = cursor;
            }
            inner.count(refused);
        });
    }

    /// Notes which submissions nodes have refused before.
    pub fn restore_refused(&self, refused: &[u64]) {
        self.change(|inner| inner.count(refused));
    }

    /// Notes why a node gets no further, or that it does.
    pub fn set_trouble(&self, node: usize, trouble: Option<Trouble>) {
        if trouble.is_none() && self.place(node).trouble.is_none() {
            return;
        }
        self.change_place(node, |place| {
            let since = place.trouble.as_ref().map_or_else(Instant::now, |(_, since)| *since);
            place.trouble = trouble.map(|trouble| (trouble, since));
        });
    }

    /// Notes that these nodes compute, or that none does.
    pub fn set_running(&self, running: Option<NodeSet>) {
        self.change(|inner| {
            inner.running = running;
            inner.setbacks.clear();
            inner.places.iter_mut().for_each(|place| place.phase = None);
        });
    }

    /// The nodes that compute.
    pub fn running(&self) -> Option<NodeSet> {
        self.inner().running
    }

    /// Notes that no node computes any more, and what kept them from it.
    pub fn set_back(&self, setbacks: Vec<(usize, Trouble)>) {
        self.change(|inner| {
            inner.running = None;
            inner.setbacks = setbacks;
        });
    }

    /// What ended the last computation, until the next one begins.
    pub fn setbacks(&self) -> Vec<(usize, Trouble)> {
        self.inner().setbacks.clone()
    }

    /// Notes the phase a node is in.
    pub fn set_phase(&self, node: usize, phase: Phase) {
        self.change_place(node, |place| place.phase = Some(phase));
    }

    /// The phase of the slowest of the nodes that compute.
    pub fn phase(&self) -> Option<Phase> {
        let inner = self.inner();
        let places = inner.running?.iter().filter_map(|node| inner.places.get(node));
        places.map(|place| place.phase.unwrap_or(Phase::AcceptedSet)).min()
    }
}
