//! `/v1/jobs`: opens, shows, closes and cancels jobs.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use tacit_protocol::api::{JobList, JobState, JobStatus, Problem as Document};
use tacit_protocol::job::{Cancellation, SignedSpec};

use super::body::PacedBody;
use super::extract::{ByToken, Caller, CancelledBy, JobPath};
use super::look_up;
use super::problem::{Problem, ProblemKind};
use super::readers::{Reader, is_free, may_read, own};
use super::stored::{self, Form, TextRequest};
use crate::app::Shared;
use crate::opening::{OpenError, open_detached};
use crate::status::{self, View};

/// The most bytes of a job spec.
const LIMIT: usize = 256 << 20;

/// How long a spec may take to arrive: the longest needs 450 kB a second.
const LONGEST: Duration = Duration::from_secs(10 * 60);

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        let kind = match error {
            OpenError::Spec(_) => ProblemKind::InvalidJob,
            OpenError::Quota { .. } => ProblemKind::BuyerQuota,
            OpenError::Conflict(_) | OpenError::Ended { .. } => ProblemKind::JobConflict,
            OpenError::Refused(_) => ProblemKind::NodeRefused,
            OpenError::Unavailable { .. } => ProblemKind::NodesUnavailable,
            OpenError::Store(error) => return error.into(),
        };
        Self::new(kind, error.to_string())
    }
}

/// Opens a job that its buyer has signed; with the key of the token, if the operator has bound one to it. If the same job is open already, the
/// answer is its status.
#[utoipa::path(put, path = "/v1/jobs/{id}", tag = "jobs", security(("buyer" = [])), request_body = SignedSpec,
    params(("id" = String, Path, description = "1 to 64 lower-case letters, digits and dashes, chosen by the buyer")), responses(
    (status = 201, body = JobStatus, description = "opened"),
    (status = 200, body = JobStatus, description = "was opened before"),
    (status = 403, body = Document, content_type = "application/problem+json", description = "the terms are signed with another key than the one that belongs to the token"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "another job has this id, or the same job was cancelled or has failed"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "the spec cannot be used, or a node refuses it"),
    (status = 429, body = Document, content_type = "application/problem+json", description = "the buyer's jobs that have not ended would take more than one buyer may"),
    (status = 503, body = Document, content_type = "application/problem+json", description = "too few nodes can be reached, or too many specs are being read"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn put_job(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    ByToken(buyer): ByToken,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<JobStatus>), Problem> {
    let caller = Caller::Buyer(buyer.clone());
    is_free(&app, &id, &caller).await?;
    // The same job again is answered, however much the buyer has open.
    if app.store.job(&id).await?.is_none() {
        // A job has an item at least.
        let taken = app.store.taken_by(buyer.name.clone()).await?.and(1, 1);
        if let Some((quota, value)) = app.quotas.exceeded(taken) {
            return Err(OpenError::Quota { quota, value }.into());
        }
    }
    let busy = |_| {
        Problem::new(
            ProblemKind::Busy,
            "a spec of this buyer, or too many specs, are being read: send it again in a second",
        )
    };
    let place = app.specs.take(vec![(buyer.name.clone(), 1)], 1).map_err(busy)?;
    let body = PacedBody::new(&headers, body, LIMIT)?
        .within(LONGEST)
        .rest(Vec::new(), |_| Ok(()))
        .await?;
    let signed = tokio::task::spawn_blocking(move || SignedSpec::from_json(&body))
        .await
        .map_err(|_| Problem::new(ProblemKind::ShuttingDown, "send the request again"))?
        .map_err(|e| Problem::new(ProblemKind::InvalidJob, e.to_string()))?;
    drop(place);
    if let Some(key) = buyer.key.filter(|key| *key != signed.buyer) {
        let detail = format!(
            "the job is signed with the key {}, and the key of this token is {key}",
            signed.buyer
        );
        return Err(Problem::new(ProblemKind::NotYourJob, detail));
    }
    let name = buyer.name.clone();
    is_free(&app, &id, &caller).await?;
    let new = open_detached(&app, name.clone(), id.clone(), signed).await?;
    tracing::info!(job = %id, buyer = name, new, "job put");
    Ok((
        if new { StatusCode::CREATED } else { StatusCode::OK },
        Json(look_up::status(&app, &id, View::Buyer).await?),
    ))
}

/// The buyer's jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", security(("buyer" = []), ("key" = [])), responses(
    (status = 200, body = JobList),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn list_jobs(State(app): State<Shared>, caller: Caller) -> Result<Json<JobList>, Problem> {
    let (name, key) = match caller {
        Caller::Buyer(buyer) => (Some(buyer.name), buyer.key),
        Caller::Key(key) => (app.buyers.name_of_key(&key).map(str::to_owned), Some(key)),
    };
    let rows = app.store.jobs_of(name, key).await?;
    let jobs = rows.into_iter().map(|row| {
        let active = app.active_jobs.get(&row.id);
        status::of(row, View::Buyer, active.as_deref(), &app.nodes)
    });
    Ok(Json(JobList { jobs: jobs.collect() }))
}

/// The status of a job, and which nodes it waits for.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, body = JobStatus),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is none that this request may read"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_job(State(app): State<Shared>, JobPath(id): JobPath, reader: Reader) -> Result<Json<JobStatus>, Problem> {
    let view = reader.view(&app, &may_read(&app, &id, &reader).await?);
    Ok(Json(look_up::status(&app, &id, view).await?))
}

/// The spec of a job as its buyer signed it, with the items and classes that contributors need. With an `ETag`, and with
/// `Content-Encoding: zstd` where the client takes it; 503 while too much is sent.
#[utoipa::path(get, path = "/v1/jobs/{id}/spec", tag = "jobs", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, body = SignedSpec),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is none that this request may read"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "the job has ended, and its items are erased"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_spec(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    reader: Reader,
    asked: TextRequest,
) -> Result<Response, Problem> {
    may_read(&app, &id, &reader).await?;
    let Some(at) = app.store.find_spec(&id).await? else {
        let state = look_up::job(&app, &id).await?.state.name();
        let detail = format!(
            "job `{id}` is {state}, and its items are erased: `tacit receipt` shows what became of answers, `tacit job result` the result"
        );
        return Err(Problem::new(ProblemKind::JobEnded, detail));
    };
    stored::send(&app, &asked, at, Form::Plain, "application/json").await
}

