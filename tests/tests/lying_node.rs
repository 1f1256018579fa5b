//! A deviating node in a cluster of real nodes and a real coordinator. The honest nodes stop the computation, name the phase and the suspect,
//! and go on working. If enough nodes remain, the job ends without the deviating node, with the right result.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;
use tacit_tests::impostor::coordinator::counted;
use tacit_tests::impostor::lanes::{Alteration, Deviation, Recipients};
use tacit_tests::impostor::node::ImpostorNode;

/// Messages that are wrong by themselves, sent to all: the phase in which they are sent, and the phases in which they may be detected.
const WRONG: [(&str, Phase, u32, Alteration, &[Phase]); 22] = {
    use Alteration::*;
    use Phase::*;
    [
        ("list-flipped", AcceptedSet, 0, FlippedBit, &[AcceptedSet]),
        ("list-short", AcceptedSet, 0, OneByteShorter, &[AcceptedSet]),
        ("list-long", AcceptedSet, 0, OneByteLonger, &[AcceptedSet]),
        ("list-empty", AcceptedSet, 0, Empty, &[AcceptedSet]),
        ("list-huge", AcceptedSet, 0, HugeLength, &[AcceptedSet]),
        ("list-next", AcceptedSet, 0, NextStep, &[AcceptedSet]),
        ("verdicts-ones", AcceptedSet, 1, AllOnes, &[AcceptedSet]),
        ("keys-random", Keys, 0, Random, &[Keys]),
        ("keys-huge", Keys, 0, HugeLength, &[Keys]),
        ("keys-unconfirmed", Keys, 1, AllOnes, &[AcceptedSet, Keys]),
        ("validate-ones", Validate, 0, AllOnes, &[Validate]),
        ("validate-flipped", Validate, 0, FlippedBit, &[Validate, Agreement, Verify]),
        ("validate-random", Validate, 1, Random, &[Validate]),
        ("validate-opening", Validate, 2, FlippedBit, &[Validate]),
        ("agreement-ones", Agreement, 0, AllOnes, &[Agreement]),
        ("agreement-flipped", Agreement, 0, FlippedBit, &[Agreement, Verify]),
        ("agreement-next", Agreement, 0, NextStep, &[Agreement]),
        ("verify-first", Verify, 0, FlippedBit, &[Verify]),
        ("verify-second", Verify, 1, FlippedBit, &[Verify]),
        ("verify-third", Verify, 2, Random, &[Verify]),
        ("release-flipped", Release, 0, FlippedBit, &[Release]),
        ("release-empty", Release, 0, Empty, &[Release]),
    ]
};

/// Deviations, towards all, that a node with a temporary failure could show too.
const TEMPORARY_FAILURES: [(&str, Deviation); 8] = [
    ("meaningless-bytes", Deviation::MeaninglessBytes),
    ("huge-first-frame", Deviation::HugeFirstFrame),
    ("other-sessions", Deviation::LanesOfOtherSessions),
    ("too-many-lanes", Deviation::TooManyLanes),
    (
        "cut-list",
        Deviation::AltersMessages(Phase::AcceptedSet, 0, Alteration::CutOff, Recipients::All),
    ),
    (
        "cut-verify",
        Deviation::AltersMessages(Phase::Verify, 1, Alteration::CutOff, Recipients::All),
    ),
    (
        "silent-list",
        Deviation::AltersMessages(Phase::AcceptedSet, 0, Alteration::Missing, Recipients::All),
    ),
    (
        "silent-keys",
        Deviation::AltersMessages(Phase::Keys, 0, Alteration::Missing, Recipients::All),
    ),
];

/// A cluster whose last node the test plays.
struct Stage {
    cluster: TestCluster,
    liar: Option<ImpostorNode>,
}

impl Stage {
    fn new((nodes, threshold): (usize, usize), round_timeout: u64, max_attempts: u64, deviations: &[(String, Deviation)]) -> Self {
        let mut cluster = TestCluster::lay_out(nodes, threshold);
        TestCluster::configure(&cluster.coordinator_folder(), "max_attempts", max_attempts);
        for node in 0..nodes {
            let folder = cluster.node_folder(node);
            TestCluster::configure(&folder, "round_timeout_seconds", round_timeout);
            TestCluster::configure(&folder, "max_sessions", 100);
        }
        cluster.start_coordinator();
        (0..nodes - 1).for_each(|node| cluster.start_node(node));
        let liar = ImpostorNode::start(&cluster, deviations);
        cluster.ready();
        let end = Instant::now() + Duration::from_secs(30);
        while liar.connected() < nodes - 1 {
            assert!(Instant::now() < end, "not connected to the impostor");
            std::thread::sleep(Duration::from_millis(20));
        }
        let stage = Self { cluster, liar: Some(liar) };
        for (job, _) in deviations {
            stage.answered(job);
        }
        stage
    }

