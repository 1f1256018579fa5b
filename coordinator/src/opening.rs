//! Opens a new job: checks it, opens it at every node that is connected, then stores it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use tacit_mpc_core::sharing::NodeSet;
use tacit_program::unix_time;
use tacit_protocol::api::JobState;
use tacit_protocol::control::{MAX_MESSAGE_BYTES, Request};
use tacit_protocol::job::{Job, JobId, SignedSpec, Terms};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::active_jobs::ActiveJob;
use crate::app::Shared;
use crate::jobs::take_up;
use crate::limits::Taken;
use crate::nodes::{LinkState, NodeError, ask, open_job};
use crate::store::{Created, NewJob, StoreError};

/// How long a new job waits for nodes to connect, right after the coordinator or a node has started.
const CONNECT_GRACE: Duration = Duration::from_secs(3);

/// The most bytes of a spec: it must fit into one request, together with the other fields.
const MAX_SPEC_BYTES: usize = MAX_MESSAGE_BYTES - 1024;

/// Why a job cannot be opened.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    /// The spec cannot be used.
    #[error("{0}")]
    Spec(String),
    /// Another job has this id.
    #[error("job `{0}` was opened with another spec: use another id")]
    Conflict(JobId),
    /// The same job was opened before, and has ended without a result.
    #[error("job `{id}` was opened before and is {}: its id is used up, use another id", state.name())]
    Ended {
        /// The job's id.
        id: JobId,
        /// Cancelled or failed.
        state: JobState,
    },
    /// The buyer's jobs would take more than one buyer may.
    #[error(
        "with this job, your jobs that have not ended exceed `{quota}` = {value} of this coordinator: wait until one has ended, or cancel one"
    )]
    Quota {
        /// The name of the quota in the coordinator's config.
        quota: &'static str,
        /// Its value.
        value: u64,
    },
    /// A node refuses the job.
    #[error("{}", join(.0))]
    Refused(Vec<(String, NodeError)>),
    /// Too few nodes are connected.
    #[error("{needed} nodes are needed, {opened} can be reached; {}", join(.errors))]
    Unavailable {
        /// How many nodes opened it.
        opened: usize,
        /// How many nodes are needed.
        needed: usize,
        /// The errors of the other nodes, by name.
        errors: Vec<(String, NodeError)>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn join(errors: &[(String, NodeError)]) -> String {
    errors
        .iter()
        .map(|(node, error)| format!("node `{node}`: {error}"))
        .collect::<Vec<_>>()
        .join("; ")
}

/// Opens a job. Returns true if it is new, false if the same job was opened before and has not ended without a result.
///
/// # Errors
/// It cannot be opened; then it is cancelled at all nodes that had opened it.
pub(crate) async fn open(app: &Shared, buyer: String, id: JobId, signed: SignedSpec) -> Result<bool, OpenError> {
    let cluster = Arc::clone(&app.cluster);
    let checked = tokio::task::spawn_blocking(move || {
        let text = serde_json::to_vec(&signed).map_err(|e| e.to_string())?;
        if text.len() > MAX_SPEC_BYTES {
            return Err(format!(
                "the spec has {} bytes, at most {MAX_SPEC_BYTES} fit a message to a node: leave texts out or split the items",
                text.len()
            ));
        }
        let job = Job::open(&cluster.digest(), id, signed).and_then(|job| job.terms().fits(cluster.access()).map(|()| job));
        Ok::<_, String>((job.map_err(|e| e.to_string())?, text))
    });
    let (job, text) = checked.await.map_err(|_| StoreError::ShuttingDown)?.map_err(OpenError::Spec)?;
    let _guard = app.opening.hold(job.id()).await;
    if let Some(row) = app.store.job(job.id()).await? {
        return match row.state {
            _ if row.digest != job.digest() => Err(OpenError::Conflict(row.id)),
            state @ (JobState::Cancelled | JobState::Failed) => Err(OpenError::Ended { id: row.id, state }),
            _ => Ok(false),
        };
    }
    check_closing_time(job.terms(), unix_time())?;
    let quotas = app.quotas;
    let admit = move |taken: Taken| {
        quotas
            .exceeded(taken)
            .map_or(Ok(()), |(quota, value)| Err(OpenError::Quota { quota, value }))
    };
    // Before the nodes are asked, and again when it is stored, as other jobs may be opened meanwhile.
    let taken = app.store.taken_by(buyer.clone()).await?;
    admit(taken.and(job.items().len() as u64, text.len()))?;
    wait_for_nodes(app).await;
    let request = Request::OpenJob {
        id: job.id().clone(),
        spec: text.clone(),
    };
    let opened = open_at_nodes(app, &job, &request).await?;
    let new = NewJob::new(app.cluster.digest(), buyer, &job, text, opened);
    let refused = match app.store.create_job(new, admit).await {
        Ok(Created::New | Created::Before) => None,
        Ok(Created::Refused(error)) => Some(error),
        Err(error) => Some(error.into()),
    };
    if let Some(error) = refused {
        cancel_at(app, job.id(), opened).await;
        return Err(error);
    }
    tracing::info!(job = %job.id(), items = job.items().len(), ?opened, "opened");
    let deliveries = (0..app.cluster.nodes().len()).map(|node| (opened.contains(node), 0)).collect();
    take_up(
        app,
        ActiveJob::new(job, (app.quorum(), app.cluster.access().threshold()), deliveries),
    );
    Ok(true)
}

/// Checks that a job which closes by itself does not close before it is open. `now` is in Unix time.
fn check_closing_time(terms: &Terms, now: u64) -> Result<(), OpenError> {
    let spec = |error: String| OpenError::Spec(error);
    match terms.closes_at_seconds().map_err(|error| spec(error.to_string()))? {
        Some(at) if at <= now => Err(spec("field `closes_at` is past: set a later time".to_owned())),
        _ => Ok(()),
    }
}

/// Right after a start, the nodes take a moment to connect.
async fn wait_for_nodes(app: &Shared) {
    let end = Instant::now() + CONNECT_GRACE;
    let fresh = |state: LinkState| matches!(state, LinkState::Down { since, .. } if since.elapsed() < CONNECT_GRACE);
    while Instant::now() < end && app.nodes.iter().any(|node| fresh(node.state())) {
        sleep(Duration::from_millis(20)).await;
    }
}

async fn open_at_nodes(app: &Shared, job: &Job, request: &Request) -> Result<NodeSet, OpenError> {
    let asked = app.nodes.iter().enumerate().map(|(index, node)| async move {
        let outcome = match node.state() {
            LinkState::Up(channel) => open_job(&*channel, request, job.digest()).await,
            LinkState::Down { error, .. } => Err(error),
        };
        (index, node.name().to_owned(), outcome)
    });
    let mut opened = Vec::new();
    let (mut refused, mut away) = (Vec::new(), Vec::new());
    for (index, name, outcome) in join_all(asked).await {
        match outcome {
            Ok(()) => opened.push(index),
            Err(error) if error.is_about_the_job() => refused.push((name, error)),
            Err(error) => away.push((name, error)),
        }
    }
    let set: NodeSet = opened.iter().copied().collect();
    let needed = app.quorum();
    if refused.is_empty() && set.len() >= needed {
        return Ok(set);
    }
    cancel_at(app, job.id(), set).await;
    if refused.is_empty() {
        Err(OpenError::Unavailable {
            opened: set.len(),
            needed,
            errors: away,
        })
    } else {
        Err(OpenError::Refused(refused))
    }
}

async fn cancel_at(app: &Shared, id: &JobId, nodes: NodeSet) {
    // Nothing was delivered yet, so the nodes drop it without the buyer's signature.
    let request = &Request::Cancel {
        job: id.clone(),
        signature: None,
    };
    join_all(
        app.nodes
            .iter()
            .enumerate()
            .filter(|(index, _)| nodes.contains(*index))
            .map(|(_, node)| async move {
                let Some(channel) = node.channel() else { return };
                if let Err(error) = ask(&*channel, request).await {
                    tracing::warn!(node = node.name(), job = %id, %error, "a job that could not be opened is not cancelled at this node");
                }
            }),
    )
    .await;
}

/// Opens a job in a task of its own. If the buyer closes the connection meanwhile, the job is still opened everywhere or nowhere.
///
/// # Errors
/// As for [`open`].
pub(crate) async fn open_detached(app: &Shared, buyer: String, id: JobId, signed: SignedSpec) -> Result<bool, OpenError> {
    let shared = Arc::clone(app);
    app.tasks
        .spawn(async move { open(&shared, buyer, id, signed).await })
        .await
        .map_err(|_| StoreError::ShuttingDown)?
}
