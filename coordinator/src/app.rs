//! The state that all parts of the coordinator share.

use std::sync::Arc;

use tacit_protocol::api::JobStatus;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::credential::CheckedCredentials;
use tacit_protocol::identity::{PublicKey, SecretKey};
use tacit_protocol::job::JobId;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::active_jobs::ActiveJobs;
use crate::buyers::Buyers;
use crate::config::{EnrolmentMode, Loaded};
use crate::enrolments::Enrolments;
use crate::limits::Quotas;
use crate::locks::Locks;
use crate::metrics::Metrics;
use crate::nodes::Nodes;
use crate::pages::Pages;
use crate::status::{self, View};
use crate::store::{Store, StoreError};
use crate::uploads::Uploads;
use tacit_http_server::{Budget, PerOrigin, Places};

/// How many specs are read at once, one of each buyer: they are large.
const SPECS: usize = 4;

/// How many long lists of receipts are sent at once, one to each key: the longest has many megabytes.
const LONG_RECEIPTS: usize = 4;

/// How many large lists of revocations are read at once. Each takes 2 MB.
const REVOCATIONS: usize = 16;

/// How many of them from one origin.
const REVOCATIONS_PER_ORIGIN: PerOrigin = PerOrigin {
    loopback: REVOCATIONS,
    other: 1,
};

/// How many stored texts are sent at once. Each takes some megabytes.
const TEXTS: usize = 64;

/// How many of them to one origin.
const TEXTS_PER_ORIGIN: PerOrigin = PerOrigin { loopback: TEXTS, other: 8 };

/// The state that all parts of the coordinator share.
pub(crate) struct App {
    /// The cluster, as the cluster file describes it.
    pub cluster: Arc<Cluster>,
    /// The text of the cluster file.
    pub cluster_text: String,
    /// The coordinator's secret key, which signs receipts.
    pub key: SecretKey,
    /// Whether the API is served over TLS by this program.
    pub tls: bool,
    /// Which pages may use the API from a browser.
    pub pages: Pages,
    /// The buyers, who may open jobs.
    pub buyers: Buyers,
    /// Whether contributors may enrol themselves.
    pub enrolment: EnrolmentMode,
    /// How many contributors are enrolled in an hour.
    pub enrolments: Enrolments,
    /// How many computations of one job may fail before the job fails.
    pub max_attempts: u32,
    /// What one buyer's jobs may take together.
    pub quotas: Quotas,
    /// After how many seconds what is known of a job that has ended is purged; `None` if it is kept.
    pub keep_results_seconds: Option<u64>,
    /// Places for specs that are being read, by the names of their buyers.
    pub specs: Budget<String>,
    /// Places for long lists of a contributor's receipts that are being sent, by its key.
    pub long_receipts: Budget<PublicKey>,
    /// Places for large lists of revocations that are being read.
    pub revocations: Places,
    /// The store for everything that outlives the process.
    pub store: Store,
    /// The nodes and the state of their connections.
    pub nodes: Nodes,
    /// The jobs that have not ended.
    pub active_jobs: ActiveJobs,
    /// The coordinator's metrics.
    pub metrics: Metrics,
    /// Limits the connections to the API.
    pub connections: Places,
    /// The credentials whose signatures were checked.
    pub credentials: CheckedCredentials,
    /// Limits the stored texts that are sent at once.
    pub texts: Places,
    /// Limits the uploads that are read at once.
    pub uploads: Uploads,
    /// Locked while a job is opened, so that two requests for one id are handled one after the other.
    pub opening: Locks,
    /// Ends all servers and tasks when it is cancelled.
    pub shutdown: CancellationToken,
    /// The tasks that run beside the servers.
    pub tasks: TaskTracker,
}

/// A shared [`App`].
pub(crate) type Shared = Arc<App>;

impl App {
    /// Creates the state, without any task that works on it.
    pub(crate) fn new(loaded: Loaded, store: Store, metrics: Metrics) -> Shared {
        let Loaded {
            config,
            cluster,
            cluster_text,
            key,
            buyers,
            certificate,
        } = loaded;
        Arc::new(Self {
            nodes: Nodes::new(&cluster),
            active_jobs: ActiveJobs::default(),
            connections: Places::new(config.limits.connections, config.limits.connections_per_origin()),
            texts: Places::new(TEXTS, TEXTS_PER_ORIGIN),
            uploads: Uploads::new(&config.limits, &metrics.queues),
            metrics,
            opening: Locks::default(),
            credentials: CheckedCredentials::default(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            enrolment: config.enrolment,
            enrolments: Enrolments::new(&config.quotas),
            max_attempts: config.max_attempts,
            quotas: config.quotas,
            keep_results_seconds: config.retention.seconds(),
            pages: Pages::new(config.page_origins.as_deref(), &cluster.file().coordinator.url),
            specs: Budget::new(SPECS),
            long_receipts: Budget::new(LONG_RECEIPTS),
            revocations: Places::new(REVOCATIONS, REVOCATIONS_PER_ORIGIN),
            cluster,
            cluster_text,
            key,
            buyers,
            store,
            tls: certificate.is_some(),
        })
    }

    /// How many nodes a computation needs.
    pub(crate) fn quorum(&self) -> usize {
        self.cluster.access().quorum()
    }

    /// Runs a task until it ends or the program shuts down.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            shutdown.run_until_cancelled(task).await;
        });
    }

    /// The status of a job, as this view shows it; `None` if there is no such job.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn status(&self, id: &JobId, view: View) -> Result<Option<JobStatus>, StoreError> {
        let active = self.active_jobs.get(id);
        let row = self.store.job(id).await?;
        Ok(row.map(|row| status::of(row, view, active.as_deref(), &self.nodes)))
    }

    /// Notifies whenever the status of a job may have changed; `None` if the job has ended.
    pub(crate) fn changes_of(&self, id: &JobId) -> Option<watch::Receiver<()>> {
        self.active_jobs.get(id).map(|active| active.changes())
    }
}
