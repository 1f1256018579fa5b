//! Bad submissions of every kind, uploaded over HTTP: each is refused or rejected for its reason, and the job has exactly the result of
//! the good ones.

use std::collections::BTreeMap;

use rand::rng;
use serde_json::{Value, json};
use tacit_protocol::api::{SUBMISSION_TYPE, SubmissionOutcome};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::fixtures::{class_answers, sealing_to, share};
use tacit_protocol::identity::{Purpose, Signature, Signed};
use tacit_protocol::job::Job;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, MAX_ENVELOPE_BYTES, Submission};
use tacit_tests::api_client::{self, cluster_file, enrol, outcome, put, submit};
use tacit_tests::cluster::TestCluster;
use tacit_tests::forgery::{Author, elements};
use tacit_tests::http::{Connection, counter};
use tacit_tests::malformed_kinds::{MalformedKind, Scenario};

type Counts = BTreeMap<RejectReason, u64>;

/// Only three items are answered. There are so many because a job takes two answers to every item of one contributor, and Mallory sends a lot.
const ITEMS: usize = 90;

/// Two jobs. The job `mixed` gets bad submissions too. Neither gets full.
struct TwoJobs {
    cluster: TestCluster,
    connection: Connection,
    file: Cluster,
    mixed: Job,
    clean: Job,
    mallory: Author,
    /// How many uploads were refused, by reason.
    refused: Counts,
    /// How many findings of nodes are expected, by reason.
    found: Counts,
    /// Submissions that are delivered to the nodes and must be rejected, with the reason, and how many nodes refuse them.
    left_out: Vec<(Submission, RejectReason, u64)>,
}

impl TwoJobs {
    fn new() -> Self {
        let cluster = TestCluster::start(3, 1);
        cluster.create_job("mixed", ITEMS, 12);
        cluster.create_job("clean", ITEMS, 12);
        let file = cluster_file(&cluster);
        let mut connection = Connection::open(&cluster.api);
        Self {
            mallory: enrol(&mut connection, &file, "mallory"),
            mixed: api_client::job(&cluster, "mixed"),
            clean: api_client::job(&cluster, "clean"),
            cluster,
            connection,
            file,
            refused: Counts::new(),
            found: Counts::new(),
            left_out: Vec::new(),
        }
    }

    fn enrol(&mut self, name: &str) -> Author {
        enrol(&mut self.connection, &self.file, name)
    }

    fn share(&self, author: &Author, job: &Job, answers: &[(u32, u32)]) -> Submission {
        let answers = class_answers(answers);
        share(&self.file, job, &author.name, &author.key, &answers, &mut rng()).unwrap()
    }

    /// Submits the same answers to both jobs.
    fn answer(&mut self, author: &Author, answers: &[(u32, u32)]) {
        for (id, job) in [("mixed", self.mixed.clone()), ("clean", self.clean.clone())] {
            let submission = self.share(author, &job, answers);
            submit(&mut self.connection, id, &submission);
        }
    }

    /// Uploads bytes under the id of a submission. They must be refused with these words and counted.
    fn refused(&mut self, submission: &Submission, bytes: &[u8], status: u16, says: &str, reason: Option<RejectReason>) {
        let path = api_client::path("mixed", submission);
        let answer = self.connection.request("PUT", &path, SUBMISSION_TYPE, bytes);
        assert_eq!(answer.status, status, "{says}: {}", answer.body);
        assert!(answer.body.contains(says), "{says}: {}", answer.body);
        if let Some(reason) = reason {
            *self.refused.entry(reason).or_default() += 1;
        }
    }

    /// Uploads a submission that must be refused for this reason.
    fn rejected(&mut self, submission: &Submission, reason: RejectReason) {
        self.refused(submission, &encode(submission), 422, reason.name(), Some(reason));
    }

    /// Mallory's good submission with another header, signed again.
    fn resigned(&self, alter: impl FnOnce(&mut Header)) -> Submission {
        let mut submission = self.share(&self.mallory, &self.mixed, &[(0, 0), (2, 1)]);
        let mut header = submission.header.value.clone();
        alter(&mut header);
        submission.header = Signed::new(header, Purpose::Submission, &self.mallory.key);
        submission
    }

    /// Submissions that everybody can see to be wrong, including the coordinator.
    fn refused_at_once(&mut self) {
        self.refused_for_their_bytes();
        self.refused_for_their_header();
        self.refused_for_their_author();
    }

