use std::io::Read;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderName, Request, StatusCode, header};
use futures::StreamExt;
use tacit_protocol::api::JobState;
use tacit_protocol::job::{Item, JobSpec, SignedSpec};
use tower::ServiceExt;

use super::{Bench, TOKEN, kind};
use crate::testing::spec;
use tacit_http_server::Origin;

impl Bench {
    async fn ask(&self, path: &str, headers: &[(HeaderName, &str)]) -> (StatusCode, HeaderMap, Body) {
        let mut request = Request::builder()
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let mut request = request.body(Body::empty()).unwrap();
        request.extensions_mut().insert(Origin::of([192, 0, 2, 1].into()));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body)
    }
}

impl Bench {
    /// Asks for the headers of a text, from this machine.
    async fn head(&self, path: &str) -> (StatusCode, HeaderMap) {
        let request = Request::head(path).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"));
        let response = self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (response.status(), response.headers().clone())
    }
}

async fn bytes(body: Body) -> Vec<u8> {
    to_bytes(body, usize::MAX).await.unwrap().to_vec()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers[name].to_str().unwrap()
}

/// A spec of several pieces.
fn large() -> JobSpec {
    let item = |number: usize| Item {
        text: Some(format!("{number}: {}", "a long text ".repeat(200))),
        ..Item::new(format!("item-{number}"))
    };
    JobSpec {
        items: (0..1500).map(item).collect(),
        ..spec(1)
    }
}

/// Asks for a text plainly, compressed, and with the tags of both.
async fn check_forms(bench: &Bench, path: &str) {
    let (status, plain, body) = bench.ask(path, &[]).await;
    assert_eq!((status, plain.get(header::CONTENT_ENCODING)), (StatusCode::OK, None));
    let body = bytes(body).await;
    let (status, packed, compressed) = bench.ask(path, &[(header::ACCEPT_ENCODING, "gzip, zstd")]).await;
    assert_eq!((status, text(&packed, &header::CONTENT_ENCODING)), (StatusCode::OK, "zstd"));
    let compressed = bytes(compressed).await;
    assert!(zstd::decode_all(compressed.as_slice()).unwrap() == body, "{path}");
    assert_eq!(text(&plain, &header::CONTENT_TYPE), text(&packed, &header::CONTENT_TYPE));
    let (status, zipped, gzip) = bench.ask(path, &[(header::ACCEPT_ENCODING, "gzip, br")]).await;
    assert_eq!((status, text(&zipped, &header::CONTENT_ENCODING)), (StatusCode::OK, "gzip"));
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(bytes(gzip).await.as_slice())
        .read_to_end(&mut unzipped)
        .unwrap();
    assert!(unzipped == body, "{path}");
    // Different bytes have different tags, and whoever has the bytes gets none.
    let [plain, packed, zipped] = [&plain, &packed, &zipped].map(|headers| text(headers, &header::ETAG));
    assert!(plain != packed && plain != zipped && packed != zipped);
    for (tag, accepts, due) in [
        (plain, "", StatusCode::NOT_MODIFIED),
        (packed, "zstd", StatusCode::NOT_MODIFIED),
        (zipped, "gzip", StatusCode::NOT_MODIFIED),
        (plain, "gzip", StatusCode::OK),
        (packed, "", StatusCode::OK),
        (plain, "zstd", StatusCode::OK),
    ] {
        let headers = [(header::IF_NONE_MATCH, tag), (header::ACCEPT_ENCODING, accepts)];
        let (status, headers, body) = bench.ask(path, &headers).await;
        assert_eq!(status, due, "{path}");
        assert!(headers.contains_key(header::ETAG));
        assert_eq!(bytes(body).await.is_empty(), due == StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn what_is_stored_is_sent_as_it_is_or_compressed_or_not_at_all() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", large()).await;
    check_forms(&bench, "/v1/jobs/signs/spec").await;
    let (_, headers, body) = bench.ask("/v1/jobs/signs/spec", &[]).await;
    let body = bytes(body).await;
    assert_eq!(text(&headers, &header::CONTENT_LENGTH), body.len().to_string());
    assert!(body.len() > 3 << 20, "{}", body.len());
    assert_eq!(SignedSpec::from_json(&body).unwrap(), job.to_signed_spec());
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    for route in ["result", "payouts", "certificate"] {
        check_forms(&bench, &format!("/v1/jobs/signs/{route}")).await;
    }
}

#[tokio::test]
async fn texts_come_in_pieces_and_few_at_once_to_one_address() {
    let bench = Bench::new(3, 1).await;
    bench.open("signs", large()).await;
    let path = "/v1/jobs/signs/spec";
    let mut held = Vec::new();
    loop {
        let (status, headers, body) = bench.ask(path, &[]).await;
        if status != StatusCode::OK {
            assert_eq!(
                (status, text(&headers, &header::RETRY_AFTER)),
                (StatusCode::SERVICE_UNAVAILABLE, "1")
            );
            assert_eq!(kind(&bytes(body).await), "busy");
            break;
        }
        // One piece was read, and a part of it sent; the rest waits.
        let mut body = body.into_data_stream();
        let first = body.next().await.unwrap().unwrap();
        assert!(first.len() <= 64 << 10, "{}", first.len());
        held.push(body);
        assert!(held.len() < 100, "nothing bounds the number of texts that are sent at once");
    }
    // Who has the text needs no place, and its tag is known without reading it.
    let (_, headers) = bench.head(path).await;
    let tag = text(&headers, &header::ETAG).to_owned();
    assert_eq!(bench.ask(path, &[(header::IF_NONE_MATCH, &tag)]).await.0, StatusCode::NOT_MODIFIED);
    // Another address, and who comes when one has ended.
    assert_eq!(bench.get(path).await.0, StatusCode::OK);
    held.pop();
    assert_eq!(bench.ask(path, &[]).await.0, StatusCode::OK);
}
