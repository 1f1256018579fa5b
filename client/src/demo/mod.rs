//! `tacit demo`: a whole cluster of real processes on one machine.
//!
//! The job, the submissions and the result pass through the same interfaces as those of real buyers and contributors.

mod explain;
mod hidden;
mod in_the_clear;
mod input;
mod job;
mod report;
mod sealing_key;
mod shared_answer;

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
use report::{Contents, ReportFile};
use shared_answer::SharedAnswer;

const CLUSTER: &str = "cluster.toml";

/// Runs the demo.
pub(crate) async fn run(args: &args::Demo, format: Format) -> Result<()> {
    AccessStructure::new(args.nodes, args.threshold).context("--nodes and --threshold")?;
    let input = Input::read(args)?;
    let binaries = Binaries::find()?;
    files::make_folder(&args.out, Access::Public).context("--out")?;
    // Fail now rather than when the result is there.
    tempfile::tempfile_in(&args.out).with_context(|| format!("--out: {}: nothing can be written there", args.out.display()))?;
    let report = args.report.as_deref().map(ReportFile::new).transpose()?;
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
    let (verified, shared_answer) = outcome.map_err(|error| work.keep_hint(error))?;
    let hidden = hidden::sentences(&verified);
    let mut text = summary(args, &input, &verified, &progress);
    text += &format!("\nwhat was hidden from whom ({}):\n{}\n", hidden::NOTE, hidden.join("\n"));
    let document = document(args, &input, &verified, &hidden, &progress);
    let Some(answer) = shared_answer else {
        return format.print(&document, &text);
    };
    let compared = in_the_clear::compare(&input, &verified.report);
    let explanation = explain::parts(&answer, &compared);
    if args.explain {
        text += &explain::text(&explanation);
    }
    format.print(&document, &text)?;
    if let Some(report) = &report {
        let contents = Contents {
            name: &input.name,
            verified: &verified,
            hidden: &hidden,
            explanation: &explanation,
            times: &progress.times(),
            check: check_command(args),
        };
        format.print_before(&report.write(&contents)?)?;
    }
    ensure!(
        compared.iter().all(|one| one.equal),
        "the verified result differs from that of the same answers in the clear: see the rows with NO in the last table"
    );
    Ok(())
}

/// What the demo has shown, for programs.
fn document(args: &args::Demo, input: &Input, verified: &Verified, hidden: &[String], progress: &Progress) -> Value {
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
        "hidden": hidden,
        "phases": phases,
        "saved_to": args.out,
        "report": args.report,
    })
}

/// Runs the job and writes the verified files to `--out`. Returns the result, and the answer to show if one is asked for.
async fn publish(
    args: &args::Demo,
    input: &Input,
    folders: &ClusterFolders,
    work: &WorkFolder,
    progress: &Progress,
) -> Result<(Verified, Option<SharedAnswer>)> {
    let api = Api::new(&folders.cluster.file().coordinator.url, Some(folders.token.as_str()))?;
    let job = {
        let _phase = progress.phase("create job", "creating the job".to_owned(), None);
        job::create(&api, &folders.cluster, input).await?
    };
    let first = job::submit_all(&api, &folders.cluster, &job, input, progress).await?;
    let shared_answer = match first {
        Some(submission) if args.explain || args.report.is_some() => {
            let _phase = progress.phase(
                "open shares",
                "opening the shares of one answer with the keys of the nodes".to_owned(),
                None,
            );
            let key = |node: usize, epoch| {
                let folder = folders.nodes.get(node).context("there is no such node")?;
                sealing_key::read(&folder.folder, epoch)
            };
            let opened = SharedAnswer::open(&folders.cluster, &job, input, &submission, key);
            Some(opened.context("the first answer cannot be shown")?)
        }
        _ => None,
    };
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
    Ok((verified, shared_answer))
}

fn summary(args: &args::Demo, input: &Input, verified: &Verified, progress: &Progress) -> String {
    let signers: Vec<String> = verified
        .signers()
        .iter()
        .map(|(name, operator)| format!("{name} ({operator})"))
        .collect();
    format!(
        "{}{}\nverified: the certificate holds, signed by {}\nwritten to {}: {RESULT}, {PAYOUTS}, {CERTIFICATE}, {CLUSTER}\n\
         check it yourself: {}\n",
        output::report(&input.name, &verified.report),
        progress.table(),
        signers.join(", "),
        args.out.display(),
        check_command(args),
    )
}

/// The command that verifies the files in `--out`.
fn check_command(args: &args::Demo) -> String {
    let (result, cluster) = (args.out.join(RESULT), args.out.join(CLUSTER));
    format!("tacit verify {} --cluster {}", result.display(), cluster.display())
}
