//! `tacit bench`: measures a whole cluster on a job of a given size, by phase, and checks the result.
//!
//! Everything is real, as in the demo: processes, QUIC, HTTP, sealed envelopes, a verified certificate. Only the answers are made up,
//! from a seed.

mod computation;
mod contributors;
mod delay;
mod difference;
mod meters;
mod pool;
mod ratios;
mod report;
mod synthetic;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tacit_client::files::{self, Access};
use tacit_client::http::{Api, Published};
use tacit_client::sealing_keys;
use tacit_client::verify::{CERTIFICATE, Files, PAYOUTS, RESULT, Verified, check};
use tacit_mpc_core::sharing::AccessStructure;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobSpec};

use crate::args;
use crate::interruption::Interruptions;
use crate::local_cluster::{self, Binaries, ClusterFolders, ClusterShape, Lifetime, Member, WorkFolder};
use crate::output::Format;
use crate::progress::Progress;
use computation::RunningJob;
use contributors::SharedSubmissions;
use delay::Relays;
use meters::{cpu_seconds, peak_memory};
use pool::Pool;
use report::Report;
use synthetic::{JOB, Size, SyntheticAnswers};

/// Items per contributor by default: with five answers to an item, each contributor sends one full submission.
const ITEMS_PER_CONTRIBUTOR: usize = 100;

/// A running benchmark.
struct Bench<'a> {
    args: &'a args::Bench,
    synthetic: SyntheticAnswers,
    pool: Option<Pool>,
    spec: JobSpec,
    /// The machine's load before the benchmark started.
    load: f64,
    reserve_memory_mb: usize,
    progress: Progress,
}

/// Runs the benchmark.
pub(crate) async fn run(args: &args::Bench, format: Format) -> Result<()> {
    let access = AccessStructure::new(args.nodes, args.threshold).context("--nodes and --threshold")?;
    let load = load();
    let earlier = args.compare.as_deref().map(read_report).transpose()?;
    let size = size(args);
    size.check()?;
    let reserve_memory_mb = args.reserve_memory_mb.unwrap_or_else(|| memory_mb(size, &access));
    let pool = Pool::of(args.issuers);
    let spec = size.spec(pool.as_ref().map(|pool| pool.issuers.clone()))?;
    let binaries = Binaries::find()?;
    let synthetic = SyntheticAnswers::new(size, args.seed);
    let mut interruptions = Interruptions::listen()?;
    let work = WorkFolder::make(args.work.as_deref())?;
    let bench = Bench {
        args,
        synthetic,
        pool,
        spec,
        load,
        reserve_memory_mb,
        progress: Progress::new(),
    };
    let mut relays = Relays::bind(if args.delay > 0 { args.nodes } else { 0 }).await?;
    let addresses = relays.addresses();
    let shape = ClusterShape {
        name: "demo",
        ports: Lifetime::OneRun,
        nodes: args.nodes,
        threshold: args.threshold,
        addresses: (args.delay > 0).then_some(addresses.as_slice()),
        reserve_memory_mb,
    };
    let measured = local_cluster::with_cluster(
        &shape,
        &binaries,
        work.path(),
        args.timeout,
        &bench.progress,
        &mut interruptions,
        async |folders, members| {
            relays.lead_to(folders.nodes.iter().map(|node| node.listen), Duration::from_millis(args.delay));
            bench.measure(folders, members, work.path()).await
        },
    )
    .await;
    let (report, difference) = measured.map_err(|error| work.keep_hint(error))?;
    if let Some(path) = &args.out {
        let mut text = serde_json::to_vec_pretty(&report).context("--out")?;
        text.push(b'\n');
        files::write(path, &text, Access::Public).context("--out")?;
    }
    let mut text = report.table();
    if let Some(earlier) = earlier {
        text += &format!("\n{}", ratios::table(&report, &earlier));
    }
    format.print(&report, &text)?;
    match difference {
        None => Ok(()),
        Some(difference) => bail!("the certified result is not the one in the clear: {difference}"),
    }
}

fn size(args: &args::Bench) -> Size {
    // In a small job too, each contributor answers only some of the items.
    let usual = (args.items / ITEMS_PER_CONTRIBUTOR).max(2 * args.answers_per_item);
    Size {
        items: args.items,
        answers_per_item: args.answers_per_item,
        classes: args.classes,
        contributors: args.contributors.unwrap_or(usual),
        issuers: args.issuers,
    }
}

/// About how many megabytes a node needs to compute a job: measured with N = 3 and t = 1, and proportional to the components a node holds.
fn memory_mb(size: Size, access: &AccessStructure) -> usize {
    const BYTES_PER_ELEMENT: usize = 12;
    const ANYWAY: usize = 32;
    let elements = size.answers().saturating_mul(size.classes);
    elements.saturating_mul(BYTES_PER_ELEMENT).saturating_mul(access.held_by(0).len()) / 1_000_000 + ANYWAY
}

fn read_report(path: &Path) -> Result<Report> {
    let report = serde_json::from_slice(&files::read(path).context("--compare")?);
    report.with_context(|| format!("--compare: {}: not what `tacit bench --out` wrote", path.display()))
}

/// The machine's load average of the last minute; 0 if the system does not report it.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or_default()
}

