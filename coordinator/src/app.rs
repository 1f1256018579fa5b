//! What all parts of the coordinator share.

use std::sync::Arc;
use std::time::Duration;

use tacit_metrics::Queue;
use tacit_protocol::api::{JobState, JobStatus};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::decode;
use tacit_protocol::identity::{SecretKey, Signed};
use tacit_protocol::job::{Job, JobId, JobSpec};
use tacit_protocol::submission::Header;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::board::{Board, Live};
use crate::buyers::Buyers;
use crate::config::{EnrolmentMode, Loaded};
use crate::locks::Locks;
use crate::metrics::Metrics;
use crate::nodes::{Dial, Nodes, forward, keep};
use crate::store::{JobRow, Store, StoreError};
use crate::{driver, status, tidy};

/// How many uploads are read at once: with the largest submission, the memory that strangers can fill.
pub const UPLOADS: usize = 64;

/// How long a task that met a failing store waits before it tries again.
pub const STORE_RETRY: Duration = Duration::from_secs(1);

/// What all parts of the coordinator share.
pub struct App {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The cluster file's text.
    pub cluster_text: String,
    /// The coordinator's key: it signs receipts.
    pub key: SecretKey,
    /// Who may open jobs.
    pub buyers: Buyers,
    /// Whether contributors may enrol themselves.
    pub enrolment: EnrolmentMode,
    /// How many computations of one job may fail.
    pub max_attempts: u32,
    /// The store.
    pub store: Store,
    /// The nodes.
    pub nodes: Nodes,
    /// The jobs that have not ended.
    pub board: Board,
    /// Counters.
    pub metrics: Metrics,
    /// The uploads that are read.
    pub uploads: Queue,
    /// Held while a job is opened, so that of two of one id one is second.
    pub opening: Locks,
    /// Ends everything.
    pub shutdown: CancellationToken,
    /// Everything that runs beside the servers.
    pub tasks: TaskTracker,
}

/// A shared [`App`].
pub type Shared = Arc<App>;

impl App {
    /// Puts the parts together.
    pub fn new(loaded: Loaded, store: Store, metrics: Metrics) -> Shared {
        let Loaded {
            config,
            cluster,
            cluster_text,
            key,
            buyers,
        } = loaded;
        Arc::new(Self {
            nodes: Nodes::new(&cluster),
            board: Board::default(),
            uploads: metrics.queues.queue("uploads", UPLOADS),
            metrics,
            opening: Locks::default(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            enrolment: config.enrolment,
            max_attempts: config.max_attempts,
            cluster,
            cluster_text,
            key,
            buyers,
            store,
        })
    }

    /// How many nodes a computation needs.
    pub fn quorum(&self) -> usize {
        self.cluster.access().quorum()
    }

    /// Takes up every job that has not ended, then connects to the nodes and keeps at it.
    ///
    /// # Errors
    /// The store fails, or it holds unfinished jobs of another cluster.
    pub async fn start(self: &Arc<Self>, dial: Arc<dyn Dial>) -> Result<(), StoreError> {
        self.store.check_cluster(self.cluster.digest()).await?;
        for row in self.store.jobs(None).await? {
            if !row.state.is_final() {
                self.resume(row).await?;
            }
        }
        self.spawn(tidy::left_over(Arc::clone(self)));
        for node in 0..self.cluster.nodes().len() {
            self.spawn(keep(Arc::clone(self), Arc::clone(&dial), node));
            self.spawn(forward(Arc::clone(self), node));
        }
        Ok(())
    }

    /// Runs a task until it ends or the program does.
    pub fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            shutdown.run_until_cancelled(task).await;
        });
    }

    async fn resume(self: &Arc<Self>, row: JobRow) -> Result<(), StoreError> {
        let spec = self.store.spec(&row.id).await?.unwrap_or_default();
        let id = row.id.clone();
        let parsed = tokio::task::spawn_blocking(move || JobSpec::from_json(&spec).and_then(|spec| Job::new(id, spec))).await;
        let job = match parsed {
            Ok(Ok(job)) if job.digest() == row.digest => job,
            Ok(_) => {
                // Another release checks specs otherwise, or the file was altered: neither is worth refusing to start.
                let reason = "its stored spec is not the job it was opened as: open it again under another id".to_owned();
                self.store.fail_job(&row.id, reason).await?;
                return Ok(());
            }
            Err(_) => return Err(StoreError::ShuttingDown),
        };
        let live = Live::new(job, self.quorum(), self.store.deliveries(&row.id).await?);
        if row.state == JobState::Open {
            for (sequence, header) in self.store.headers(&row.id).await?.iter().enumerate() {
                if let Ok(header) = decode::<Signed<Header>>(header, "a submission's header") {
                    live.receive(sequence as u64, &header.value.statement);
                }
            }
            live.restore_refused(&self.store.refused(&row.id).await?);
        }
        live.set_received(row.submissions);
        self.take_up(live);
        Ok(())
    }

    /// Puts a job on the board and drives it to its end.
    pub fn take_up(self: &Arc<Self>, live: Live) -> Arc<Live> {
        let live = Arc::new(live);
        self.board.add(Arc::clone(&live));
        self.spawn(driver::drive(Arc::clone(self), Arc::clone(&live)));
        self.nodes.wake();
        live
    }

    /// A job's status.
    ///
    /// # Errors
    /// The store fails.
    pub async fn status(&self, id: &JobId) -> Result<Option<JobStatus>, StoreError> {
        let live = self.board.get(id);
        Ok(self.store.job(id).await?.map(|row| status::of(row, live.as_deref(), &self.nodes)))
    }

    /// Tells that a job's status may differ.
    pub fn changes_of(&self, id: &JobId) -> Option<watch::Receiver<()>> {
        self.board.get(id).map(|live| live.changes())
    }
}
