//! `/v1/jobs/{id}/receipts`: what the contributor who asks has sent, and what the nodes certify to it.

use axum::Json;
use axum::extract::State;
use tacit_protocol::api::{ContributorReceipts, Problem as Document, SentSubmission};
use tacit_protocol::codec::decode;
use tacit_protocol::identity::Signed;
use tacit_protocol::submission::Header;

use super::extract::{JobPath, SigningKey};
use super::look_up;
use super::problem::{Problem, ProblemKind};
use super::readers::{Reader, may_read};
use crate::app::{App, Shared};
use crate::receipts::certified;

/// What the key that has signed the request has sent to a job, also before the job is published; and then what the nodes certify to it: its own
/// records, which of its answers count and what it is paid, with their paths to the root that all nodes have signed. Nobody else's can be
/// asked for.
#[utoipa::path(get, path = "/v1/jobs/{id}/receipts", tag = "submissions", security(("key" = [])), params(("id" = String, Path)), responses(
    (status = 200, body = ContributorReceipts),
    (status = 404, body = Document, content_type = "application/problem+json", description = "the job is published, and has no submission of this key; or the key has none, and may not read the job"),
    (status = 410, body = Document, content_type = "application/problem+json", description = "what was stored of the job is purged"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_receipts(
    State(app): State<Shared>,
    JobPath(id): JobPath,
    SigningKey(key): SigningKey,
    reader: Reader,
) -> Result<Json<ContributorReceipts>, Problem> {
    if !app.store.is_author(&id, key).await? && may_read(&app, &id, &reader).await?.purged {
        return Err(Problem::purged(&id));
    }
    let row = look_up::job(&app, &id).await?;
    let submissions = sent(&app, app.store.sent_by(&id, key).await?)?;
    let Some((root, records)) = app.store.receipts(&id, key).await? else {
        return Ok(Json(ContributorReceipts {
            state: row.state,
            submissions,
            certified: None,
        }));
    };
    if records.is_empty() {
        let detail = format!("job `{id}` has no submission of the key {key}");
        return Err(Problem::new(ProblemKind::UnknownSubmission, detail));
    }
    let certified = certified(&root, &records).ok_or("they are not the encoding of any");
    Ok(Json(ContributorReceipts {
        state: row.state,
        submissions,
        certified: Some(look_up::stored(&app, "certified records", certified)?),
    }))
}

/// The submissions of these receipts and headers, as they are stored.
fn sent(app: &App, stored: Vec<(String, Vec<u8>)>) -> Result<Vec<SentSubmission>, Problem> {
    let read = |(receipt, header): (String, Vec<u8>)| {
        let receipt = look_up::stored(app, "a receipt", serde_json::from_str(&receipt))?;
        let header: Signed<Header> = look_up::stored(app, "a submission's header", decode(&header, "a submission's header"))?;
        Ok(SentSubmission {
            receipt,
            items: header.value.statement.items,
        })
    };
    stored.into_iter().map(read).collect()
}
