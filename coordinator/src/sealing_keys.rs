//! Fetches the newest sealing key of each node, so that contributors find it here, and refuses uploads that are sealed to a key whose time is over.

use std::time::Duration;

use tacit_program::{LastReason, unix_time};
use tacit_protocol::control::{Reply, Request};
use tacit_protocol::sealing_epoch::{SealingEpoch, SignedEpoch};
use tacit_protocol::submission::Statement;
use tokio::time::sleep;

use crate::app::{App, Shared};
use crate::nodes::{Channel, LinkState, Node, NodeError, ask};
use crate::store::StoreError;

/// How often a node is asked. A new key is in use this long after the node has drawn it.
const PAUSE: Duration = Duration::from_secs(2);

/// Reads the keys that were kept before the start.
///
/// # Errors
/// The store fails.
pub(crate) async fn restore(app: &App) -> Result<(), StoreError> {
    for (node, entry) in app.nodes.iter().zip(app.cluster.nodes()) {
        if let Some(signed) = app.store.sealing_epoch(entry.identity).await?
            && signed.value.cluster == app.cluster.digest()
        {
            node.set_sealing_key(signed);
        }
    }
    Ok(())
}

/// Asks a node for its newest key whenever it is connected. Returns only if there is no such node.
pub(crate) async fn follow_sealing_key(app: Shared, index: usize) {
    let Some(node) = app.nodes.get(index) else { return };
    let mut link = node.follow();
    let mut last_reason: LastReason<NodeError> = LastReason::default();
    loop {
        let state = link.borrow_and_update().clone();
        let LinkState::Up(channel) = state else {
            if link.changed().await.is_err() {
                return;
            }
            continue;
        };
        match fetch(&app, index, node, &*channel).await {
            Ok(()) => last_reason.clear(),
            Err(error) => {
                if last_reason.is_new_by(&error, NodeError::is_like) {
                    tracing::warn!(node = node.name(), %error, "its newest sealing key is not known");
                }
            }
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            changed = link.changed() => if changed.is_err() { return },
        }
    }
}

async fn fetch(app: &App, index: usize, node: &Node, channel: &dyn Channel) -> Result<(), NodeError> {
    let Reply::SealingKey(signed) = ask(channel, &Request::SealingKey).await? else {
        return Err(NodeError::UnexpectedReply("expected a sealing key"));
    };
    let known = node.sealing_key();
    if known.as_ref() == Some(&*signed) {
        return Ok(());
    }
    let Some(entry) = app.cluster.nodes().get(index) else {
        return Ok(());
    };
    if SealingEpoch::check(&signed, &app.cluster.digest(), &entry.identity, unix_time()).is_err() {
        return Err(NodeError::UnexpectedReply(
            "its sealing key is not signed by it for this cluster, or has expired: set the clocks of both machines",
        ));
    }
    if known.is_some_and(|known| known.value.number > signed.value.number) {
        return Err(NodeError::UnexpectedReply(
            "its sealing key is older than one it had before: run `tacit-node rotate-sealing-key` there",
        ));
    }
    app.store.keep_sealing_epoch(entry.identity, (*signed).clone()).await?;
    node.set_sealing_key(*signed);
    Ok(())
}

/// The newest key of each node that is known, in the order of the cluster file.
pub(crate) fn all(app: &App) -> Vec<Option<SignedEpoch>> {
    app.nodes.iter().map(Node::sealing_key).collect()
}

/// The name of a node that does not open its envelope of this submission any more, if there is one. What the coordinator does not know of
/// a key it leaves to the nodes.
pub(crate) fn too_late_for(app: &App, statement: &Statement) -> Option<String> {
    let now = unix_time();
    let late = |(node, epoch): &(&Node, &u64)| node.sealing_key().is_some_and(|newest| !newest.value.opens(**epoch, now));
    let (node, _) = app.nodes.iter().zip(&statement.epochs).find(late)?;
    Some(node.name().to_owned())
}
