//! A new job: checked here, opened at every node that can be reached, then stored.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::control::{MAX_MESSAGE_BYTES, Request};
use tacit_protocol::job::{Job, JobId, JobSpec};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::app::Shared;
use crate::board::Live;
use crate::nodes::{LinkState, Trouble, ask, open_job};
use crate::store::{NewJob, StoreError};

/// How long a new job waits for nodes that are just coming up.
const COMING_UP: Duration = Duration::from_secs(3);

/// The longest spec that fits into a request, with what else is in it.
const LARGEST: usize = MAX_MESSAGE_BYTES - 1024;

/// Why a job is not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The spec cannot be used.
    #[error("{0}")]
    Spec(String),
    /// Another job has the id.
    #[error("job `{0}` was opened with another spec: use another id")]
    Conflict(JobId),
    /// A node does not take the job.
    #[error("{}", join(.0))]
    Refused(Vec<(String, Trouble)>),
    /// Too few nodes can be reached.
    #[error("{needed} nodes are needed, {opened} can be reached; {}", join(.troubles))]
    Unavailable {
        /// How many opened it.
        opened: usize,
        /// How many must.
        needed: usize,
        /// What is wrong with the others.
        troubles: Vec<(String, Trouble)>,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn join(troubles: &[(String, Trouble)]) -> String {
    troubles
        .iter()
        .map(|(node, trouble)| format!("node `{node}`: {trouble}"))
        .collect::<Vec<_>>()
        .join("; ")
}

/// Opens a job; true when it is new, false when the same is there already.
///
/// # Errors
/// It cannot be opened, and no node keeps it.
pub async fn open(app: &Shared, buyer: String, id: JobId, spec: JobSpec) -> Result<bool, OpenError> {
    let closes_at = spec.closes_at.clone();
    let access = app.cluster.access().clone();
    let checked = tokio::task::spawn_blocking(move || {
        let text = serde_json::to_vec(&spec).map_err(|e| e.to_string())?;
        if text.len() > LARGEST {
            return Err(format!(
                "the spec has {} bytes, at most {LARGEST} reach a node: leave texts out or split the items",
                text.len()
            ));
        }
        let job = Job::new(id, spec).and_then(|job| job.terms().fits(&access).map(|()| job));
        Ok::<_, String>((job.map_err(|e| e.to_string())?, text))
    });
    let (job, text) = checked.await.map_err(|_| StoreError::ShuttingDown)?.map_err(OpenError::Spec)?;
    let _second = app.opening.hold(job.id()).await;
    if let Some(row) = app.store.job(job.id()).await? {
        return if row.digest == job.digest() {
            Ok(false)
        } else {
            Err(OpenError::Conflict(row.id))
        };
    }
    check_closing_time(closes_at.as_deref())?;
    wait_for_nodes(app).await;
    let request = Request::OpenJob {
        id: job.id().clone(),
        spec: text.clone(),
    };
    let opened = open_at_nodes(app, &job, &request).await?;
    if let Err(error) = app
        .store
        .create_job(NewJob::new(app.cluster.digest(), buyer, &job, text, opened))
        .await
    {
        cancel_at(app, job.id(), opened).await;
        return Err(error.into());
    }
    tracing::info!(job = %job.id(), items = job.items().len(), ?opened, "opened");
    let places = (0..app.cluster.nodes().len()).map(|node| (opened.contains(node), 0)).collect();
    app.take_up(Live::new(job, app.quorum(), places));
    Ok(true)
}

fn check_closing_time(closes_at: Option<&str>) -> Result<(), OpenError> {
    let Some(text) = closes_at else { return Ok(()) };
    let at: Timestamp = text
        .parse()
        .map_err(|e| OpenError::Spec(format!("field `closes_at` is not a time like 2026-12-01T00:00:00Z: {e}")))?;
    if at <= Timestamp::now() {
        Err(OpenError::Spec(format!("field `closes_at`: {text} is past")))
    } else {
        Ok(())
    }
}

/// Right after a start, nodes are a moment away.
async fn wait_for_nodes(app: &Shared) {
    let end = Instant::now() + COMING_UP;
    let fresh = |state: LinkState| matches!(state, LinkState::Down { since, .. } if since.elapsed() < COMING_UP);
    while Instant::now() < end && app.nodes.iter().any(|node| fresh(node.state())) {
        sleep(Duration::from_millis(20)).await;
    }
}

async fn open_at_nodes(app: &Shared, job: &Job, request: &Request) -> Result<NodeSet, OpenError> {
    let asked = app.nodes.iter().enumerate().map(|(index, node)| async move {
        let outcome = match node.state() {
            LinkState::Up(channel) => open_job(&*channel, request, job.digest()).await,
            LinkState::Down { trouble, .. } => Err(trouble),
        };
        (index, node.name().to_owned(), outcome)
    });
    let mut opened = Vec::new();
    let (mut refused, mut away) = (Vec::new(), Vec::new());
    for (index, name, outcome) in join_all(asked).await {
        match outcome {
            Ok(()) => opened.push(index),
            Err(trouble) if trouble.is_about_the_job() => refused.push((name, trouble)),
            Err(trouble) => away.push((name, trouble)),
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
            troubles: away,
        })
    } else {
        Err(OpenError::Refused(refused))
    }
}

async fn cancel_at(app: &Shared, id: &JobId, nodes: NodeSet) {
    let request = &Request::Cancel { job: id.clone() };
    join_all(
        app.nodes
            .iter()
            .enumerate()
            .filter(|(index, _)| nodes.contains(*index))
            .map(|(_, node)| async move {
                let Some(channel) = node.channel() else { return };
                if let Err(trouble) = ask(&*channel, request).await {
                    tracing::warn!(node = node.name(), job = %id, %trouble, "a job that was not opened is not forgotten there");
                }
            }),
    )
    .await;
}

/// Opens a job in a task of its own, so that it is opened at all nodes and here or nowhere, also when
/// the buyer goes away meanwhile.
///
/// # Errors
/// As [`open`].
pub async fn open_detached(app: &Shared, buyer: String, id: JobId, spec: JobSpec) -> Result<bool, OpenError> {
    let shared = Arc::clone(app);
    app.tasks
        .spawn(async move { open(&shared, buyer, id, spec).await })
        .await
        .map_err(|_| StoreError::ShuttingDown)?
}
