//! The HTTP API of buyers and contributors.

mod asked;
mod body;
mod browsers;
mod cluster;
mod contributors;
mod events;
mod extract;
mod issuers;
mod jobs;
mod look_up;
mod openapi;
mod problem;
mod readers;
mod receipts;
mod results;
mod stored;
mod submissions;
#[cfg(test)]
mod tests;
mod unchanged;
mod withdrawals;

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::Shared;
use crate::config::Loaded;
use crate::metrics::Metrics;
use problem::{Problem, ProblemKind};

/// The route under which requests to unknown paths are counted.
const OTHER: &str = "other";

/// The routes of the API, and their OpenAPI description.
fn described() -> (Router<Shared>, OpenApi) {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(cluster::get_cluster))
        .routes(routes!(contributors::enrol))
        .routes(routes!(issuers::revoke))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::put_job, jobs::get_job, jobs::cancel_job))
        .routes(routes!(jobs::get_spec))
        .routes(routes!(jobs::close_job))
        .routes(routes!(events::events))
        .routes(routes!(
            submissions::put_submission,
            submissions::get_submission,
            withdrawals::withdraw_submission
        ))
        .routes(routes!(receipts::get_receipts))
        .routes(routes!(results::get_result))
        .routes(routes!(results::get_payouts))
        .routes(routes!(results::get_certificate))
        .split_for_parts()
}

/// The metrics of a coordinator, with the routes of this API as labels.
///
/// # Errors
/// The metrics cannot be registered.
pub(crate) fn metrics(loaded: &Loaded) -> prometheus::Result<Metrics> {
    let mut routes: Vec<String> = described().1.paths.paths.into_keys().collect();
    routes.extend([openapi::PATH, OTHER].map(str::to_owned));
    Metrics::new(&loaded.cluster, &loaded.config.identity_key, &routes, &[events::PATH])
}

/// The router of the API. It serves its own description at `/openapi.json`. Clones share it.
///
/// # Errors
/// The description cannot be written as JSON.
pub(crate) fn router(app: Shared) -> serde_json::Result<Router> {
    let (router, description) = described();
    let router = router
        .merge(openapi::router(description)?)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found);
    let router = browsers::with_headers(router, &app.pages, app.tls)
        // Around the others, so that what they answer themselves is counted, too.
        .layer(from_fn_with_state(app.clone(), count))
        .with_state(app);
    Ok(router)
}

/// Answers requests to unknown paths.
pub(crate) async fn not_found(uri: Uri) -> Problem {
    Problem::new(ProblemKind::NotFound, format!("there is nothing at {}", uri.path()))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, format!("{} does not support {method}", uri.path()))
}

async fn count(State(app): State<Shared>, request: Request, next: Next) -> Response {
    // The path of the request itself would make a label of every job.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| OTHER.to_owned(), |path| path.as_str().to_owned());
    let began = Instant::now();
    let response = next.run(request).await;
    let took = (route != events::PATH).then(|| began.elapsed());
    app.metrics.request(&route, response.status().as_u16(), took);
    response
}
