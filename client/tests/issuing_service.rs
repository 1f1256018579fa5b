//! The issuing service against a small HTTP server that plays the platform.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::extract::{Path as Segment, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tacit_client::issuer::serve::{ServeError, Service};
use tacit_client::issuer::{Ledger, LedgerError};
use tacit_protocol::credential::{Invitation, Issuers};
use tacit_protocol::identity::SecretKey;

const STUDY: &str = "60d9aadeb86739de712faee0";
const TOKEN: &str = "secret-token";
const KEY_FILE: &str = "issuer.key";

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

    /// The service whose key is in the folder of its record.
    fn service(&self, record: &Path) -> Result<Service, ServeError> {
        let key_file = record.with_file_name(KEY_FILE);
        Service::new(
            (issuers(), key(), Some(2_000_000_000)),
            STUDY,
            (&self.platform_url, TOKEN),
            (record, &key_file),
        )
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

/// Runs `tacit issuer invite` for these people, with the key of the service and for its pool.
fn invite(folder: &Path, people: &str) -> Output {
    std::fs::write(folder.join("people.csv"), people).unwrap();
    Command::new(env!("CARGO_BIN_EXE_tacit"))
        .args(["issuer", "invite", "people.csv", "--pool", "prolific-7", "--key", KEY_FILE])
        .current_dir(folder)
        .output()
        .unwrap()
}

/// The people and numbers of the file of invitations.
fn invited(folder: &Path) -> Vec<(String, u32)> {
    let text = std::fs::read_to_string(folder.join("invitations.csv")).unwrap();
    let line = |line: &str| {
        let mut fields = line.split(',');
        let person = fields.next().unwrap().trim_matches('"').to_owned();
        (person, fields.next().unwrap().parse().unwrap())
    };
    text.lines().skip(1).map(line).collect()
}

/// The number in the code that a participant gets.
async fn number(service: &str, participant: &str, session: &str) -> u32 {
    let (status, code) = arrive(service, participant, STUDY, session).await;
    assert_eq!(status, 200, "{code}");
    code.parse::<Invitation>().unwrap().serial
}

/// Otherwise two people would be one contributor.
#[tokio::test]
async fn service_and_command_with_one_key_give_no_number_twice() {
    let (bench, folder) = (Bench::new().await, tempfile::tempdir().unwrap());
    let folder = folder.path();
    tacit_program::key_file::create_seed(&folder.join(KEY_FILE), "", &key().to_bytes()).unwrap();
    for (session, participant) in [("s1", "ada"), ("s2", "bob"), ("s3", "eve")] {
        bench.joins(session, participant, "ACTIVE");
    }
    assert!(invite(folder, "person\nzoe\n").status.success());
    let record = folder.join("given.jsonl");
    let service = serve(bench.service(&record).unwrap().router()).await;
    assert_eq!(number(&service, "ada", "s1").await, 2);
    // The service is running.
    assert!(invite(folder, "person\nyan\nxia\n").status.success());
    assert_eq!(number(&service, "bob", "s2").await, 5);
    assert_eq!(number(&service, "ada", "s1").await, 2);
    let all = [("zoe", 1), ("yan", 3), ("xia", 4)].map(|(person, number)| (person.to_owned(), number));
    assert_eq!(invited(folder), all);

    // Who has a number gets no other one, and a refused list leaves everything as it was.
    let refused = invite(folder, "person\nwim\nada\n");
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("nobody gets two"), "{error}");
    assert_eq!(invited(folder), all);
    assert!(invite(folder, "person\nwim\n").status.success());
    assert_eq!(invited(folder)[3], ("wim".to_owned(), 6));

    // A second service with the key, such as one for another study.
    let second = serve(bench.service(&folder.join("second.jsonl")).unwrap().router()).await;
    let (status, text) = arrive(&second, "ada", STUDY, "s1").await;
    assert!(status == 409 && text.contains("invited to this pool before"), "{text}");
    assert_eq!(number(&second, "eve", "s3").await, 7);
}

#[tokio::test]
async fn a_record_that_contradicts_what_the_key_has_signed_stops_the_service() {
    let (bench, folder) = (Bench::new().await, tempfile::tempdir().unwrap());
    let record = folder.path().join("given.jsonl");
    bench.joins("s1", "ada", "ACTIVE");
    let service = serve(bench.service(&record).unwrap().router()).await;
    assert_eq!(number(&service, "ada", "s1").await, 1);
    // As it was written, but without what the key has signed, and with the same number for somebody else.
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let (copy, key_file) = (other.join("given.jsonl"), other.join(KEY_FILE));
    std::fs::copy(&record, &copy).unwrap();
    let sign = |person: &str, serial: u32| {
        let mut ledger = Ledger::of(&key_file).unwrap();
        ledger.note(&issuers(), [(person, serial, SecretKey::from_bytes(&[7; 32]).public())].into_iter())
    };
    // What is only in the record is noted when the service starts.
    drop(bench.service(&copy).unwrap());
    assert!(matches!(sign("zoe", 1), Err(LedgerError::Taken { serial: 1, .. })));
    std::fs::remove_file(other.join("issuer.key.signed.json")).unwrap();
    sign("zoe", 1).unwrap();
    let error = bench.service(&copy).err().unwrap();
    assert!(matches!(error, ServeError::GivenTwice { .. }), "{error}");
    assert!(error.to_string().contains("Use another pool"), "{error}");

    let other_pool = Issuers {
        pool: "prolific-8".to_owned(),
        ..issuers()
    };
    let service = Service::new((other_pool, key(), None), STUDY, (&bench.platform_url, TOKEN), (&copy, &key_file));
    let error = service.err().unwrap();
    assert!(error.to_string().contains("use another record"), "{error}");
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
    let key_file = folder.path().join(KEY_FILE);
    let wrong_token = Service::new(
        (issuers(), key(), None),
        STUDY,
        (&bench.platform_url, "other"),
        (&record, &key_file),
    )
    .unwrap();
    bench.joins("s1", "ada", "ACTIVE");
    let service = serve(wrong_token.router()).await;
    assert_eq!(arrive(&service, "ada", STUDY, "s1").await.0, 502);

    let start = |issuers: Issuers, url: &str, token: &str, study: &str| {
        let record = folder.path().join("other.jsonl");
        Service::new((issuers, key(), None), study, (url, token), (&record, &key_file)).err()
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
