//! A stand-in for a coordinator: it stores jobs and submissions in memory, signs receipts, and misbehaves on demand. It has no nodes.

mod jobs;
mod receipts;
mod submissions;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::{JobState, JobStatus, Problem};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::fixtures::{cluster_text, cluster_with_keys_of, epochs};
use tacit_protocol::identity::{PublicKey, SecretKey};
use tacit_protocol::job::{Job, SignedSpec};
use tacit_protocol::request_signature::{RequestSignature, SignedParts};
use tacit_protocol::sealing::Suite;
use tacit_protocol::sealing_epoch::SignedEpoch;
use tacit_protocol::submission::Header;
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};

pub(crate) use receipts::Cheat;

pub(crate) const TOKEN: &str = "a-buyers-token";

/// The nodes that refuse submissions, if any do.
const REFUSING: [usize; 2] = [1, 2];

pub(crate) struct Coordinator {
    pub cluster_text: String,
    server: Arc<Server>,
    /// Dropped last: the server's runtime.
    _runtime: tokio::runtime::Runtime,
}

struct Server {
    cluster: Cluster,
    text: String,
    key: SecretKey,
    nodes: Vec<SecretKey>,
    state: Mutex<Stored>,
}

struct Stored {
    jobs: BTreeMap<String, (Job, SignedSpec, JobState)>,
    /// What it answers to all new jobs: status and kind of the problem.
    refuse_jobs: Option<(u16, &'static str)>,
    /// The files of published jobs, by name.
    published: BTreeMap<String, Vec<u8>>,
    submissions: Vec<(Vec<u8>, usize)>,
    /// All that was ever uploaded, in order: the place of each gives its number.
    uploads: Vec<Vec<u8>>,
    withdrawn: Vec<Header>,
    asked_to_withdraw: usize,
    /// How many nodes do not answer.
    away: usize,
    /// Whether two nodes refuse all submissions.
    refused_by_nodes: bool,
    /// Whether it denies that there is anything to withdraw.
    hide_withdrawable: bool,
    /// What it answers whenever it is asked for a submission: status and kind of the problem.
    hide_submissions: Option<(u16, &'static str)>,
    /// Who has enrolled, each time.
    enrolled: Vec<String>,
    lose_an_answer: bool,
    requests: usize,
    refuse_after: usize,
    /// What it answers to these uploads: status and kind of the problem.
    refuse_with: (u16, &'static str),
    forge: bool,
    cheats: Option<Cheat>,
    protocol: Versions,
    sealing: Vec<Option<SignedEpoch>>,
    sealed_too_late: Option<Vec<Option<SignedEpoch>>>,
    /// The nodes have destroyed their keys of earlier epochs than this.
    opens_from: u64,
    /// The key that has signed the last request of a buyer.
    signed_by: Option<PublicKey>,
}

type Answer = Result<Response, Response>;

impl Coordinator {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let members = cluster_with_keys_of(3, 1, Suite::XWing, |file| file.coordinator.url = url);
        let text = cluster_text(members.cluster.file());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let stored = Stored {
            jobs: BTreeMap::new(),
            refuse_jobs: None,
            published: BTreeMap::new(),
            submissions: Vec::new(),
            uploads: Vec::new(),
            withdrawn: Vec::new(),
            asked_to_withdraw: 0,
            away: 0,
            refused_by_nodes: false,
            hide_withdrawable: false,
            hide_submissions: None,
            enrolled: Vec::new(),
            lose_an_answer: false,
            requests: 0,
            refuse_after: usize::MAX,
            refuse_with: (507, "store_full"),
            forge: false,
            cheats: None,
            protocol: PROTOCOL_VERSIONS,
            sealing: epochs(&members, now, now + 3600),
            sealed_too_late: None,
            opens_from: 0,
            signed_by: None,
        };
        let server = Arc::new(Server {
            text: text.clone(),
            key: members.identities[3].clone(),
            nodes: members.identities[..3].to_vec(),
            cluster: members.cluster,
            state: Mutex::new(stored),
        });
        let router = Router::new()
            .route("/v1/cluster", get(jobs::cluster_info))
            .route("/v1/contributors", post(submissions::enrol))
            .route("/v1/jobs", get(jobs::list))
            .route("/v1/jobs/{id}", put(jobs::create).get(jobs::status).delete(jobs::cancel))
            .route("/v1/jobs/{id}/spec", get(jobs::spec))
            .route("/v1/jobs/{id}/close", post(jobs::close))
            .route("/v1/jobs/{id}/events", get(jobs::events))
            .route("/v1/jobs/{id}/receipts", get(receipts::receipts))
            .route("/v1/jobs/{id}/{file}", get(jobs::published))
            .route(
                "/v1/jobs/{id}/submissions/{sid}",
                put(submissions::submit).get(submissions::outcome).delete(submissions::withdraw),
            )
            .with_state(Arc::clone(&server));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        listener.set_nonblocking(true).unwrap();
        runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await });
        Self {
            cluster_text: text,
            server,
            _runtime: runtime,
        }
    }

