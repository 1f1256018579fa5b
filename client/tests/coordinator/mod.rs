//! A stand-in for a coordinator: keeps jobs and submissions in memory, signs receipts, and misbehaves
//! on demand. It has no nodes.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post, put};
use tacit_protocol::api::{
    ClusterInfo, Enrolment, JobList, JobState, JobStatus, Problem, Receipt, ReceiptStatement, RejectedAnswer, SUBMISSION_TYPE,
    SubmissionOutcome, SubmissionStatus, enrolment_statement,
};
use tacit_protocol::cluster::{Cluster, ClusterFile, CoordinatorEntry, NodeEntry};
use tacit_protocol::codec;
use tacit_protocol::identity::{Purpose, SecretKey, Signed};
use tacit_protocol::job::{Job, JobSpec};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::sealing::{Suite, UnsealingKey};
use tacit_protocol::submission::{Header, Submission};
use tacit_protocol::versions::{PROTOCOL_VERSIONS, Versions};

pub const TOKEN: &str = "a-buyers-token";

pub struct Coordinator {
    pub cluster_text: String,
    desk: Arc<Desk>,
    /// Dropped last: the server's runtime.
    _runtime: tokio::runtime::Runtime,
}

struct Desk {
    cluster: Cluster,
    text: String,
    key: SecretKey,
    state: Mutex<Kept>,
}

struct Kept {
    jobs: BTreeMap<String, (Job, JobSpec, JobState)>,
    submissions: Vec<(Vec<u8>, usize)>,
    lose_an_answer: bool,
    requests: usize,
    refuse_after: usize,
    forge: bool,
    protocol: Versions,
}

type Answer = Result<Response, Response>;

impl Coordinator {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let key = |seed| SecretKey::from_bytes(&[seed; 32]);
        let node = |index: u8| NodeEntry {
            name: format!("node-{index}"),
            operator: format!("operator {index}"),
            address: format!("127.0.0.1:{}", 7000 + u16::from(index)),
            identity: key(index).public(),
            sealing: UnsealingKey::generate(Suite::XWing, &mut rand::rng()).public(),
        };
        let url = format!("http://{}", listener.local_addr().unwrap());
        let coordinator = CoordinatorEntry {
            url,
            identity: key(9).public(),
        };
        let file = ClusterFile {
            protocol: PROTOCOL_VERSIONS.max,
            name: "test".into(),
            threshold: 1,
            coordinator,
            nodes: (1..4).map(node).collect(),
        };
        let text = toml::to_string(&file).unwrap();
        let kept = Kept {
            jobs: BTreeMap::new(),
            submissions: Vec::new(),
            lose_an_answer: false,
            requests: 0,
            refuse_after: usize::MAX,
            forge: false,
            protocol: PROTOCOL_VERSIONS,
        };
        let cluster = Cluster::parse(text.as_bytes()).unwrap();
        let desk = Arc::new(Desk {
            cluster,
            text: text.clone(),
            key: key(9),
            state: Mutex::new(kept),
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
            .with_state(Arc::clone(&desk));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        listener.set_nonblocking(true).unwrap();
        runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), router).await });
        Self {
            cluster_text: text,
            desk,
            _runtime: runtime,
        }
    }

    pub fn received(&self) -> Vec<(Vec<u8>, usize)> {
        self.desk.state.lock().unwrap().submissions.clone()
    }

    pub fn requests(&self) -> usize {
        self.desk.state.lock().unwrap().requests
    }

    pub fn refuse_after(&self, submissions: usize) {
        self.desk.state.lock().unwrap().refuse_after = submissions;
    }

    pub fn forge_receipts(&self) {
        self.desk.state.lock().unwrap().forge = true;
    }

    /// From now on it speaks these versions, and says nothing else of its cluster that is known today where that is none of ours.
    pub fn speak(&self, protocol: Versions) {
        self.desk.state.lock().unwrap().protocol = protocol;
    }

    /// From now on its accounts of submissions do not add up.
    pub fn lose_an_answer(&self) {
        self.desk.state.lock().unwrap().lose_an_answer = true;
    }

    pub fn swap_spec(&self, id: &str) {
        self.desk.state.lock().unwrap().jobs.get_mut(id).unwrap().1.answers_per_item += 1;
    }

    pub fn spec(&self, id: &str) -> JobSpec {
        self.desk.state.lock().unwrap().jobs[id].1.clone()
    }
}

