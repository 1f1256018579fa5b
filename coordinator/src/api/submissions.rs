//! `/v1/jobs/{id}/submissions/{sid}`: takes sealed answers, and sealed gold answers of the buyer, and gives receipts.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::{JobState, Problem as Document, Receipt, ReceiptStatement, SUBMISSION_TYPE, SubmissionStatus};
use tacit_protocol::codec::{CodecProblem, decode, decode_first, encode};
use tacit_protocol::credential::Issuers;
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::job::JobId;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::quota::{self, NoRoom};
use tacit_protocol::submission::{Header, MAX_ENVELOPE_BYTES, MAX_HEADER_BYTES, MAX_SUBMISSION_BYTES, Role, Statement, Submission};

use super::body::PacedBody;
use super::extract::SubmissionPath;
use super::look_up;
use super::problem::{Problem, ProblemKind};
use super::readers::{Reader, no_submission};
use crate::active_jobs::ActiveJob;
use crate::app::{App, Shared};
use crate::sealing_keys;
use crate::store::{Known, NewSubmission, Standing, UploadOutcome};
use crate::uploads::{Author, LargeHeader, SMALL_HEADER};
use tacit_http_server::Origin;

/// Stores a submission and answers with a signed receipt. The same bytes again get the same receipt. What the header alone shows to be wrong is
/// refused before the envelopes are read. If the header names other terms than the job's, the answer is `unknown_job`, unless the job is public: the sender
/// has not read the terms.
#[utoipa::path(put, path = "/v1/jobs/{id}/submissions/{sid}", tag = "submissions",
    request_body(content = Vec<u8>, content_type = "application/vnd.tacit.submission", description = "an encoded submission"),
    params(("id" = String, Path), ("sid" = String, Path, description = "16 bytes in lower-case hexadecimal")), responses(
    (status = 201, body = Receipt, description = "stored"),
    (status = 200, body = Receipt, description = "was stored before"),
    (status = 403, body = Document, content_type = "application/problem+json", description = "the contributor is not enrolled"),
    (status = 408, body = Document, content_type = "application/problem+json", description = "it arrives at less than 16 kB a second"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "another submission has this id, the job has gold answers to these items, or the job is closed or full"),
    (status = 422, body = Document, content_type = "application/problem+json", description = "it is not valid; the detail names the reason"),
    (status = 429, body = Document, content_type = "application/problem+json", description = "the job has as much of the contributor as it takes of one"),
    (status = 503, body = Document, content_type = "application/problem+json", description = "too many are being read; send it again"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn put_submission(
    State(app): State<Shared>,
    SubmissionPath(id, submission_id): SubmissionPath,
    origin: Origin,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
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
    let mut body = PacedBody::new(&headers, body, MAX_SUBMISSION_BYTES)?;
    let ReceivedHeader { header, bytes, large } = read_header(&app, origin, &mut body).await?;
    let statement = &header.value.statement;
    if statement.job != id {
        return Err(rejected(&app, RejectReason::WrongJob, explain(RejectReason::WrongJob)));
    }
    if statement.id != submission_id {
        return Err(rejected(&app, RejectReason::Malformed, "its id is not the one in the path"));
    }
    let standing = app.store.standing(statement).await?;
    let standing = standing
        .filter(|standing| standing.public || standing.terms == statement.job_digest)
        .ok_or_else(|| Problem::unknown_job(&id))?;
    let known = standing.known.clone();
    // The header of a known submission was checked when it was stored.
    let active = match &known {
        Some(known) if known.digest != header.value.digest() => return Err(other_bytes(&app)),
        Some(_) => None,
        None => {
            let active = app.active_jobs.get(&id).filter(|_| standing.state == JobState::Open);
            let active = active.ok_or_else(|| closed(&app, &id))?;
            check_header(&app, &active, header.clone()).await?;
            check_revocation(&app, &active, statement).await?;
            admit(&app, &active, &header.value, &standing)?;
            check_sealing_keys(&app, statement)?;
            Some(active)
        }
    };
    let author = author(active.as_deref(), statement);
    let mut upload = app.uploads.begin(origin, author, bytes.capacity()).ok_or_else(busy)?;
    drop(large);
    let bytes = body.rest(bytes, |bytes| upload.hold(bytes).then_some(()).ok_or_else(busy)).await?;
    let digest = Digest::of("tacit/v1 upload", &[&bytes]);
    let active = match (known, active) {
        (Some(known), _) => return again(&app, digest, known),
        (None, Some(active)) => active,
        (None, None) => return Err(closed(&app, &id)),
    };
    let statement = header.value.statement.clone();
    let new = check_envelopes(&app, &active, digest, header, bytes).await?;
    let receipt = receipt(&app, &active, &new);
    let admitting = (Arc::clone(&active), role(new.gold), u64::from(new.answers));
    let admit = move |by_subject, in_job| {
        let (active, role, answers) = admitting;
        quota::admit(active.job(), role, answers, by_subject, active.taking_room(in_job))
    };
    match app.store.store_submission(new, admit, receipt).await? {
        UploadOutcome::New(known) => {
            active.receive(known.sequence, &statement);
            app.nodes.wake();
            app.metrics.upload(None);
            Ok(with_receipt(StatusCode::CREATED, known.receipt))
        }
        UploadOutcome::Before(known) => again(&app, digest, known),
        UploadOutcome::NoRoom(no_room) => Err(full(&app, no_room)),
        UploadOutcome::Withdrawn => Err(Problem::new(
            ProblemKind::SubmissionConflict,
            "the submission was withdrawn: to answer again, draw a new id",
        )),
        UploadOutcome::NotOpen => Err(closed(&app, &id)),
    }
}

/// The receipt of a submission and, once the job is published, the outcome of its answers. That a job has no such submission is said to those who may
/// read the job only.
#[utoipa::path(get, path = "/v1/jobs/{id}/submissions/{sid}", tag = "submissions", security(("buyer" = []), ("key" = []), ()),
    params(("id" = String, Path), ("sid" = String, Path)), responses(
    (status = 200, body = SubmissionStatus, description = "the receipt and the outcome"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "there is none, or no job that this request may read"),
    (status = 410, body = Document, content_type = "application/problem+json", description = "what was stored of the job is purged"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn get_submission(
    State(app): State<Shared>,
    SubmissionPath(id, submission_id): SubmissionPath,
    reader: Reader,
) -> Result<Json<SubmissionStatus>, Problem> {
    let Some(known) = app.store.known_submission(&id, submission_id).await? else {
        return Err(no_submission(&app, &id, &reader, submission_id).await);
    };
    let receipt = look_up::stored(&app, "a receipt", serde_json::from_str(&known.receipt))?;
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
    Err(other_bytes(app))
}

fn other_bytes(app: &App) -> Problem {
    app.metrics.upload(Some(RejectReason::DuplicateSubmission));
    Problem::new(
        ProblemKind::SubmissionConflict,
        "other bytes were uploaded under this id before: draw a new id",
    )
}

fn busy() -> Problem {
    Problem::new(ProblemKind::Busy, "too many submissions are being read: send it again in a second")
}

fn closed(app: &App, id: &JobId) -> Problem {
    app.metrics.upload(Some(RejectReason::JobClosed));
    Problem::new(ProblemKind::JobClosed, format!("job `{id}` no longer accepts submissions"))
}

fn full(app: &App, no_room: NoRoom) -> Problem {
    app.metrics.upload(Some(RejectReason::JobFull));
    match no_room {
        NoRoom::Subject => Problem::new(
            ProblemKind::ContributorQuota,
            "the job takes two answers to every item of one contributor, in a limited number of submissions: nothing more needs to be sent; `tacit receipt` \
             shows which of your answers count",
        ),
        NoRoom::Job => Problem::new(
            ProblemKind::JobFull,
            "the job has twice the answers that it asks for: nothing more counts",
        ),
    }
}

fn rejected(app: &App, reason: RejectReason, why: &str) -> Problem {
    app.metrics.upload(Some(reason));
    Problem::new(ProblemKind::SubmissionRejected, format!("{reason}: {why}"))
}

fn explain(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::WrongJob => "it is for another cluster, job or version of the job: fetch the spec again",
        RejectReason::BadSignature => "the signature is not by the key in the header",
        RejectReason::BadConsent => {
            "a contributor's submission carries the digest of the record of what the contributor has agreed to, and gold answers carry none: \
             answer with a client of this release"
        }
        RejectReason::BadCredential => {
            "the job takes answers only of people whom its issuers have invited, with invitations that are valid until it closes"
        }
        _ => "its items, components or envelopes do not fit the job and the cluster: fetch the job's spec and the cluster file again",
    }
}

fn role(gold: bool) -> Role {
    if gold { Role::Gold } else { Role::Answers }
}

/// Who stands behind an upload whose header was checked. `active` is its job, unless it has ended.
fn author(active: Option<&ActiveJob>, statement: &Statement) -> Author {
    let issuers = active.and_then(|active| active.job().terms().issuers.as_ref());
    Author {
        issuers: issuers.map(Issuers::digest),
        subject: statement.subject(),
    }
}

/// An upload of which the header has arrived.
struct ReceivedHeader<'a> {
    header: Signed<Header>,
    /// All that has arrived, from the beginning.
    bytes: Vec<u8>,
    /// Held while the header is large and was not checked.
    large: Option<LargeHeader<'a>>,
}

/// Reads until the header has arrived, and not much more.
async fn read_header<'a>(app: &'a App, origin: Origin, body: &mut PacedBody) -> Result<ReceivedHeader<'a>, Problem> {
    let not_one = |app| rejected(app, RejectReason::Malformed, "the body is not an encoded submission");
    let (mut bytes, mut large) = (Vec::new(), None::<LargeHeader<'_>>);
    // At which length to try next: each time twice as much, so that trying takes time in proportion to the bytes.
    let mut due = 1;
    loop {
        let next = body.next().await?;
        let ended = next.is_none();
        bytes.extend_from_slice(&next.unwrap_or_default());
        if bytes.len() >= due || ended {
            match decode_first::<Signed<Header>>(&bytes, "a submission") {
                Ok((header, _)) => return Ok(ReceivedHeader { header, bytes, large }),
                Err(error) if ended || bytes.len() >= MAX_HEADER_BYTES || *error.problem() != CodecProblem::TooShort => {
                    return Err(not_one(app));
                }
                Err(_) => due = (2 * bytes.len()).min(MAX_HEADER_BYTES),
            }
        }
        if bytes.len() <= SMALL_HEADER {
            continue;
        }
        match &mut large {
            None => large = Some(app.uploads.large_header(origin, bytes.capacity()).ok_or_else(busy)?),
            Some(large) => large.hold(bytes.capacity()).then_some(()).ok_or_else(busy)?,
        }
    }
}

/// Checks what the header alone shows.
async fn check_header(app: &Shared, active: &Arc<ActiveJob>, header: Signed<Header>) -> Result<(), Problem> {
    let (cluster, of, shared) = (Arc::clone(&app.cluster), Arc::clone(active), Arc::clone(app));
    let checked = tokio::task::spawn_blocking(move || Header::check_with(&header, &cluster, of.job(), &shared.credentials));
    checked
        .await
        .map_err(|_| shutting_down())?
        .map_err(|reason| rejected(app, reason, explain(reason)))
}

/// Checks that the issuers have not revoked the invitation behind a credential that was checked.
async fn check_revocation(app: &App, active: &ActiveJob, statement: &Statement) -> Result<(), Problem> {
    let (Some(issuers), Some(credential)) = (&active.job().terms().issuers, &statement.credential) else {
        return Ok(());
    };
    if app.store.is_revoked(issuers.digest(), credential.grant.serial).await? {
        let why = "the issuers have revoked the invitation: ask those who have invited you";
        return Err(rejected(app, RejectReason::BadCredential, why));
    }
    Ok(())
}

/// Checks that the nodes still open what was sealed to them.
fn check_sealing_keys(app: &App, statement: &Statement) -> Result<(), Problem> {
    let Some(node) = sealing_keys::too_late_for(app, statement) else {
        return Ok(());
    };
    app.metrics.upload(Some(RejectReason::NoSealingKey));
    Err(Problem::new(
        ProblemKind::SealingKeyExpired,
        format!(
            "node `{node}` does not open any more what is sealed to the key that the header names: GET /v1/cluster, and seal to the newest keys"
        ),
    ))
}

/// Checks that the author may send answers to the job, and that there is room for them.
fn admit(app: &App, active: &ActiveJob, header: &Header, standing: &Standing) -> Result<(), Problem> {
    let statement = &header.statement;
    let role = Role::of(active.job(), &statement.key);
    match (role, standing.key) {
        // The signature is checked, and only the buyer has the key that the job names for gold answers.
        (Role::Gold, _) if active.lacks_gold(&statement.items) => {}
        (Role::Gold, _) => {
            app.metrics.upload(Some(RejectReason::DuplicateSubmission));
            let detail = "the job has gold answers to these items: they cannot be changed";
            return Err(Problem::new(ProblemKind::SubmissionConflict, detail));
        }
        // The credential was checked, and takes the place of an enrolment.
        (Role::Answers, _) if statement.credential.is_some() => {}
        (Role::Answers, Some(key)) if key == statement.key => {}
        (Role::Answers, Some(_)) => {
            app.metrics.upload(Some(RejectReason::KeyConflict));
            let detail = "the contributor's name is enrolled with another key: use that key, or enrol another name";
            return Err(Problem::new(ProblemKind::NotEnrolled, detail));
        }
        (Role::Answers, None) => {
            let detail = "the contributor is not enrolled: POST /v1/contributors first";
            return Err(Problem::new(ProblemKind::NotEnrolled, detail));
        }
    }
    let answers = statement.items.len() as u64;
    let in_job = active.taking_room(standing.in_job);
    quota::admit(active.job(), role, answers, standing.by_subject, in_job).map_err(|no_room| full(app, no_room))
}

/// Checks a whole submission whose header was checked.
async fn check_envelopes(
    app: &Shared,
    active: &Arc<ActiveJob>,
    upload: Digest,
    header: Signed<Header>,
    bytes: Vec<u8>,
) -> Result<NewSubmission, Problem> {
    let of = Arc::clone(active);
    let checked = tokio::task::spawn_blocking(move || {
        let submission: Submission =
            decode(&bytes, "a submission").map_err(|_| (RejectReason::Malformed, "the body is not an encoded submission"))?;
        drop(bytes);
        if submission.header != header || !submission.is_complete() {
            return Err((RejectReason::DigestMismatch, "an envelope is not the one the header names"));
        }
        if submission.envelopes.iter().any(|envelope| envelope.len() > MAX_ENVELOPE_BYTES) {
            return Err((RejectReason::Malformed, "an envelope is larger than any that holds the answers"));
        }
        let statement = &header.value.statement;
        Ok(NewSubmission {
            job: of.job().id().clone(),
            submission_id: statement.id,
            upload,
            digest: header.value.digest(),
            answers: statement.items.len() as u32,
            author: statement.key,
            subject: statement.subject(),
            gold: Role::of(of.job(), &statement.key) == Role::Gold,
            header: encode(&header),
            envelopes: submission.envelopes,
        })
    });
    checked
        .await
        .map_err(|_| shutting_down())?
        .map_err(|(reason, why)| rejected(app, reason, why))
}

fn shutting_down() -> Problem {
    Problem::new(ProblemKind::ShuttingDown, "send the submission again")
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
