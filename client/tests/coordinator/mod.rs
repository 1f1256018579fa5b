//! A stand-in for a coordinator: it stores jobs and submissions in memory, signs receipts, and misbehaves on demand. It has no nodes.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::accepted::{ContributorFacts, Outcome, Scale, SubmissionEntry};
use tacit_protocol::api::{
    CertifiedReceipts, ClusterInfo, ContributorReceipts, Enrolment, JobList, JobState, JobStatus, Problem, Receipt, ReceiptStatement,
    RejectedAnswer, SUBMISSION_TYPE, SubmissionOutcome, SubmissionStatus, enrolment_statement,
};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec;
use tacit_protocol::fixtures::{cluster_text, cluster_with_keys_of, epochs};
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::job::{Job, SignedSpec};
use tacit_protocol::receipt::{
    CertifiedRoot, ContributorRecord, ReceiptRoot, Record, RecordTree, RootStatement, SaltSeed, SubmissionRecord,
};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::release::NodeSignature;
use tacit_protocol::request_signature::{RequestSignature, SignedParts};
use tacit_protocol::sealing::Suite;
use tacit_protocol::sealing_epoch::SignedEpoch;
use tacit_protocol::submission::{Header, Submission};
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};

pub(crate) const TOKEN: &str = "a-buyers-token";

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
    submissions: Vec<(Vec<u8>, usize)>,
    lose_an_answer: bool,
    requests: usize,
    refuse_after: usize,
    forge: bool,
    cheats: Option<Cheat>,
    protocol: Versions,
    sealing: Vec<Option<SignedEpoch>>,
    sealed_too_late: bool,
}

/// How the coordinator alters what the nodes certify.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cheat {
    /// It says that more is paid.
    Pay,
    /// It gives the record another name.
    Name,
    /// It leaves a submission out of the list that the nodes get.
    LeavesOut,
    /// It says that the key has sent nothing.
    Denies,
    /// It passes on nothing although the job is published.
    Silent,
    /// It signs for the nodes.
    Signs,
    /// All nodes certify pay that does not follow from the terms.
    WithAllNodes,
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
            submissions: Vec::new(),
            lose_an_answer: false,
            requests: 0,
            refuse_after: usize::MAX,
            forge: false,
            cheats: None,
            protocol: PROTOCOL_VERSIONS,
            sealing: epochs(&members, now, now + 3600),
            sealed_too_late: false,
        };
        let server = Arc::new(Server {
            text: text.clone(),
            key: members.identities[3].clone(),
            nodes: members.identities[..3].to_vec(),
            cluster: members.cluster,
            state: Mutex::new(stored),
        });
        let router = Router::new()
            .route("/v1/cluster", get(cluster_info))
            .route("/v1/contributors", post(enrol))
            .route("/v1/jobs", get(list))
            .route("/v1/jobs/{id}", put(create).get(status))
            .route("/v1/jobs/{id}/spec", get(spec))
            .route("/v1/jobs/{id}/close", post(close))
            .route("/v1/jobs/{id}/events", get(events))
            .route("/v1/jobs/{id}/submissions/{sid}", put(submit).get(outcome))
            .route("/v1/jobs/{id}/receipts", get(receipts))
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

    pub(crate) fn refuse_after(&self, submissions: usize) {
        self.server.state.lock().unwrap().refuse_after = submissions;
    }

    /// Refuses the next upload, because a node has destroyed the key that it is sealed to.
    pub(crate) fn refuse_as_sealed_too_late(&self) {
        self.server.state.lock().unwrap().sealed_too_late = true;
    }

    /// Serves keys of the nodes that began this many seconds ago and live for so many.
    pub(crate) fn serve_keys(&self, began: u64, lifetime: u64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let members = cluster_with_keys_of(3, 1, Suite::XWing, |file| {
            file.coordinator.url.clone_from(&self.server.cluster.file().coordinator.url);
        });
        self.server.state.lock().unwrap().sealing = epochs(&members, now - began, now - began + lifetime);
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
        items: spec.spec.items.len() as u64,
        answers_per_item: spec.spec.answers_per_item,
        submissions: stored.submissions.len() as u64,
        answers: 0,
        delivered: 0,
        attempt: 0,
        phase: None,
        waiting_on: Vec::new(),
    }
}

fn find<'a>(stored: &'a Stored, id: &str) -> Result<&'a (Job, SignedSpec, JobState), Response> {
    stored.jobs.get(id).ok_or_else(|| problem(404, "not found", "there is no such job"))
}

