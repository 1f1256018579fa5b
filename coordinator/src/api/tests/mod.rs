//! Tests of the API on a whole coordinator with simulated nodes.

mod browsers;
mod description;
mod gold;
mod issuers;
mod jobs;
mod problems;
mod readers;
mod receipts;
mod reference;
mod releases;
mod runs;
mod sealing_keys;
mod status;
mod stored;
mod submissions;
mod uploads;
mod withdrawals;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use tacit_protocol::api::{JobState, JobStatus, Problem, SUBMISSION_TYPE, WithdrawalRequest};
use tacit_protocol::codec::encode;
use tacit_protocol::fixtures::buyer_key;
use tacit_protocol::identity::{Purpose, SecretKey, Signature};
use tacit_protocol::job::{Cancellation, Job, JobError, JobId, JobSpec, SignedSpec};
use tacit_protocol::request_signature::SignedParts;
use tacit_protocol::submission::Submission;
use tacit_protocol::withdrawal::Withdrawal;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::app::Shared;
use crate::testing::{TOKEN, TestCluster, contributor_key, eventually};

/// A coordinator with its cluster and folder.
struct Bench {
    cluster: TestCluster,
    folder: TempDir,
    app: Shared,
    router: Router,
}

impl Bench {
    async fn new(nodes: usize, threshold: usize) -> Self {
        let cluster = TestCluster::new(nodes, threshold);
        let folder = tempfile::tempdir().unwrap();
        let app = cluster.start(folder.path()).await;
        Self {
            router: super::router(app.clone()).unwrap(),
            cluster,
            folder,
            app,
        }
    }

    /// The same coordinator after a restart.
    async fn again(self) -> Self {
        let Self {
            cluster,
            folder,
            app,
            router,
        } = self;
        drop(router);
        crate::testing::stop(app).await;
        let app = cluster.start(folder.path()).await;
        Self {
            router: super::router(app.clone()).unwrap(),
            cluster,
            folder,
            app,
        }
    }

    async fn send(&self, method: &str, path: &str, media_type: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
        self.send_as(TOKEN, method, path, media_type, body).await
    }

