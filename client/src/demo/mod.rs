//! `tacit demo`: a whole cluster on one machine, of real parts.
//!
//! One coordinator and N nodes run as separate processes with their own folders and keys and meet over
//! QUIC and HTTP on loopback. The job, the contributors' submissions and the result take the same road
//! as anyone's.

mod cluster_files;
mod input;
mod job;
mod processes;
mod progress;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tacit_client::files::{self, Access};
use tacit_client::http::{Api, Published};
use tacit_client::verify::{CERTIFICATE, PAYOUTS, RESULT, Verified, verify};
use tacit_core::sharing::AccessStructure;
use tempfile::TempDir;

use crate::args;
use crate::output;
use cluster_files::{Binaries, Laid};
use input::Input;
use processes::{BusyPort, Processes};
use progress::Progress;

const CLUSTER: &str = "cluster.toml";
/// How often the start is tried when another program takes a port first.
const STARTS: usize = 3;

/// Runs the demo.
pub async fn run(args: &args::Demo) -> Result<()> {
    AccessStructure::new(args.nodes, args.threshold).context("--nodes and --threshold")?;
    let input = Input::read(args)?;
    let binaries = Binaries::find()?;
    files::make_folder(&args.out, Access::Public).context("--out")?;
    // Better to know now than when the result is there.
    tempfile::tempfile_in(&args.out).with_context(|| format!("--out: {}: nothing can be written there", args.out.display()))?;
    let work = Work::make(args.work.as_deref())?;
    let progress = Progress::new();

    let phase = progress.phase("start", format!("starting {} nodes and a coordinator", args.nodes), None);
    let deadline = tokio::time::sleep(Duration::from_secs(args.timeout));
    tokio::pin!(deadline);
    let started = tokio::select! {
        started = start(args, &binaries, work.path()) => started,
        stopped = interrupted() => Err(stopped),
        () = &mut deadline => Err(late(args.timeout, &progress)),
    };
    drop(phase);
    let (laid, mut processes) = started?;
    let outcome = tokio::select! {
        done = publish(args, &input, &laid, &work, &progress) => done,
        died = processes.died() => Err(died),
        stopped = interrupted() => Err(stopped),
        () = &mut deadline => Err(late(args.timeout, &progress)),
    };
    {
        let _phase = progress.phase("stop", "stopping the cluster".to_owned(), None);
        processes.stop().await;
    }
    let (verified, result) = outcome.map_err(|error| work.keep_hint(error))?;
    output::print(&summary(args, &input, &verified, &result, &progress))
}

/// Lays a cluster out and starts it; with other ports if one was taken in between.
async fn start(args: &args::Demo, binaries: &Binaries, work: &Path) -> Result<(Laid, Processes)> {
    let mut tries = STARTS;
    loop {
        tries -= 1;
        let laid = cluster_files::lay_out(args, binaries, work).await?;
        match Processes::start(binaries, &laid).await {
            Ok(processes) => return Ok((laid, processes)),
            Err(error) if tries > 0 && error.is::<BusyPort>() => laid.remove()?,
            Err(error) => return Err(error),
        }
    }
}

/// From an open job to verified files in `--out`.
async fn publish(args: &args::Demo, input: &Input, laid: &Laid, work: &Work, progress: &Progress) -> Result<(Verified, Value)> {
    let api = Api::new(&laid.cluster.file().coordinator.url, Some(laid.token.as_str()))?;
    let job = {
        let _phase = progress.phase("create job", "creating the job".to_owned(), None);
        job::create(&api, input).await?
    };
    job::submit_all(&api, &laid.cluster, &job, input, progress).await?;
    job::close_and_follow(&api, &job, progress).await?;

    let _phase = progress.phase("verify", "fetching and verifying the result".to_owned(), None);
    // Nothing unverified gets into --out.
    let staged = work.path().join("published");
    files::make_folder(&staged, Access::Public)?;
    let mut published = vec![(CLUSTER, laid.cluster_bytes.clone())];
    for (name, what) in [
        (PAYOUTS, Published::Payouts),
        (CERTIFICATE, Published::Certificate),
        (RESULT, Published::Result),
    ] {
        published.push((name, api.fetch(job.id(), what).await?));
    }
    for (name, bytes) in &published {
        files::write(&staged.join(name), bytes, Access::Public)?;
    }
    let verified = verify(&staged.join(RESULT), &staged.join(CLUSTER)).context("the published result is refused")?;
    ensure!(
        verified.certificate.terms == *job.terms(),
        "the published result is refused: it is of another job"
    );
    for (name, bytes) in &published {
        files::write(&args.out.join(name), bytes, Access::Public)?;
    }
    let result = published.last().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
    Ok((verified, serde_json::from_slice(result).context("result.json")?))
}

fn summary(args: &args::Demo, input: &Input, verified: &Verified, result: &Value, progress: &Progress) -> String {
    let signers: Vec<String> = verified
        .signers()
        .iter()
        .map(|(name, operator)| format!("{name} ({operator})"))
        .collect();
    let (result_path, cluster_path) = (args.out.join(RESULT), args.out.join(CLUSTER));
    format!(
        "{}{}\nverified: the certificate holds, signed by {}\nwritten to {}: {RESULT}, {PAYOUTS}, {CERTIFICATE}, {CLUSTER}\n\
         check it yourself: tacit verify {} --cluster {}\n",
        output::report(&input.name, result),
        progress.table(),
        signers.join(", "),
        args.out.display(),
        result_path.display(),
        cluster_path.display(),
    )
}

fn late(seconds: u64, progress: &Progress) -> anyhow::Error {
    anyhow::anyhow!(
        "not finished within {seconds} seconds; it was at: {}. Give it longer with --timeout",
        progress.now()
    )
}

/// Waits for Ctrl-C or a request to end.
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

/// Where the processes have their folders.
enum Work {
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Work {
    fn make(kept: Option<&Path>) -> Result<Self> {
        let Some(path) = kept else {
            let folder = tempfile::Builder::new()
                .prefix("tacit-demo-")
                .tempdir()
                .context("cannot make a temporary folder")?;
            return Ok(Self::Temporary(folder));
        };
        files::make_folder(path, Access::Private).context("--work")?;
        let mut entries = std::fs::read_dir(path).with_context(|| format!("--work: {}", path.display()))?;
        if entries.next().is_some() {
            bail!(
                "--work: {} is not empty: keys of an earlier run are never overwritten; choose another folder",
                path.display()
            );
        }
        Ok(Self::Kept(path.to_owned()))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }

    /// Says where the logs are, if they stay.
    fn keep_hint(&self, error: anyhow::Error) -> anyhow::Error {
        match self {
            Self::Temporary(_) => error,
            Self::Kept(path) => anyhow::anyhow!("{error:#} (logs are in {})", path.display()),
        }
    }
}
