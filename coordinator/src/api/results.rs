//! What is published of a job, byte for byte as it was stored.

use axum::extract::State;
use axum::response::Response;
use tacit_protocol::api::{JobState, Problem as Document};
use tacit_protocol::job::JobId;

use super::extract::JobPath;
use super::problem::{Problem, ProblemKind};
use super::readers::{Reader, may_read_results};
use super::stored::{self, Asked, Form};
use crate::app::Shared;
use crate::store::Part;

async fn published(app: &Shared, id: &JobId, part: Part, asked: &Asked, media_type: &'static str) -> Result<Response, Problem> {
    if let Some(at) = app.store.find_published(id, part).await? {
        return stored::send(app, asked, at, Form::Compressed, media_type).await;
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

/// The published results: `result.json`. With an `ETag`, and with `Content-Encoding: zstd` where the client takes it; 503 while too much is
/// sent.
#[utoipa::path(get, path = "/v1/jobs/{id}/result", tag = "results", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, content_type = "application/json", body = Object),
    (status = 403, body = Document, content_type = "application/problem+json", description = "it is for the job's buyer"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is no job that this request may read"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_result(State(app): State<Shared>, JobPath(id): JobPath, reader: Reader, asked: Asked) -> Result<Response, Problem> {
    may_read_results(&app, &id, &reader).await?;
    published(&app, &id, Part::Result, &asked, "application/json").await
}

/// The pay of each contributor: `payouts.csv`.
#[utoipa::path(get, path = "/v1/jobs/{id}/payouts", tag = "results", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, content_type = "text/csv", body = String),
    (status = 403, body = Document, content_type = "application/problem+json", description = "it is for the job's buyer"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is no job that this request may read"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_payouts(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    reader: Reader,
    asked: Asked,
) -> Result<Response, Problem> {
    may_read_results(&app, &id, &reader).await?;
    published(&app, &id, Part::Payouts, &asked, "text/csv").await
}

/// The certificate, from which everyone can verify the results: `certificate.json`.
#[utoipa::path(get, path = "/v1/jobs/{id}/certificate", tag = "results", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, content_type = "application/json", body = Object),
    (status = 403, body = Document, content_type = "application/problem+json", description = "it is for the job's buyer"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is no job that this request may read"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_certificate(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    reader: Reader,
    asked: Asked,
) -> Result<Response, Problem> {
    may_read_results(&app, &id, &reader).await?;
    published(&app, &id, Part::Certificate, &asked, "application/json").await
}
