//! The admin port: health, metrics, and what jobs wait for. It is private: whoever reaches it sees the names and states of all jobs.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tacit_protocol::api::{JobList, JobStatus};

use crate::api::not_found;
use crate::app::Shared;
use crate::status::View;
use crate::store::StoreError;

/// The routes of the admin port.
pub(crate) fn router(app: Shared) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/jobs", get(jobs))
        .route("/jobs/{id}", get(job))
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

/// The jobs that have not ended, in the order of their ids.
async fn jobs(State(app): State<Shared>) -> Result<Json<JobList>, (StatusCode, String)> {
    let mut jobs = Vec::new();
    for active in app.active_jobs.all() {
        jobs.extend(app.status(active.job().id(), View::Buyer).await.map_err(failed)?);
    }
    Ok(Json(JobList { jobs }))
}

async fn job(State(app): State<Shared>, Path(id): Path<String>) -> Result<Json<JobStatus>, (StatusCode, String)> {
    let unknown = || (StatusCode::NOT_FOUND, format!("there is no job `{id}`\n"));
    let id = id.parse().map_err(|_| unknown())?;
    app.status(&id, View::Buyer).await.map_err(failed)?.map(Json).ok_or_else(unknown)
}

fn failed(error: StoreError) -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n"))
}

async fn metrics(State(app): State<Shared>) -> Response {
    match app.metrics.text(&app.active_jobs, &app.nodes, &app.store, &app.connections).await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
