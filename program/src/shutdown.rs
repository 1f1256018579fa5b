//! When a program is told to stop.

use std::io::Read;

use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

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
