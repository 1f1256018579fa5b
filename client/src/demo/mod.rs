//! `tacit demo`: a whole cluster of real processes on one machine.
//!
//! The job, the submissions and the result pass through the same interfaces as those of real buyers and contributors.

mod input;
mod job;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tacit_client::files::{self, Access};
use tacit_client::http::{Api, Published};
use tacit_client::verify::{CERTIFICATE, PAYOUTS, RESULT, Verified, verify};
use tacit_mpc_core::sharing::AccessStructure;

use crate::args;
use crate::interruption::Interruptions;
use crate::local_cluster::{self, Binaries, ClusterFolders, ClusterShape, Lifetime, WorkFolder};
use crate::output::{self, Format};
use crate::progress::Progress;
use input::Input;

const CLUSTER: &str = "cluster.toml";

/// Runs the demo.
pub(crate) async fn run(args: &args::Demo, format: Format) -> Result<()> {
    AccessStructure::new(args.nodes, args.threshold).context("--nodes and --threshold")?;
    let input = Input::read(args)?;
    let binaries = Binaries::find()?;
    files::make_folder(&args.out, Access::Public).context("--out")?;
    // Fail now rather than when the result is there.
    tempfile::tempfile_in(&args.out).with_context(|| format!("--out: {}: nothing can be written there", args.out.display()))?;
    let mut interruptions = Interruptions::listen()?;
    let work = WorkFolder::make(args.work.as_deref())?;
    let progress = Progress::new();
    let shape = ClusterShape {
        name: "demo",
        ports: Lifetime::OneRun,
        nodes: args.nodes,
        threshold: args.threshold,
        addresses: None,
        reserve_memory_mb: 0,
    };
    let outcome = local_cluster::with_cluster(
        &shape,
        &binaries,
        work.path(),
        args.timeout,
        &progress,
        &mut interruptions,
        async |folders, _| publish(args, &input, folders, &work, &progress).await,
    )
    .await;
    let verified = outcome.map_err(|error| work.keep_hint(error))?;
    format.print(
        &document(args, &input, &verified, &progress),
        &summary(args, &input, &verified, &progress),
    )
}

/// What the demo has shown, for programs.
fn document(args: &args::Demo, input: &Input, verified: &Verified, progress: &Progress) -> Value {
    let signers = verified.signers().into_iter();
    let signers: Vec<Value> = signers
        .map(|(name, operator)| json!({ "node": name, "operator": operator }))
        .collect();
    let phases = progress.seconds().into_iter();
    let phases: Vec<Value> = phases.map(|(name, seconds)| json!({ "name": name, "seconds": seconds })).collect();
    json!({
        "name": input.name,
        "verified": true,
        "signed_by": signers,
        "result": verified.report,
        "phases": phases,
        "saved_to": args.out,
    })
}

/// Runs the job and writes the verified files to `--out`.
async fn publish(args: &args::Demo, input: &Input, folders: &ClusterFolders, work: &WorkFolder, progress: &Progress) -> Result<Verified> {
    let api = Api::new(&folders.cluster.file().coordinator.url, Some(folders.token.as_str()))?;
    let job = {
        let _phase = progress.phase("create job", "creating the job".to_owned(), None);
        job::create(&api, &folders.cluster, input).await?
    };
    job::submit_all(&api, &folders.cluster, &job, input, progress).await?;
    job::close_and_follow(&api, &job, progress).await?;

    let _phase = progress.phase("verify", "fetching and verifying the result".to_owned(), None);
    // Write to --out only what was verified.
    let staged = work.path().join("published");
    files::make_folder(&staged, Access::Public)?;
    let mut published = vec![(CLUSTER, folders.cluster_bytes.clone())];
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
    Ok(verified)
}

fn summary(args: &args::Demo, input: &Input, verified: &Verified, progress: &Progress) -> String {
    let signers: Vec<String> = verified
        .signers()
        .iter()
        .map(|(name, operator)| format!("{name} ({operator})"))
        .collect();
    let (result_path, cluster_path) = (args.out.join(RESULT), args.out.join(CLUSTER));
    format!(
        "{}{}\nverified: the certificate holds, signed by {}\nwritten to {}: {RESULT}, {PAYOUTS}, {CERTIFICATE}, {CLUSTER}\n\
         check it yourself: tacit verify {} --cluster {}\n",
        output::report(&input.name, &verified.report),
        progress.table(),
        signers.join(", "),
        args.out.display(),
        result_path.display(),
        cluster_path.display(),
    )
}
