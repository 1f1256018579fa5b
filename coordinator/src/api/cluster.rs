//! `GET /v1/cluster`: the cluster file and what is in it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use tacit_protocol::api::{ClusterInfo, Problem as Document};

use super::problem::{Problem, ProblemKind};
use super::unchanged::Tagged;
use crate::app::Shared;
use crate::sealing_keys;

/// The nodes with their operators and keys, and the cluster file. Compare the digests with those from another source.
#[utoipa::path(get, path = "/v1/cluster", tag = "cluster", responses(
    (status = 200, body = ClusterInfo, description = "the cluster", headers(("etag" = String))),
    (status = 304, description = "the client has it: its `If-None-Match` names the `ETag`"),
    (status = "default", body = Document, content_type = "application/problem+json", description = "another problem, of which the `type` says what it is"),
))]
pub(super) async fn get_cluster(State(app): State<Shared>, headers: HeaderMap) -> Result<Response, Problem> {
    let info = ClusterInfo::new(&app.cluster, app.cluster_text.clone(), sealing_keys::all(&app));
    // The digest of such a text takes less than a millisecond.
    let text = serde_json::to_vec(&info).map_err(|error| Problem::new(ProblemKind::StoreFailed, error.to_string()))?;
    Ok(Tagged::new(text).answer(&headers))
}