    pub(crate) fn received(&self) -> Vec<(Vec<u8>, usize)> {
        self.server.state.lock().unwrap().submissions.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.server.state.lock().unwrap().requests
    }

    /// Takes no more than so many submissions, and says that the disk is full.
    pub(crate) fn refuse_after(&self, submissions: usize) {
        self.refuse_after_with(submissions, (507, "store_full"));
    }

    /// Takes no more than so many submissions, and answers with this status and kind of problem.
    pub(crate) fn refuse_after_with(&self, submissions: usize, with: (u16, &'static str)) {
        let mut state = self.server.state.lock().unwrap();
        (state.refuse_after, state.refuse_with) = (submissions, with);
    }

    /// Refuses the next upload, because a node has destroyed the key that it is sealed to, as it says. From then on it serves keys of the nodes that
    /// began this many seconds ago, or the same as before.
    pub(crate) fn refuse_as_sealed_too_late(&self, began: Option<u64>) {
        let newer = began.map(|began| self.keys(began, 3600));
        let mut state = self.server.state.lock().unwrap();
        state.sealed_too_late = Some(newer.unwrap_or_else(|| state.sealing.clone()));
    }

    /// Serves keys of the nodes that began this many seconds ago and live for so many.
    pub(crate) fn serve_keys(&self, began: u64, lifetime: u64) {
        let keys = self.keys(began, lifetime);
        self.server.state.lock().unwrap().sealing = keys;
    }

    fn keys(&self, began: u64, lifetime: u64) -> Vec<Option<SignedEpoch>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let members = cluster_with_keys_of(3, 1, Suite::XWing, |file| {
            file.coordinator.url.clone_from(&self.server.cluster.file().coordinator.url);
        });
        epochs(&members, now - began, now - began + lifetime)
    }

    /// No node has told it a sealing key, as after a start.
    pub(crate) fn forget_keys(&self) {
        self.server.state.lock().unwrap().sealing.fill(None);
    }

    /// The nodes have destroyed all their keys but the served ones, so new uploads that are sealed to others are refused.
    pub(crate) fn destroy_older_keys(&self) {
        let mut state = self.server.state.lock().unwrap();
        state.opens_from = state.sealing.iter().flatten().map(|epoch| epoch.value.number).min().unwrap();
    }

    pub(crate) fn forge_receipts(&self) {
        self.server.state.lock().unwrap().forge = true;
    }

    /// Makes it speak these versions from now on. If this program speaks none of them, the description of the cluster has no other known
    /// field.
    pub(crate) fn speak(&self, protocol: Versions) {
        self.server.state.lock().unwrap().protocol = protocol;
    }

    /// Makes its outcomes of submissions lack an answer from now on.
    pub(crate) fn lose_an_answer(&self) {
        self.server.state.lock().unwrap().lose_an_answer = true;
    }

    pub(crate) fn cheat(&self, cheat: Cheat) {
        self.server.state.lock().unwrap().cheats = Some(cheat);
    }

    /// Forgets all submissions, as if it was restored from a backup.
    pub(crate) fn forget_submissions(&self) -> Vec<(Vec<u8>, usize)> {
        std::mem::take(&mut self.server.state.lock().unwrap().submissions)
    }

    /// Has these submissions again, or still, and no others.
    pub(crate) fn restore_submissions(&self, submissions: Vec<(Vec<u8>, usize)>) {
        self.server.state.lock().unwrap().submissions = submissions;
    }

    /// Answers that there is nothing to withdraw, whatever is.
    pub(crate) fn hide_withdrawable(&self) {
        self.server.state.lock().unwrap().hide_withdrawable = true;
    }

    /// Forgets the withdrawals that came since a backup was made, in which these submissions are.
    pub(crate) fn forget_withdrawals(&self, submissions: Vec<(Vec<u8>, usize)>) {
        let mut state = self.server.state.lock().unwrap();
        state.withdrawn.clear();
        state.submissions = submissions;
    }

    /// How many submissions are withdrawn.
    pub(crate) fn withdrawn(&self) -> usize {
        self.server.state.lock().unwrap().withdrawn.len()
    }

    /// How often it was asked to withdraw something.
    pub(crate) fn asked_to_withdraw(&self) -> usize {
        self.server.state.lock().unwrap().asked_to_withdraw
    }

    /// From now on so many nodes do not answer.
    pub(crate) fn send_away(&self, nodes: usize) {
        self.server.state.lock().unwrap().away = nodes;
    }

    /// From now on the nodes certify that no submission counts, because two of them could not use their parts.
    pub(crate) fn refuse_by_nodes(&self) {
        self.server.state.lock().unwrap().refused_by_nodes = true;
    }

