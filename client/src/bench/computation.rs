//! Measures the cluster from the first upload until every node has every submission, and from then until the job is published.

use std::cell::Cell;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::future::try_join_all;
use tacit_client::http::Api;
use tacit_protocol::api::{JobState, JobStatus};
use tacit_protocol::job::JobId;
use tacit_protocol::phase::Phase;
use tokio::time::sleep;

use super::meters::{CpuByPhase, PerPhase, Samples, Scraper, cpu_seconds};
use super::report;
use crate::local_cluster::{Member, follow, stage};
use crate::progress::Progress;

/// The interval at which the coordinator is asked whether everything is delivered.
const DELIVERED: Duration = Duration::from_millis(10);
/// The interval at which the nodes are asked for their phase. The processor time of a phase is measured to about this precision.
const SAMPLE: Duration = Duration::from_millis(50);

/// A running job on a cluster that runs nothing else.
pub(super) struct RunningJob<'a> {
    pub api: &'a Api,
    pub id: &'a JobId,
    /// The nodes in order.
    pub nodes: &'a [Member],
    /// The coordinator's process.
    pub coordinator: &'a Member,
}

/// Measurements from the submissions to the published job.
pub(super) struct Computed {
    /// The nodes' phases, and `certificate`.
    pub phases: Vec<report::Phase>,
    /// Seconds from the request to compute to the certificate, by the coordinator's clock.
    pub certificate_s: f64,
    /// Seconds until the job was published, by this process's clock.
    pub published_s: f64,
    /// The shortest round trip between two nodes, in seconds.
    pub round_trip_s: f64,
    /// How many computations were started.
    pub attempts: u32,
}

impl RunningJob<'_> {
    /// Runs `upload`, which sends `submissions` submissions, and waits until every node has stored all of them.
    pub(super) async fn ingest(&self, submissions: usize, upload: impl Future<Output = Result<()>>) -> Result<(f64, f64)> {
        let (began, clock) = (Instant::now(), self.clock()?);
        upload.await?;
        loop {
            let status = self.api.status(self.id).await?;
            let waits = matches!(status.state, JobState::Open | JobState::Closing);
            if !waits || status.delivered >= submissions as u64 {
                return Ok((began.elapsed().as_secs_f64(), self.clock()? - clock));
            }
            sleep(DELIVERED).await;
        }
    }

    /// Follows the computation to the published job. The last submission filled the job, so nobody has to close it.
    pub(super) async fn compute(&self, progress: &Progress) -> Result<Computed> {
        let began = Instant::now();
        let coordinator = cpu_seconds(self.coordinator.pid)?;
        let scraper = Scraper::new()?;
        let fresh = |node: &Member| Ok(CpuByPhase::new(cpu_seconds(node.pid)?, PerPhase::new()));
        let mut meters: Vec<CpuByPhase> = self.nodes.iter().map(fresh).collect::<Result<_>>()?;
        let attempts = Cell::new(0);
        let phase = progress.phase("compute", "the nodes compute".to_owned(), None);
        let see = |status: &JobStatus| {
            attempts.set(status.attempt);
            if !status.state.is_final() {
                phase.note(stage(status));
            }
        };
        tokio::select! {
            published = follow(self.api, self.id, see) => published?,
            failed = self.watch_cpu(&scraper, &mut meters) => return Err(failed),
        }
        let published_s = began.elapsed().as_secs_f64();
        drop(phase);

        let samples = self.sample(&scraper, &mut meters).await?;
        let cpu: Vec<PerPhase> = meters.into_iter().map(CpuByPhase::finish).collect();
        let mut phases = phases(&samples, &cpu)?;
        let counted = scraper.read(self.coordinator).await?;
        let certificate_s = counted.value("tacit_coordinator_computation_seconds_sum")?;
        let at_nodes: f64 = phases.iter().map(|phase| phase.wall_s).sum();
        phases.push(report::Phase {
            name: "certificate".to_owned(),
            wall_s: (certificate_s - at_nodes).max(0.0),
            cpu_s: cpu_seconds(self.coordinator.pid)? - coordinator,
            rounds: 0,
            bytes_per_node: 0,
        });
        Ok(Computed {
            phases,
            certificate_s,
            published_s,
            round_trip_s: round_trip(&samples),
            attempts: attempts.get(),
        })
    }

    /// Processor time of all processes, including this one.
    fn clock(&self) -> Result<f64> {
        let members = self.nodes.iter().chain([self.coordinator]).map(|member| member.pid);
        members.chain([std::process::id()]).map(cpu_seconds).sum()
    }

    /// Reads the nodes' processor times and rounds repeatedly; returns only with an error.
    async fn watch_cpu(&self, scraper: &Scraper, meters: &mut [CpuByPhase]) -> anyhow::Error {
        loop {
            if let Err(error) = self.sample(scraper, meters).await {
                return error;
            }
            sleep(SAMPLE).await;
        }
    }

    async fn sample(&self, scraper: &Scraper, meters: &mut [CpuByPhase]) -> Result<Vec<Samples>> {
        let samples = try_join_all(self.nodes.iter().map(|node| scraper.read(node))).await?;
        for ((meter, node), one) in meters.iter_mut().zip(self.nodes).zip(&samples) {
            meter.add(cpu_seconds(node.pid)?, one.by_phase("rounds_total", "")?);
        }
        Ok(samples)
    }
}

/// The shortest round trip between two nodes that are connected.
fn round_trip(samples: &[Samples]) -> f64 {
    let all = samples.iter().flat_map(|one| one.values("tacit_node_peer_round_trip_seconds"));
    all.filter(|seconds| *seconds > 0.0).reduce(f64::min).unwrap_or_default()
}

/// The nodes' phases: the time of the node that took longest in total, rounds and bytes of the node with the most, processor time of all nodes.
fn phases(samples: &[Samples], cpu: &[PerPhase]) -> Result<Vec<report::Phase>> {
    let of = |name: &str, labels: &str| -> Result<Vec<PerPhase>> { samples.iter().map(|one| one.by_phase(name, labels)).collect() };
    let (wall, rounds) = (of("phase_seconds_sum", "")?, of("rounds_total", "")?);
    let sent = of("session_bytes_total", "direction=\"sent\",")?;
    let total = |phases: &&PerPhase| phases.values().sum::<f64>();
    let slowest = wall
        .iter()
        .max_by(|a, b| total(a).total_cmp(&total(b)))
        .context("a cluster has nodes")?;
    let at = |phases: &PerPhase, phase: Phase| phases.get(&phase).copied().unwrap_or_default();
    let most = |all: &[PerPhase], phase: Phase| all.iter().map(|one| at(one, phase)).fold(0.0, f64::max);
    if total(&slowest) == 0.0 {
        bail!("no node says that it computed: are all programs of the same release?");
    }
    let row = |phase: Phase| report::Phase {
        name: phase.name().to_owned(),
        wall_s: at(slowest, phase),
        cpu_s: cpu.iter().map(|one| at(one, phase)).sum(),
        rounds: most(&rounds, phase) as u64,
        bytes_per_node: most(&sent, phase) as u64,
    };
    Ok(Phase::ALL.into_iter().map(row).collect())
}