    /// A job with the answers of three contributors.
    fn answered(&self, job: &str) {
        self.cluster.create_job(job, 3, 9);
        for (name, answers) in [
            ("alice", ["yes", "no", "yes"]),
            ("bob", ["yes", "no", "no"]),
            ("carol", ["yes", "yes", "no"]),
        ] {
            self.cluster.answer(job, name, &answers).ok();
        }
    }

    /// The lines that the honest nodes logged about failed computations of a job.
    fn log_lines(&self, job: &str) -> Vec<String> {
        let (of, failed) = (format!("job={job} "), "a computation failed");
        let logs = self.cluster.nodes.iter().flatten().map(|node| node.log());
        let lines = logs.flat_map(|log| {
            log.lines()
                .filter(|l| l.contains(&of) && l.contains(failed))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        lines.collect()
    }

    /// The same, once at least this many nodes have logged it: the coordinator does not wait for all of them.
    fn log_lines_of(&self, job: &str, nodes: usize) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let lines = self.log_lines(job);
            if lines.len() >= nodes {
                return lines;
            }
            assert!(Instant::now() < end, "{job}: {lines:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until an honest node has logged a line with all these words about a job's computation.
    fn wait_for_log(&self, job: &str, words: &[&str]) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.log_lines(job).iter().any(|line| words.iter().all(|word| line.contains(word))) {
            assert!(Instant::now() < end, "{job}: {:?}", self.log_lines(job));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Failed sessions of all honest nodes by phase.
    fn failures(&self) -> BTreeMap<Phase, u64> {
        let of = |phase: Phase| {
            let line = format!("tacit_node_session_phases_total{{phase=\"{}\",result=\"failed\"}} ", phase.name());
            self.cluster.nodes.iter().flatten().map(|node| counted(node.admin(), &line)).sum()
        };
        Phase::ALL.map(|phase| (phase, of(phase))).into()
    }

    /// Sessions of all honest nodes that ended because of what a peer sent.
    fn verification_failures(&self) -> u64 {
        let of = |phase: Phase| {
            let line = format!("tacit_node_verification_failures_total{{phase=\"{}\"}} ", phase.name());
            self.cluster
                .nodes
                .iter()
                .flatten()
                .map(|node| counted(node.admin(), &line))
                .sum::<u64>()
        };
        Phase::ALL.map(of).iter().sum()
    }

    fn unharmed(&self) {
        for node in self.cluster.nodes.iter().flatten() {
            assert_eq!(get(node.admin(), "/livez").trim(), "ok");
            assert!(!node.log().contains("panicked"), "{}", node.log());
        }
    }
}

/// Observed agreement of the three contributors: all agree on item 0, and one pair of three on items 1 and 2.
fn assert_scored(out: &Path) {
    let result: Value = serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    let observed = result["agreement"]["observed"].as_f64().unwrap();
    assert!((observed - 5.0 / 9.0).abs() < 1e-12, "{result}");
    assert_eq!(
        (&result["job"]["answers"], &result["job"]["rejected_answers"]),
        (&9.into(), &0.into())
    );
}

fn wrong(recipients: Recipients) -> Vec<(String, Deviation)> {
    let sends = |(name, phase, round, alteration, _): (&str, Phase, u32, Alteration, &[Phase])| {
        (name.to_owned(), Deviation::AltersMessages(phase, round, alteration, recipients))
    };
    WRONG.map(sends).to_vec()
}

fn temporary_failures() -> Vec<(String, Deviation)> {
    TEMPORARY_FAILURES.map(|(name, deviation)| (name.to_owned(), deviation)).to_vec()
}

/// Without a spare node: all honest nodes stop with an error that points to the last node, and the job fails.
fn all_stop(nodes: usize, threshold: usize, deviations: &[(String, Deviation)]) {
    let mut stage = Stage::new((nodes, threshold), 600, 1, deviations);
    let (liar, honest) = (format!("node-{}", nodes - 1), nodes - 1);
    deviations.iter().for_each(|(job, _)| stage.cluster.close(job));
    for (job, _) in deviations {
        let (.., phases) = WRONG.into_iter().find(|(name, ..)| name == job).unwrap();
        stage.cluster.wait_for(job, |status| status["state"] == "failed");
        let status = stage.cluster.status(job);
        let reason = status["reason"].as_str().unwrap();
        let in_phase = phases.iter().any(|phase| reason.contains(&format!("in phase {phase}:")));
        assert!(in_phase && reason.contains(&format!("`{liar}`")), "{job}: {reason}");
        let lines = stage.log_lines_of(job, honest);
        assert_eq!(lines.len(), honest, "{job}: {lines:?}");
        assert!(lines.iter().all(|line| line.contains("phase ")), "{job}: {lines:?}");
        let accuses = |line: &String| line.split_once("suspects: ").is_some_and(|(_, suspects)| suspects.contains(&liar));
        assert!(lines.iter().any(accuses), "{job}: {lines:?}");
    }
    let failures = stage.failures();
    assert_eq!(failures.values().sum::<u64>(), (honest * deviations.len()) as u64, "{failures:?}");
    // No job here decides labels.
    let mut phases = failures.iter().filter(|(phase, _)| **phase != Phase::Labels);
    assert!(phases.all(|(_, count)| *count > 0), "{failures:?}");
    // At least one honest node detected each deviation; the others may only have missed that node.
    assert!(stage.verification_failures() >= deviations.len() as u64);
    stage.unharmed();

    // With the real node in its place, the next job works.
    drop(stage.liar.take());
    stage.cluster.start_node(nodes - 1);
    stage.cluster.ready();
    stage.answered("after");
    assert_scored(&stage.cluster.finish("after"));
}

#[test]
fn of_three_nodes_two_stop_and_name_phase_and_suspect() {
    all_stop(3, 1, &wrong(Recipients::All));
}

#[test]
fn of_five_nodes_four_stop_and_name_phase_and_suspect() {
    all_stop(5, 2, &wrong(Recipients::All));
}

#[test]
fn of_three_nodes_two_wait_for_a_node_that_may_only_have_failed() {
    let mut stage = Stage::new((3, 1), 2, 1, &temporary_failures());
    TEMPORARY_FAILURES.iter().for_each(|(job, _)| stage.cluster.close(job));
    for (job, _) in TEMPORARY_FAILURES {
        let phase = if job == "cut-verify" { "phase verify" } else { "phase " };
        // On a slow machine, the first attempt may fail for another reason; such a job is tried again.
        stage.wait_for_log(job, &[phase, "node 2", "(suspects: node-2)"]);
        assert_eq!(stage.cluster.status(job)["state"], "computing", "{job}");
    }
    assert!(stage.failures()[&Phase::AcceptedSet] > 0 && stage.failures()[&Phase::Verify] > 0);
    assert_eq!(stage.verification_failures(), 0, "who is silent or gone has sent nothing wrong");
    stage.unharmed();
    drop(stage.liar.take());
    stage.cluster.start_node(2);
    for (job, _) in TEMPORARY_FAILURES {
        assert_scored(&stage.cluster.end(job));
    }
    stage.unharmed();
}

/// Whatever the last of four nodes does, to all or to one: the other three finish the job without help.
fn four_go_on(round_timeout: u64, deviations: &[(String, Deviation)]) {
    let stage = Stage::new((4, 1), round_timeout, 10, deviations);
    deviations.iter().for_each(|(job, _)| stage.cluster.close(job));
    for (job, deviation) in deviations {
        let out = stage.cluster.end(job);
        assert_scored(&out);
        let certificate: Value = serde_json::from_slice(&std::fs::read(out.join("certificate.json")).unwrap()).unwrap();
        let participants = &certificate["subject"]["participants"];
        assert_eq!(*participants, serde_json::json!([0, 1, 2]), "{job} {deviation:?}");
    }
    assert!(stage.failures().values().sum::<u64>() >= deviations.len() as u64);
    stage.unharmed();
}

#[test]
fn four_nodes_go_on_without_one_that_deviates_to_all() {
    four_go_on(600, &wrong(Recipients::All));
}

#[test]
fn four_nodes_go_on_without_one_that_deviates_to_one_at_a_time() {
    four_go_on(600, &wrong(Recipients::First));
}

#[test]
fn four_nodes_go_on_without_one_that_may_only_have_failed() {
    four_go_on(2, &temporary_failures());
}

#[test]
fn four_nodes_go_on_without_one_that_chooses_whose_answers_count() {
    let deviations = [
        ("unsealable", RejectReason::Unsealable),
        ("withheld", RejectReason::NotDelivered),
        ("malformed", RejectReason::Malformed),
    ];
    four_go_on(
        600,
        &deviations.map(|(job, reason)| (job.to_owned(), Deviation::RefusesAllBut(1, reason))),
    );
}

#[test]
fn of_three_nodes_two_wait_for_one_that_chooses_whose_answers_count_and_say_so() {
    let refuses = Deviation::RefusesAllBut(1, RejectReason::Unsealable);
    // One attempt: what is waited for does not use it up.
    let mut stage = Stage::new((3, 1), 600, 1, &[("chosen".to_owned(), refuses)]);
    stage.cluster.close("chosen");
    let waits = |status: &Value| {
        let waiting = status["waiting_on"].as_array().unwrap();
        let of =
            |one: &Value| one["node"] == "node-2" && one["reason"].as_str().unwrap().contains("refuses submissions that the others hold");
        status["attempt"].as_u64().unwrap() > 2 && waiting.len() == 1 && of(&waiting[0])
    };
    stage.cluster.wait_for("chosen", waits);
    assert_eq!(stage.cluster.status("chosen")["state"], "computing");
    stage.wait_for_log("chosen", &["node-2 refuse 2 submissions that all others hold"]);
    stage.unharmed();
    drop(stage.liar.take());
    stage.cluster.start_node(2);
    assert_scored(&stage.cluster.end("chosen"));
    stage.unharmed();
}
