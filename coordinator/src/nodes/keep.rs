//! Keeps a connection to one node up.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Dial, Trouble};
use crate::app::Shared;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// How much longer than the pause a connection may take to come up. Early tries are short: a node that
/// starts a moment later is not to wait for the transport's slow retries.
const PATIENCE: u32 = 3;

/// Connects to a node, again whenever the connection is lost. Never ends by itself.
pub async fn keep(app: Shared, dial: Arc<dyn Dial>, index: usize) {
    let Some(node) = app.nodes.get(index) else { return };
    let mut pause = FIRST;
    let mut said: Option<Trouble> = None;
    let mut had_one = false;
    loop {
        let trouble = match timeout(pause * PATIENCE, dial.dial(index)).await {
            Ok(Ok(channel)) => {
                tracing::info!(node = node.name(), "connected");
                said = None;
                if std::mem::replace(&mut had_one, true) {
                    app.metrics.nodes.reconnected(node.name());
                }
                node.set_up(Arc::clone(&channel));
                tell(&app);
                let since = Instant::now();
                let lost = channel.closed().await;
                // A connection that breaks at once is no reason to try at full speed.
                if since.elapsed() > LONGEST {
                    pause = FIRST;
                }
                Trouble::Link(lost)
            }
            Ok(Err(error)) => Trouble::Link(error),
            Err(_) => Trouble::Silent(pause * PATIENCE),
        };
        // One line for each new reason, not one for each try.
        if said.as_ref().is_none_or(|said| !said.is_like(&trouble)) {
            tracing::warn!(node = node.name(), %trouble, "not connected, trying again");
            said = Some(trouble.clone());
        }
        node.set_down(trouble);
        tell(&app);
        sleep(with_jitter(pause)).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Every job's status says which nodes it waits for.
fn tell(app: &Shared) {
    app.board.all().iter().for_each(|live| live.changed());
}

/// Between half of a pause and all of it, so that many who lost the same do not come back together.
pub fn with_jitter(pause: Duration) -> Duration {
    pause.mul_f64(rand::random_range(0.5..=1.0))
}
