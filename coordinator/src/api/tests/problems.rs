use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tacit_protocol::api::{JobList, JobState, JobStatus, SUBMISSION_TYPE};

use tower::ServiceExt;

use super::{Bench, kind};
use crate::testing::{contributor_key, eventually, spec};
use tacit_http_server::Origin;

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let submission_id = "00".repeat(16);
    for (method, path, media_type, body, status, expected) in [
        ("GET", "/nowhere", "", "", 404, "not_found"),
        ("GET", "/v1/jobs/none", "", "", 404, "unknown_job"),
        ("GET", "/v1/jobs/UPPER", "", "", 400, "invalid_request"),
        ("GET", "/v1/jobs/%ff", "", "", 400, "invalid_request"),
        ("PATCH", "/v1/jobs/signs", "", "", 405, "method_not_allowed"),
        ("GET", "/v1/contributors", "", "", 405, "method_not_allowed"),
        ("POST", "/v1/contributors", "application/json", "{", 400, "invalid_request"),
        ("PUT", "/v1/jobs/other", "application/json", "{}", 422, "invalid_job"),
        ("POST", "/v1/jobs/none/close", "", "", 404, "unknown_job"),
        ("DELETE", "/v1/jobs/none", "", "", 404, "unknown_job"),
        ("GET", "/v1/jobs/none/events", "", "", 404, "unknown_job"),
        ("GET", "/v1/jobs/none/spec", "", "", 404, "unknown_job"),
        ("GET", "/v1/jobs/none/result", "", "", 404, "unknown_job"),
        ("GET", "/v1/jobs/signs/result", "", "", 409, "not_published"),
        ("GET", "/v1/jobs/signs/payouts", "", "", 409, "not_published"),
        ("GET", "/v1/jobs/signs/certificate", "", "", 409, "not_published"),
        ("PUT", "/v1/jobs/signs/submissions/xyz", SUBMISSION_TYPE, "", 400, "invalid_request"),
        (
            "PUT",
            &format!("/v1/jobs/signs/submissions/{submission_id}"),
            "text/plain",
            "",
            415,
            "unsupported_media_type",
        ),
        (
            "PUT",
            &format!("/v1/jobs/signs/submissions/{submission_id}"),
            SUBMISSION_TYPE,
            "junk",
            422,
            "submission_rejected",
        ),
        (
            "GET",
            &format!("/v1/jobs/signs/submissions/{submission_id}"),
            "",
            "",
            404,
            "unknown_submission",
        ),
    ] {
        let (got, body) = bench.send(method, path, media_type, body.as_bytes().to_vec()).await;
        assert_eq!((got.as_u16(), kind(&body).as_str()), (status, expected), "{method} {path}");
    }
    let large = vec![0; tacit_protocol::submission::MAX_SUBMISSION_BYTES + 1];
    let (status, body) = bench
        .send(
            "PUT",
            &format!("/v1/jobs/{}/submissions/{submission_id}", job.id()),
            SUBMISSION_TYPE,
            large,
        )
        .await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
}

#[tokio::test]
async fn buyers_need_their_token() {
    let bench = Bench::new(3, 1).await;
    bench.open("signs", spec(2)).await;
    for (method, path) in [
        ("GET", "/v1/jobs"),
        ("PUT", "/v1/jobs/signs"),
        ("DELETE", "/v1/jobs/signs"),
        ("POST", "/v1/jobs/signs/close"),
    ] {
        for authorization in [None, Some("Bearer wrong"), Some("Basic test-token"), Some("Bearer"), Some("")] {
            let mut request = Request::builder().method(method).uri(path);
            if let Some(value) = authorization {
                request = request.header(header::AUTHORIZATION, value);
            }
            let (status, body) = bench.request(request.body(Body::empty()).unwrap()).await;
            assert_eq!(
                (status, kind(&body).as_str()),
                (StatusCode::UNAUTHORIZED, "unauthorized"),
                "{method} {path} {authorization:?}"
            );
        }
    }
    assert_eq!(bench.get("/v1/jobs").await.0, StatusCode::OK);
}

