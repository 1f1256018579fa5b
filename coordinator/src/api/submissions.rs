//! `/v1/jobs/{id}/submissions/{sid}`: takes sealed answers, and sealed gold answers of the buyer, and gives receipts.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::{Problem as Document, Receipt, ReceiptStatement, SUBMISSION_TYPE, SubmissionStatus};
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::job::JobId;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, MAX_ENVELOPE_BYTES, MAX_SUBMISSION_BYTES, Role, Statement, Submission, SubmissionId};

use super::extract::{SubmissionPath, read_body};
use super::problem::{Problem, ProblemKind};
use crate::active_jobs::ActiveJob;
use crate::app::{App, Shared};
use crate::store::{Known, NewSubmission, UploadOutcome};

/// How long an upload may take, so that slow strangers do not block others.
const DEADLINE: Duration = Duration::from_secs(30);

/// Stores a submission and answers with a signed receipt. The same bytes again get the same receipt.
#[utoipa::path(put, path = "/v1/jobs/{id}/submissions/{sid}", tag = "submissions",
    request_body(content = Vec<u8>, content_type = "application/vnd.tacit.submission", description = "an encoded submission"),
    params(("id" = String, Path), ("sid" = String, Path, description = "16 bytes in lower-case hexadecimal")), responses(
    (status = 201, body = Receipt, description = "stored"),
    (status = 200, body = Receipt, description = "was stored before"),
    (status = 403, body = Document, content_type = "application/problem+json", description = "the contributor is not enrolled"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "another submission has this id, the job has gold answers to these items, or the job is closed"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "it is not valid; the detail names the reason"),
    (status = 503, body = Document, content_type = "application/problem+json", description = "too many are being read; send it again"),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn put_submission(
    State(app): State<Shared>,
    SubmissionPath(id, submission_id): SubmissionPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if app.store.job(&id).await?.is_none() {
        return Err(Problem::unknown_job(&id));
    }
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if media_type != SUBMISSION_TYPE {
        return Err(Problem::new(
            ProblemKind::UnsupportedMediaType,
            format!("the body must be {SUBMISSION_TYPE}"),
        ));
    }
    // The queue limits the memory of all uploads. A request does not wait for it, as waiting requests take memory too.
    let permit = app
        .uploads
        .try_enter()
        .ok_or_else(|| Problem::new(ProblemKind::Busy, "too many submissions are being read: send it again in a second"))?;
    let bytes = read_body(&headers, body, MAX_SUBMISSION_BYTES, DEADLINE).await?;
    let upload = Digest::of("tacit/v1 upload", &[&bytes]);
    if let Some(known) = app.store.known_submission(&id, submission_id).await? {
        return again(&app, upload, known);
    }
    let Some(active) = app.active_jobs.get(&id) else {
        return Err(closed(&app, &id));
    };
    let (new, statement) = check(&app, &active, submission_id, upload, bytes).await?;
    let receipt = receipt(&app, &active, &new);
    let outcome = app.store.store_submission(new, receipt).await?;
    drop(permit);
    match outcome {
        UploadOutcome::New(known) => {
            active.receive(known.sequence, &statement);
            app.nodes.wake();
            app.metrics.upload(None);
            Ok(with_receipt(StatusCode::CREATED, known.receipt))
        }
        UploadOutcome::Before(known) => again(&app, upload, known),
        UploadOutcome::NotOpen(_) | UploadOutcome::NoJob => Err(closed(&app, &id)),
    }
}

/// The receipt of a submission and, once the job is published, the outcome of its answers.
#[utoipa::path(get, path = "/v1/jobs/{id}/submissions/{sid}", tag = "submissions",
    params(("id" = String, Path), ("sid" = String, Path)), responses(
    (status = 200, body = SubmissionStatus),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_submission(
    State(app): State<Shared>,
    SubmissionPath(id, submission_id): SubmissionPath,
) -> Result<Json<SubmissionStatus>, Problem> {
    if app.store.job(&id).await?.is_none() {
        return Err(Problem::unknown_job(&id));
    }
    let known = app.store.known_submission(&id, submission_id).await?.ok_or_else(|| {
        Problem::new(
            ProblemKind::UnknownSubmission,
            format!("job `{id}` has no submission {submission_id}: it can be sent while the job is open"),
        )
    })?;
    let receipt = serde_json::from_str(&known.receipt)
        .map_err(|e| Problem::new(ProblemKind::StoreFailed, format!("the stored receipt cannot be read: {e}")))?;
    let outcome = app.store.outcome(&id, known.sequence).await?;
    Ok(Json(SubmissionStatus { receipt, outcome }))
}

fn with_receipt(status: StatusCode, receipt: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], receipt).into_response()
}

fn again(app: &App, upload: Digest, known: Known) -> Result<Response, Problem> {
    if known.upload == upload {
        return Ok(with_receipt(StatusCode::OK, known.receipt));
    }
    app.metrics.upload(Some(RejectReason::DuplicateSubmission));
    Err(Problem::new(
        ProblemKind::SubmissionConflict,
        "other bytes were uploaded under this id before: draw a new id",
    ))
}

