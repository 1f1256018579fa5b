//! What browsers need: pages of other origins may ask, answers are no pages, JSON is compressed, and nothing is sent twice.

use std::io::Read;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use axum::response::Response;
use axum::routing::get;
use tacit_protocol::api::ClusterInfo;
use tower::ServiceExt;

use super::super::browsers::with_headers;
use super::Bench;
use crate::pages::Pages;
use crate::testing::{contributor_key, spec};
use tacit_http_server::Origin;

/// The cluster of the tests is one of this machine.
const PAGE: &str = "http://127.0.0.1:8081";

impl Bench {
    /// The answer to a request of a page.
    async fn page(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = Request::builder().method(method).uri(path).header(header::ORIGIN, PAGE);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// All paths of the API, each with its methods, and ids in the place of parameters.
    async fn paths(&self) -> Vec<(String, Vec<String>)> {
        let (_, body) = self.get("/openapi.json").await;
        let description: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let paths = description["paths"].as_object().unwrap().iter().map(|(path, of)| {
            let path = path.replace("{id}", "signs").replace("{sid}", &"00".repeat(16));
            (path, of.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect())
        });
        paths.chain([("/openapi.json".to_owned(), vec!["GET".to_owned()])]).collect()
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// The request headers that an answer depends on.
fn varies(headers: &HeaderMap) -> String {
    let all = headers.get_all("vary").iter().map(|value| value.to_str().unwrap());
    all.collect::<Vec<_>>().join(",").to_lowercase()
}

fn list(headers: &HeaderMap, name: &str) -> Vec<String> {
    text(headers, name).split(',').map(|one| one.trim().to_lowercase()).collect()
}

/// Checks what every answer to a page carries.
fn check(headers: &HeaderMap, what: &str) {
    assert_eq!(text(headers, "access-control-allow-origin"), PAGE, "{what}");
    assert!(varies(headers).contains("origin"), "{what}");
    assert!(!headers.contains_key("access-control-allow-credentials"), "{what}");
    assert_eq!(text(headers, "x-content-type-options"), "nosniff", "{what}");
    assert_eq!(text(headers, "referrer-policy"), "no-referrer", "{what}");
    assert_eq!(
        text(headers, "content-security-policy"),
        "default-src 'none'; frame-ancestors 'none'",
        "{what}"
    );
    assert_eq!(text(headers, "cross-origin-resource-policy"), "cross-origin", "{what}");
    assert!(
        ["no-store", "no-cache", "private, no-cache"].contains(&text(headers, "cache-control")),
        "{what}"
    );
    assert!(!headers.contains_key("strict-transport-security"), "{what}: there is no TLS");
}

#[tokio::test]
async fn a_page_of_another_origin_may_send_every_request_of_the_api() {
    let bench = Bench::new(3, 1).await;
    bench.open("signs", spec(1)).await;
    let paths = bench.paths().await;
    assert_eq!(paths.len(), 14);
    for (path, methods) in &paths {
        for method in methods {
            let asked = [
                ("access-control-request-method", method.as_str()),
                ("access-control-request-headers", "authorization, content-type, if-none-match"),
            ];
            let answer = bench.page("OPTIONS", path, &asked).await;
            let what = format!("{method} {path}");
            assert!(answer.status().is_success(), "{what}");
            check(answer.headers(), &what);
            assert!(
                list(answer.headers(), "access-control-allow-methods").contains(&method.to_lowercase()),
                "{what}"
            );
            let allowed = list(answer.headers(), "access-control-allow-headers");
            for name in [
                "authorization",
                "content-type",
                "if-none-match",
                "last-event-id",
                "tacit-credential",
            ] {
                assert!(allowed.contains(&name.to_owned()), "{what}: {name} of {allowed:?}");
            }
            assert_eq!(text(answer.headers(), "access-control-max-age"), "7200", "{what}");
            assert!(to_bytes(answer.into_body(), 1).await.unwrap().is_empty(), "{what}");
        }
    }
    // They are counted as all requests are, by route and not by path.
    let admin = crate::admin::router(bench.app.clone());
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let metrics = admin.oneshot(request).await.unwrap().into_body();
    let metrics = String::from_utf8(to_bytes(metrics, usize::MAX).await.unwrap().to_vec()).unwrap();
    let counted = "tacit_coordinator_http_requests_total{route=\"/v1/jobs/{id}/close\",status=\"2xx\"} 1";
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
}

#[tokio::test]
async fn answers_and_refusals_can_be_read_by_a_page_and_are_no_pages() {
    let bench = Bench::new(3, 1).await;
    let mut public = spec(2);
    public.public = true;
    bench.open("signs", public).await;
    for (method, path, headers, status) in [
        ("GET", "/v1/cluster", &[][..], 200),
        ("GET", "/openapi.json", &[], 200),
        ("GET", "/v1/jobs/signs", &[], 200),
        ("GET", "/v1/jobs/signs/spec", &[], 200),
        ("GET", "/v1/jobs/signs/events", &[], 200),
        ("GET", "/v1/jobs/signs/result", &[], 409),
        ("PUT", "/v1/contributors", &[], 405),
        ("GET", "/v1/jobs/none", &[], 404),
        ("GET", "/nowhere", &[], 404),
        ("GET", "/v1/jobs", &[], 401),
        ("GET", "/v1/jobs/%ff", &[], 400),
        ("POST", "/v1/contributors", &[("content-length", "9999999")], 413),
    ] {
        let answer = bench.page(method, path, headers).await;
        let what = format!("{method} {path}");
        assert_eq!(answer.status().as_u16(), status, "{what}");
        check(answer.headers(), &what);
        let exposed = list(answer.headers(), "access-control-expose-headers");
        for name in ["etag", "retry-after"] {
            assert!(exposed.contains(&name.to_owned()), "{what}: {name} of {exposed:?}");
        }
        let kept = !["/v1/cluster", "/openapi.json", "/v1/jobs/signs/spec"].contains(&path);
        assert_eq!(text(answer.headers(), "cache-control") == "no-store", kept, "{what}");
    }
    // Too many enrolments, and too many downloads.
    let enrol = async |byte: u8| {
        let enrolment = bench.cluster.enrolment(&format!("contributor-{byte}"), &contributor_key(byte));
        let body = Body::from(serde_json::to_vec(&enrolment).unwrap());
        let mut request = Request::post("/v1/contributors").header(header::ORIGIN, PAGE).body(body).unwrap();
        request.extensions_mut().insert(Origin::of([192, 0, 2, 1].into()));
        bench.router.clone().oneshot(request).await.unwrap()
    };
    for byte in 1..=3 {
        check(enrol(byte).await.headers(), "an enrolment");
    }
    let refused = enrol(4).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    check(refused.headers(), "one too many");
    #[expect(clippy::needless_collect, reason = "the places are held until the end of the test")]
    let held: Vec<_> = std::iter::from_fn(|| bench.app.texts.take(Origin::Loopback).ok()).collect();
    assert!(!held.is_empty());
    let busy = bench.page("GET", "/v1/jobs/signs/spec", &[]).await;
    assert_eq!(
        (busy.status(), text(busy.headers(), "retry-after")),
        (StatusCode::SERVICE_UNAVAILABLE, "1")
    );
    check(busy.headers(), "busy");
}

#[tokio::test]
async fn the_admin_port_is_for_no_page() {
    let bench = Bench::new(3, 1).await;
    let admin = crate::admin::router(bench.app.clone());
    for (method, path) in [(Method::GET, "/livez"), (Method::GET, "/jobs"), (Method::OPTIONS, "/jobs")] {
        let request = Request::builder().method(method).uri(path).header(header::ORIGIN, PAGE);
        let request = request.header("access-control-request-method", "GET").body(Body::empty()).unwrap();
        let answer = admin.clone().oneshot(request).await.unwrap();
        let shared = answer.headers().keys().any(|name| name.as_str().starts_with("access-control"));
        assert!(!shared, "{path}: {:?}", answer.headers());
    }
}

/// The answer of a server for these pages to a page.
async fn answer(pages: &Pages, host: &str, page: &str) -> Response {
    let router: Router = with_headers(Router::new().route("/", get(async || "")), pages, false);
    let request = Request::get("/").header(header::HOST, host).header(header::ORIGIN, page);
    router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_coordinator_of_this_machine_answers_no_page_of_another() {
    let pages = Pages::ThisMachine;
    for (page, allowed) in [
        (PAGE, PAGE),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://evil.example", ""),
        ("null", ""),
    ] {
        let answer = answer(&pages, "localhost:8080", page).await;
        assert_eq!(text(answer.headers(), "access-control-allow-origin"), allowed, "{page}");
    }
    // A name of somebody else that leads to this machine.
    for (host, status) in [
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("evil.example:8080", 404),
        ("localhost.evil.example", 404),
    ] {
        assert_eq!(answer(&pages, host, PAGE).await.status().as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn a_public_coordinator_answers_every_page_or_those_that_its_config_lists() {
    let host = "tacit.example.org";
    let every = answer(&Pages::All, host, "https://evil.example").await;
    assert_eq!(text(every.headers(), "access-control-allow-origin"), "*");
    let listed = Pages::new(Some(&["https://answers.example.org".to_owned()]), "https://tacit.example.org");
    for (page, allowed) in [
        ("https://answers.example.org", "https://answers.example.org"),
        ("https://evil.example", ""),
    ] {
        let answer = answer(&listed, host, page).await;
        assert_eq!(text(answer.headers(), "access-control-allow-origin"), allowed, "{page}");
        assert_eq!(answer.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn over_tls_a_browser_is_told_to_stay_with_it() {
    let router: Router = with_headers(Router::new().route("/", get(async || "")), &Pages::All, true);
    let answer = router.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(text(answer.headers(), "strict-transport-security"), "max-age=31536000");
}

async fn unzipped(answer: Response) -> Vec<u8> {
    assert_eq!(text(answer.headers(), "content-encoding"), "gzip");
    let zipped = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut plain).unwrap();
    assert!(zipped.len() < plain.len(), "{} of {}", zipped.len(), plain.len());
    plain
}

#[tokio::test]
async fn json_is_compressed_for_who_takes_it_and_events_and_short_answers_are_not() {
    let bench = Bench::new(3, 1).await;
    let mut public = spec(200);
    public.public = true;
    bench.open("signs", public).await;
    let zip = [("accept-encoding", "gzip, deflate, br")];
    for path in ["/v1/cluster", "/openapi.json", "/v1/jobs/signs/spec"] {
        let plain = bench.page("GET", path, &[]).await;
        assert_eq!(text(plain.headers(), "content-encoding"), "", "{path}");
        assert!(varies(plain.headers()).contains("accept-encoding"), "{path}");
        let plain = to_bytes(plain.into_body(), usize::MAX).await.unwrap();
        let zipped = bench.page("GET", path, &zip).await;
        assert!(varies(zipped.headers()).contains("accept-encoding"), "{path}");
        assert_eq!(unzipped(zipped).await, plain, "{path}");
    }
    for path in ["/v1/jobs/signs", "/v1/jobs/signs/events", "/nowhere"] {
        let answer = bench.page("GET", path, &zip).await;
        assert_eq!(text(answer.headers(), "content-encoding"), "", "{path}");
    }
}

#[tokio::test]
async fn who_has_the_cluster_and_the_description_gets_them_not_again() {
    let bench = Bench::new(3, 1).await;
    for path in ["/v1/cluster", "/openapi.json"] {
        let first = bench.page("GET", path, &[]).await;
        let tag = text(first.headers(), "etag").to_owned();
        assert!(tag.starts_with("W/\""), "{path}: {tag}");
        for known in [tag.as_str(), "*", &format!("\"other\", {tag}")] {
            for coding in ["", "gzip"] {
                let again = bench
                    .page("GET", path, &[("if-none-match", known), ("accept-encoding", coding)])
                    .await;
                assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path} {known}");
                assert_eq!(text(again.headers(), "etag"), tag);
                check(again.headers(), path);
                assert!(to_bytes(again.into_body(), 1).await.unwrap().is_empty());
            }
        }
        let other = bench.page("GET", path, &[("if-none-match", "W/\"other\"")]).await;
        assert_eq!(other.status(), StatusCode::OK, "{path}");
    }
    let (_, body) = bench.get("/v1/cluster").await;
    assert_eq!(serde_json::from_slice::<ClusterInfo>(&body).unwrap().nodes.len(), 3);
}
