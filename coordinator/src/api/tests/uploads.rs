//! What is read of an upload: headers first, and no more at once than there is memory for.

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use futures::{StreamExt, stream};
use tacit_protocol::codec::encode;
use tacit_protocol::submission::{MAX_HEADER_BYTES, MAX_SUBMISSION_BYTES, Subject, Submission};
use tokio::sync::Notify;
use tower::ServiceExt;

use super::{Bench, SUBMISSION_TYPE, kind};
use crate::testing::{contributor_key, spec};
use crate::uploads::Author;
use tacit_http_server::Origin;

#[tokio::test]
async fn when_too_many_upload_at_once_the_next_is_told_so() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let key = contributor_key(1);
    bench.enrol("ada", &key).await;
    let submission = bench.cluster.submission(&job, "ada", &key, &[0, 1]);
    let author = |number| Author {
        issuers: None,
        subject: Subject::Number(number),
    };
    let all: Vec<_> = (0..)
        .map_while(|number| bench.app.uploads.begin(Origin::Loopback, author(number), 1000))
        .collect();
    assert!(!all.is_empty());
    let (status, body) = bench.submit(&submission).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    let request = upload(&submission, Body::from(encode(&submission)));
    let response = bench.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::RETRY_AFTER], "1");
    // What is refused for its header needs no place.
    let stranger = bench.cluster.submission(&job, "ada", &contributor_key(2), &[0]);
    let (status, body) = bench.submit(&stranger).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::FORBIDDEN, "not_enrolled"));
    drop(all);
    assert_eq!(bench.submit(&submission).await.0, StatusCode::CREATED);
}

/// A body of the largest size that begins as this submission and stops before its last byte. Then it notifies.
fn almost_all(submission: &Submission, stopped: Arc<Notify>) -> Body {
    const PIECE: usize = 64 << 10;
    let mut first = encode(&submission.header);
    first.resize(first.len().next_multiple_of(PIECE) - 1, 0);
    let pieces = (MAX_SUBMISSION_BYTES - first.len()) / PIECE;
    let pieces = std::iter::once(first).chain((0..pieces).map(|_| vec![0; PIECE]));
    let last = stream::once(async move {
        stopped.notify_one();
        std::future::pending().await
    });
    Body::from_stream(stream::iter(pieces.map(io::Result::Ok)).chain(last))
}

#[tokio::test]
async fn uploads_that_stop_before_the_last_byte_stop_neither_other_addresses_nor_other_contributors() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    for byte in 1..8 {
        bench.enrol(&format!("contributor-{byte}"), &contributor_key(byte)).await;
    }
    let submission = |byte: u8| {
        bench
            .cluster
            .submission(&job, &format!("contributor-{byte}"), &contributor_key(byte), &[0])
    };
    let from = |last: u8, mut request: Request<Body>| {
        request.extensions_mut().insert(Origin::of([192, 0, 2, last].into()));
        request
    };
    let mut held = Vec::new();
    let mut hold = async |address: u8, byte: u8| {
        let (submission, stopped) = (submission(byte), Arc::new(Notify::new()));
        let request = from(address, upload(&submission, almost_all(&submission, Arc::clone(&stopped))));
        let mut sending = Box::pin(bench.router.clone().oneshot(request));
        tokio::select! {
            response = &mut sending => Some(response.unwrap().status()),
            () = stopped.notified() => {
                held.push(sending);
                None
            }
        }
    };
    for byte in 1..=4 {
        assert_eq!(hold(1, byte).await, None, "contributor {byte}");
    }
    // An eighth of the memory is taken by this address. Contributor 1 sends again while its first connection is open, but not a third time.
    assert_eq!(hold(1, 5).await, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(hold(2, 1).await, None);
    assert_eq!(hold(3, 1).await, Some(StatusCode::SERVICE_UNAVAILABLE));
    let honest = submission(6);
    let request = from(2, upload(&honest, Body::from(encode(&honest))));
    assert_eq!(bench.request(request).await.0, StatusCode::CREATED);
    drop(held);
    let honest = submission(1);
    let request = from(1, upload(&honest, Body::from(encode(&honest))));
    assert_eq!(bench.request(request).await.0, StatusCode::CREATED);
}

/// The request that sends a submission with this body.
pub(super) fn upload(submission: &Submission, body: Body) -> Request<Body> {
    let statement = &submission.header.value.statement;
    Request::put(format!("/v1/jobs/{}/submissions/{}", statement.job, statement.id))
        .header(header::CONTENT_TYPE, SUBMISSION_TYPE)
        .body(body)
        .unwrap()
}

/// A body that stops after some bytes, in two pieces.
pub(super) fn unfinished(bytes: &[u8]) -> Body {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let pieces = [first.to_vec(), second.to_vec()].map(io::Result::Ok);
    Body::from_stream(stream::iter(pieces).chain(stream::pending()))
}

#[tokio::test]
async fn a_header_is_refused_before_the_envelopes_are_there() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let (ada, stranger) = (contributor_key(1), contributor_key(2));
    bench.enrol("ada", &ada).await;
    let good = bench.cluster.submission(&job, "ada", &ada, &[0, 1]);
    assert_eq!(bench.submit(&good).await.0, StatusCode::CREATED);
    let mut same_id = bench.cluster.submission(&job, "ada", &ada, &[0]);
    same_id.header.value.statement.id = good.header.value.statement.id;
    bench.close(&job).await;
    let late = bench.cluster.submission(&job, "ada", &ada, &[0]);
    let open = bench.open("open", spec(2)).await;
    let mut misplaced = late.clone();
    misplaced.header.value.statement.job = open.id().clone();
    let of_open = |key, items: &[u32]| bench.cluster.submission(&open, "ada", key, items);
    let mut forged_open = of_open(&ada, &[0, 1]);
    forged_open.header.value.statement.items = vec![1];
    for (submission, status, expected) in [
        (&same_id, StatusCode::CONFLICT, "submission_conflict"),
        (&late, StatusCode::CONFLICT, "job_closed"),
        // It names the terms of another job.
        (&misplaced, StatusCode::NOT_FOUND, "unknown_job"),
        (&forged_open, StatusCode::UNPROCESSABLE_ENTITY, "submission_rejected"),
        (&of_open(&stranger, &[0]), StatusCode::FORBIDDEN, "not_enrolled"),
    ] {
        let request = upload(submission, unfinished(&encode(&submission.header)));
        let (answered, body) = bench.request(request).await;
        assert_eq!((answered, kind(&body).as_str()), (status, expected));
    }
    // Numbers that claim more than any header has are not waited for.
    let mut claims = encode(&of_open(&ada, &[0, 1]).header);
    let contributor = 32 + 8 + 4 + 32;
    claims[contributor..contributor + 8].fill(0x0f);
    claims.resize(MAX_HEADER_BYTES, 1);
    let (answered, body) = bench.request(upload(&of_open(&ada, &[0]), unfinished(&claims))).await;
    assert_eq!(
        (answered, kind(&body).as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "submission_rejected")
    );
}
