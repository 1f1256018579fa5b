//! The problems that requests are answered with.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tacit_program::sqlite::DatabaseError;
use tacit_protocol::api::Problem as Document;
pub(crate) use tacit_protocol::api::ProblemKind;
use tacit_protocol::job::JobId;
use tacit_protocol::request_signature::SCHEME;

use crate::store::StoreError;

/// A problem: its kind, and the detail of this occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: String,
    /// When to send the request again, if that is known.
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem of this kind.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: (kind == ProblemKind::Busy).then_some(Duration::from_secs(1)),
        }
    }

    /// The same, and after what time to send the request again.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..self
        }
    }

    /// The problem that there is no job of this id, or none that the request may read: nobody learns which.
    pub(crate) fn unknown_job(id: &JobId) -> Self {
        Self::new(
            ProblemKind::UnknownJob,
            format!(
                "there is no job `{id}` that this request may read: send its buyer's token, or sign the request with the buyer's key, or as one of \
                 the job's contributors"
            ),
        )
    }

    /// The problem that what was stored of a job is removed. Only who may read the job is told so.
    pub(super) fn purged(id: &JobId) -> Self {
        Self::new(
            ProblemKind::Purged,
            format!(
                "what was stored of job `{id}` is removed, as its time is over: receipts and results that were fetched before stay valid"
            ),
        )
    }

    /// The document that is sent to the client.
    pub(crate) fn document(&self) -> Document {
        Document::new(self.kind, self.detail.clone())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Database(DatabaseError::Full { .. }) => ProblemKind::StoreFull,
            StoreError::ShuttingDown => ProblemKind::ShuttingDown,
            _ => ProblemKind::StoreFailed,
        };
        if error == StoreError::ShuttingDown {
            tracing::info!("a request is not answered, as the program is shutting down");
        } else {
            tracing::error!(%error, "a request failed");
        }
        Self::new(kind, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.document())).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs().max(1).into();
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            for scheme in ["Bearer", SCHEME] {
                response
                    .headers_mut()
                    .append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
            }
        }
        response
    }
}
