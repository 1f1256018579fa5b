//! `POST /v1/contributors`: enrolment.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use tacit_protocol::api::{Enrolment, Problem as Document, enrolment_statement};
use tacit_protocol::identity::Purpose;
use tacit_protocol::name::{NAME_RULE, is_name};

use super::body::{from_json, read_body};
use super::problem::{Problem, ProblemKind};
use crate::app::Shared;
use crate::config::EnrolmentMode;
use crate::store::Enrolled;
use tacit_http_server::Origin;

/// The most bytes of a body.
const LIMIT: usize = 16 << 10;

/// Enrols a contributor's key under a name, for jobs that name no issuers; where a job does, an invitation takes its place. Enrolling the same key under the same name again gives 200.
#[utoipa::path(post, path = "/v1/contributors", tag = "contributors", request_body = Enrolment, responses(
    (status = 201, body = Enrolment, description = "enrolled"),
    (status = 200, body = Enrolment, description = "was enrolled before"),
    (status = 429, body = Document, content_type = "application/problem+json", description = "too many contributors were enrolled within an hour; `Retry-After` says when to send it again"),
    (status = 409, body = Document, content_type = "application/problem+json", description = "the name or the key is taken, or the name looks like another contributor's"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn enrol(
    State(app): State<Shared>,
    origin: Origin,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Enrolment>), Problem> {
    let body = read_body(&headers, body, LIMIT).await?;
    let enrolment: Enrolment = from_json(&body, "an enrolment")?;
    let Enrolment {
        contributor,
        key,
        signature,
    } = &enrolment;
    if !is_name(contributor) {
        let detail = format!("field `contributor` {NAME_RULE}");
        return Err(Problem::new(ProblemKind::InvalidRequest, detail));
    }
    let statement = enrolment_statement(&app.cluster.digest(), contributor);
    key.verify(Purpose::Enrolment, &statement, signature).map_err(|e| {
        let detail = format!(
            "{e}: it must be made with `key`, for this cluster (digest {}) and this name",
            app.cluster.digest()
        );
        Problem::new(ProblemKind::BadSignature, detail)
    })?;
    let conflict = |detail: &str| Problem::new(ProblemKind::EnrolmentConflict, detail);
    // Who was enrolled before needs no place.
    let place = app.enrolments.take(origin);
    let takes_new = app.enrolment == EnrolmentMode::Open && place.is_ok();
    match app.store.enrol(contributor.clone(), *key, takes_new).await? {
        Enrolled::New => {
            if let Ok(place) = place {
                app.enrolments.count(place);
            }
            Ok((StatusCode::CREATED, Json(enrolment)))
        }
        Enrolled::Before => Ok((StatusCode::OK, Json(enrolment))),
        Enrolled::Closed if app.enrolment == EnrolmentMode::Open => {
            let wait = place.err().unwrap_or_default();
            let detail = format!(
                "too many contributors were enrolled within an hour, from your address or in all: try again in {} minutes",
                wait.as_secs().div_ceil(60).max(1)
            );
            Err(Problem::new(ProblemKind::EnrolmentQuota, detail).retry_after(wait))
        }
        Enrolled::Closed => Err(Problem::new(ProblemKind::EnrolmentClosed, "ask the coordinator's operator")),
        Enrolled::NameTaken => Err(conflict(
            "the name is enrolled with another key: choose another name, or use the key it was enrolled with",
        )),
        Enrolled::LooksLike(other) => Err(conflict(&format!(
            "the name looks like `{other}`, which is enrolled with another key: choose a name that nobody takes for it"
        ))),
        // Told to the owner of the key only, who has signed the request.
        Enrolled::KeyTaken(name) => Err(conflict(&format!(
            "the key is enrolled under the name `{name}`: use that name, or another key"
        ))),
    }
}
