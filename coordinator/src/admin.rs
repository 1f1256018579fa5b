//! The admin port: health and metrics.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::api::not_found;
use crate::app::Shared;

/// The routes of the admin port.
pub(crate) fn router(app: Shared) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(not_found)
        .with_state(app)
}

/// Ready when the store takes writes and enough nodes are connected to compute.
async fn readyz(State(app): State<Shared>) -> (StatusCode, String) {
    let mut missing = Vec::new();
    if let Err(error) = app.store.probe().await {
        missing.push(error.to_string());
    }
    let (connected, needed) = (app.nodes.connected(), app.quorum());
    if connected < needed {
        missing.push(format!("{connected} nodes are connected, {needed} are needed"));
    }
    if missing.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n")
    }
}

async fn metrics(State(app): State<Shared>) -> Response {
    match app.metrics.text(&app.active_jobs, &app.nodes, &app.store, &app.connections).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
