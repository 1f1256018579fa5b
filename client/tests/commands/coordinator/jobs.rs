//! Jobs: opened, listed, followed, closed, cancelled and published.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Json, Response};
use tacit_protocol::api::{ClusterInfo, JobList, JobState};
use tacit_protocol::job::{Cancellation, Job, SignedSpec};
use tacit_protocol::versions::PROTOCOL_VERSIONS;

use super::{Answer, Server, buyer, find, job_status, problem, problem_of, token};

pub(super) async fn cluster_info(State(server): State<Arc<Server>>) -> Response {
    let protocol = server.state.lock().unwrap().protocol;
    if PROTOCOL_VERSIONS.common(protocol).is_none() {
        return Json(serde_json::json!({ "protocol": protocol, "other": true })).into_response();
    }
    let known = ClusterInfo::new(&server.cluster, server.text.clone(), server.state.lock().unwrap().sealing.clone());
    Json(ClusterInfo { protocol, ..known }).into_response()
}

pub(super) async fn list(State(server): State<Arc<Server>>) -> Response {
    let stored = server.state.lock().unwrap();
    Json(JobList {
        jobs: stored.jobs.values().map(|job| job_status(job, &stored)).collect(),
    })
    .into_response()
}

pub(super) async fn create(State(server): State<Arc<Server>>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Answer {
    token(&headers)?;
    let spec = SignedSpec::from_json(&body).map_err(|e| problem(422, "bad job", &e.to_string()))?;
    let job =
        Job::open(&server.cluster.digest(), id.parse().unwrap(), spec.clone()).map_err(|e| problem(422, "bad job", &e.to_string()))?;
    let mut stored = server.state.lock().unwrap();
    if stored.jobs.get(&id).is_some_and(|(known, ..)| *known != job) {
        return Err(problem_of("job_conflict", 409, "conflict", "the job is open with another spec"));
    }
    if let Some((status, kind)) = stored.refuse_jobs {
        return Err(problem_of(kind, status, "no", "the coordinator does not want it"));
    }
    stored.jobs.entry(id.clone()).or_insert((job, spec, JobState::Open));
    Ok(Json(job_status(find(&stored, &id)?, &stored)).into_response())
}

pub(super) async fn status(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer {
    let stored = server.state.lock().unwrap();
    Ok(Json(job_status(find(&stored, &id)?, &stored)).into_response())
}

pub(super) async fn spec(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer {
    let stored = server.state.lock().unwrap();
    let (_, spec, state) = find(&stored, &id)?;
    if *state == JobState::Published {
        return Err(problem_of(
            "job_ended",
            409,
            "the job has ended",
            "the items of a job that has ended are erased",
        ));
    }
    Ok(Json(spec.clone()).into_response())
}

/// A published file.
pub(super) async fn published(State(server): State<Arc<Server>>, Path((id, name)): Path<(String, String)>) -> Answer {
    let stored = server.state.lock().unwrap();
    find(&stored, &id)?;
    let bytes = stored.published.get(&name).cloned();
    bytes
        .map(IntoResponse::into_response)
        .ok_or_else(|| problem_of("not_published", 409, "not published", "there are no results"))
}

pub(super) async fn close(State(server): State<Arc<Server>>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    buyer(&server, &headers, "POST", &format!("/v1/jobs/{id}/close"))?;
    let mut stored = server.state.lock().unwrap();
    find(&stored, &id)?;
    stored.jobs.get_mut(&id).unwrap().2 = JobState::Closing;
    Ok((StatusCode::ACCEPTED, Json(job_status(find(&stored, &id)?, &stored))).into_response())
}

/// Cancels a job for the signature of the key that has signed the request.
pub(super) async fn cancel(State(server): State<Arc<Server>>, Path(id): Path<String>, uri: Uri, headers: HeaderMap) -> Answer {
    buyer(&server, &headers, "DELETE", &uri.to_string())?;
    let mut stored = server.state.lock().unwrap();
    let job = find(&stored, &id)?.0.clone();
    let cancellation = Cancellation {
        cluster: &server.cluster.digest(),
        job: job.id(),
        terms: &job.digest(),
    };
    let signature = uri.query().unwrap().strip_prefix("signature=").unwrap().parse().unwrap();
    let signed = stored.signed_by.is_some_and(|key| cancellation.verify(&key, &signature).is_ok());
    if !signed {
        return Err(problem_of(
            "bad_signature",
            400,
            "bad signature",
            "request and cancellation have other keys",
        ));
    }
    stored.jobs.get_mut(&id).unwrap().2 = JobState::Cancelled;
    Ok(Json(job_status(find(&stored, &id)?, &stored)).into_response())
}

/// Sends one event and breaks the stream. After that, the job is published.
pub(super) async fn events(State(server): State<Arc<Server>>, Path(id): Path<String>) -> Answer {
    let mut stored = server.state.lock().unwrap();
    let text = serde_json::to_string(&job_status(find(&stored, &id)?, &stored)).unwrap();
    stored.jobs.get_mut(&id).unwrap().2 = JobState::Published;
    Ok((
        [(header::CONTENT_TYPE, "text/event-stream")],
        format!(": hello\n\ndata: {text}\n\ndata: {{\"cut"),
    )
        .into_response())
}
