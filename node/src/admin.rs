//! The admin port: health and metrics for the operator.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

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
}

/// The routes `/livez`, `/readyz` and `/metrics`.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(admin)
}

async fn ready(State(admin): State<Admin>) -> (StatusCode, String) {
    let connected = admin.mesh.connected();
    if connected < admin.needed {
        return (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{connected} peers connected, {} needed to compute\n", admin.needed),
        );
    }
    let store = Arc::clone(&admin.store);
    match tokio::task::spawn_blocking(move || store.is_writable()).await {
        Ok(true) => (StatusCode::OK, "ok\n".to_owned()),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be written\n".to_owned()),
    }
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let round_trips = admin.mesh.round_trips().collect();
    let coordinator_up = admin.service.has_coordinator();
    match admin.metrics.text(round_trips, coordinator_up, &admin.store).await {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            error.to_string().into_bytes(),
        ),
    }
}