    fn refused_for_their_bytes(&mut self) {
        let good = self.resigned(|_| {});
        let (bytes, malformed) = (encode(&good), Some(RejectReason::Malformed));
        self.refused(&good, &bytes[..bytes.len() - 1], 422, "malformed", malformed);
        self.refused(&good, &[&bytes[..], &[0]].concat(), 422, "malformed", malformed);
        self.refused(&good, b"", 422, "malformed", malformed);
        self.refused(&self.resigned(|_| {}), &bytes, 422, "malformed", malformed);
        let mut cut = good.clone();
        cut.envelopes[1].pop();
        self.rejected(&cut, RejectReason::DigestMismatch);
        let mut swapped = good.clone();
        swapped.envelopes.swap(0, 1);
        self.rejected(&swapped, RejectReason::DigestMismatch);
        let mut missing = good;
        missing.envelopes.pop();
        self.rejected(&missing, RejectReason::DigestMismatch);
        let bloated = self.mallory.share(&self.file, &self.mixed, &[0], &elements(&[1, 0]), &mut rng());
        let mut envelopes = bloated.envelopes(&mut rng());
        envelopes[0].resize(MAX_ENVELOPE_BYTES + 1, 0);
        let bloated = self.mallory.sign(bloated.statement, envelopes);
        self.rejected(&bloated, RejectReason::Malformed);
    }

    fn refused_for_their_header(&mut self) {
        let shapes: [fn(&mut Header); 7] = [
            |h| h.statement.items.clear(),
            |h| h.statement.items = vec![2, 0],
            |h| h.statement.items = vec![2, 2],
            |h| h.statement.items = vec![0, ITEMS as u32],
            |h| h.statement.components.truncate(2),
            |h| h.envelopes.truncate(2),
            |h| h.statement.contributor = "mal\nlory".to_owned(),
        ];
        for alter in shapes {
            self.rejected(&self.resigned(alter), RejectReason::Malformed);
        }
        self.rejected(&self.resigned(|h| h.statement.consent = None), RejectReason::BadConsent);
        // For another job, even if it is open at the same nodes, and for another cluster.
        self.rejected(&self.share(&self.mallory, &self.clean, &[(0, 0)]), RejectReason::WrongJob);
        let digest = self.clean.digest();
        let other_terms = self.resigned(|h| h.statement.job_digest = digest);
        self.refused(&other_terms, &encode(&other_terms), 404, "unknown_job", None);
        let text = std::fs::read_to_string(self.cluster.file()).unwrap() + "# another\n";
        let keys = self.file.sealing_keys().to_vec();
        let elsewhere = sealing_to(Cluster::parse(text.as_bytes()).unwrap(), keys);
        let elsewhere = self.mallory.share(&elsewhere, &self.mixed, &[0], &elements(&[1, 0]), &mut rng());
        let elsewhere = self.mallory.sign(elsewhere.statement.clone(), elsewhere.envelopes(&mut rng()));
        self.rejected(&elsewhere, RejectReason::WrongJob);
        let mut forged = self.resigned(|_| {});
        let mut signature = *forged.header.signature.as_bytes();
        signature[3] ^= 1;
        forged.header.signature = Signature::from_bytes(signature);
        self.rejected(&forged, RejectReason::BadSignature);
        let mut altered = self.resigned(|_| {});
        altered.header.value.statement.items = vec![0, 1];
        self.rejected(&altered, RejectReason::BadSignature);
    }

    fn refused_for_their_author(&mut self) {
        let stranger = self.share(&Author::new("stranger", &mut rng()), &self.mixed, &[(0, 0)]);
        self.refused(&stranger, &encode(&stranger), 403, "not enrolled", None);
        let impostor = self.share(&Author::new("mallory", &mut rng()), &self.mixed, &[(0, 0)]);
        self.refused(&impostor, &encode(&impostor), 403, "another key", Some(RejectReason::KeyConflict));
    }

    /// Submissions of this contributor that only nodes can find to be wrong.
    fn left_out(&mut self, author: &Author) {
        for kind in MalformedKind::ILL_FORMED.into_iter().chain(MalformedKind::ILL_SEALED) {
            let scenario = Scenario {
                cluster: &self.file,
                job: &self.mixed,
                other: &self.clean,
                author,
            };
            let submission = kind.make(&scenario, &[0, 1, 2]);
            submit(&mut self.connection, "mixed", &submission);
            *self.found.entry(kind.reason()).or_default() += kind.finders();
            self.left_out.push((submission, kind.reason(), kind.finders()));
        }
    }

