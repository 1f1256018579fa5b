//! What every answer carries for browsers: pages of other hosts may use the API, and none of its answers is taken for a page.
//!
//! A page is served by whomever its reader trusts, and not by the coordinator. So any origin may ask, unless the coordinator is for one machine or
//! its config file lists the origins: see [`Pages`]. Nothing follows from a request of a browser by itself, as there are no cookies: who asks is in
//! `Authorization`, which the page must set.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tacit_protocol::credential::SHOWN_HEADER;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tower_http::cors::CorsLayer;

use super::problem::{Problem, ProblemKind};
use crate::pages::{Pages, foreign_host};

/// For how long a browser need not ask again whether it may send such a request. Chromium takes no more.
const PREFLIGHT: Duration = Duration::from_secs(2 * 60 * 60);

/// Answers of fewer bytes are not compressed: it would save no packet.
const SHORT: u16 = 1 << 10;

/// How long a browser asks for this host over TLS only: a year, in seconds.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The same on every answer. An answer is data: it runs nothing, loads nothing, is shown in no frame and is taken for no other type.
const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    ),
];

/// The router with what browsers need around all its routes. `tls` says whether this program speaks TLS itself.
pub(super) fn with_headers<S: Clone + Send + Sync + 'static>(router: Router<S>, pages: &Pages, tls: bool) -> Router<S> {
    let router = match pages {
        Pages::ThisMachine => router.layer(from_fn(for_this_machine)),
        Pages::All | Pages::Listed(_) => router,
    };
    router
        .layer(compression())
        .layer(other_origins(pages))
        .layer(from_fn(move |request: Request, next: Next| secured(request, next, tls)))
}

/// Lets pages of other origins ask, without credentials: a browser adds nothing of its own to such requests.
fn other_origins(pages: &Pages) -> CorsLayer {
    let same_for_all = matches!(pages, Pages::All);
    CorsLayer::new()
        .allow_origin(pages.allow_origin())
        .allow_methods([Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE])
        .allow_headers([
            header::ACCEPT,
            header::AUTHORIZATION,
            header::CACHE_CONTROL,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            HeaderName::from_static("last-event-id"),
            HeaderName::from_static(SHOWN_HEADER),
        ])
        .expose_headers([header::ALLOW, header::ETAG, header::RETRY_AFTER, header::WWW_AUTHENTICATE])
        .max_age(PREFLIGHT)
        .vary(if same_for_all { Vec::new() } else { vec![header::ORIGIN] })
}

/// Compresses JSON for clients that take gzip, as it is sent. The sizes of compressed answers tell a page nothing secret: a page cannot make a browser
/// ask in somebody else's name, as there are no cookies and it does not have the key that signs requests, and no answer holds a token or a key.
/// Stored texts say themselves how they are sent, and events are sent one by one.
fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .quality(CompressionLevel::Fastest)
        .compress_when(SizeAbove::new(SHORT).and(may_be_compressed))
}

fn may_be_compressed(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_json = ["application/json", "application/problem+json"].contains(&text(header::CONTENT_TYPE));
    // A strong tag is of these very bytes.
    is_json && (!headers.contains_key(header::ETAG) || text(header::ETAG).starts_with("W/"))
}

/// Answers only requests under a name of this machine.
async fn for_this_machine(request: Request, next: Next) -> Response {
    match foreign_host(&request) {
        None => next.run(request).await,
        Some(host) => {
            let detail = format!(
                "this coordinator is for programs of its own machine, as its address in the cluster file says, and answers nothing at `{host}`: use the \
                 address in the cluster file, or list your page in `page_origins` of the coordinator's config file"
            );
            Problem::new(ProblemKind::NotFound, detail).into_response()
        }
    }
}

async fn secured(request: Request, next: Next, tls: bool) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.extend(ALWAYS);
    if tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
    }
    // What is for one reader, or changes, is kept nowhere unless its handler says so.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
