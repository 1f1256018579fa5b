//! `/v1/jobs/{id}/receipts`: what the nodes certify to the contributor who asks.

use axum::Json;
use axum::extract::State;
use tacit_protocol::api::{ContributorReceipts, Problem as Document};

use super::extract::{JobPath, SigningKey};
use super::problem::{Problem, ProblemKind};
use crate::app::Shared;
use crate::receipts::certified;

/// What the nodes certify to the key that has signed the request: its own records, which of its answers count and what it is paid, with
/// their paths to the root that all nodes have signed. Nobody else's can be asked for.
#[utoipa::path(get, path = "/v1/jobs/{id}/receipts", tag = "submissions", security(("key" = [])), params(("id" = String, Path)), responses(
    (status = 200, body = ContributorReceipts),
    (status = 404, body = Document, content_type = "application/problem+json", description = "the job is published, and has no submission of this key"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_receipts(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    SigningKey(key): SigningKey,
) -> Result<Json<ContributorReceipts>, Problem> {
    let row = app.store.job(&id).await?.ok_or_else(|| Problem::unknown_job(&id))?;
    let Some((root, records)) = app.store.receipts(&id, key).await? else {
        return Ok(Json(ContributorReceipts {
            state: row.state,
            certified: None,
        }));
    };
    if records.is_empty() {
        let detail = format!("job `{id}` has no submission of the key {key}");
        return Err(Problem::new(ProblemKind::UnknownSubmission, detail));
    }
    let certified = certified(&root, &records);
    let damaged = || Problem::new(ProblemKind::StoreFailed, "the stored records cannot be read: the store was damaged");
    Ok(Json(ContributorReceipts {
        state: row.state,
        certified: Some(certified.ok_or_else(damaged)?),
    }))
}