    /// Refuses all jobs with this status and kind of problem; `None` for none.
    pub(crate) fn refuse_jobs(&self, with: Option<(u16, &'static str)>) {
        self.server.state.lock().unwrap().refuse_jobs = with;
    }

    /// The key that has signed the last request of a buyer; `None` if it came with the token.
    pub(crate) fn signed_by(&self) -> Option<PublicKey> {
        self.server.state.lock().unwrap().signed_by.take()
    }

    /// Publishes these files.
    pub(crate) fn publish(&self, files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) {
        let files = files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes));
        self.server.state.lock().unwrap().published.extend(files);
    }

    /// Answers with this status and kind of problem whenever it is asked for a submission.
    pub(crate) fn hide_submissions(&self, with: Option<(u16, &'static str)>) {
        self.server.state.lock().unwrap().hide_submissions = with;
    }

    /// Who has enrolled, each time.
    pub(crate) fn enrolled(&self) -> Vec<String> {
        self.server.state.lock().unwrap().enrolled.clone()
    }

    /// Takes no submissions any more.
    pub(crate) fn close(&self, id: &str) {
        self.server.state.lock().unwrap().jobs.get_mut(id).unwrap().2 = JobState::Closing;
    }

    /// The job has failed.
    pub(crate) fn fail(&self, id: &str) {
        self.server.state.lock().unwrap().jobs.get_mut(id).unwrap().2 = JobState::Failed;
    }

    pub(crate) fn swap_spec(&self, id: &str) {
        self.server.state.lock().unwrap().jobs.get_mut(id).unwrap().1.spec.answers_per_item += 1;
    }

    /// Signs the spec that it now has with a key of its own.
    pub(crate) fn sign_spec(&self, id: &str) {
        let mut state = self.server.state.lock().unwrap();
        let spec = &mut state.jobs.get_mut(id).unwrap().1;
        let key = SecretKey::from_bytes(&[3; 32]);
        *spec = Job::sign(&self.server.cluster.digest(), id.parse().unwrap(), spec.spec.clone(), &key)
            .unwrap()
            .to_signed_spec();
    }

    /// Lists a job that no client has created.
    pub(crate) fn offer(&self, job: Job, spec: SignedSpec) {
        let mut state = self.server.state.lock().unwrap();
        state.jobs.insert(job.id().to_string(), (job, spec, JobState::Open));
    }

    /// Shows a job under the id of another one, too.
    pub(crate) fn offer_as(&self, id: &str, other: &str) {
        let mut state = self.server.state.lock().unwrap();
        let job = state.jobs[id].clone();
        state.jobs.insert(other.to_owned(), job);
    }

    /// The digest of its cluster.
    pub(crate) fn cluster_digest(&self) -> Digest {
        self.server.cluster.digest()
    }

    pub(crate) fn spec(&self, id: &str) -> SignedSpec {
        self.server.state.lock().unwrap().jobs[id].1.clone()
    }
}

fn problem(status: u16, title: &str, detail: &str) -> Response {
    problem_of("test", status, title, detail)
}

fn problem_of(kind: &str, status: u16, title: &str, detail: &str) -> Response {
    let body = Problem {
        kind: format!("urn:tacit:problem:{kind}"),
        title: title.into(),
        status,
        detail: detail.into(),
    };
    (
        StatusCode::from_u16(status).unwrap(),
        [(header::CONTENT_TYPE, "application/problem+json")],
        serde_json::to_vec(&body).unwrap(),
    )
        .into_response()
}

fn job_status((job, spec, state): &(Job, SignedSpec, JobState), stored: &Stored) -> JobStatus {
    JobStatus {
        id: job.id().clone(),
        name: spec.spec.name.clone(),
        digest: job.digest(),
        state: *state,
        reason: None,
        created_at: 1_800_000_000,
        closed_at: None,
        published_at: None,
        items: spec.spec.items.len() as u64,
        answers_per_item: spec.spec.answers_per_item,
        submissions: stored.submissions.len() as u64,
        answers: 0,
        delivered: 0,
        complete_items: None,
        contributors: None,
        comparable: None,
        attempt: 0,
        phase: None,
        waiting_on: Vec::new(),
    }
}

fn find<'a>(stored: &'a Stored, id: &str) -> Result<&'a (Job, SignedSpec, JobState), Response> {
    stored
        .jobs
        .get(id)
        .ok_or_else(|| problem_of("unknown_job", 404, "not found", "there is no such job"))
}

fn token(headers: &HeaderMap) -> Result<(), Response> {
    let due = format!("Bearer {TOKEN}");
    let given = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes() == due.as_bytes());
    if given {
        Ok(())
    } else {
        Err(problem(401, "not authorised", "a buyer's token is needed"))
    }
}

/// A token, or any key that has signed the request, which is noted.
fn buyer(server: &Server, headers: &HeaderMap, method: &str, target: &str) -> Result<(), Response> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if token(headers).is_ok() {
        return Ok(());
    }
    let signature = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let signature: RequestSignature = signature
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| problem(401, "not authorised", "a signature is needed"))?;
    let parts = SignedParts {
        method,
        path,
        query,
        cluster: &server.cluster.digest(),
        body: b"",
    };
    let key = parts.verify(&signature, signature.created).unwrap();
    server.state.lock().unwrap().signed_by = Some(key);
    Ok(())
}