#[tokio::test]
async fn contributors_are_enrolled_once() {
    let bench = Bench::new(3, 1).await;
    let (ada, bob) = (contributor_key(1), contributor_key(2));
    assert_eq!(bench.enrol("ada", &ada).await, StatusCode::CREATED);
    assert_eq!(bench.enrol("ada", &ada).await, StatusCode::OK);
    assert_eq!(bench.enrol("ada", &bob).await, StatusCode::CONFLICT);
    assert_eq!(bench.enrol("bob", &ada).await, StatusCode::CONFLICT);
    assert_eq!(bench.enrol("", &bob).await, StatusCode::BAD_REQUEST);
    let mut forged = bench.cluster.enrolment("bob", &bob);
    forged.contributor = "eve".to_owned();
    let body = serde_json::to_vec(&forged).unwrap();
    let (status, body) = bench.send("POST", "/v1/contributors", "application/json", body).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::BAD_REQUEST, "bad_signature"));
}

#[tokio::test]
async fn one_address_enrols_some_contributors_in_an_hour_and_no_more() {
    let bench = Bench::new(3, 1).await;
    let enrol = async |last: u8, byte: u8| {
        let enrolment = bench.cluster.enrolment(&format!("contributor-{byte}"), &contributor_key(byte));
        let body = Body::from(serde_json::to_vec(&enrolment).unwrap());
        let mut request = Request::post("/v1/contributors").body(body).unwrap();
        request.extensions_mut().insert(Origin::of([192, 0, 2, last].into()));
        bench.router.clone().oneshot(request).await.unwrap()
    };
    for byte in 1..=3 {
        assert_eq!(enrol(1, byte).await.status(), StatusCode::CREATED);
        assert_eq!(enrol(1, byte).await.status(), StatusCode::OK, "the same again takes nothing");
    }
    let refused = enrol(1, 4).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    let body = axum::body::to_bytes(refused.into_body(), usize::MAX).await.unwrap();
    assert_eq!(kind(&body), "enrolment_quota");
    assert_eq!(enrol(1, 2).await.status(), StatusCode::OK);
    assert_eq!(enrol(2, 4).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn the_api_describes_itself_and_the_cluster() {
    let bench = Bench::new(3, 1).await;
    let (status, body) = bench.get("/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    let description: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let paths = description["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 13, "{paths:?}");
    for schema in ["ClusterInfo", "JobStatus", "JobSpec", "Enrolment", "Problem", "SubmissionStatus"] {
        assert!(description["components"]["schemas"][schema].is_object(), "{schema}");
    }
    let types = description["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
        .as_array()
        .unwrap();
    assert!(types.contains(&"urn:tacit:problem:invalid_request".into()) && types.contains(&"urn:tacit:problem:shutting_down".into()));
    let (_, body) = bench.get("/v1/cluster").await;
    let info: tacit_protocol::api::ClusterInfo = serde_json::from_slice(&body).unwrap();
    let cluster = tacit_protocol::cluster::Cluster::parse(info.file.as_bytes()).unwrap();
    assert_eq!(
        (cluster.digest(), info.digest),
        (bench.cluster.cluster.digest(), bench.cluster.cluster.digest())
    );
    let named = |index: usize| (info.nodes[index].name.as_str(), info.nodes[index].identity);
    assert_eq!((info.threshold, info.nodes.len()), (1, 3));
    assert_eq!(named(2), ("node-2", cluster.nodes()[2].identity));
    assert!(info.nodes.iter().all(|node| node.sealing.is_none()), "the nodes have given no keys");
}

#[tokio::test]
async fn a_full_disk_is_said_and_passes() {
    let bench = Bench::new(3, 1).await;
    bench.app.store.limit_pages(1).await;
    let mut refused = (StatusCode::OK, Vec::new());
    // The last pages of the file still have room for a few submissions.
    for byte in 1..200 {
        let body = serde_json::to_vec(
            &bench
                .cluster
                .enrolment(&format!("{byte}{}", "x".repeat(200)), &contributor_key(byte)),
        )
        .unwrap();
        refused = bench.send("POST", "/v1/contributors", "application/json", body).await;
        if refused.0 != StatusCode::CREATED {
            break;
        }
    }
    assert_eq!((refused.0.as_u16(), kind(&refused.1).as_str()), (507, "store_full"));
    assert!(String::from_utf8(refused.1).unwrap().contains("coordinator.sqlite"));
    bench.app.store.limit_pages(0).await;
    assert_eq!(bench.enrol("ada", &contributor_key(250)).await, StatusCode::CREATED);
}

#[tokio::test]
async fn the_admin_port_tells_health_and_metrics() {
    use axum::body::to_bytes;

    let bench = Bench::new(3, 1).await;
    bench.open("signs", spec(2)).await;
    bench.get("/nowhere").await;
    let admin = crate::admin::router(bench.app.clone());
    let get = async |path: &str| {
        let response = admin
            .clone()
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
            .await
            .unwrap();
        let status = response.status();
        (
            status,
            String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap(),
        )
    };
    assert_eq!(get("/livez").await.0, StatusCode::OK);
    assert_eq!(get("/readyz").await.0, StatusCode::OK);
    let (_, metrics) = get("/metrics").await;
    for line in [
        "tacit_coordinator_jobs{state=\"open\"} 1",
        "tacit_coordinator_submissions_total{outcome=\"accepted\"} 0",
        "tacit_coordinator_submissions_total{outcome=\"bad_signature\"} 0",
        "tacit_coordinator_answers_total{outcome=\"accepted\"} 0",
        "tacit_coordinator_answers_total{outcome=\"item_full\"} 0",
        "tacit_coordinator_node_up{node=\"node-2\"} 1",
        "tacit_coordinator_http_requests_total{route=\"/v1/jobs/{id}\",status=\"2xx\"} 1",
        "tacit_coordinator_http_requests_total{route=\"other\",status=\"4xx\"} 1",
        "tacit_coordinator_build_info",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    // An upload as a whole is never refused because an item is full.
    assert!(!metrics.contains("submissions_total{outcome=\"item_full\"}"), "{metrics}");
    let ended = bench.open("ended", spec(2)).await;
    assert_eq!(bench.cancel(&ended).await.0, StatusCode::OK);
    eventually("the job has ended", async || bench.app.active_jobs.get(ended.id()).is_none()).await;
    let (_, list) = get("/jobs").await;
    let list: JobList = serde_json::from_str(&list).unwrap();
    assert_eq!(list.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["signs"]);
    let (_, one) = get("/jobs/ended").await;
    assert_eq!(serde_json::from_str::<JobStatus>(&one).unwrap().state, JobState::Cancelled);
    for none in ["/jobs/none", "/jobs/UPPER"] {
        assert_eq!(get(none).await.0, StatusCode::NOT_FOUND);
    }
    bench.cluster.nodes[0].set_up(false);
    eventually("the node is missed", async || bench.app.nodes.connected() == 2).await;
    let (_, one) = get("/jobs/signs").await;
    let one: JobStatus = serde_json::from_str(&one).unwrap();
    assert_eq!(one.waiting_on.iter().map(|node| node.node.as_str()).collect::<Vec<_>>(), ["node-0"]);
    let (status, text) = get("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(text.contains("2 nodes are connected, 3 are needed"));
}

#[tokio::test]
async fn a_store_that_hangs_has_not_answered() {
    let bench = Bench::new(3, 1).await;
    let metrics = &bench.app.metrics;
    let answered = async || {
        let text = String::from_utf8(
            metrics
                .text(&bench.app.active_jobs, &bench.app.nodes, &bench.app.store, &bench.app.connections)
                .await
                .unwrap(),
        )
        .unwrap();
        let mut lines = text.lines();
        let at = lines.find_map(|line| line.strip_prefix("tacit_coordinator_store_answered_timestamp_seconds "));
        at.unwrap().parse::<f64>().unwrap()
    };
    metrics.store.answered();
    let hung = bench.app.store.hang();
    let before = answered().await;
    assert!(before > 0.0);
    assert_eq!(answered().await, before);
    drop(hung);
    eventually("the store has answered", async || answered().await != before).await;
}
