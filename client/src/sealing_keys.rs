//! The keys to seal to: each node signs its newest one, and the coordinator passes them on. What is kept here is the greatest epoch that was seen
//! of each node of a cluster, so that a coordinator cannot go back to older keys.

use std::path::PathBuf;
use std::time::Duration;

use tacit_program::unix_time;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::sealing_epoch::{EpochError, NodeEpochError, SignedEpoch};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::files::{self, Access, FileError};
use crate::http::{Api, ApiError};
use crate::state_folder::state_folder;

/// How long a key is waited for that the coordinator does not have yet, because it started a moment ago.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(200);

/// Why nothing can be sealed to the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealingKeysError {
    /// The request to the coordinator failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The key of a node is refused.
    #[error("nothing was sent: {0}")]
    Node(#[from] NodeEpochError),
    /// What was seen before cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file of what was seen before is not what was written.
    #[error(
        "{0}: damaged: it should hold the number of the newest sealing key of each node that was seen; remove it, and what was seen is forgotten"
    )]
    Damaged(PathBuf),
}

/// The cluster with the newest key of each node to seal to. Older keys than were seen before on this machine are refused.
///
/// # Errors
/// The coordinator has no valid key of some node, or what was seen cannot be kept.
pub async fn fetch(api: &Api, cluster: Cluster) -> Result<Cluster, SealingKeysError> {
    let path = state_folder().map(|folder| folder.join("sealing").join(format!("{}.json", cluster.digest())));
    let seen: Option<Vec<u64>> = match &path {
        Some(path) => files::read_json(path, SealingKeysError::Damaged)?,
        None => None,
    };
    let seen = seen.unwrap_or_default();
    let cluster = fetch_after(api, cluster, &seen).await?;
    let newest: Vec<u64> = cluster.sealing_keys().iter().map(|key| key.number).collect();
    if let Some(path) = path.filter(|_| seen != newest) {
        if let Some(folder) = path.parent() {
            files::make_folder(folder, Access::Private)?;
        }
        let text = serde_json::to_vec(&newest).map_err(|_| SealingKeysError::Damaged(path.clone()))?;
        files::write(&path, &text, Access::Public)?;
    }
    Ok(cluster)
}

/// The cluster with the newest key of each node to seal to, where nothing is known from before, and nothing is kept.
///
/// # Errors
/// The coordinator has no valid key of some node.
pub async fn fetch_first(api: &Api, cluster: Cluster) -> Result<Cluster, SealingKeysError> {
    fetch_after(api, cluster, &[]).await
}

async fn fetch_after(api: &Api, cluster: Cluster, seen: &[u64]) -> Result<Cluster, SealingKeysError> {
    let end = Instant::now() + PATIENCE;
    loop {
        let info = api.cluster().await?;
        let statements: Vec<Option<SignedEpoch>> = info.nodes.into_iter().map(|node| node.sealing).collect();
        match cluster.clone().sealing_to(&statements, seen, unix_time()) {
            Err(error) if error.error == EpochError::Missing && Instant::now() < end => sleep(PAUSE).await,
            sealing => return Ok(sealing?),
        }
    }
}
