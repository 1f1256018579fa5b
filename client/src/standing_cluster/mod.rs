//! `tacit up` and `tacit down`: a cluster on this machine that runs until it is stopped, and keeps what it has.
//!
//! Every program runs in a session of its own, without a terminal: the command that has started it, and the window of that command, can end.

mod address;
mod directory;
mod first_steps;
mod monitoring;
mod page;
mod process;
mod program;
mod starting;
mod summary;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tacit_mpc_core::sharing::AccessStructure;

use crate::args;
use crate::interruption::Interruptions;
use crate::local_cluster::Binaries;
use crate::output::Format;
use directory::Directory;
use monitoring::{Monitoring, on_path};
use page::Page;
use process::{Process, SETSID, Stopped};
use program::programs;
use starting::Start;
use summary::Summary;

/// Starts the cluster, and returns once all its programs are ready. After an error, nothing runs that this command has started.
pub(crate) async fn up(args: &args::Up, format: Format) -> Result<()> {
    let shape = (args.nodes.unwrap_or(3), args.threshold.unwrap_or(1));
    AccessStructure::new(shape.0, shape.1).context("--nodes and --threshold")?;
    let binaries = Binaries::find()?;
    ensure!(
        on_path(SETSID).is_some(),
        "`{SETSID}`, which starts programs that outlive this command, is not on the PATH: it is in the package util-linux"
    );
    let mut interruptions = Interruptions::listen()?;
    let directory = Directory::lock_or_make(&args.dir, &mut interruptions).await?;
    // Not interrupted halfway, because keys would be left behind; a signal that comes meanwhile counts below.
    if let Err(error) = directory.complete(&binaries, args.nodes, args.threshold).await {
        return Err(interruptions.explain(error).await);
    }
    let wanted = args.monitor || directory.monitoring_folder().exists();
    let monitoring = if wanted { Monitoring::prepare(&directory)? } else { None };
    let page = Page::prepare(&directory)?;
    let programs = programs(
        &directory,
        &binaries,
        monitoring.as_ref().map(Monitoring::program),
        Some(page.program()?),
    )?;
    let mut start = Start::new(&programs)?;
    let outcome = tokio::select! {
        biased;
        interrupted = interruptions.next() => Err(interrupted.into()),
        started = start.run() => started,
    };
    if let Err(error) = outcome {
        return Err(match start.undo().await {
            Ok(()) => error,
            Err(left) => error.context(format!("not everything could be stopped: {left:#}")),
        });
    }
    let cluster = directory.cluster()?;
    let line = match (start.some_ran(), start.started().join(", ")) {
        (true, started) if started.is_empty() => "the cluster runs already\n".to_owned(),
        (true, started) => format!("started: {started}; the others ran already\n"),
        (false, started) => format!("started: {started}\n"),
    };
    let summary = Summary {
        directory: directory.shown(),
        nodes: cluster.nodes().len(),
        threshold: cluster.file().threshold,
        coordinator: &cluster.file().coordinator.url,
        page: &page.url(),
        digest: cluster.digest(),
        monitoring: wanted.then(|| {
            monitoring
                .as_ref()
                .map(Monitoring::url)
                .ok_or("is not on the PATH, so nothing is monitored")
        }),
    };
    let mut outcome = summary.document();
    outcome["started"] = start.started().into();
    outcome["ran_already"] = start.some_ran().into();
    format.print(&outcome, &format!("{line}{}", summary.text()))
}

/// Stops everything that runs of the cluster, the page and the coordinator first.
pub(crate) async fn down(args: &args::Down, format: Format) -> Result<()> {
    let mut interruptions = Interruptions::listen()?;
    let directory = Directory::lock_existing(&args.dir, &mut interruptions).await?;
    tokio::select! {
        stopped = stop_all(&directory) => {
            let (stopped, text) = stopped?;
            format.print(&json!({ "directory": directory.shown(), "stopped": stopped }), &text)
        }
        interrupted = interruptions.next() => Err(anyhow::Error::new(interrupted).context("the cluster may still run: run `tacit down` again")),
    }
}

/// Stops all programs. Returns the names of those that ran, and what to say about it.
async fn stop_all(directory: &Directory) -> Result<(Vec<String>, String)> {
    // They may be uninstalled by now.
    let binaries = Binaries::named();
    let monitoring = Monitoring::existing(directory)?;
    let page = Page::existing(directory)?.map(|page| page.program()).transpose()?;
    let mut programs = programs(directory, &binaries, monitoring.as_ref().map(Monitoring::program), page)?;
    programs.sort_by_key(|program| std::cmp::Reverse(program.turn));
    let (mut names, mut said, mut failed) = (Vec::new(), Vec::new(), None);
    for program in &programs {
        let Some(process) = Process::find(program)? else { continue };
        let name = program.name.clone();
        match process.stop().await {
            Ok(Stopped::Asked) => said.push(name.clone()),
            Ok(Stopped::Killed) => said.push(format!("{name} (it did not stop when it was asked to, and was killed)")),
            Err(error) => {
                // The others can be stopped all the same.
                failed.get_or_insert(error.context(name));
                continue;
            }
        }
        names.push(name);
    }
    if let Some(error) = failed {
        return Err(error);
    }
    let shown = directory.shown().display();
    if said.is_empty() {
        return Ok((names, format!("nothing runs of the cluster in {shown}\n")));
    }
    let text = format!("stopped: {}; files and keys stay in {shown}\n", said.join(", "));
    Ok((names, text))
}