    /// Submissions that one node cannot use until the others give it what it misses. Each is of a contributor of its own, and counts.
    fn repaired(&mut self) {
        for (index, kind) in MalformedKind::REPAIRED.into_iter().enumerate() {
            let author = self.enrol(&format!("repaired-{index}"));
            let scenario = Scenario {
                cluster: &self.file,
                job: &self.mixed,
                other: &self.clean,
                author: &author,
            };
            let submission = kind.make(&scenario, &[0, 1, 2]);
            submit(&mut self.connection, "mixed", &submission);
            *self.found.entry(kind.reason()).or_default() += kind.finders();
            let clean = self.share(&author, &self.clean, &[(0, 0), (1, 0), (2, 1)]);
            submit(&mut self.connection, "clean", &clean);
        }
    }

    /// Alice sends submissions again: the same bytes change nothing, other bytes under the same id are refused, nobody else can use her
    /// submission, and other answers of hers do not count.
    fn repeated(&mut self, alice: &Author, sent: &Submission) {
        let again = put(&mut self.connection, "mixed", sent);
        assert_eq!(again.status, 200, "{}", again.body);
        self.refused(sent, b"other bytes", 422, "malformed", Some(RejectReason::Malformed));
        let statement = sent.header.value.statement.clone();
        let claimed = self.resigned(|h| h.statement.id = statement.id);
        self.refused(
            &claimed,
            &encode(&claimed),
            409,
            "draw a new id",
            Some(RejectReason::DuplicateSubmission),
        );
        let replayed = put(&mut self.connection, "clean", sent);
        assert_eq!(replayed.status, 422, "{}", replayed.body);
        assert!(replayed.body.contains("wrong_job"), "{}", replayed.body);
        *self.refused.entry(RejectReason::WrongJob).or_default() += 1;
        let changed = self.share(alice, &self.mixed, &[(0, 0), (1, 1), (2, 0)]);
        submit(&mut self.connection, "mixed", &changed);
        self.left_out.push((changed, RejectReason::DuplicateAnswer, 0));
    }

    fn uploads(&self, label: &str) -> u64 {
        let admin = self.cluster.coordinator.as_ref().unwrap().admin();
        counter(admin, "tacit_coordinator_submissions_total", label)
    }

    fn answers(&self, label: &str) -> u64 {
        let admin = self.cluster.coordinator.as_ref().unwrap().admin();
        counter(admin, "tacit_coordinator_answers_total", label)
    }

    /// The findings that all nodes together have counted.
    fn deliveries(&self, label: &str) -> u64 {
        let nodes = self.cluster.nodes.iter().flatten();
        nodes.map(|node| counter(node.admin(), "tacit_node_submissions_total", label)).sum()
    }

    /// How many submissions all nodes together have repaired, or not.
    fn repairs(&self, label: &str) -> u64 {
        let nodes = self.cluster.nodes.iter().flatten();
        nodes.map(|node| counter(node.admin(), "tacit_node_repairs_total", label)).sum()
    }

    /// Checks the counters of all programs.
    fn check_counters(&self, accepted: u64, rejected: &BTreeMap<String, u64>) {
        for reason in RejectReason::ALL {
            let name = reason.name();
            assert_eq!(
                self.deliveries(name),
                self.found.get(&reason).copied().unwrap_or_default(),
                "{name}"
            );
            assert_eq!(self.answers(name), rejected.get(name).copied().unwrap_or_default(), "{name}");
            if self.refused.contains_key(&reason) {
                assert_eq!(self.uploads(name), self.refused[&reason], "{name}");
            }
        }
        assert_eq!(self.uploads("accepted"), accepted);
        assert_eq!(self.deliveries("accepted"), 3 * accepted - self.found.values().sum::<u64>());
    }
}

