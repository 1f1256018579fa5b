//! A whole cluster on this machine: one coordinator and N nodes run as separate processes with their own folders and keys, and
//! communicate over QUIC and HTTP on loopback.

mod binaries;
mod folders;
mod follow;
mod ports;
mod processes;
mod work_folder;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::interruption::Interruptions;
use crate::progress::Progress;
pub(crate) use binaries::{Binaries, MissingPrograms};
pub(crate) use folders::{ClusterFolders, ClusterShape, make_folders};
pub(crate) use follow::{follow, stage};
pub(crate) use ports::{Lifetime, lasting_tcp_port};
pub(crate) use processes::Member;
use processes::{BusyPort, Processes};
pub(crate) use work_folder::WorkFolder;

/// How often the start is tried if other programs take the ports in between.
const STARTS: usize = 3;

/// Starts a cluster in `folder`, runs `work` with it, and stops it in any case: also after `seconds`, when a process ends, and when a signal
/// interrupts. When this returns, no process runs.
pub(crate) async fn with_cluster<T>(
    shape: &ClusterShape<'_>,
    binaries: &Binaries,
    folder: &Path,
    seconds: u64,
    progress: &Progress,
    interruptions: &mut Interruptions,
    work: impl AsyncFnOnce(&ClusterFolders, &[Member]) -> Result<T>,
) -> Result<T> {
    let deadline = tokio::time::sleep(Duration::from_secs(seconds));
    tokio::pin!(deadline);
    let mut processes = Processes::default();
    let started = {
        let _phase = progress.phase("start", format!("starting {} nodes and a coordinator", shape.nodes), None);
        let end = async {
            tokio::select! {
                stopped = interruptions.next() => stopped.into(),
                () = &mut deadline => late(seconds, progress),
            }
        };
        start(shape, binaries, folder, &mut processes, end).await
    };
    let folders = match started {
        Ok(folders) => folders,
        Err(error) => return Err(interruptions.explain(error).await),
    };
    let members = processes.members();
    let outcome = tokio::select! {
        done = work(&folders, &members) => done,
        died = processes.died() => Err(died),
        stopped = interruptions.next() => Err(stopped.into()),
        () = &mut deadline => Err(late(seconds, progress)),
    };
    let _phase = progress.phase("stop", "stopping the cluster".to_owned(), None);
    processes.stop().await;
    outcome
}

/// Makes the folders of a cluster and starts it; with other ports if another program took one in between. Stops at the error that `end`
/// returns. After an error no process runs.
async fn start(
    shape: &ClusterShape<'_>,
    binaries: &Binaries,
    folder: &Path,
    processes: &mut Processes,
    end: impl Future<Output = anyhow::Error>,
) -> Result<ClusterFolders> {
    tokio::pin!(end);
    let mut tries = STARTS;
    loop {
        tries -= 1;
        let folders = make_folders(shape, binaries, folder).await?;
        let error = tokio::select! {
            biased;
            ended = &mut end => ended,
            started = processes.start(binaries, &folders) => match started {
                Ok(()) => return Ok(folders),
                Err(error) => error,
            },
        };
        processes.stop().await;
        if tries == 0 || !error.is::<BusyPort>() {
            return Err(error);
        }
        folders.remove()?;
    }
}

fn late(seconds: u64, progress: &Progress) -> anyhow::Error {
    anyhow::anyhow!(
        "not finished within {seconds} seconds; it was at: {}. Give it longer with --timeout",
        progress.now()
    )
}
