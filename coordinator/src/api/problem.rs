//! Problem documents ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), of a closed list of kinds.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tacit_program::sqlite::DatabaseError;
use tacit_protocol::api::Problem as Document;

use crate::store::StoreError;

/// The kinds of problems. The `type` of each is `urn:tacit:problem:` and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The path, a header or the body cannot be read.
    InvalidRequest,
    /// The job's spec cannot be used.
    InvalidJob,
    /// A node refuses the job.
    NodeRefused,
    /// Too few nodes are connected.
    NodesUnavailable,
    /// The request does not have a buyer's token.
    Unauthorized,
    /// The signature of an enrolment or of a cancellation does not verify.
    BadSignature,
    /// The coordinator enrols no new contributors.
    EnrolmentClosed,
    /// The name or the key is enrolled already.
    EnrolmentConflict,
    /// The contributor is not enrolled under this key.
    NotEnrolled,
    /// The job belongs to another buyer.
    NotYourJob,
    /// There is no such job.
    UnknownJob,
    /// There is no such submission.
    UnknownSubmission,
    /// No job names these issuers.
    UnknownIssuers,
    /// Another job has this id.
    JobConflict,
    /// The job no longer accepts submissions.
    JobClosed,
    /// The job's submissions are fixed: none can be withdrawn.
    Frozen,
    /// The job has as many answers as it takes.
    JobFull,
    /// The job has as much of the contributor as it takes of one.
    ContributorQuota,
    /// The buyer's jobs would take more than one buyer may.
    BuyerQuota,
    /// The job has ended and cannot be cancelled, or its items are erased.
    JobEnded,
    /// The job is not published, so it has no results.
    NotPublished,
    /// The submission is not valid.
    SubmissionRejected,
    /// Another submission has this id.
    SubmissionConflict,
    /// The submission is sealed to a key whose time is over.
    SealingKeyExpired,
    /// The body is too large.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The body has another media type.
    UnsupportedMediaType,
    /// The path is unknown.
    NotFound,
    /// The path does not support this method.
    MethodNotAllowed,
    /// Too much is being read.
    Busy,
    /// The disk of the store is full.
    StoreFull,
    /// The store failed.
    StoreFailed,
    /// The coordinator is shutting down.
    ShuttingDown,
}

impl ProblemKind {
    /// All kinds, in the order of the documentation.
    const ALL: [Self; 33] = [
        Self::InvalidRequest,
        Self::InvalidJob,
        Self::NodeRefused,
        Self::NodesUnavailable,
        Self::Unauthorized,
        Self::BadSignature,
        Self::EnrolmentClosed,
        Self::EnrolmentConflict,
        Self::NotEnrolled,
        Self::NotYourJob,
        Self::UnknownJob,
        Self::UnknownSubmission,
        Self::UnknownIssuers,
        Self::JobConflict,
        Self::JobClosed,
        Self::Frozen,
        Self::JobFull,
        Self::ContributorQuota,
        Self::BuyerQuota,
        Self::JobEnded,
        Self::NotPublished,
        Self::SubmissionRejected,
        Self::SubmissionConflict,
        Self::SealingKeyExpired,
        Self::TooLarge,
        Self::TooSlow,
        Self::UnsupportedMediaType,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Busy,
        Self::StoreFull,
        Self::StoreFailed,
        Self::ShuttingDown,
    ];