impl Bench<'_> {
    /// Runs the job to a verified result. Also returns how the result differs from that of the answers in the clear, if it does.
    async fn measure(&self, folders: &ClusterFolders, members: &[Member], folder: &Path) -> Result<(Report, Option<String>)> {
        let Some((coordinator, nodes)) = members.split_last() else {
            bail!("the cluster has no coordinator");
        };
        let api = Api::new(&folders.cluster.file().coordinator.url, Some(folders.token.as_str()))?;
        let cluster = Arc::new(sealing_keys::fetch_first(&api, folders.cluster.clone()).await?);
        let answers = self.synthetic.size.answers();
        let buyer = SecretKey::generate(&mut rand::rng());
        let job = Arc::new(Job::sign(&cluster.digest(), JOB.parse()?, self.spec.clone(), &buyer)?);
        let run = RunningJob {
            api: &api,
            id: job.id(),
            nodes,
            coordinator,
        };
        {
            let _phase = self.progress.phase("create job", "creating the job".to_owned(), None);
            let status = api.create_job(job.id(), &job.to_signed_spec()).await?;
            ensure!(
                status.digest == job.digest(),
                "the coordinator has opened another job than was sent"
            );
        }
        let people = contributors::contributors(self.synthetic.size, &cluster, self.pool.as_ref())?;
        if self.pool.is_none() {
            let title = format!("enrolling {} contributors", people.len());
            let phase = self.progress.phase("enrol", title, Some(people.len() as u64));
            contributors::enrol(&api, &cluster, &people, &phase).await?;
        }
        let (shared, share) = {
            let _phase = self.progress.phase("share", format!("sharing {answers} answers on one core"), None);
            let (began, clock) = (Instant::now(), cpu_seconds(std::process::id())?);
            // Nothing else runs in this process at the same time.
            let shared = SharedSubmissions::make(&self.synthetic, &cluster, &job, &people, &folder.join("shared")).await?;
            (
                shared,
                row("share", began.elapsed().as_secs_f64(), cpu_seconds(std::process::id())? - clock, 0),
            )
        };
        let ingest = {
            let title = format!("sending {} submissions", shared.len());
            let phase = self.progress.phase("ingest", title, Some(answers as u64));
            let (wall_s, cpu_s) = run.ingest(shared.len(), shared.send(&api, &cluster, &phase)).await?;
            row("ingest", wall_s, cpu_s, shared.bytes.iter().copied().max().unwrap_or_default())
        };
        let computed = run.compute(&self.progress).await?;
        let began = Instant::now();
        let verified = self.fetch(&api, folders, &job).await?;
        let verify_s = began.elapsed().as_secs_f64();

        let difference = {
            let _phase = self
                .progress
                .phase("compare", "comparing with the result in the clear".to_owned(), None);
            let payout = self.spec.payout.as_ref().context("the job pays nobody")?;
            difference::difference(&self.synthetic, payout, &verified.report)
        };
        let mut peak_rss_bytes = BTreeMap::from([("client".to_owned(), peak_memory(std::process::id())?)]);
        for member in members {
            peak_rss_bytes.insert(member.name.clone(), peak_memory(member.pid)?);
        }
        let rate = |phase: &report::Phase| answers as f64 / phase.wall_s;
        let sent: u64 = computed.phases.iter().map(|phase| phase.bytes_per_node).sum();
        let report = Report {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            release_build: !cfg!(debug_assertions),
            cores: std::thread::available_parallelism().map_or(0, Into::into),
            load: self.load,
            job: report::Job::new(self.synthetic.size, shared.len(), self.args.seed),
            cluster: report::Cluster {
                nodes: self.args.nodes,
                threshold: self.args.threshold,
                delay_ms: self.args.delay,
                reserve_memory_mb: self.reserve_memory_mb,
            },
            share_answers_per_s: rate(&share),
            ingest_answers_per_s: rate(&ingest),
            certificate_s: computed.certificate_s,
            published_s: computed.published_s,
            verify_s,
            rounds: computed.phases.iter().map(|phase| phase.rounds).sum(),
            bytes_per_item_and_node: sent as f64 / self.args.items as f64,
            round_trip_s: computed.round_trip_s,
            attempts: computed.attempts,
            phases: [share, ingest].into_iter().chain(computed.phases).collect(),
            peak_rss_bytes,
            correct: difference.is_none(),
        };
        Ok((report, difference))
    }

    /// Fetches and verifies the published result.
    async fn fetch(&self, api: &Api, folders: &ClusterFolders, job: &Job) -> Result<Verified> {
        let _phase = self.progress.phase("verify", "fetching and verifying the result".to_owned(), None);
        let id = job.id();
        let files = Files {
            certificate: (CERTIFICATE.into(), api.fetch(id, Published::Certificate).await?),
            result: Some((RESULT.into(), api.fetch(id, Published::Result).await?)),
            payouts: Some((PAYOUTS.into(), api.fetch(id, Published::Payouts).await?)),
        };
        let verified = check(&files, folders.cluster.clone()).context("the published result is refused")?;
        ensure!(
            verified.certificate.terms == *job.terms(),
            "the published result is refused: it is of another job"
        );
        Ok(verified)
    }
}

/// A phase before the computation: it has no rounds.
fn row(name: &str, wall_s: f64, cpu_s: f64, bytes_per_node: u64) -> report::Phase {
    report::Phase {
        name: name.to_owned(),
        wall_s,
        cpu_s,
        rounds: 0,
        bytes_per_node,
    }
}
