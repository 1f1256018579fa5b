//! `DELETE /v1/jobs/{id}/submissions/{sid}`: a contributor takes a submission back.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use tacit_protocol::api::{Problem as Document, WithdrawalRequest, WithdrawalStatus};
use tacit_protocol::codec::decode;
use tacit_protocol::identity::Signed;
use tacit_protocol::submission::{Header, Role};
use tacit_protocol::withdrawal::{Withdrawal, WithdrawalError};

use super::body::{from_json, read_body};
use super::extract::SubmissionPath;
use super::look_up;
use super::problem::{Problem, ProblemKind};
use super::readers::{Reader, no_submission};
use crate::app::Shared;
use crate::drop_envelopes::erase_from_log;
use crate::store::WithdrawOutcome;

/// The most bytes of a body.
const LIMIT: usize = 4 << 10;

/// Takes a submission out of an open job, deletes its envelopes, and tells the nodes to erase it. The signature is that of the key which has signed the
/// submission. Sent again, it answers with the receipts of the nodes that have erased it meanwhile.
#[utoipa::path(delete, path = "/v1/jobs/{id}/submissions/{sid}", tag = "submissions", request_body = WithdrawalRequest,
    params(("id" = String, Path), ("sid" = String, Path)), responses(
    (status = 200, body = WithdrawalStatus, description = "it is out of the job; the receipts of the nodes that have erased it"),
    (status = 400, body = Document, content_type = "application/problem+json", description = "it is not signed by the key that has signed the submission"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is none"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "the job is closed"),
    (status = 410, body = Document, content_type = "application/problem+json", description = "what was stored of the job is purged, and the job is public"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn withdraw_submission(
    State(app): State<Shared>,
    SubmissionPath(id, submission): SubmissionPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<WithdrawalStatus>, Problem> {
    let body = read_body(&headers, body, LIMIT).await?;
    let request: WithdrawalRequest = from_json(&body, "a withdrawal")?;
    let Some(known) = app.store.withdrawable(&id, submission).await? else {
        return Err(no_submission(&app, &id, &Reader::nobody(), submission).await);
    };
    let header: Signed<Header> = look_up::stored(&app, "a header", decode(&known.header, "a submission's header"))?;
    // The header was checked when the submission came.
    let checked = Withdrawal::check_signature(&header.value, &request.signature);
    checked.map_err(|error| Problem::new(ProblemKind::BadSignature, error.to_string()))?;
    if !known.withdrawn {
        let active = app.active_jobs.get(&id);
        let key = &header.value.statement.key;
        if active.as_ref().is_some_and(|active| Role::of(active.job(), key) == Role::Gold) {
            return Err(Problem::new(ProblemKind::Frozen, WithdrawalError::Gold.to_string()));
        }
        match app.store.withdraw(&id, submission, request.signature).await? {
            WithdrawOutcome::New(sequence) => {
                if let Some(active) = active {
                    active.withdraw(sequence);
                }
                app.nodes.wake();
                erase_from_log(&app, &id).await;
            }
            WithdrawOutcome::Before => {}
            WithdrawOutcome::Frozen(state) => {
                let state = state.name();
                let detail = format!("job `{id}` is {state}: its submissions are fixed, and none can be withdrawn any more");
                return Err(Problem::new(ProblemKind::Frozen, detail));
            }
            // Only the purge of an ended job takes it away meanwhile.
            WithdrawOutcome::Unknown => return Err(no_submission(&app, &id, &Reader::nobody(), submission).await),
        }
    }
    let receipts = app.store.erasures(&id, submission).await?;
    let waiting = |node: &usize| receipts.iter().all(|(by, _)| by != node);
    let waiting_on = (0..app.cluster.nodes().len())
        .filter(waiting)
        .map(|node| app.cluster.node_name(node))
        .collect();
    let decoded = receipts.iter().map(|(_, receipt)| decode(receipt, "a receipt of an erasure"));
    let erasures = look_up::stored(&app, "a receipt of an erasure", decoded.collect::<Result<Vec<_>, _>>())?;
    Ok(Json(WithdrawalStatus { erasures, waiting_on }))
}
