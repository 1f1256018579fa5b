use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tacit_protocol::api::{JobList, JobState, JobStatus};
use tacit_protocol::control::Refusal;
use tacit_protocol::fixtures::buyer_key;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{JobSpec, SignedSpec};
use tacit_protocol::request_signature::SignedParts;

use super::{Bench, kind};
use crate::testing::{OTHER_TOKEN, TOKEN, contributor_key, eventually, spec};

#[tokio::test]
async fn the_same_job_again_is_the_same_job() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    assert!(bench.cluster.nodes.iter().all(|node| node.knows(job.id())));
    let (status, body) = bench.put_job(job.id(), &spec(2)).await;
    assert_eq!(status, StatusCode::OK);
    let again: JobStatus = serde_json::from_slice(&body).unwrap();
    assert_eq!((again.state, again.digest, again.items), (JobState::Open, job.digest(), 2));
    let (status, body) = bench.put_job(job.id(), &spec(3)).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "job_conflict"));

    let (_, body) = bench.get("/v1/jobs/signs/spec").await;
    assert_eq!(SignedSpec::from_json(&body).unwrap(), job.to_signed_spec());
    bench.open("more", spec(1)).await;
    let (_, body) = bench.get("/v1/jobs").await;
    let list: JobList = serde_json::from_slice(&body).unwrap();
    assert_eq!(list.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["more", "signs"]);
}

#[tokio::test]
async fn a_node_that_refuses_keeps_the_job_from_being_opened() {
    let bench = Bench::new(3, 1).await;
    let rule = Refusal::Policy {
        rule: "min_answers".to_owned(),
        detail: "5 answers to an item".to_owned(),
    };
    bench.cluster.nodes[1].refuse("open", rule);
    let id = "signs".parse().unwrap();
    let (status, body) = bench.put_job(&id, &spec(2)).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "node_refused"));
    let text = String::from_utf8(body).unwrap();
    assert!(text.contains("node-1") && text.contains("min_answers"), "{text}");
    assert!(bench.cluster.nodes.iter().all(|node| !node.knows(&id)));
    assert_eq!(bench.get("/v1/jobs/signs").await.0, StatusCode::NOT_FOUND);
    bench.open("signs", spec(2)).await;
}

#[tokio::test]
async fn too_few_nodes_are_named() {
    let bench = Bench::new(3, 1).await;
    bench.cluster.nodes[2].set_up(false);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let id = "signs".parse().unwrap();
    let (status, body) = bench.put_job(&id, &spec(2)).await;
    assert_eq!(
        (status, kind(&body).as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "nodes_unavailable")
    );
    assert!(String::from_utf8(body).unwrap().contains("node-2"));
    assert!(bench.cluster.nodes.iter().all(|node| !node.knows(&id)));
}

#[tokio::test]
async fn specs_are_checked_and_fields_named() {
    let bench = Bench::new(3, 1).await;
    let id = "signs".parse().unwrap();
    let past = JobSpec {
        closes_at: Some("2001-01-01T00:00:00Z".to_owned()),
        ..spec(2)
    };
    let never = JobSpec {
        closes_at: Some("soon".to_owned()),
        ..spec(2)
    };
    let none = JobSpec {
        items: Vec::new(),
        ..spec(2)
    };
    for (spec, field) in [(past, "closes_at"), (never, "closes_at"), (none, "items")] {
        let (status, body) = bench.put_job(&id, &spec).await;
        assert_eq!((status, kind(&body).as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_job"));
        assert!(String::from_utf8(body).unwrap().contains(field));
    }
}

#[tokio::test]
async fn a_cancelled_job_is_forgotten_by_the_nodes_also_by_one_that_comes_back() {
    let bench = Bench::new(4, 1).await;
    let job = bench.open("signs", spec(2)).await;
    bench.cluster.nodes[3].set_up(false);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    for _ in 0..2 {
        let (status, body) = bench.cancel(&job).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(serde_json::from_slice::<JobStatus>(&body).unwrap().state, JobState::Cancelled);
    }
    bench.cluster.nodes[3].set_up(true);
    eventually("no node knows the job", async || {
        bench.cluster.nodes.iter().all(|node| !node.knows(job.id()))
    })
    .await;
}

#[tokio::test]
async fn a_job_belongs_to_its_buyer() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let text = serde_json::to_vec(&job.to_signed_spec()).unwrap();
    for (method, path, body, due) in [
        ("POST", "/v1/jobs/signs/close", Vec::new(), (StatusCode::NOT_FOUND, "unknown_job")),
        ("DELETE", "/v1/jobs/signs", Vec::new(), (StatusCode::NOT_FOUND, "unknown_job")),
        ("PUT", "/v1/jobs/signs", text, (StatusCode::CONFLICT, "job_conflict")),
    ] {
        let (status, body) = bench.send_as(OTHER_TOKEN, method, path, "application/json", body).await;
        assert_eq!((status, kind(&body).as_str()), due, "{method}");
    }
    let (_, body) = bench.send_as(OTHER_TOKEN, "GET", "/v1/jobs", "", Vec::new()).await;
    assert!(serde_json::from_slice::<JobList>(&body).unwrap().jobs.is_empty());
    let (_, body) = bench.get("/v1/jobs/signs").await;
    assert_eq!(serde_json::from_slice::<JobStatus>(&body).unwrap().state, JobState::Open);
}

#[tokio::test]
async fn a_buyer_has_no_more_open_than_one_may() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("half", spec(2_500)).await;
    let other = bench.open("other-half", spec(2_500)).await;
    let id = "more".parse().unwrap();
    let (status, body) = bench.put_job(&id, &spec(1)).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::TOO_MANY_REQUESTS, "buyer_quota"));
    assert!(String::from_utf8(body).unwrap().contains("`quotas.items` = 5000"));
    assert!(bench.cluster.nodes.iter().all(|node| !node.knows(&id)));
    // It is said before the spec is read.
    let unread = Request::put("/v1/jobs/more")
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .body(Body::from_stream(futures::stream::pending::<std::io::Result<Vec<u8>>>()));
    let (status, body) = bench.request(unread.unwrap()).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::TOO_MANY_REQUESTS, "buyer_quota"));
    // The same job again is no other one, another buyer has a quota of its own, and a job that ended takes nothing.
    assert_eq!(bench.put_job(job.id(), &spec(2_500)).await.0, StatusCode::OK);
    let body = serde_json::to_vec(&bench.signed(&"theirs".parse().unwrap(), &spec(1))).unwrap();
    let put = bench.send_as(OTHER_TOKEN, "PUT", "/v1/jobs/theirs", "application/json", body);
    assert_eq!(put.await.0, StatusCode::CREATED);
    assert_eq!(bench.cancel(&other).await.0, StatusCode::OK);
    bench.open("more", spec(1)).await;
}

