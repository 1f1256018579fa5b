//! What is published of a job, byte for byte as it was stored.

use axum::extract::State;
use axum::response::Response;
use tacit_protocol::api::Problem as Document;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::job::JobId;
use tacit_scoring::report::Report;

use super::asked::TextRequest;
use super::extract::JobPath;
use super::look_up;
use super::problem::{Problem, ProblemKind};
use super::readers::{Reader, may_read_results};
use super::stored::{self, Form};
use crate::app::Shared;
use crate::store::Part;

/// The media type in which a part is sent.
fn media_type(part: Part) -> &'static str {
    match part {
        Part::Certificate | Part::Result => "application/json",
        Part::Payouts => "text/csv",
    }
}

async fn send(app: &Shared, id: &JobId, part: Part, (reader, asked): (&Reader, &TextRequest)) -> Result<Response, Problem> {
    let purged = may_read_results(app, id, reader).await?.purged;
    if let Some(at) = app.store.find_published(id, part).await? {
        return stored::send(app, asked, at, Form::Compressed, media_type(part)).await;
    }
    if purged {
        return Err(Problem::purged(id));
    }
    let row = look_up::job(app, id).await?;
    let reason = row.reason.map(|reason| format!(": {reason}")).unwrap_or_default();
    Err(Problem::new(
        ProblemKind::NotPublished,
        format!("job `{id}` is {}{reason}", row.state.name()),
    ))
}

/// The published results: `result.json`. With an `ETag`, and with `Content-Encoding: zstd` or `gzip` where the client takes it; 503 while too much is
/// sent.
#[utoipa::path(get, path = "/v1/jobs/{id}/result", tag = "results", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, body = Report, description = "the result, in a canonical spelling", headers(("etag" = String))),
    (status = 304, description = "the client has it: its `If-None-Match` names the `ETag`"),
    (status = 403, body = Document, content_type = "application/problem+json", description = "it is for the job's buyer"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is no job that this request may read"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = 410, body = Document, content_type = "application/problem+json", description = "what was stored of the job is purged"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn get_result(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    reader: Reader,
    asked: TextRequest,
) -> Result<Response, Problem> {
    send(&app, &id, Part::Result, (&reader, &asked)).await
}

/// The pay of each contributor: `payouts.csv`.
#[utoipa::path(get, path = "/v1/jobs/{id}/payouts", tag = "results", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, content_type = "text/csv", body = String, description = "the pay of each contributor", headers(("etag" = String))),
    (status = 304, description = "the client has it: its `If-None-Match` names the `ETag`"),
    (status = 403, body = Document, content_type = "application/problem+json", description = "it is for the job's buyer"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is no job that this request may read"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = 410, body = Document, content_type = "application/problem+json", description = "what was stored of the job is purged"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn get_payouts(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    reader: Reader,
    asked: TextRequest,
) -> Result<Response, Problem> {
    send(&app, &id, Part::Payouts, (&reader, &asked)).await
}

/// The certificate, from which everyone can verify the results: `certificate.json`.
#[utoipa::path(get, path = "/v1/jobs/{id}/certificate", tag = "results", security(("buyer" = []), ("key" = []), ()), params(("id" = String, Path)), responses(
    (status = 200, body = Certificate, description = "the certificate, in its canonical spelling", headers(("etag" = String))),
    (status = 304, description = "the client has it: its `If-None-Match` names the `ETag`"),
    (status = 403, body = Document, content_type = "application/problem+json", description = "it is for the job's buyer"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is no job that this request may read"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "not published"),
    (status = 410, body = Document, content_type = "application/problem+json", description = "what was stored of the job is purged"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn get_certificate(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    reader: Reader,
    asked: TextRequest,
) -> Result<Response, Problem> {
    send(&app, &id, Part::Certificate, (&reader, &asked)).await
}
