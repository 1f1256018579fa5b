//! Measurements of the processes of a cluster: their own metrics, and what the kernel reports about them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::{Context, Result};
use tacit_protocol::phase::Phase;

use crate::local_cluster::Member;

/// Clock ticks of `/proc/PID/stat` per second; the same on every Linux that Rust supports.
const TICKS: f64 = 100.0;
/// The time-out of requests to admin ports.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A client that reads metrics of admin ports.
pub(super) struct Scraper(reqwest::Client);

/// The samples of one scrape, by name and labels in the exposition format.
pub(super) struct Samples(HashMap<String, f64>);

impl Scraper {
    /// A client for loopback.
    pub(super) fn new() -> Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(REQUEST_TIMEOUT)
            .no_proxy()
            .tls_certs_only([])
            .build();
        client.context("cannot make an HTTP client").map(Self)
    }

    /// Reads the metrics of a member.
    pub(super) async fn read(&self, member: &Member) -> Result<Samples> {
        let url = format!("{}/metrics", member.admin);
        let silent = || format!("{url} of {} cannot be read", member.name);
        let response = self.0.get(&url).send().await.with_context(silent)?;
        let text = response
            .error_for_status()
            .with_context(silent)?
            .text()
            .await
            .with_context(silent)?;
        Ok(Samples::parse(&text))
    }
}

impl Samples {
    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        });
        Self(samples.collect())
    }

    /// The value of a series, written with its labels in alphabetical order.
    pub(super) fn value(&self, series: &str) -> Result<f64> {
        let value = self.0.get(series).copied();
        value.with_context(|| format!("the metric {series} is missing: are all programs of the same release?"))
    }

    /// The values of all series of a name.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = f64> {
        let of = move |series: &str| {
            series
                .strip_prefix(name)
                .is_some_and(|labels| labels.is_empty() || labels.starts_with('{'))
        };
        self.0.iter().filter(move |(series, _)| of(series)).map(|(_, value)| *value)
    }

    /// The value of the series `name` of a node for each phase. `labels` are the labels before that of the phase.
    pub(super) fn by_phase(&self, name: &str, labels: &str) -> Result<PerPhase> {
        let value = |phase: Phase| Ok((phase, self.value(&format!("tacit_node_{name}{{{labels}phase=\"{phase}\"}}"))?));
        Phase::ALL.into_iter().map(value).collect()
    }
}

/// A number for each phase of a session.
pub(super) type PerPhase = BTreeMap<Phase, f64>;

/// Attributes the processor time of a process to phases, from readings of its clock and its rounds.
///
/// The work before a round belongs to the round's phase, as in the node's own metrics. If a reading finds new rounds of several phases,
/// the time since the previous reading is divided among them by their rounds.
pub(super) struct CpuByPhase {
    clock: f64,
    rounds: PerPhase,
    /// Seconds since the last round that was seen.
    pending: f64,
    spent: PerPhase,
}

impl CpuByPhase {
    /// Begins with this reading.
    pub(super) fn new(clock: f64, rounds: PerPhase) -> Self {
        Self {
            clock,
            rounds,
            pending: 0.0,
            spent: PerPhase::new(),
        }
    }

    /// Adds a reading.
    pub(super) fn add(&mut self, clock: f64, rounds: PerPhase) {
        self.pending += clock - self.clock;
        let before = |phase: &Phase| self.rounds.get(phase).copied().unwrap_or_default();
        let new: PerPhase = rounds.iter().map(|(phase, now)| (*phase, now - before(phase))).collect();
        let all: f64 = new.values().sum();
        if all > 0.0 {
            for (phase, new) in new {
                *self.spent.entry(phase).or_default() += self.pending * new / all;
            }
            self.pending = 0.0;
        }
        (self.clock, self.rounds) = (clock, rounds);
    }

    /// The seconds of each phase. Time after the last round belongs to the release.
    pub(super) fn finish(mut self) -> PerPhase {
        *self.spent.entry(Phase::Release).or_default() += self.pending;
        self.spent
    }
}

/// The processor time that all threads of a process have used, user and system, in seconds.
pub(super) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = proc(pid, "stat")?;
    // The name in parentheses may contain spaces. After it, the state is the first field and the times are the 12th and 13th.
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let mut times = fields.split_whitespace().skip(11).map_while(|field| field.parse::<f64>().ok());
    let (user, system) = times
        .next()
        .zip(times.next())
        .with_context(|| format!("/proc/{pid}/stat has no times"))?;
    Ok((user + system) / TICKS)
}

/// The peak memory of a process in bytes.
pub(super) fn peak_memory(pid: u32) -> Result<u64> {
    let status = proc(pid, "status")?;
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(peak.with_context(|| format!("/proc/{pid}/status has no VmHWM"))? << 10)
}

fn proc(pid: u32, file: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read: the bench runs on Linux only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_found_by_name_and_labels() {
        let samples = Samples::parse("# HELP a b\n# TYPE a counter\na{phase=\"keys\"} 3\nb 1.5\nab 7\n");
        assert_eq!(
            (samples.value("a{phase=\"keys\"}").unwrap(), samples.value("b").unwrap()),
            (3.0, 1.5)
        );
        assert_eq!(samples.values("a").sum::<f64>(), 3.0);
        assert!(samples.value("c").unwrap_err().to_string().contains('c'));
        let text: String = Phase::ALL
            .iter()
            .map(|phase| format!("tacit_node_x{{d=\"sent\",phase=\"{phase}\"}} 2\n"))
            .collect();
        assert_eq!(Samples::parse(&text).by_phase("x", "d=\"sent\",").unwrap().len(), 7);
    }

    #[test]
    fn work_before_a_round_is_of_the_rounds_phase() {
        let rounds = |validate: f64, labels: f64| PerPhase::from([(Phase::Validate, validate), (Phase::Labels, labels)]);
        let mut cpu = CpuByPhase::new(1.0, rounds(0.0, 0.0));
        cpu.add(2.0, rounds(0.0, 0.0));
        cpu.add(4.0, rounds(1.0, 0.0));
        cpu.add(8.0, rounds(2.0, 3.0));
        cpu.add(9.0, rounds(2.0, 3.0));
        let due = PerPhase::from([(Phase::Validate, 4.0), (Phase::Labels, 3.0), (Phase::Release, 1.0)]);
        assert_eq!(cpu.finish(), due);
    }

    #[test]
    fn this_process_has_a_clock_and_memory() {
        let own = std::process::id();
        let before = cpu_seconds(own).unwrap();
        // WorkFolder until the clock has advanced.
        while cpu_seconds(own).unwrap() <= before {}
        assert!(peak_memory(own).unwrap() > 1 << 20);
        assert!(cpu_seconds(u32::MAX).unwrap_err().to_string().contains("/proc/"));
    }
}