#[tokio::test]
async fn a_buyer_whose_specs_arrive_slowly_keeps_no_other_buyer_from_opening_jobs() {
    let bench = Bench::new(3, 1).await;
    let take = |name: &str| bench.app.specs.take(vec![(name.to_owned(), 1)], 1);
    let held = take("test").unwrap();
    assert!(take("test").is_err(), "one buyer has one place");
    let (status, body) = bench.put_job(&"signs".parse().unwrap(), &spec(1)).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    let body = serde_json::to_vec(&bench.signed(&"theirs".parse().unwrap(), &spec(1))).unwrap();
    let put = bench.send_as(OTHER_TOKEN, "PUT", "/v1/jobs/theirs", "application/json", body);
    assert_eq!(put.await.0, StatusCode::CREATED);
    drop(held);
    bench.open("signs", spec(1)).await;
}

#[tokio::test]
async fn a_buyer_closes_and_cancels_with_the_key_that_signed_the_terms() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let cluster = bench.app.cluster.digest();
    let now = u64::try_from(jiff::Timestamp::now().as_second()).unwrap();
    let send = async |key: &SecretKey, (path, query): (&str, &str), signed_path: &str, created: u64| {
        let method = "DELETE";
        let parts = SignedParts {
            method,
            path: signed_path,
            query,
            cluster: &cluster,
            body: b"",
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{path}?{query}"))
            .header(header::AUTHORIZATION, parts.sign(key, created).to_string())
            .body(Body::empty())
            .unwrap();
        let (status, body) = bench.request(request).await;
        (status, if status.is_success() { String::new() } else { kind(&body) })
    };
    let (path, close) = ("/v1/jobs/signs", "/v1/jobs/signs/close");
    let stranger = contributor_key(7);
    let unauthorized = (StatusCode::UNAUTHORIZED, "unauthorized".to_owned());
    let (own, theirs) = (bench.cancellation(&job, &buyer_key()).1, bench.cancellation(&job, &stranger).1);
    assert_eq!(
        send(&stranger, (path, &theirs), path, now).await,
        (StatusCode::NOT_FOUND, "unknown_job".to_owned())
    );
    assert_eq!(send(&buyer_key(), (path, &own), close, now).await, unauthorized);
    assert_eq!(send(&buyer_key(), (path, &own), path, now - 400).await, unauthorized);
    // Who sends the request is not enough: the nodes want to see who cancels.
    for (query, problem) in [
        (theirs.as_str(), "bad_signature"),
        ("", "invalid_request"),
        ("signature=00", "invalid_request"),
    ] {
        let (status, found) = send(&buyer_key(), (path, query), path, now).await;
        assert!(status.is_client_error(), "{query}");
        assert_eq!(found, problem, "{query}");
    }
    assert_eq!(bench.status(&job).await.state, JobState::Open);
    assert_eq!(send(&buyer_key(), (path, &own), path, now).await.0, StatusCode::OK);
    assert_eq!(bench.status(&job).await.state, JobState::Cancelled);
}
