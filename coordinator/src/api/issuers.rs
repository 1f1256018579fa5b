//! `POST /v1/issuers/revocations`: the issuers of a pool revoke invitations.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use tacit_protocol::api::{Problem as Document, Revoked};
use tacit_protocol::credential::Revocation;

use super::body::{PacedBody, from_json};
use super::problem::{Problem, ProblemKind};
use crate::app::Shared;
use crate::store::RevokeOutcome;
use tacit_http_server::Origin;

/// The most bytes of a body: 100,000 numbers and 16 signatures have less.
const LIMIT: usize = 2 << 20;

/// A body of up to this many bytes is read without a place: nobody who holds all places keeps an issuer from revoking some hundreds of numbers.
const SMALL: usize = 16 << 10;

/// Takes no further answers of these people, here and at the nodes, in any job that names these issuers. Answers that are stored count all
/// the same. The same list again changes nothing.
#[utoipa::path(post, path = "/v1/issuers/revocations", tag = "issuers", request_body = Revocation, responses(
    (status = 200, body = Revoked, description = "stored; the nodes get it"),
    (status = 400, body = Document, content_type = "application/problem+json", description = "not a list, or not signed by as many issuers as needed"),
    (status = 404, body = Document, content_type = "application/problem+json", description = "no job here names these issuers yet"),
    (status = 429, body = Document, content_type = "application/problem+json", description = "the pool has as many lists or revoked numbers as one may have"),
    (status = 503, body = Document, content_type = "application/problem+json", description = "too many long lists are being read; send it again"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn revoke(State(app): State<Shared>, origin: Origin, headers: HeaderMap, body: Body) -> Result<Json<Revoked>, Problem> {
    let mut place = None;
    let mut body = PacedBody::new(&headers, body, LIMIT)?;
    let reading = body.rest(Vec::new(), |bytes| {
        if bytes > SMALL && place.is_none() {
            let busy = |_| Problem::new(ProblemKind::Busy, "too many revocations are being read: send it again in a second");
            place = Some(app.revocations.take(origin).map_err(busy)?);
        }
        Ok(())
    });
    let body = reading.await?;
    let revocation: Revocation = from_json(&body, "a revocation")?;
    revocation
        .check()
        .map_err(|e| Problem::new(ProblemKind::BadSignature, format!("the revocation: {e}")))?;
    let pool = revocation.issuers.pool.clone();
    let numbers = match app.store.revoke(revocation).await? {
        RevokeOutcome::Revoked(numbers) => numbers,
        RevokeOutcome::UnknownIssuers => {
            let detail = format!("no job here names these issuers of pool `{pool}`: send the list again when one does");
            return Err(Problem::new(ProblemKind::UnknownIssuers, detail));
        }
        RevokeOutcome::TooMany => {
            let detail = format!(
                "pool `{pool}` has 1,000 lists or 1,000,000 revoked numbers: sign one list of all its revoked numbers, which takes the place of \
                 the others, or make a new pool"
            );
            return Err(Problem::new(ProblemKind::RevocationQuota, detail));
        }
    };
    app.nodes.wake();
    Ok(Json(Revoked { pool, numbers }))
}