fn buyer(headers: &HeaderMap) -> Result<(), Response> {
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

async fn cluster_info(State(server): State<Arc<Server>>) -> Response {
    let protocol = server.state.lock().unwrap().protocol;
    if PROTOCOL_VERSIONS.common(protocol).is_none() {
        return Json(serde_json::json!({ "protocol": protocol, "other": true })).into_response();
    }
    let known = ClusterInfo::new(&server.cluster, server.text.clone(), server.state.lock().unwrap().sealing.clone());
    Json(ClusterInfo { protocol, ..known }).into_response()
}

async fn enrol(State(server): State<Arc<Server>>, Json(enrolment): Json<Enrolment>) -> Answer {
    let statement = enrolment_statement(&server.cluster.digest(), &enrolment.contributor);
    let verified = enrolment.key.verify(Purpose::Enrolment, &statement, &enrolment.signature);
    verified.map_err(|_| problem(400, "bad signature", "the signature does not verify"))?;
    Ok(StatusCode::CREATED.into_response())
}

async fn list(State(server): State<Arc<Server>>) -> Response {
    let stored = server.state.lock().unwrap();
    Json(JobList {
        jobs: stored.jobs.values().map(|job| job_status(job, &stored)).collect(),
    })
    .into_response()
}

async fn create(State(server): State<Arc<Server>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Answer {
    buyer(&headers)?;
    let spec = SignedSpec::from_json(&body).map_err(|e| problem(422, "bad job", &e.to_string()))?;
    let job =
        Job::open(&server.cluster.digest(), id.parse().unwrap(), spec.clone()).map_err(|e| problem(422, "bad job", &e.to_string()))?;
    let mut stored = server.state.lock().unwrap();
    if stored.jobs.get(&id).is_some_and(|(known, ..)| *known != job) {
        return Err(problem(409, "conflict", "the job is open with another spec"));
    }
    stored.jobs.entry(id.clone()).or_insert((job, spec, JobState::Open));
    Ok(Json(job_status(find(&stored, &id)?, &stored)).into_response())
}

async fn status(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer {
    let stored = server.state.lock().unwrap();
    Ok(Json(job_status(find(&stored, &id)?, &stored)).into_response())
}

async fn spec(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer {
    let stored = server.state.lock().unwrap();
    Ok(Json(find(&stored, &id)?.1.clone()).into_response())
}

async fn close(State(server): State<Arc<Server>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    buyer(&headers)?;
    let mut stored = server.state.lock().unwrap();
    find(&stored, &id)?;
    stored.jobs.get_mut(&id).unwrap().2 = JobState::Closing;
    Ok((StatusCode::ACCEPTED, Json(job_status(find(&stored, &id)?, &stored))).into_response())
}

/// Sends one event and breaks the stream. After that, the job is published.
async fn events(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer {
    let mut stored = server.state.lock().unwrap();
    let text = serde_json::to_string(&job_status(find(&stored, &id)?, &stored)).unwrap();
    stored.jobs.get_mut(&id).unwrap().2 = JobState::Published;
    Ok((
        [(header::CONTENT_TYPE, "text/event-stream")],
        format!(": hello\n\ndata: {text}\n\ndata: {{\"cut"),
    )
        .into_response())
}

async fn submit(
    State(server): State<Arc<Server>>,
    Path((id, submission_id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    assert_eq!(headers[header::CONTENT_TYPE], SUBMISSION_TYPE);
    let mut stored = server.state.lock().unwrap();
    stored.requests += 1;
    let known = stored.submissions.iter().position(|(bytes, _)| *bytes == body);
    if known.is_none() && stored.submissions.len() >= stored.refuse_after {
        return Err(problem(507, "no room", "the disk is full:\nfree some"));
    }
    let submission: Submission = codec::decode(&body, "a submission").unwrap();
    if std::mem::take(&mut stored.sealed_too_late) {
        return Err(problem_of("sealing_key_expired", 409, "too late", "seal to the newest keys"));
    }
    let job = &find(&stored, &id)?.0;
    Header::check(&submission.header, &server.cluster, job).unwrap();
    assert!(submission.is_complete());
    assert_eq!(submission.header.value.statement.id.to_string(), submission_id);
    let sequence = known.unwrap_or(stored.submissions.len());
    let receipt = receipt(&server, &stored, &submission.header.value, sequence);
    if known.is_none() {
        let answers = submission.header.value.statement.items.len();
        stored.submissions.push((body.to_vec(), answers));
    }
    Ok((StatusCode::CREATED, Json(receipt)).into_response())
}

fn receipt(server: &Server, stored: &Stored, header: &Header, sequence: usize) -> Receipt {
    let receipt = ReceiptStatement {
        cluster: server.cluster.digest(),
        job: header.statement.job.clone(),
        job_digest: header.statement.job_digest,
        submission: header.statement.id,
        digest: header.digest(),
        answers: header.statement.items.len() as u32,
        sequence: sequence as u64,
    };
    let forged = SecretKey::from_bytes(&[77; 32]);
    Signed::new(receipt, Purpose::Receipt, if stored.forge { &forged } else { &server.key })
}

/// The outcome once the job is published: all answers count except the first of each submission.
async fn outcome(State(server): State<Arc<Server>>, Path((id, submission_id)): Path<(String, String)>) -> Answer {
    let stored = server.state.lock().unwrap();
    let (_, spec, state) = find(&stored, &id)?;
    let submissions = stored.submissions.iter().enumerate();
    let decoded = submissions.map(|(at, (bytes, _))| (at, codec::decode::<Submission>(bytes, "a submission").unwrap().header.value));
    let (sequence, header) = decoded
        .into_iter()
        .find(|(_, header)| header.statement.id.to_string() == submission_id)
        .ok_or_else(|| problem(404, "not found", "there is no such submission"))?;
    let items = &header.statement.items;
    let outcome = SubmissionOutcome {
        accepted: (items.len() as u64 - 1).saturating_sub(u64::from(stored.lose_an_answer)),
        rejected: vec![RejectedAnswer {
            item: spec.spec.items[items[0] as usize].id.clone(),
            reason: RejectReason::DuplicateAnswer,
        }],
        refused_by: Vec::new(),
    };
    Ok(Json(SubmissionStatus {
        receipt: receipt(&server, &stored, &header, sequence),
        outcome: (*state == JobState::Published).then_some(outcome),
    })
    .into_response())
}

/// What three nodes certify, of the outcomes that [`outcome`] says: all answers count except the first of each submission.
async fn receipts(State(server): State<Arc<Server>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let stored = server.state.lock().unwrap();
    let (job, _, state) = find(&stored, &id)?;
    let signature: RequestSignature = headers[header::AUTHORIZATION].to_str().unwrap().parse().unwrap();
    let parts = SignedParts {
        method: "GET",
        path: &format!("/v1/jobs/{id}/receipts"),
        query: "",
        cluster: &server.cluster.digest(),
        body: b"",
    };
    let key = parts.verify(&signature, signature.created).unwrap();
    let cheats = |cheat: Cheat| stored.cheats == Some(cheat);
    if cheats(Cheat::Denies) {
        return Err(problem_of("unknown_submission", 404, "unknown", "the key has sent nothing"));
    }
    if *state != JobState::Published || cheats(Cheat::Silent) {
        return Ok(Json(ContributorReceipts {
            state: *state,
            certified: None,
        })
        .into_response());
    }
    let headers = stored.submissions.iter();
    let headers = headers.map(|(bytes, _)| codec::decode::<Submission>(bytes, "a submission").unwrap().header.value);
    let own: Vec<Header> = headers.filter(|header| header.statement.key == key).collect();
    let listed = own.len() - usize::from(cheats(Cheat::LeavesOut));
    let submissions: Vec<SubmissionRecord> = own[..listed]
        .iter()
        .map(|header| {
            let entry = SubmissionEntry {
                submission: header.digest(),
                answers: header.statement.items.len() as u32,
            };
            SubmissionRecord::new(&entry, &Outcome::Counted(vec![(0, RejectReason::DuplicateAnswer)]))
        })
        .collect();
    let answers = submissions.iter().map(|one| u64::from(one.counted)).sum();
    let base = job.terms().payout().map(|payout| payout.base_per_item * answers);
    let record = ContributorRecord {
        facts: ContributorFacts {
            contributor: own[0].statement.contributor.clone(),
            key,
            answers,
            paired: 0,
            scale: Scale { value: 1, exact: true },
        },
        scores: Vec::new(),
        pay: base.map(|base| base - u64::from(cheats(Cheat::WithAllNodes))),
        submissions,
    };
    let tree = RecordTree::new(&SaltSeed::from_bytes([1; 32]), vec![Record::Contributor(record)]);
    let statement = RootStatement {
        protocol: server.cluster.file().protocol,
        cluster: server.cluster.digest(),
        job: job.digest(),
        accepted: job.digest(),
        session: job.digest(),
        participants: [0, 1, 2].into_iter().collect(),
        records: ReceiptRoot::new(&tree, 1),
    };
    let signatures = server.nodes.iter().zip(0..).map(|(key, node)| NodeSignature {
        node,
        signature: statement.sign(if cheats(Cheat::Signs) { &server.key } else { key }),
    });
    let signatures = signatures.collect();
    let mut records: Vec<_> = tree.into_proofs().collect();
    if let Record::Contributor(record) = &mut records[0].record {
        match stored.cheats {
            Some(Cheat::Pay) => record.pay = record.pay.map(|pay| pay + 1),
            Some(Cheat::Name) => record.facts.contributor.push('!'),
            _ => {}
        }
    }
    Ok(Json(ContributorReceipts {
        state: *state,
        certified: Some(CertifiedReceipts {
            root: CertifiedRoot { statement, signatures },
            records,
        }),
    })
    .into_response())
}