fn problem(status: u16, title: &str, detail: &str) -> Response {
    let body = Problem {
        kind: "urn:tacit:problem:test".into(),
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

fn job_status((job, spec, state): &(Job, JobSpec, JobState), kept: &Kept) -> JobStatus {
    JobStatus {
        id: job.id().clone(),
        name: spec.name.clone(),
        digest: job.digest(),
        state: *state,
        reason: None,
        items: spec.items.len() as u64,
        answers_per_item: spec.answers_per_item,
        submissions: kept.submissions.len() as u64,
        answers: 0,
        delivered: 0,
        attempt: 0,
        phase: None,
        waiting_on: Vec::new(),
    }
}

fn find<'a>(kept: &'a Kept, id: &str) -> Result<&'a (Job, JobSpec, JobState), Response> {
    kept.jobs.get(id).ok_or_else(|| problem(404, "not found", "there is no such job"))
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

async fn cluster_info(State(desk): State<Arc<Desk>>) -> Response {
    let protocol = desk.state.lock().unwrap().protocol;
    if PROTOCOL_VERSIONS.common(protocol).is_none() {
        return Json(serde_json::json!({ "protocol": protocol, "other": true })).into_response();
    }
    let known = ClusterInfo::new(&desk.cluster, desk.text.clone());
    Json(ClusterInfo { protocol, ..known }).into_response()
}

async fn enrol(State(desk): State<Arc<Desk>>, Json(enrolment): Json<Enrolment>) -> Answer {
    let statement = enrolment_statement(&desk.cluster.digest(), &enrolment.contributor);
    let verified = enrolment.key.verify(Purpose::Enrolment, &statement, &enrolment.signature);
    verified.map_err(|_| problem(400, "bad signature", "the signature does not verify"))?;
    Ok(StatusCode::CREATED.into_response())
}

async fn list(State(desk): State<Arc<Desk>>) -> Response {
    let kept = desk.state.lock().unwrap();
    Json(JobList {
        jobs: kept.jobs.values().map(|job| job_status(job, &kept)).collect(),
    })
    .into_response()
}

async fn create(State(desk): State<Arc<Desk>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Answer {
    buyer(&headers)?;
    let spec = JobSpec::from_json(&body).map_err(|e| problem(422, "bad job", &e.to_string()))?;
    let job = Job::new(id.parse().unwrap(), spec.clone()).map_err(|e| problem(422, "bad job", &e.to_string()))?;
    let mut kept = desk.state.lock().unwrap();
    if kept.jobs.get(&id).is_some_and(|(known, ..)| *known != job) {
        return Err(problem(409, "conflict", "the job is open with another spec"));
    }
    kept.jobs.entry(id.clone()).or_insert((job, spec, JobState::Open));
    Ok(Json(job_status(find(&kept, &id)?, &kept)).into_response())
}

async fn status(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let kept = desk.state.lock().unwrap();
    Ok(Json(job_status(find(&kept, &id)?, &kept)).into_response())
}

async fn spec(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let kept = desk.state.lock().unwrap();
    Ok(Json(find(&kept, &id)?.1.clone()).into_response())
}

async fn close(State(desk): State<Arc<Desk>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    buyer(&headers)?;
    let mut kept = desk.state.lock().unwrap();
    find(&kept, &id)?;
    kept.jobs.get_mut(&id).unwrap().2 = JobState::Closing;
    Ok((StatusCode::ACCEPTED, Json(job_status(find(&kept, &id)?, &kept))).into_response())
}

/// One event, then the stream breaks; by then the job is published.
async fn events(State(desk): State<Arc<Desk>>, Path(id): Path<String>) -> Answer {
    let mut kept = desk.state.lock().unwrap();
    let text = serde_json::to_string(&job_status(find(&kept, &id)?, &kept)).unwrap();
    kept.jobs.get_mut(&id).unwrap().2 = JobState::Published;
    Ok((
        [(header::CONTENT_TYPE, "text/event-stream")],
        format!(": hello\n\ndata: {text}\n\ndata: {{\"cut"),
    )
        .into_response())
}

async fn submit(State(desk): State<Arc<Desk>>, Path((id, sid)): Path<(String, String)>, headers: HeaderMap, body: Bytes) -> Answer {
    assert_eq!(headers[header::CONTENT_TYPE], SUBMISSION_TYPE);
    let mut kept = desk.state.lock().unwrap();
    kept.requests += 1;
    let known = kept.submissions.iter().position(|(bytes, _)| *bytes == body);
    if known.is_none() && kept.submissions.len() >= kept.refuse_after {
        return Err(problem(507, "no room", "the disk is full:\nfree some"));
    }
    let submission: Submission = codec::decode(&body, "a submission").unwrap();
    let job = &find(&kept, &id)?.0;
    Header::check(&submission.header, &desk.cluster, job).unwrap();
    assert!(submission.is_complete());
    assert_eq!(submission.header.value.statement.id.to_string(), sid);
    let sequence = known.unwrap_or(kept.submissions.len());
    let receipt = receipt(&desk, &kept, &submission.header.value, sequence);
    if known.is_none() {
        let answers = submission.header.value.statement.items.len();
        kept.submissions.push((body.to_vec(), answers));
    }
    Ok((StatusCode::CREATED, Json(receipt)).into_response())
}

fn receipt(desk: &Desk, kept: &Kept, header: &Header, sequence: usize) -> Receipt {
    let receipt = ReceiptStatement {
        cluster: desk.cluster.digest(),
        job: header.statement.job.clone(),
        job_digest: header.statement.job_digest,
        submission: header.statement.id,
        digest: header.digest(),
        answers: header.statement.items.len() as u32,
        sequence: sequence as u64,
    };
    let forged = SecretKey::from_bytes(&[77; 32]);
    Signed::new(receipt, Purpose::Receipt, if kept.forge { &forged } else { &desk.key })
}

/// Once the job is published, all answers count but the first of each submission.
async fn outcome(State(desk): State<Arc<Desk>>, Path((id, sid)): Path<(String, String)>) -> Answer {
    let kept = desk.state.lock().unwrap();
    let (_, spec, state) = find(&kept, &id)?;
    let submissions = kept.submissions.iter().enumerate();
    let decoded = submissions.map(|(at, (bytes, _))| (at, codec::decode::<Submission>(bytes, "a submission").unwrap().header.value));
    let (sequence, header) = decoded
        .into_iter()
        .find(|(_, header)| header.statement.id.to_string() == sid)
        .ok_or_else(|| problem(404, "not found", "there is no such submission"))?;
    let items = &header.statement.items;
    let outcome = SubmissionOutcome {
        accepted: items.len() as u64 - 1 - u64::from(kept.lose_an_answer),
        rejected: vec![RejectedAnswer {
            item: spec.items[items[0] as usize].id.clone(),
            reason: RejectReason::DuplicateAnswer,
        }],
    };
    Ok(Json(SubmissionStatus {
        receipt: receipt(&desk, &kept, &header, sequence),
        outcome: (*state == JobState::Published).then_some(outcome),
    })
    .into_response())
}