    async fn send_as(&self, token: &str, method: &str, path: &str, media_type: &str, body: Vec<u8>) -> (StatusCode, Vec<u8>) {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, media_type)
            .body(Body::from(body))
            .unwrap();
        self.request(request).await
    }

    async fn request(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let media_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|value| value.to_str().unwrap().to_owned());
        if !status.is_success() {
            assert_eq!(media_type.as_deref(), Some("application/problem+json"), "{status}");
        }
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    async fn get(&self, path: &str) -> (StatusCode, Vec<u8>) {
        self.send("GET", path, "", Vec::new()).await
    }

    async fn put_job(&self, id: &JobId, spec: &JobSpec) -> (StatusCode, Vec<u8>) {
        self.send(
            "PUT",
            &format!("/v1/jobs/{id}"),
            "application/json",
            serde_json::to_vec(&self.signed(id, spec)).unwrap(),
        )
        .await
    }

    /// The spec with the buyer's signature; with a meaningless one if no job can be made of it.
    fn signed(&self, id: &JobId, spec: &JobSpec) -> SignedSpec {
        self.signed_job(id, spec).map_or_else(
            |_| SignedSpec {
                buyer: buyer_key().public(),
                signature: Signature::from_bytes([0; 64]),
                spec: spec.clone(),
            },
            |job| job.to_signed_spec(),
        )
    }

    fn signed_job(&self, id: &JobId, spec: &JobSpec) -> Result<Job, JobError> {
        Job::sign(&self.app.cluster.digest(), id.clone(), spec.clone(), &buyer_key())
    }

    async fn open(&self, id: &str, spec: JobSpec) -> Job {
        let id: JobId = id.parse().unwrap();
        let (status, body) = self.put_job(&id, &spec).await;
        assert_eq!(status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&body));
        self.signed_job(&id, &spec).unwrap()
    }

    /// The path that cancels a job, signed with this key, and its query.
    fn cancellation(&self, job: &Job, key: &SecretKey) -> (String, String) {
        let cancellation = Cancellation {
            cluster: &self.app.cluster.digest(),
            job: job.id(),
            terms: &job.digest(),
        };
        (format!("/v1/jobs/{}", job.id()), format!("signature={}", cancellation.sign(key)))
    }

    /// Cancels a job as its buyer.
    async fn cancel(&self, job: &Job) -> (StatusCode, Vec<u8>) {
        let (path, query) = self.cancellation(job, &buyer_key());
        self.send("DELETE", &format!("{path}?{query}"), "", Vec::new()).await
    }

    async fn enrol(&self, contributor: &str, key: &SecretKey) -> StatusCode {
        let body = serde_json::to_vec(&self.cluster.enrolment(contributor, key)).unwrap();
        self.send("POST", "/v1/contributors", "application/json", body).await.0
    }

    /// Enrols the contributor of this number, who sends an answer to each of these items.
    async fn answers(&self, job: &Job, byte: u8, items: &[u32]) -> Submission {
        let (name, key) = (format!("contributor-{byte}"), contributor_key(byte));
        self.enrol(&name, &key).await;
        let submission = self.cluster.submission(job, &name, &key, items);
        assert_eq!(self.submit(&submission).await.0, StatusCode::CREATED);
        submission
    }

    /// The `Authorization` of a key that asks for this path.
    fn signed_get(&self, key: &SecretKey, path: &str) -> String {
        let parts = SignedParts {
            method: "GET",
            path,
            query: "",
            cluster: &self.app.cluster.digest(),
            body: b"",
        };
        let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
        parts.sign(key, now).to_string()
    }

    async fn submit(&self, submission: &Submission) -> (StatusCode, Vec<u8>) {
        let statement = &submission.header.value.statement;
        let path = format!("/v1/jobs/{}/submissions/{}", statement.job, statement.id);
        self.send("PUT", &path, SUBMISSION_TYPE, encode(submission)).await
    }

    /// Takes a submission back.
    async fn withdraw(&self, submission: &Submission, key: &SecretKey) -> StatusCode {
        let statement = &submission.header.value.statement;
        let path = format!("/v1/jobs/{}/submissions/{}", statement.job, statement.id);
        let signature = key.sign(Purpose::Withdrawal, &encode(&Withdrawal::of(&submission.header.value)));
        let body = serde_json::to_vec(&WithdrawalRequest { signature }).unwrap();
        self.send("DELETE", &path, "application/json", body).await.0
    }

    async fn status(&self, job: &Job) -> JobStatus {
        let (_, body) = self.get(&format!("/v1/jobs/{}", job.id())).await;
        serde_json::from_slice(&body).unwrap()
    }

    async fn close(&self, job: &Job) {
        let (status, _) = self.send("POST", &format!("/v1/jobs/{}/close", job.id()), "", Vec::new()).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }

    /// Waits until this many submissions are delivered to every node.
    async fn wait_for_deliveries(&self, job: &Job, submissions: u64) {
        eventually("all nodes have the submissions", async || {
            self.status(job).await.delivered == submissions
        })
        .await;
    }

    async fn wait_for(&self, job: &Job, state: JobState) -> JobStatus {
        eventually(&format!("the job is {}", state.name()), async || {
            let status = self.status(job).await;
            assert!(status.state == state || !status.state.is_final(), "{status:?}");
            status.state == state
        })
        .await;
        self.status(job).await
    }
}

fn kind(body: &[u8]) -> String {
    let problem: Problem = serde_json::from_slice(body).unwrap();
    assert!(!problem.detail.is_empty() && !problem.title.is_empty());
    problem.kind.strip_prefix("urn:tacit:problem:").unwrap().to_owned()
}
