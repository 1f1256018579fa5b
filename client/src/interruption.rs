//! The signals that end a command which runs other programs: it stops them and removes what is temporary before it ends.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use anyhow::{Context, Result};
use thiserror::Error;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlC as Signal, ctrl_c};
use tokio::time::timeout;

use crate::exit::Cause;

/// How long an error waits for the signal that may be its cause.
const SAME_CAUSE: Duration = Duration::from_millis(200);

/// The signals: Ctrl-C, `kill`, and the end of the terminal or of the connection to it.
const SIGNALS: [Interrupted; 3] = [
    Interrupted {
        name: "SIGINT",
        number: 2,
        cause: Cause::Interrupted,
    },
    Interrupted {
        name: "SIGTERM",
        number: 15,
        cause: Cause::Terminated,
    },
    Interrupted {
        name: "SIGHUP",
        number: 1,
        cause: Cause::HungUp,
    },
];

/// A signal has ended the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("interrupted by {name}; every process that this command had started is stopped")]
pub(crate) struct Interrupted {
    name: &'static str,
    number: u8,
    cause: Cause,
}

impl Interrupted {
    /// The cause of the command's end.
    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }
}

/// Receives the signals from its creation on. From then on, they do not end this program by themselves.
pub(crate) struct Interruptions(Vec<(Interrupted, Signal)>);

impl Interruptions {
    /// Begins to receive signals. Call it before anything is made that must not be left behind.
    ///
    /// A signal that was ignored when the program started stays ignored, as `nohup` wants it for SIGHUP.
    pub(crate) fn listen() -> Result<Self> {
        let ignored = ignored_signals(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        let listened = SIGNALS.into_iter().filter(|one| ignored & (1 << (one.number - 1)) == 0);
        let receivers = listened.map(|one| Ok((one, receiver(one)?)));
        Ok(Self(receivers.collect::<std::io::Result<_>>().context("cannot wait for signals")?))
    }

    /// Waits for a signal, which may have come before this call.
    pub(crate) async fn next(&mut self) -> Interrupted {
        poll_fn(|context| {
            for (which, receiver) in &mut self.0 {
                if let Poll::Ready(Some(())) = receiver.poll_recv(context) {
                    return Poll::Ready(*which);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The signal in place of an error, if one has come: Ctrl-C also reaches a short-lived program in the same terminal, which then fails.
    pub(crate) async fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        match timeout(SAME_CAUSE, self.next()).await {
            Ok(interrupted) => interrupted.into(),
            Err(_) => error,
        }
    }
}

#[cfg(unix)]
fn receiver(which: Interrupted) -> std::io::Result<Signal> {
    signal(SignalKind::from_raw(which.number.into()))
}

/// Windows has Ctrl-C only.
#[cfg(windows)]
fn receiver(_: Interrupted) -> std::io::Result<Signal> {
    ctrl_c()
}

/// The mask of ignored signals in the text of `/proc/self/status`; 0 if the text does not have it, as on other systems than Linux.
fn ignored_signals(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_codes_are_those_of_shells() {
        assert!(SIGNALS.iter().all(|one| one.cause().code() == 128 + one.number));
    }

    #[test]
    fn ignored_signals_are_read_from_the_status_of_the_process() {
        assert_eq!(
            ignored_signals("Name:\ttacit\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000001001\n"),
            0x1001
        );
        assert_eq!(ignored_signals(""), 0);
    }
}
