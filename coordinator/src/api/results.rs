//! What is published of a job, byte for byte as it was stored.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use tacit_protocol::api::{JobState, Problem as Document};
use tacit_protocol::job::JobId;

use super::extract::JobPath;
use super::problem::{Problem, ProblemKind};
use crate::app::{App, Shared};
use crate::store::Part;

async fn published(app: &App, id: &JobId, part: Part, media_type: &'static str) -> Result<impl IntoResponse + use<>, Problem> {
    if let Some(bytes) = app.store.published(id, part).await? {
        return Ok(([(header::CONTENT_TYPE, media_type)], bytes));
    }
    let row = app.store.job(id).await?.ok_or_else(|| Problem::unknown_job(id))?;
    if row.state == JobState::Published {
        let detail = format!("the results of job `{id}` are purged: the coordinator keeps them for a time only");
        return Err(Problem::new(ProblemKind::NotPublished, detail));
    }
    let reason = row.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    Err(Problem::new(
        ProblemKind::NotPublished,
        format!("job `{id}` is {}{reason}", row.state.name()),
    ))
}

/// The published results: `result.json`.
#[utoipa::path(get, path = "/v1/jobs/{id}/result", tag = "results", params(("id" = String, Path)), responses(
    (status = 200, content_type = "application/json", body = Object),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_result(State(app): State<Shared>, JobPath(id): JobPath) -> Result<impl IntoResponse, Problem> {
    published(&app, &id, Part::Result, "application/json").await
}

/// The pay of each contributor: `payouts.csv`.
#[utoipa::path(get, path = "/v1/jobs/{id}/payouts", tag = "results", params(("id" = String, Path)), responses(
    (status = 200, content_type = "text/csv", body = String),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_payouts(State(app): State<Shared>, JobPath(id): JobPath) -> Result<impl IntoResponse, Problem> {
    published(&app, &id, Part::Payouts, "text/csv").await
}

/// The certificate, from which everyone can verify the results: `certificate.json`.
#[utoipa::path(get, path = "/v1/jobs/{id}/certificate", tag = "results", params(("id" = String, Path)), responses(
    (status = 200, content_type = "application/json", body = Object),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_certificate(State(app): State<Shared>, JobPath(id): JobPath) -> Result<impl IntoResponse, Problem> {
    published(&app, &id, Part::Certificate, "application/json").await
}
