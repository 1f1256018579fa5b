//! The issuing service against a small HTTP server that plays the platform.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::{Path as Segment, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tacit_client::issuer::serve::{ServeError, Service};
use tacit_protocol::credential::{Invitation, Issuers};
use tacit_protocol::identity::SecretKey;

const STUDY: &str = "60d9aadeb86739de712faee0";
const TOKEN: &str = "secret-token";

/// What the platform knows of submissions, and how often it was asked.
#[derive(Default)]
struct Known {
    submissions: HashMap<String, Value>,
    asked: usize,
}

type Platform = Arc<Mutex<Known>>;

async fn submission(State(platform): State<Platform>, Segment(id): Segment<String>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let mut known = platform.lock().unwrap();
    known.asked += 1;
    if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some(&format!("Token {TOKEN}")) {
        return Err(StatusCode::UNAUTHORIZED);
    }
    known.submissions.get(&id).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn key() -> SecretKey {
    SecretKey::from_bytes(&std::array::from_fn(|i| i as u8))
}

fn issuers() -> Issuers {
    Issuers {
        pool: "prolific-7".to_owned(),
        keys: vec![key().public()],
        need: 1,
    }
}

struct Bench {
    platform: Platform,
    platform_url: String,
}

impl Bench {
    async fn new() -> Self {
        let platform = Platform::default();
        let router = Router::new()
            .route("/api/v1/submissions/{id}/", get(submission))
            .with_state(Arc::clone(&platform));
        let platform_url = serve(router).await;
        Self { platform, platform_url }
    }

    fn joins(&self, session: &str, participant: &str, status: &str) {
        let value = json!({
            "id": session, "study_id": STUDY, "participant": participant, "status": status,
            "started_at": "2026-11-01T10:00:00Z", "bonus_payments": [],
        });
        self.platform.lock().unwrap().submissions.insert(session.to_owned(), value);
    }

    fn service(&self, record: &Path) -> Result<Service, ServeError> {
        Service::new((issuers(), key(), Some(2_000_000_000)), STUDY, (&self.platform_url, TOKEN), record)
    }

    fn asked(&self) -> usize {
        self.platform.lock().unwrap().asked
    }
}

async fn arrive(service: &str, participant: &str, study: &str, session: &str) -> (u16, String) {
    let url = format!("{service}/?PROLIFIC_PID={participant}&STUDY_ID={study}&SESSION_ID={session}");
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
    let response = client.get(url).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn an_active_participant_gets_one_invitation_and_the_same_one_again() {
    let (bench, folder) = (Bench::new().await, tempfile::tempdir().unwrap());
    let record = folder.path().join("given.jsonl");
    bench.joins("s1", "ada", "ACTIVE");
    bench.joins("s2", "bob", "ACTIVE");
    bench.joins("s3", "ada", "ACTIVE");
    let service = serve(bench.service(&record).unwrap().router()).await;
    let (status, first) = arrive(&service, "ada", STUDY, "s1").await;
    assert_eq!(status, 200, "{first}");
    let invitation: Invitation = first.parse().unwrap();
    assert_eq!((invitation.serial, invitation.expires), (1, Some(2_000_000_000)));
    assert_eq!(invitation.check(&issuers()), Ok(()));
    assert_eq!(arrive(&service, "ada", STUDY, "s1").await, (200, first.clone()));
    // The same participant in another submission is the same person.
    assert_eq!(arrive(&service, "ada", STUDY, "s3").await, (200, first.clone()));
    let (_, second) = arrive(&service, "bob", STUDY, "s2").await;
    assert_eq!(second.parse::<Invitation>().unwrap().serial, 2);

    // Twenty at once get one as well.
    bench.joins("s4", "eve", "ACTIVE");
    let many = futures::future::join_all((0..12).map(|_| arrive(&service, "eve", STUDY, "s4"))).await;
    assert!(many.iter().all(|one| *one == many[0] && one.0 == 200), "{many:?}");
    assert_eq!(many[0].1.parse::<Invitation>().unwrap().serial, 3);
    assert!(matches!(bench.service(&record), Err(ServeError::Record(_))), "one service a record");

    // Another process, such as after a restart, goes on where this one was.
    let copy = folder.path().join("copy.jsonl");
    std::fs::copy(&record, &copy).unwrap();
    let again = bench.service(&copy).unwrap();
    assert_eq!(again.given(), 3);
    let again = serve(again.router()).await;
    assert_eq!(arrive(&again, "ada", STUDY, "s1").await, (200, first));
    bench.joins("s5", "dan", "ACTIVE");
    assert_eq!(arrive(&again, "dan", STUDY, "s5").await.1.parse::<Invitation>().unwrap().serial, 4);
}

#[tokio::test]
async fn whoever_is_not_active_in_the_study_gets_none() {
    let (bench, folder) = (Bench::new().await, tempfile::tempdir().unwrap());
    let record = folder.path().join("given.jsonl");
    let service = serve(bench.service(&record).unwrap().router()).await;
    bench.joins("s1", "ada", "ACTIVE");
    for status in ["RETURNED", "TIMED-OUT", "REJECTED", "APPROVED", "AWAITING REVIEW", "RESERVED"] {
        bench.joins("gone", "bob", status);
        assert_eq!(arrive(&service, "bob", STUDY, "gone").await.0, 403, "{status}");
    }
    assert_eq!(arrive(&service, "eve", STUDY, "s1").await.0, 403, "somebody else's submission");
    assert_eq!(arrive(&service, "ada", STUDY, "unknown").await.0, 403);
    assert_eq!(
        arrive(&service, "ada", "ffffffffffffffffffffffff", "s1").await.0,
        403,
        "another study"
    );
    let asked = bench.asked();
    for bad in ["", "..", "a%2Fb", "a%0Ab", &"x".repeat(65)] {
        assert_eq!(arrive(&service, "ada", STUDY, bad).await.0, 400, "{bad}");
    }
    assert_eq!(bench.asked(), asked, "the platform is not asked about nonsense");
    // A platform that says something of another submission is not believed.
    let other = json!({ "id": "s9", "study_id": STUDY, "participant": "ada", "status": "ACTIVE" });
    bench.platform.lock().unwrap().submissions.insert("s8".to_owned(), other);
    assert_eq!(arrive(&service, "ada", STUDY, "s8").await.0, 403);
    bench.platform.lock().unwrap().submissions.insert("s7".to_owned(), json!("what"));
    assert_eq!(arrive(&service, "ada", STUDY, "s7").await.0, 502);
    assert_eq!(std::fs::read(&record).unwrap(), b"");
}

#[tokio::test]
async fn a_service_that_cannot_work_does_not_start() {
    let (bench, folder) = (Bench::new().await, tempfile::tempdir().unwrap());
    let record = folder.path().join("given.jsonl");
    let wrong_token = Service::new((issuers(), key(), None), STUDY, (&bench.platform_url, "other"), &record).unwrap();
    bench.joins("s1", "ada", "ACTIVE");
    let service = serve(wrong_token.router()).await;
    assert_eq!(arrive(&service, "ada", STUDY, "s1").await.0, 502);

    let start = |issuers: Issuers, url: &str, token: &str, study: &str| {
        let record = folder.path().join("other.jsonl");
        Service::new((issuers, key(), None), study, (url, token), &record).err()
    };
    let several = Issuers {
        keys: vec![key().public(), SecretKey::from_bytes(&[9; 32]).public()],
        need: 2,
        ..issuers()
    };
    assert!(matches!(
        start(several, &bench.platform_url, TOKEN, STUDY),
        Some(ServeError::NotAlone(_))
    ));
    let remote = "http://api.prolific.com";
    assert!(matches!(start(issuers(), remote, TOKEN, STUDY), Some(ServeError::Platform { .. })));
    assert_eq!(start(issuers(), &bench.platform_url, "a\nb", STUDY), Some(ServeError::Token));
    assert!(matches!(
        start(issuers(), &bench.platform_url, TOKEN, "../users/me"),
        Some(ServeError::Study(_))
    ));
}