    /// The name, the title and the HTTP status.
    fn facts(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::InvalidRequest => ("invalid_request", "The request cannot be read", StatusCode::BAD_REQUEST),
            Self::InvalidJob => ("invalid_job", "The job's spec cannot be used", StatusCode::UNPROCESSABLE_ENTITY),
            Self::NodeRefused => ("node_refused", "A node refuses the job", StatusCode::UNPROCESSABLE_ENTITY),
            Self::NodesUnavailable => ("nodes_unavailable", "Too few nodes can be reached", StatusCode::SERVICE_UNAVAILABLE),
            Self::Unauthorized => ("unauthorized", "A buyer's token is needed", StatusCode::UNAUTHORIZED),
            Self::BadSignature => ("bad_signature", "The signature does not verify", StatusCode::BAD_REQUEST),
            Self::EnrolmentClosed => ("enrolment_closed", "No new contributors are enrolled", StatusCode::FORBIDDEN),
            Self::EnrolmentConflict => ("enrolment_conflict", "The name or the key is taken", StatusCode::CONFLICT),
            Self::NotYourJob => ("not_your_job", "The job belongs to another buyer", StatusCode::FORBIDDEN),
            Self::NotEnrolled => ("not_enrolled", "The contributor is not enrolled", StatusCode::FORBIDDEN),
            Self::UnknownJob => ("unknown_job", "There is no such job", StatusCode::NOT_FOUND),
            Self::UnknownSubmission => ("unknown_submission", "There is no such submission", StatusCode::NOT_FOUND),
            Self::UnknownIssuers => ("unknown_issuers", "No job names these issuers", StatusCode::NOT_FOUND),
            Self::JobConflict => ("job_conflict", "Another job has this id", StatusCode::CONFLICT),
            Self::JobClosed => ("job_closed", "The job no longer accepts submissions", StatusCode::CONFLICT),
            Self::Frozen => ("frozen", "Nothing can be withdrawn any more", StatusCode::CONFLICT),
            Self::JobFull => ("job_full", "The job has as many answers as it takes", StatusCode::CONFLICT),
            Self::ContributorQuota => (
                "contributor_quota",
                "The job takes no more of this contributor",
                StatusCode::TOO_MANY_REQUESTS,
            ),
            Self::BuyerQuota => ("buyer_quota", "The buyer has too much open", StatusCode::TOO_MANY_REQUESTS),
            Self::JobEnded => ("job_ended", "The job has ended", StatusCode::CONFLICT),
            Self::NotPublished => ("not_published", "The job is not published", StatusCode::CONFLICT),
            Self::SubmissionRejected => (
                "submission_rejected",
                "The submission is not valid",
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            Self::SubmissionConflict => ("submission_conflict", "Another submission has this id", StatusCode::CONFLICT),
            Self::SealingKeyExpired => (
                "sealing_key_expired",
                "The answers are sealed to a key whose time is over",
                StatusCode::CONFLICT,
            ),
            Self::TooLarge => ("too_large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::TooSlow => ("too_slow", "The body did not arrive in time", StatusCode::REQUEST_TIMEOUT),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                "The body has another media type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
            Self::NotFound => ("not_found", "The path is unknown", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                "The path does not support this method",
                StatusCode::METHOD_NOT_ALLOWED,
            ),
            Self::Busy => (
                "busy",
                "The coordinator is reading or sending too much",
                StatusCode::SERVICE_UNAVAILABLE,
            ),
            Self::StoreFull => ("store_full", "The coordinator's store is full", StatusCode::INSUFFICIENT_STORAGE),
            Self::StoreFailed => ("store_failed", "The coordinator's store failed", StatusCode::INTERNAL_SERVER_ERROR),
            Self::ShuttingDown => ("shutting_down", "The coordinator is shutting down", StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

const PREFIX: &str = "urn:tacit:problem:";

/// The `type` of every kind, as a URN.
pub(super) fn types() -> impl Iterator<Item = String> {
    ProblemKind::ALL.into_iter().map(|kind| format!("{PREFIX}{}", kind.facts().0))
}

/// A problem: its kind, and the detail of this occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
}

impl Problem {
    /// A problem of this kind.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// The problem that there is no job of this id, or none that the request may read: nobody learns which.
    pub(crate) fn unknown_job(id: &tacit_protocol::job::JobId) -> Self {
        Self::new(
            ProblemKind::UnknownJob,
            format!(
                "there is no job `{id}` that this request may read: send its buyer's token, or sign the request with the buyer's key, or as one of \
                 the job's contributors"
            ),
        )
    }

    /// The document that is sent to the client.
    pub(crate) fn document(&self) -> Document {
        let (name, title, status) = self.kind.facts();
        let (kind, title) = (format!("{PREFIX}{name}"), title.to_owned());
        Document {
            kind,
            title,
            status: status.as_u16(),
            detail: self.detail.clone(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Database(DatabaseError::Full { .. }) => ProblemKind::StoreFull,
            StoreError::ShuttingDown => ProblemKind::ShuttingDown,
            _ => ProblemKind::StoreFailed,
        };
        tracing::error!(%error, "a request failed");
        Self::new(kind, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (_, _, status) = self.kind.facts();
        let mut response = (status, axum::Json(self.document())).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.kind == ProblemKind::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
