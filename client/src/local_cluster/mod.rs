//! A whole cluster on this machine: one coordinator and N nodes run as separate processes with their own folders and keys, and
//! communicate over QUIC and HTTP on loopback.

mod binaries;
mod folders;
mod follow;
mod processes;
mod work_folder;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::progress::Progress;
pub(crate) use binaries::{Binaries, MissingPrograms};
pub(crate) use folders::{ClusterFolders, ClusterShape};
pub(crate) use follow::{follow, stage};
pub(crate) use processes::Member;
use processes::{BusyPort, Processes};
pub(crate) use work_folder::WorkFolder;

/// How often the start is tried if other programs take the ports in between.
const STARTS: usize = 3;

/// Starts a cluster in `folder`, runs `work` with it, and stops it in any case: also after `seconds`, when a process ends, and when the
/// user interrupts.
pub(crate) async fn with_cluster<T>(
    shape: &ClusterShape<'_>,
    binaries: &Binaries,
    folder: &Path,
    seconds: u64,
    progress: &Progress,
    work: impl AsyncFnOnce(&ClusterFolders, &[Member]) -> Result<T>,
) -> Result<T> {
    let phase = progress.phase("start", format!("starting {} nodes and a coordinator", shape.nodes), None);
    let deadline = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(deadline);
    let started = tokio::select! {
        started = start(shape, binaries, folder) => started,
        stopped = interrupted() => Err(stopped),
        () = &mut deadline => Err(late(seconds, progress)),
    };
    drop(phase);
    let (folders, mut processes) = started?;
    let members = processes.members();
    let outcome = tokio::select! {
        done = work(&folders, &members) => done,
        died = processes.died() => Err(died),
        stopped = interrupted() => Err(stopped),
        () = &mut deadline => Err(late(seconds, progress)),
    };
    let _phase = progress.phase("stop", "stopping the cluster".to_owned(), None);
    processes.stop().await;
    outcome
}

/// Makes the folders of a cluster and starts it; with other ports if another program took one in between.
async fn start(shape: &ClusterShape<'_>, binaries: &Binaries, folder: &Path) -> Result<(ClusterFolders, Processes)> {
    let mut tries = STARTS;
    loop {
        tries -= 1;
        let folders = folders::make_folders(shape, binaries, folder).await?;
        match Processes::start(binaries, &folders).await {
            Ok(processes) => return Ok((folders, processes)),
            Err(error) if tries > 0 && error.is::<BusyPort>() => folders.remove()?,
            Err(error) => return Err(error),
        }
    }
}

fn late(seconds: u64, progress: &Progress) -> anyhow::Error {
    anyhow::anyhow!(
        "not finished within {seconds} seconds; it was at: {}. Give it longer with --timeout",
        progress.now()
    )
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() -> anyhow::Error {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return anyhow::anyhow!("interrupted; every process is stopped");
    }
    let _ = tokio::signal::ctrl_c().await;
    anyhow::anyhow!("interrupted; every process is stopped")
}
