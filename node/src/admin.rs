//! Health and metrics for the operator, on a port of their own.

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

/// What the admin port shows.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Is it written?
    pub store: Arc<Store>,
    /// Who is connected?
    pub mesh: Arc<Mesh>,
    /// Peers needed to compute: one fewer than the quorum.
    pub needed: usize,
    /// Is the coordinator?
    pub service: Arc<Service>,
    /// The metrics.
    pub metrics: Metrics,
}

/// The routes `/livez`, `/readyz` and `/metrics`.
pub fn router(admin: Admin) -> Router {
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
    match admin.metrics.text(&admin.mesh, admin.service.has_coordinator(), &admin.store).await {
        Ok(text) => (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            error.to_string().into_bytes(),
        ),
    }
}
