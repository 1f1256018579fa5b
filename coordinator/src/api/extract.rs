//! What handlers read from a request. Anything that does not parse is answered with a problem document.

use std::convert::Infallible;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::header;
use axum::http::request::Parts;
use tacit_program::unix_time;
use tacit_protocol::identity::{PublicKey, Signature};
use tacit_protocol::job::JobId;
use tacit_protocol::request_signature::{RequestSignature, SCHEME, SignedParts};
use tacit_protocol::submission::SubmissionId;

use super::problem::{Problem, ProblemKind};
use crate::app::Shared;
use crate::buyers::Buyer;

/// The job's id from the path.
pub(super) struct JobPath(pub JobId);

/// The ids of the job and the submission from the path.
pub(super) struct SubmissionPath(pub JobId, pub SubmissionId);

/// The buyer to whom the bearer token belongs.
pub(super) struct ByToken(pub Buyer);

/// The buyer's signature that cancels a job, from the query: `signature=HEX`; `None` if the query is another one.
pub(super) struct CancelledBy(pub Option<Signature>);

/// Who sends a request about a job: a buyer by its token, or whoever owns a key, which has signed the request.
pub(super) enum Caller {
    /// The buyer.
    Buyer(Buyer),
    /// The key.
    Key(PublicKey),
}

/// The key that has signed the request.
pub(super) struct SigningKey(pub PublicKey);

fn bad(detail: String) -> Problem {
    Problem::new(ProblemKind::InvalidRequest, detail)
}

fn job_id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|e| bad(format!("the job in the path: {e}")))
}

fn path(error: &PathRejection) -> Problem {
    bad(format!("the path: {}", error.body_text()))
}

impl FromRequestParts<Shared> for JobPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let Path(id) = Path::<String>::from_request_parts(parts, app).await.map_err(|e| path(&e))?;
        Ok(Self(job_id(&id)?))
    }
}

impl FromRequestParts<Shared> for SubmissionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let Path((id, submission_id)) = Path::<(String, String)>::from_request_parts(parts, app)
            .await
            .map_err(|e| path(&e))?;
        let submission_id = submission_id.parse().map_err(|e| bad(format!("the submission in the path: {e}")))?;
        Ok(Self(job_id(&id)?, submission_id))
    }
}

impl FromRequestParts<Shared> for CancelledBy {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Infallible> {
        let value = parts.uri.query().and_then(|query| query.strip_prefix("signature="));
        Ok(Self(value.and_then(|value| value.parse().ok())))
    }
}

impl FromRequestParts<Shared> for ByToken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let buyer = token.and_then(|(_, token)| app.buyers.of_token(token.trim()));
        match buyer {
            Some(buyer) => Ok(Self(buyer)),
            None if token.is_some() => Err(Problem::new(
                ProblemKind::Unauthorized,
                "no buyer has this token: ask the coordinator's operator for one",
            )),
            None => Err(Problem::new(
                ProblemKind::Unauthorized,
                "send `Authorization: Bearer` with a buyer's token",
            )),
        }
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    /// For requests without a body.
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let is_signed = |value: &&str| value.split(' ').next().is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME));
        let Some(value) = value.filter(is_signed) else {
            return ByToken::from_request_parts(parts, app)
                .await
                .map(|ByToken(buyer)| Self::Buyer(buyer));
        };
        let request = SignedParts {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            cluster: &app.cluster.digest(),
            body: b"",
        };
        let verified = value
            .parse::<RequestSignature>()
            .and_then(|signature| request.verify(&signature, unix_time()));
        verified
            .map(Self::Key)
            .map_err(|error| Problem::new(ProblemKind::Unauthorized, error.to_string()))
    }
}

impl FromRequestParts<Shared> for SigningKey {
    type Rejection = Problem;

    /// For requests without a body.
    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, app).await {
            Ok(Caller::Key(key)) => Ok(Self(key)),
            Ok(Caller::Buyer(_)) => Err(Problem::new(
                ProblemKind::Unauthorized,
                format!("this is for the owner of a key: sign the request with it, `Authorization: {SCHEME}`"),
            )),
            Err(problem) => Err(problem),
        }
    }
}
