//! The admin port: health and metrics for the operator.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tacit_http_server::Places;

use crate::mesh::Mesh;
use crate::metrics::Metrics;
use crate::serve::Service;
use crate::store::Store;

/// What the admin port reports about.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    /// The store, which must be writable.
    pub store: Arc<Store>,
    /// The connections to the peers.
    pub mesh: Arc<Mesh>,
    /// How many peers are needed to compute: one fewer than the quorum.
    pub needed: usize,
    /// The service, which knows whether the coordinator is connected.
    pub service: Arc<Service>,
    /// The node's metrics.
    pub metrics: Metrics,
    /// The places of connections to the page, if the node serves it.
    pub page: Option<Places>,
}

/// The routes `/livez`, `/readyz` and `/metrics`.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

/// Ready when the store takes writes and enough peers are connected to compute.
async fn ready(State(admin): State<Admin>) -> (StatusCode, String) {
    let mut missing = Vec::new();
    if let Some(problem) = store_problem(&admin.store).await {
        missing.push(problem);
    }
    let (connected, needed) = (admin.mesh.connected(), admin.needed);
    if connected < needed {
        missing.push(format!("{connected} peers connected, {needed} needed to compute"));
    }
    if missing.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
    }
}

/// Why the store cannot be written, if it cannot.
async fn store_problem(store: &Arc<Store>) -> Option<String> {
    let store = Arc::clone(store);
    match tokio::task::spawn_blocking(move || store.probe()).await {
        Ok(result) => result.err().map(|error| error.to_string()),
        // The probe has panicked, or the runtime shuts down.
        Err(error) => Some(format!("the store cannot be probed: {error}")),
    }
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let round_trips = admin.mesh.round_trips().collect();
    let coordinator_up = admin.service.has_coordinator();
    let page_connections = admin.page.as_ref().map(Places::taken).unwrap_or_default();
    admin.metrics.page.connections(page_connections);
    match admin.metrics.text(round_trips, coordinator_up, &admin.store).await {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            error.to_string().into_bytes(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{cluster, records};

    #[tokio::test]
    async fn a_store_that_cannot_be_written_is_named_with_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Metrics::new(&cluster(), 0).unwrap();
        let store = Arc::new(Store::open(folder.path(), metrics.store, records()).unwrap());
        assert_eq!(store_problem(&store).await, None);
        store.alter("PRAGMA query_only = on", &[]);
        let problem = store_problem(&store).await.unwrap();
        let path = folder.path().join("node.sqlite");
        assert!(
            problem.contains(path.to_str().unwrap()) && problem.contains("readonly"),
            "{problem}"
        );
    }
}
