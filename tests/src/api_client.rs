//! Requests to the coordinator's API without the client, so that a test decides every byte.

use tacit_protocol::api::{Enrolment, Receipt, SUBMISSION_TYPE, SubmissionOutcome, SubmissionStatus, enrolment_statement};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::identity::Purpose;
use tacit_protocol::job::{Job, SignedSpec};
use tacit_protocol::submission::Submission;

use crate::cluster::TestCluster;
use crate::forgery::Author;
use crate::http::{Answer, Connection, get_as};
use crate::stored::with_sealing_keys;

/// The path of a submission.
pub fn path(job: &str, submission: &Submission) -> String {
    format!("/v1/jobs/{job}/submissions/{}", submission.header.value.statement.id)
}

/// The cluster of the clients' cluster file.
pub fn cluster_file(cluster: &TestCluster) -> Cluster {
    let file = Cluster::parse(&std::fs::read(cluster.file()).unwrap()).unwrap();
    with_sealing_keys(file, cluster)
}

/// A job, read from the API.
pub fn job(cluster: &TestCluster, id: &str) -> Job {
    let spec = SignedSpec::from_json(get_as(&cluster.token, &cluster.api, &format!("/v1/jobs/{id}/spec")).as_bytes()).unwrap();
    Job::open(&cluster_file(cluster).digest(), id.parse().unwrap(), spec).unwrap()
}

/// Enrols a contributor with a new key.
pub fn enrol(connection: &mut Connection, file: &Cluster, name: &str) -> Author {
    let author = Author::new(name, &mut rand::rng());
    let enrolment = Enrolment {
        contributor: name.to_owned(),
        key: author.key.public(),
        signature: author.key.sign(Purpose::Enrolment, &enrolment_statement(&file.digest(), name)),
    };
    let body = serde_json::to_vec(&enrolment).unwrap();
    let answer = connection.request("POST", "/v1/contributors", "application/json", &body);
    assert_eq!(answer.status, 201, "{}", answer.body);
    author
}

/// Uploads a submission to a job.
pub fn put(connection: &mut Connection, job: &str, submission: &Submission) -> Answer {
    connection.request("PUT", &path(job, submission), SUBMISSION_TYPE, &encode(submission))
}

/// Uploads a submission that must be accepted. Returns its receipt.
pub fn submit(connection: &mut Connection, job: &str, submission: &Submission) -> Receipt {
    let answer = put(connection, job, submission);
    assert_eq!(answer.status, 201, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The outcome of a submission of a published job.
pub fn outcome(connection: &mut Connection, job: &str, submission: &Submission) -> SubmissionOutcome {
    let answer = connection.request("GET", &path(job, submission), "", &[]);
    let status: SubmissionStatus = serde_json::from_str(&answer.body).unwrap();
    status.outcome.unwrap()
}
