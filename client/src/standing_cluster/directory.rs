//! The directory of a cluster: made whole or not at all, and used by one `tacit up` or `tacit down` at a time.

use std::fs::{File, Metadata, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tacit_client::files::{self, Access};
use tacit_program::error_line;
use tacit_protocol::cluster::Cluster;

use super::first_steps;
use crate::interruption::Interruptions;
use crate::local_cluster::{Binaries, ClusterShape, Lifetime, make_folders};

/// The cluster file. It is moved here last, so a directory that has it is complete.
const CLUSTER: &str = "cluster.toml";
/// Where everything is made. The cluster file is written there last, so if this folder has it, only the move is left to do.
const UNFINISHED: &str = "unfinished";
/// How often a lock that somebody else holds is tried.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// The directory of a cluster, locked.
pub(super) struct Directory {
    /// As the person has written it, to be shown in commands.
    shown: PathBuf,
    path: PathBuf,
    /// Locked while this lives; the operating system unlocks it when the process ends, however it ends.
    _lock: File,
    /// Whether this command has made the directory itself.
    new: bool,
}

impl Directory {
    /// Makes the directory if it does not exist, and waits until no other `tacit up` or `tacit down` works in it.
    pub(super) async fn lock_or_make(path: &Path, interruptions: &mut Interruptions) -> Result<Self> {
        loop {
            let new = !path.exists();
            files::make_folder(path, Access::Private).context("--dir")?;
            if let Some(directory) = Self::lock(path, new, interruptions).await? {
                return Ok(directory);
            }
        }
    }

    /// Waits until no other `tacit up` or `tacit down` works in a directory that has a cluster.
    pub(super) async fn lock_existing(path: &Path, interruptions: &mut Interruptions) -> Result<Self> {
        let missing = || {
            format!(
                "there is no cluster of `tacit up` in {}: name its folder with --dir",
                path.display()
            )
        };
        ensure!(path.is_dir(), missing());
        let directory = Self::lock(path, false, interruptions).await?.with_context(missing)?;
        ensure!(directory.is_complete(), missing());
        Ok(directory)
    }

    /// `None` if the directory was removed or replaced meanwhile.
    async fn lock(shown: &Path, new: bool, interruptions: &mut Interruptions) -> Result<Option<Self>> {
        let failed = || format!("--dir: {}", shown.display());
        let path = shown.canonicalize().with_context(failed)?;
        let lock = File::open(&path).with_context(failed)?;
        let mut said = false;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
            }
            if !said {
                let text = format!("waiting for another `tacit up` or `tacit down` in {}", shown.display());
                error_line("tacit", &text);
                said = true;
            }
            tokio::select! {
                stopped = interruptions.next() => return Err(stopped.into()),
                () = tokio::time::sleep(LOCK_PAUSE) => {}
            }
        }
        let locked = lock.metadata().with_context(failed)?;
        let there = std::fs::metadata(&path);
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (locked.dev(), locked.ino())) {
            check_owner(shown, &locked)?;
            return Ok(Some(Self {
                shown: shown.to_owned(),
                path,
                _lock: lock,
                new,
            }));
        }
        Ok(None)
    }

    fn is_complete(&self) -> bool {
        self.path.join(CLUSTER).exists()
    }

    /// Makes the cluster's folders, keys and files, unless they are there. If they cannot be made, nothing of them is left.
    ///
    /// Do not drop the future halfway: see [`make_folders`].
    pub(super) async fn complete(&self, binaries: &Binaries, nodes: Option<usize>, threshold: Option<usize>) -> Result<()> {
        let unfinished = self.path.join(UNFINISHED);
        if self.is_complete() {
            return self.check_shape(nodes, threshold);
        }
        if unfinished.join(CLUSTER).exists() {
            self.move_up(&unfinished)?;
            return self.check_shape(nodes, threshold);
        }
        // What an `up` that was killed has left: nobody has used its keys yet.
        remove_folder(&unfinished)?;
        let mut entries = std::fs::read_dir(&self.path).with_context(|| self.path.display().to_string())?;
        if entries.next().is_some() {
            bail!(
                "--dir: {} has files but no {CLUSTER}: choose another folder, or put the cluster file back if it is missing",
                self.shown.display()
            );
        }
        let made = self.make(&unfinished, binaries, nodes.unwrap_or(3), threshold.unwrap_or(1)).await;
        if made.is_err() {
            remove_folder(&unfinished)?;
            if self.new {
                // It is empty, or somebody has put something there meanwhile.
                let _ = std::fs::remove_dir(&self.path);
            }
            return made;
        }
        // If only some files can be moved, the next call moves the others.
        self.move_up(&unfinished)
    }

    async fn make(&self, folder: &Path, binaries: &Binaries, nodes: usize, threshold: usize) -> Result<()> {
        files::make_folder(folder, Access::Private)?;
        let shape = ClusterShape {
            name: "local",
            ports: Lifetime::Lasting,
            nodes,
            threshold,
            addresses: None,
            reserve_memory_mb: 0,
        };
        let cluster = make_folders(&shape, binaries, folder).await?;
        first_steps::make(folder, &cluster.token).await?;
        Ok(files::write(&folder.join(CLUSTER), &cluster.cluster_bytes, Access::Public)?)
    }

    /// Moves what is made to its place, the cluster file last.
    fn move_up(&self, unfinished: &Path) -> Result<()> {
        let failed = || format!("cannot move the files in {} to the folder above it", unfinished.display());
        let mut names = Vec::new();
        for entry in std::fs::read_dir(unfinished).with_context(failed)? {
            names.push(entry.with_context(failed)?.file_name());
        }
        names.sort_by_key(|name| name == CLUSTER);
        for name in names {
            std::fs::rename(unfinished.join(&name), self.path.join(&name)).with_context(failed)?;
        }
        std::fs::remove_dir(unfinished).with_context(failed)
    }

    /// Checks that the cluster is the one that the options ask for.
    fn check_shape(&self, nodes: Option<usize>, threshold: Option<usize>) -> Result<()> {
        let cluster = self.cluster()?;
        let has = (cluster.nodes().len(), cluster.file().threshold);
        let asked = (nodes.unwrap_or(has.0), threshold.unwrap_or(has.1));
        ensure!(
            asked == has,
            "the cluster in {} has --nodes {} and --threshold {}, which cannot be changed: choose another --dir for another cluster",
            self.shown.display(),
            has.0,
            has.1
        );
        Ok(())
    }

    /// The cluster file.
    pub(super) fn cluster(&self) -> Result<Cluster> {
        let path = self.path.join(CLUSTER);
        Cluster::parse(&files::read(&path)?).with_context(|| path.display().to_string())
    }

    /// Names and folders of the nodes.
    pub(super) fn node_folders(&self) -> Result<Vec<(String, PathBuf)>> {
        let cluster = self.cluster()?;
        let names = cluster.nodes().iter().map(|node| node.name.clone());
        Ok(names.map(|name| (name.clone(), self.path.join(name))).collect())
    }

    /// The folder of the coordinator.
    pub(super) fn coordinator_folder(&self) -> PathBuf {
        self.path.join("coordinator")
    }

    /// The folder of Prometheus, if the cluster has one.
    pub(super) fn monitoring_folder(&self) -> PathBuf {
        self.path.join("prometheus")
    }

    /// The folder of the page.
    pub(super) fn page_folder(&self) -> PathBuf {
        self.path.join("page")
    }

    /// The directory as the person has written it.
    pub(super) fn shown(&self) -> &Path {
        &self.shown
    }
}

/// Checks that nobody else can put files into the directory: `up` runs programs on the configs in it, and sends answers to the nodes of its cluster
/// file.
fn check_owner(shown: &Path, directory: &Metadata) -> Result<()> {
    ensure!(
        directory.uid() == rustix::process::geteuid().as_raw(),
        "--dir: {} belongs to another user, who could put files of another cluster there: choose a folder of your own",
        shown.display()
    );
    ensure!(
        directory.mode() & 0o022 == 0,
        "--dir: other users can write to {0}, and could put files of another cluster there: choose another folder, or run `chmod go-w {0}` if \
         all files in it are yours",
        shown.display()
    );
    Ok(())
}

fn remove_folder(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed, remove it by hand", folder.display()))
        }
        _ => Ok(()),
    }
}
