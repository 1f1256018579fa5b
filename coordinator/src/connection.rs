//! Keeps one node connected.

use std::sync::Arc;
use std::time::Duration;

use tacit_program::{Backoff, LastReason};
use tokio::time::{Instant, sleep, timeout};

use crate::app::Shared;
use crate::nodes::{Dial, NodeError};

/// The pauses between attempts to connect.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An attempt to connect may take this many times as long as the pause after it. The first attempts are short: a node that starts a
/// moment later must not wait for the slow retries of the transport.
const ATTEMPT_FACTOR: u32 = 3;

/// Connects to a node, and again whenever the connection is lost. Never returns.
pub(crate) async fn maintain_connection(app: Shared, dial: Arc<dyn Dial>, index: usize) {
    let Some(node) = app.nodes.get(index) else { return };
    let mut pauses = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let mut limits = Backoff::without_jitter(FIRST_PAUSE * ATTEMPT_FACTOR, LONGEST_PAUSE * ATTEMPT_FACTOR);
    let mut last_reason: LastReason<NodeError> = LastReason::default();
    let mut was_connected = false;
    loop {
        let limit = limits.next_pause();
        let error = match timeout(limit, dial.dial(index)).await {
            Ok(Ok(channel)) => {
                tracing::info!(node = node.name(), "connected");
                last_reason.clear();
                if std::mem::replace(&mut was_connected, true) {
                    app.metrics.nodes.reconnected(node.name());
                }
                node.set_up(Arc::clone(&channel));
                notify_jobs(&app);
                let since = Instant::now();
                let lost = channel.closed().await;
                // Do not dial in a tight loop a node that accepts connections and drops them at once.
                if since.elapsed() > LONGEST_PAUSE {
                    pauses.reset();
                    limits.reset();
                }
                NodeError::Link(lost)
            }
            Ok(Err(error)) => NodeError::Link(error),
            Err(_) => NodeError::Silent(limit),
        };
        if last_reason.is_new_by(&error, NodeError::is_like) {
            tracing::warn!(node = node.name(), %error, "not connected, trying again");
        }
        node.set_down(error);
        notify_jobs(&app);
        sleep(pauses.next_pause()).await;
    }
}

/// The status of every job names the nodes that it waits for.
fn notify_jobs(app: &Shared) {
    app.active_jobs.all().iter().for_each(|active| active.changed());
}