/// Closes a job for submissions, so that the nodes compute it. Closing it again changes nothing.
#[utoipa::path(post, path = "/v1/jobs/{id}/close", tag = "jobs", security(("buyer" = []), ("key" = [])), params(("id" = String, Path)), responses(
    (status = 202, body = JobStatus),
    (status = 409, body = Document, content_type = "application/problem+json", description = "it was cancelled or has failed"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn close_job(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    caller: Caller,
) -> Result<(StatusCode, Json<JobStatus>), Problem> {
    own(&app, &id, caller).await?;
    if app.store.close_job(&id).await?
        && let Some(active) = app.active_jobs.get(&id)
    {
        active.changed();
    }
    let status = look_up::status(&app, &id, View::Buyer).await?;
    if matches!(status.state, JobState::Cancelled | JobState::Failed) {
        let detail = format!("job `{id}` is {} and cannot be closed any more", status.state.name());
        return Err(Problem::new(ProblemKind::JobEnded, detail));
    }
    Ok((StatusCode::ACCEPTED, Json(status)))
}

/// Cancels a job: nothing is computed or published, and the nodes erase it. They do so for the buyer's signature alone, which the query
/// gives: that of the key which has signed the job's terms. Of a job that has failed the nodes erase what they hold.
#[utoipa::path(delete, path = "/v1/jobs/{id}", tag = "jobs", security(("buyer" = []), ("key" = [])),
    params(("id" = String, Path), ("signature" = String, Query, description = "64 bytes, hexadecimal: see docs/security/erasure.md")), responses(
    (status = 200, body = JobStatus),
    (status = 400, body = Document, content_type = "application/problem+json", description = "the signature is missing, or is not the buyer's over this cancellation"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "it has ended in another way, or its result is verified"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn cancel_job(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    caller: Caller,
    CancelledBy(signature): CancelledBy,
) -> Result<Json<JobStatus>, Problem> {
    let buyer = own(&app, &id, caller).await?;
    let signature = signature.ok_or_else(|| {
        let detail = "the query: expected `signature=HEX`, the signature of the buyer's key over the cancellation of this job";
        Problem::new(ProblemKind::InvalidRequest, detail.to_owned())
    })?;
    let terms = look_up::job(&app, &id).await?.digest;
    let cancellation = Cancellation {
        cluster: &app.cluster.digest(),
        job: &id,
        terms: &terms,
    };
    cancellation.verify(&buyer, &signature).map_err(|error| {
        let detail = format!("the cancellation of job `{id}`: {error}: sign it with the key that has signed the job's terms");
        Problem::new(ProblemKind::BadSignature, detail)
    })?;
    if app.store.cancel_job(&id, signature).await?
        && let Some(active) = app.active_jobs.get(&id)
    {
        active.cancelled().cancel();
        active.changed();
    }
    app.nodes.wake();
    let status = look_up::status(&app, &id, View::Buyer).await?;
    if matches!(status.state, JobState::Cancelled | JobState::Failed) {
        Ok(Json(status))
    } else {
        let detail = format!("job `{id}` is {}: it cannot be cancelled any more", status.state.name());
        Err(Problem::new(ProblemKind::JobEnded, detail))
    }
}