fn read(folder: &std::path::Path, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn bad_submissions_change_nothing() {
    let mut api = TwoJobs::new();
    let mallory = api.mallory.clone();
    let (alice, bob, carol) = (api.enrol("alice"), api.enrol("bob"), api.enrol("carol"));
    api.refused_at_once();
    api.left_out(&mallory);
    // A bad first submission of Alice does not count, and does not prevent her later one from counting.
    api.left_out(&alice);
    let first = api.share(&alice, &api.mixed, &[(0, 1), (1, 0), (2, 1)]);
    submit(&mut api.connection, "mixed", &first);
    let first_clean = api.share(&alice, &api.clean, &[(0, 1), (1, 0), (2, 1)]);
    submit(&mut api.connection, "clean", &first_clean);
    api.repeated(&alice, &first);
    api.left_out(&mallory);
    api.repaired();
    api.answer(&carol, &[(0, 1), (1, 1), (2, 0)]);
    // A repeated answer does not reject the other answers of its submission.
    api.answer(&bob, &[(0, 1), (1, 0)]);
    let partly = api.share(&bob, &api.mixed, &[(1, 1), (2, 0)]);
    submit(&mut api.connection, "mixed", &partly);
    let rest = api.share(&bob, &api.clean, &[(2, 0)]);
    submit(&mut api.connection, "clean", &rest);
    api.refused_at_once();
    api.left_out(&mallory);

    let (mixed, clean) = (api.cluster.finish("mixed"), api.cluster.finish("clean"));
    let late = api.share(&carol, &api.mixed, &[(0, 0)]);
    api.refused(
        &late,
        &encode(&late),
        409,
        "no longer accepts submissions",
        Some(RejectReason::JobClosed),
    );

    let mut expected = BTreeMap::from([("duplicate_answer".to_owned(), 1)]);
    for (submission, reason, refusing) in &api.left_out {
        *expected.entry(reason.name().to_owned()).or_default() += 3;
        let SubmissionOutcome {
            accepted,
            rejected,
            refused_by,
        } = outcome(&mut api.connection, "mixed", submission);
        assert_eq!((accepted, refused_by.len() as u64), (0, *refusing), "{reason}: {refused_by:?}");
        assert_eq!(rejected.len(), 3, "{reason}");
        assert!(rejected.iter().all(|answer| answer.reason == *reason), "{reason}: {rejected:?}");
    }
    let outcome = outcome(&mut api.connection, "mixed", &partly);
    let [repeated] = &outcome.rejected[..] else { panic!("{outcome:?}") };
    assert_eq!(
        (outcome.accepted, repeated.reason, &*repeated.item),
        (1, RejectReason::DuplicateAnswer, "item-1")
    );
    let rejected: BTreeMap<String, u64> = serde_json::from_value(read(&mixed, "certificate.json")["facts"]["rejected"].clone()).unwrap();
    assert_eq!(rejected, expected);
    // There are four good submissions in each job, and those that were repaired.
    let repaired = MalformedKind::REPAIRED.len() as u64;
    api.check_counters(api.left_out.len() as u64 + 8 + 2 * repaired, &rejected);
    assert_eq!(api.repairs("repaired"), repaired);
    let refused: Vec<Value> = serde_json::from_value(read(&mixed, "certificate.json")["facts"]["refused"].clone()).unwrap();
    let of_nodes = api.left_out.iter().filter(|(.., refusing)| *refusing > 0);
    let refused_submissions: u64 = refused.iter().map(|one| one["submissions"].as_u64().unwrap()).sum();
    assert_eq!(refused_submissions, of_nodes.count() as u64);
    assert!(refused.iter().all(|one| one["nodes"].as_array().unwrap().len() > 1), "{refused:?}");

    let payouts = |folder: &std::path::Path| std::fs::read_to_string(folder.join("payouts.csv")).unwrap();
    assert_eq!(payouts(&mixed).replace(",mixed", ",clean"), payouts(&clean));
    let (mut mixed, clean) = (read(&mixed, "result.json"), read(&clean, "result.json"));
    assert_eq!(mixed["job"]["rejected_answers"], rejected.values().sum::<u64>());
    // Except for the counts, who refused, and the job's name, the results are the same.
    mixed["job"]["rejected_answers"] = json!(0);
    assert_eq!(
        mixed["job"]
            .as_object_mut()
            .unwrap()
            .remove("refused")
            .unwrap()
            .as_array()
            .unwrap()
            .len(),
        refused.len()
    );
    mixed["job"]["id"] = json!("clean");
    assert_eq!(mixed, clean);
    assert_eq!(clean["job"]["answers"], 9 + 3 * repaired);
}
