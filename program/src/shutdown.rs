//! When a program is told to stop.

use std::io::Read;
use std::time::Duration;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// How long requests and tasks may take to end at shutdown.
pub const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);

/// How long peers may take to acknowledge that their connections are closed. Those that are away would take several seconds.
pub const CLOSE_TIMEOUT: Duration = Duration::from_millis(250);

/// Waits until the requests and tasks of a program that stops have ended. `None`, and a warning in the log, if they have not after
/// `limit`: the program then stops without them.
pub async fn finish_within<T>(limit: Duration, ended: impl Future<Output = T>) -> Option<T> {
    let result = tokio::time::timeout(limit, ended).await.ok();
    if result.is_none() {
        tracing::warn!("some requests or tasks did not end in time");
    }
    result
}

/// The program cannot wait for signals.
#[derive(Debug, Error)]
#[error("cannot wait for SIGTERM and SIGINT: {0}")]
pub struct ShutdownError(#[from] std::io::Error);

/// Resolves on SIGTERM or SIGINT, and, with `stop_with_stdin`, at the end of standard input. Signals count from this call on, not
/// only once the future is polled. Call it inside a tokio runtime.
///
/// # Errors
/// Signals cannot be received.
pub fn shutdown_requested(stop_with_stdin: bool) -> Result<impl Future<Output = ()> + Send, ShutdownError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stdin_ended = async move {
        if !stop_with_stdin {
            return std::future::pending().await;
        }
        // A thread outside the runtime: a read of standard input cannot be cancelled, and the runtime would wait for it.
        let (ended, end) = tokio::sync::oneshot::channel::<()>();
        std::thread::spawn(move || {
            let mut bytes = [0; 64];
            while matches!(std::io::stdin().read(&mut bytes), Ok(1..)) {}
            drop(ended);
        });
        let _ = end.await;
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_ended => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_does_not_end_does_not_stop_the_shutdown() {
        let limit = Duration::from_millis(10);
        assert_eq!(finish_within(limit, std::future::ready(1)).await, Some(1));
        assert_eq!(finish_within(limit, std::future::pending::<()>()).await, None);
    }
}