fn closed(app: &App, id: &JobId) -> Problem {
    app.metrics.upload(Some(RejectReason::JobClosed));
    Problem::new(ProblemKind::JobClosed, format!("job `{id}` no longer accepts submissions"))
}

fn rejected(app: &App, reason: RejectReason, why: &str) -> Problem {
    app.metrics.upload(Some(reason));
    Problem::new(ProblemKind::SubmissionRejected, format!("{reason}: {why}"))
}

fn explain(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::WrongJob => "it is for another cluster, job or version of the job: fetch the spec again",
        RejectReason::BadSignature => "the signature is not by the key in the header",
        RejectReason::BadCredential => {
            "the job takes answers only of people whom its issuers have invited, with invitations that are valid until it closes"
        }
        _ => "its items, components or envelopes do not fit the job and the cluster",
    }
}

/// Checks everything that can be checked without the key of a node.
async fn check(
    app: &Shared,
    active: &Arc<ActiveJob>,
    submission_id: SubmissionId,
    upload: Digest,
    bytes: Bytes,
) -> Result<(NewSubmission, Statement), Problem> {
    let (cluster, of, shared) = (Arc::clone(&app.cluster), Arc::clone(active), Arc::clone(app));
    let checked = tokio::task::spawn_blocking(move || {
        let submission: Submission =
            decode(&bytes, "a submission").map_err(|_| (RejectReason::Malformed, "the body is not an encoded submission"))?;
        let header = &submission.header;
        Header::check_with(header, &cluster, of.job(), &shared.credentials).map_err(|reason| (reason, explain(reason)))?;
        if header.value.statement.id != submission_id {
            return Err((RejectReason::Malformed, "its id is not the one in the path"));
        }
        if !submission.is_complete() {
            return Err((RejectReason::DigestMismatch, "an envelope is not the one the header names"));
        }
        if submission.envelopes.iter().any(|envelope| envelope.len() > MAX_ENVELOPE_BYTES) {
            return Err((RejectReason::Malformed, "an envelope is larger than any that holds the answers"));
        }
        let statement = header.value.statement.clone();
        let new = NewSubmission {
            job: of.job().id().clone(),
            submission_id,
            upload,
            digest: header.value.digest(),
            answers: statement.items.len() as u32,
            gold: Role::of(of.job(), &statement.key) == Role::Gold,
            header: encode(header),
            envelopes: submission.envelopes,
        };
        Ok((new, statement))
    });
    let checked = checked
        .await
        .map_err(|_| Problem::new(ProblemKind::ShuttingDown, "send the submission again"))?;
    let (new, statement) = checked.map_err(|(reason, why)| rejected(app, reason, why))?;
    if new.gold {
        // The signature is checked, and only the buyer has the key that the job names for gold answers.
        return if active.lacks_gold(&statement.items) {
            Ok((new, statement))
        } else {
            app.metrics.upload(Some(RejectReason::DuplicateSubmission));
            let detail = "the job has gold answers to these items: they cannot be changed";
            Err(Problem::new(ProblemKind::SubmissionConflict, detail))
        };
    }
    if let Some(issuers) = &active.job().terms().issuers {
        // The credential was checked, and takes the place of an enrolment.
        let number = statement.credential.as_ref().map(|credential| credential.grant.serial);
        return match number {
            Some(number) if !app.store.is_revoked(issuers.digest(), number).await? => Ok((new, statement)),
            _ => Err(rejected(
                app,
                RejectReason::BadCredential,
                "the issuers have revoked the invitation",
            )),
        };
    }
    match app.store.key_of(statement.contributor.clone()).await? {
        Some(key) if key == statement.key => Ok((new, statement)),
        Some(_) => {
            app.metrics.upload(Some(RejectReason::KeyConflict));
            Err(Problem::new(
                ProblemKind::NotEnrolled,
                "the contributor's name is enrolled with another key",
            ))
        }
        None => Err(Problem::new(
            ProblemKind::NotEnrolled,
            "the contributor is not enrolled: POST /v1/contributors first",
        )),
    }
}

/// Gives the function that writes the receipt for a sequence number.
fn receipt(app: &App, active: &ActiveJob, new: &NewSubmission) -> impl FnOnce(u64) -> serde_json::Result<String> + Send + use<> {
    let key = app.key.clone();
    let (cluster, job, job_digest) = (app.cluster.digest(), active.job().id().clone(), active.job().digest());
    let (submission, digest, answers) = (new.submission_id, new.digest, new.answers);
    move |sequence| {
        let statement = ReceiptStatement {
            cluster,
            job,
            job_digest,
            submission,
            digest,
            answers,
            sequence,
        };
        serde_json::to_string(&Signed::new(statement, Purpose::Receipt, &key))
    }
}
