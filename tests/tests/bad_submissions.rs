//! Bad submissions of several kinds, uploaded over HTTP: each is refused or left out, and the job ends
//! with exactly the result of the good ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tacit_core::api::{Enrolment, SUBMISSION_TYPE, enrolment_statement};
use tacit_core::cluster::Cluster;
use tacit_core::codec::encode;
use tacit_core::digest::Digest;
use tacit_core::identity::{Purpose, SecretKey, Signature, Signed};
use tacit_core::job::{Job, JobSpec};
use tacit_core::submission::{MAX_SUBMISSION_BYTES, Submission};
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::{Answer, announce, get, request};

struct Desk {
    cluster: TestCluster,
    file: Cluster,
    job: Job,
    mallory: SecretKey,
}

impl Desk {
    fn new() -> Self {
        let cluster = TestCluster::start(3, 1);
        cluster.create_job("mixed", 3, 9);
        cluster.create_job("other", 3, 9);
        let file = Cluster::parse(&std::fs::read(cluster.file()).unwrap()).unwrap();
        let mallory = SecretKey::generate(&mut rand::rng());
        let enrolment = Enrolment {
            contributor: "mallory".to_owned(),
            key: mallory.public(),
            signature: mallory.sign(Purpose::Enrolment, &enrolment_statement(&file.digest(), "mallory")),
        };
        let body = serde_json::to_vec(&enrolment).unwrap();
        let enrolled = request(&cluster.api, "POST", "/v1/contributors", "application/json", &body);
        assert!(enrolled.status < 300, "{}", enrolled.body);
        let job = job(&cluster, "mixed");
        Self {
            cluster,
            file,
            job,
            mallory,
        }
    }

    /// A good submission of mallory's, but for whom and what it is made.
    fn share(&self, file: &Cluster, job: &Job, key: &SecretKey) -> Submission {
        let answers = [(0, 0), (1, 0), (2, 0)];
        Submission::create(file, job, "mallory", key, &answers, &mut rand::rng()).unwrap()
    }

    fn good(&self) -> Submission {
        self.share(&self.file, &self.job, &self.mallory)
    }

    /// Uploads bytes under the id of a submission.
    fn put(&self, submission: &Submission, bytes: &[u8]) -> Answer {
        let path = format!("/v1/jobs/mixed/submissions/{}", submission.header.value.statement.id);
        request(&self.cluster.api, "PUT", &path, SUBMISSION_TYPE, bytes)
    }

    fn refused(&self, submission: &Submission, bytes: &[u8], status: u16, says: &str) {
        let answer = self.put(submission, bytes);
        assert_eq!(answer.status, status, "{says}: {}", answer.body);
        assert!(answer.body.contains(says), "{says}: {}", answer.body);
    }

    /// Uploads what the coordinator cannot see through: envelopes tampered with and signed again.
    fn accepted_tampered(&self, tamper: impl FnOnce(&mut Submission)) {
        let mut submission = self.good();
        tamper(&mut submission);
        let mut header = submission.header.value.clone();
        header.envelopes = submission.envelopes.iter().map(|e| Digest::of("tacit/v1 envelope", &[e])).collect();
        submission.header = Signed::new(header, Purpose::Submission, &self.mallory);
        let answer = self.put(&submission, &encode(&submission));
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
}

fn job(cluster: &TestCluster, id: &str) -> Job {
    let spec = JobSpec::from_json(get(&cluster.api, &format!("/v1/jobs/{id}/spec")).as_bytes()).unwrap();
    Job::new(id.parse().unwrap(), spec).unwrap()
}

/// What the coordinator and everyone else can see to be wrong.
fn refused_at_once(desk: &Desk) {
    let good = desk.good();
    let bytes = encode(&good);
    let stranger = desk.share(&desk.file, &desk.job, &SecretKey::generate(&mut rand::rng()));
    desk.refused(&stranger, &encode(&stranger), 403, "enrolled");
    let mut forged = good.clone();
    let mut signature = *forged.header.signature.as_bytes();
    signature[3] ^= 1;
    forged.header.signature = Signature::from_bytes(signature);
    desk.refused(&forged, &encode(&forged), 422, "bad_signature");
    let other = desk.share(&desk.file, &job(&desk.cluster, "other"), &desk.mallory);
    desk.refused(&other, &encode(&other), 422, "wrong_job");
    let text = std::fs::read_to_string(desk.cluster.file()).unwrap() + "# another\n";
    let elsewhere = desk.share(&Cluster::parse(text.as_bytes()).unwrap(), &desk.job, &desk.mallory);
    desk.refused(&elsewhere, &encode(&elsewhere), 422, "wrong_job");
    desk.refused(&good, &bytes[..bytes.len() - 1], 422, "malformed");
    desk.refused(&good, b"", 422, "malformed");
    let mut cut = good.clone();
    cut.envelopes[1].pop();
    desk.refused(&cut, &encode(&cut), 422, "digest_mismatch");
    let path = format!("/v1/jobs/mixed/submissions/{}", good.header.value.statement.id);
    let oversized = announce(&desk.cluster.api, "PUT", &path, SUBMISSION_TYPE, MAX_SUBMISSION_BYTES + 1);
    assert_eq!(oversized.status, 413, "{}", oversized.body);
}

/// What a node finds when it opens its envelope.
fn left_out(desk: &Desk) {
    desk.accepted_tampered(|submission| submission.envelopes[1].truncate(100));
    desk.accepted_tampered(|submission| submission.envelopes.swap(0, 2));
    desk.accepted_tampered(|submission| *submission.envelopes[2].last_mut().unwrap() ^= 1);
}

#[test]
fn bad_submissions_change_nothing() {
    let desk = Desk::new();
    refused_at_once(&desk);
    left_out(&desk);
    for (name, answers) in [
        ("alice", ["yes", "no", "yes"]),
        ("bob", ["yes", "no", "no"]),
        ("carol", ["yes", "yes", "no"]),
    ] {
        for job in ["mixed", "other"] {
            desk.cluster.answer(job, name, &answers).ok();
        }
        refused_at_once(&desk);
    }
    left_out(&desk);

    let read =
        |folder: &std::path::Path, name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let (mixed, clean) = (desk.cluster.finish("mixed"), desk.cluster.finish("other"));
    let certificate = read(&mixed, "certificate.json");
    let rejected: BTreeMap<String, u64> = serde_json::from_value(certificate["facts"]["rejected"].clone()).unwrap();
    assert_eq!(rejected, BTreeMap::from([("unsealable".to_owned(), 18)]));
    let (mut mixed, clean) = (read(&mixed, "result.json"), read(&clean, "result.json"));
    assert_eq!(mixed["job"]["rejected_answers"], 18);
    // But for that count and the job's name, the results are the same.
    mixed["job"]["rejected_answers"] = json!(0);
    mixed["job"]["id"] = json!("other");
    assert_eq!(mixed, clean);
    assert_eq!(clean["job"]["answers"], 9);
}
