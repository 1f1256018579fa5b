//! `GET /v1/cluster`: the cluster file and what is in it.

use axum::Json;
use axum::extract::State;
use tacit_protocol::api::{ClusterInfo, Problem as Document};

use crate::app::Shared;
use crate::sealing_keys;

/// The nodes with their operators and keys, and the cluster file. Compare the digests with those from another source.
#[utoipa::path(get, path = "/v1/cluster", tag = "cluster", responses(
    (status = 200, body = ClusterInfo),
    (status = "default", body = Document, content_type = "application/problem+json"),
))]
pub(super) async fn get_cluster(State(app): State<Shared>) -> Json<ClusterInfo> {
    Json(ClusterInfo::new(&app.cluster, app.cluster_text.clone(), sealing_keys::all(&app)))
}
