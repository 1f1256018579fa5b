use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tacit_protocol::api::{JobList, JobState, SUBMISSION_TYPE, WithdrawalRequest};
use tacit_protocol::codec::encode;
use tacit_protocol::credential::{SHOWN_HEADER, Shown};
use tacit_protocol::fixtures::{buyer_key, invitation_of, issuers, revocation_of};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobSpec};
use tacit_protocol::submission::{MAX_HEADER_BYTES, MAX_SUBMISSION_BYTES};

use super::{Bench, kind};
use crate::testing::{BOUND_TOKEN, OTHER_TOKEN, TOKEN, bound_key, cancellation, contributor_key, spec};

/// Who sends a request.
#[derive(Clone)]
enum As<'a> {
    Nobody,
    Token(&'a str),
    Key(Box<SecretKey>, Option<Box<Shown>>),
}

fn by_key(key: SecretKey, shown: Option<Shown>) -> As<'static> {
    As::Key(Box::new(key), shown.map(Box::new))
}

const SPEC_ROUTES: [&str; 3] = ["", "/spec", "/events"];
const RESULT_ROUTES: [&str; 3] = ["/result", "/payouts", "/certificate"];

impl Bench {
    async fn get_as(&self, who: &As<'_>, path: &str) -> (StatusCode, String) {
        let mut request = Request::builder().uri(path);
        match who {
            As::Nobody => {}
            As::Token(token) => request = request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            As::Key(key, shown) => {
                request = request.header(header::AUTHORIZATION, self.signed_get(key, path));
                if let Some(shown) = shown {
                    request = request.header(SHOWN_HEADER, shown.to_string());
                }
            }
        }
        let (status, body) = self.request(request.body(Body::empty()).unwrap()).await;
        let body = if status.is_success() { String::new() } else { kind(&body) };
        (status, body)
    }

    /// The answers to all requests about a job, of which there is one for each route.
    async fn read(&self, who: &As<'_>, job: &str) -> [Vec<(StatusCode, String)>; 2] {
        let mut answers = [Vec::new(), Vec::new()];
        for (routes, answers) in [SPEC_ROUTES, RESULT_ROUTES].iter().zip(&mut answers) {
            for route in routes {
                answers.push(self.get_as(who, &format!("/v1/jobs/{job}{route}")).await);
            }
        }
        answers
    }

    async fn published(&self, id: &str, spec: JobSpec) -> Job {
        let job = self.open(id, spec).await;
        self.end(&job).await;
        job
    }

    async fn end(&self, job: &Job) {
        self.close(job).await;
        self.wait_for(job, JobState::Published).await;
    }
}

fn all(status: StatusCode, kind: &str) -> Vec<(StatusCode, String)> {
    vec![(status, kind.to_owned()); 3]
}

fn ok() -> Vec<(StatusCode, String)> {
    all(StatusCode::OK, "")
}

/// What may be read of a job that has ended: its items are erased.
fn of_ended() -> Vec<(StatusCode, String)> {
    let answers = [(StatusCode::OK, ""), (StatusCode::CONFLICT, "job_ended"), (StatusCode::OK, "")];
    answers.map(|(status, kind)| (status, kind.to_owned())).into()
}

fn unknown() -> Vec<(StatusCode, String)> {
    all(StatusCode::NOT_FOUND, "unknown_job")
}

fn for_the_buyer() -> Vec<(StatusCode, String)> {
    all(StatusCode::FORBIDDEN, "not_your_job")
}

#[tokio::test]
async fn a_job_is_read_by_its_buyer_and_its_contributors() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(1)).await;
    let (enrolled, stranger) = (contributor_key(1), contributor_key(2));
    bench.enrol("ada", &enrolled).await;
    for (key, due) in [(&buyer_key(), ok()), (&enrolled, ok()), (&stranger, unknown())] {
        let spec = bench.get_as(&by_key(key.clone(), None), "/v1/jobs/signs/spec").await;
        assert_eq!(spec, due[1], "while it is open");
    }
    bench.end(&job).await;
    for (who, due) in [
        (As::Token(TOKEN), [of_ended(), ok()]),
        (by_key(buyer_key(), None), [of_ended(), ok()]),
        (by_key(enrolled, None), [of_ended(), for_the_buyer()]),
        (As::Token(OTHER_TOKEN), [unknown(), unknown()]),
        (by_key(stranger, None), [unknown(), unknown()]),
        (As::Nobody, [unknown(), unknown()]),
    ] {
        assert_eq!(bench.read(&who, "signs").await, due);
        // A job that may not be read looks like one that does not exist.
        assert_eq!(bench.read(&who, "none").await, [unknown(), unknown()]);
    }
    let unauthorized = all(StatusCode::UNAUTHORIZED, "unauthorized");
    for job in ["signs", "none"] {
        assert_eq!(
            bench.read(&As::Token("invented"), job).await,
            [unauthorized.clone(), unauthorized.clone()]
        );
    }
    let (_, body) = bench.get("/v1/jobs/none").await;
    let (_, other) = bench.send_as(OTHER_TOKEN, "GET", "/v1/jobs/signs", "", Vec::new()).await;
    let text = String::from_utf8(other).unwrap();
    assert_eq!(text.replace("`signs`", "`none`"), String::from_utf8(body).unwrap());
}

#[tokio::test]
async fn strangers_do_not_learn_by_the_routes_of_submissions_that_there_is_a_job() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let (author, other) = (contributor_key(1), contributor_key(2));
    bench.enrol("ada", &author).await;
    bench.enrol("bob", &other).await;
    let sent = bench.cluster.submission(&job, "ada", &author, &[0, 1]);
    assert_eq!(bench.submit(&sent).await.0, StatusCode::CREATED);
    let unknown_id = "ab".repeat(16);
    let stranger = by_key(contributor_key(3), None);
    let check = async |purged: bool| {
        let receipts = async |who: &As<'_>, job: &str| bench.get_as(who, &format!("/v1/jobs/{job}/receipts")).await;
        let submission = async |who: &As<'_>, job: &str| bench.get_as(who, &format!("/v1/jobs/{job}/submissions/{unknown_id}")).await;
        let delete = async |job: &str| {
            let body = serde_json::to_vec(&WithdrawalRequest { signature: cancellation() }).unwrap();
            let path = format!("/v1/jobs/{job}/submissions/{unknown_id}");
            let (status, body) = bench.send("DELETE", &path, "application/json", body).await;
            (status, String::from_utf8(body).unwrap().replace(job, "ID"))
        };
        let unknown = (StatusCode::NOT_FOUND, "unknown_job".to_owned());
        for who in [&stranger, &As::Nobody, &As::Token(OTHER_TOKEN)] {
            assert_eq!(receipts(who, "signs").await, receipts(who, "none").await);
            assert_eq!(submission(who, "signs").await, unknown);
            assert_eq!(submission(who, "none").await, unknown);
        }
        assert_eq!(receipts(&stranger, "signs").await, unknown);
        assert_eq!(delete("signs").await, delete("none").await);
        assert!(delete("signs").await.1.contains("unknown_job"));
        // Who may read the job is told what there is.
        let (status, kind) = if purged {
            (StatusCode::GONE, "purged")
        } else {
            (StatusCode::NOT_FOUND, "unknown_submission")
        };
        for who in [&by_key(author.clone(), None), &by_key(other.clone(), None), &As::Token(TOKEN)] {
            assert_eq!(submission(who, "signs").await, (status, kind.to_owned()));
        }
        receipts(&by_key(author.clone(), None), "signs").await
    };
    assert_eq!(check(false).await.0, StatusCode::OK, "open");
    bench.end(&job).await;
    assert_eq!(check(false).await.0, StatusCode::OK, "published");
    let none = bench.get_as(&by_key(other.clone(), None), "/v1/jobs/signs/receipts").await;
    assert_eq!(none, (StatusCode::NOT_FOUND, "unknown_submission".to_owned()));
    // A submission is for whoever knows its id.
    let path = format!("/v1/jobs/signs/submissions/{}", sent.header.value.statement.id);
    assert_eq!(bench.get_as(&As::Nobody, &path).await.0, StatusCode::OK);
    bench.app.store.purge(job.id()).await.unwrap();
    let purged = (StatusCode::GONE, "purged".to_owned());
    assert_eq!(check(true).await, purged);
    assert_eq!(bench.get_as(&by_key(author.clone(), None), &path).await, purged);
    assert_eq!(bench.get_as(&As::Token(TOKEN), "/v1/jobs/signs/result").await, purged);
}

#[tokio::test]
async fn who_has_not_read_the_terms_does_not_learn_by_sending_answers_that_there_is_a_job() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let (enrolled, stranger) = (contributor_key(1), contributor_key(2));
    bench.enrol("ada", &enrolled).await;
    let answers = async |job: &Job, key: &SecretKey| {
        let sent = bench.cluster.submission(job, "ada", key, &[0]);
        let path = format!("/v1/jobs/{}/submissions/{}", job.id(), sent.header.value.statement.id);
        let request = Request::put(path).header(header::CONTENT_TYPE, SUBMISSION_TYPE);
        let (status, body) = bench.request(request.body(Body::from(encode(&sent))).unwrap()).await;
        let text = String::from_utf8(body).unwrap();
        (status, text.replace(&format!("`{}`", job.id()), "`ID`"))
    };
    let junk = async |id: &str, media_type: &str, bytes: usize| {
        let request = Request::put(format!("/v1/jobs/{id}/submissions/{}", "ab".repeat(16))).header(header::CONTENT_TYPE, media_type);
        bench.request(request.body(Body::from(vec![0xff; bytes])).unwrap()).await
    };
    let other_terms = |id: &str| bench.signed_job(&id.parse().unwrap(), &spec(3)).unwrap();
    let check = async |state: &str| {
        for key in [&enrolled, &stranger] {
            let (status, text) = answers(&other_terms("signs"), key).await;
            assert_eq!(
                (status, text.contains("unknown_job")),
                (StatusCode::NOT_FOUND, true),
                "{state}: {text}"
            );
            assert_eq!((status, text), answers(&other_terms("none"), key).await, "{state}");
        }
        for media_type in [SUBMISSION_TYPE, "text/plain"] {
            for bytes in [0, 100, MAX_HEADER_BYTES - 1, MAX_HEADER_BYTES, MAX_SUBMISSION_BYTES + 1] {
                assert_eq!(
                    junk("signs", media_type, bytes).await,
                    junk("none", media_type, bytes).await,
                    "{state}: {bytes}"
                );
            }
        }
        // Whoever names the terms has read them.
        answers(&job, &stranger).await
    };
    let (status, text) = check("open").await;
    assert_eq!((status, text.contains("not_enrolled")), (StatusCode::FORBIDDEN, true), "{text}");
    bench.end(&job).await;
    let (status, text) = check("published").await;
    assert_eq!((status, text.contains("job_closed")), (StatusCode::CONFLICT, true), "{text}");
    bench.app.store.purge(job.id()).await.unwrap();
    let (status, text) = check("purged").await;
    assert_eq!((status, text.contains("job_closed")), (StatusCode::CONFLICT, true), "{text}");
    // Of a public job everybody is told what is wrong.
    let public = bench.open("public", JobSpec { public: true, ..spec(2) }).await;
    assert_eq!(public.id().as_str(), "public");
    let (status, text) = answers(&other_terms("public"), &stranger).await;
    assert_eq!(
        (status, text.contains("wrong_job")),
        (StatusCode::UNPROCESSABLE_ENTITY, true),
        "{text}"
    );
}

#[tokio::test]
async fn who_has_answered_a_job_of_a_pool_gets_receipts_by_its_key_alone() {
    let bench = Bench::new(3, 1).await;
    let invited = JobSpec {
        issuers: Some(issuers(2)),
        ..spec(2)
    };
    let job = bench.open("signs", invited).await;
    let key = contributor_key(1);
    let receipts = async || bench.get_as(&by_key(key.clone(), None), "/v1/jobs/signs/receipts").await;
    assert_eq!(receipts().await, (StatusCode::NOT_FOUND, "unknown_job".to_owned()));
    let sent = bench.cluster.invited_submission(&job, 7, &key, &[0, 1]);
    assert_eq!(bench.submit(&sent).await.0, StatusCode::CREATED);
    assert_eq!(receipts().await.0, StatusCode::OK);
    bench.end(&job).await;
    assert_eq!(receipts().await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_public_job_is_read_by_anybody() {
    let bench = Bench::new(3, 1).await;
    let public = JobSpec { public: true, ..spec(1) };
    bench.published("signs", public).await;
    for who in [As::Nobody, As::Token(OTHER_TOKEN), by_key(contributor_key(2), None)] {
        assert_eq!(bench.read(&who, "signs").await, [of_ended(), ok()]);
    }
    let bench = bench.again().await;
    assert_eq!(bench.read(&As::Nobody, "signs").await, [of_ended(), ok()]);
    // To read it is not to own it.
    let (status, body) = bench.send_as(OTHER_TOKEN, "DELETE", "/v1/jobs/signs", "", Vec::new()).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::FORBIDDEN, "not_your_job"));
}

#[tokio::test]
async fn a_job_with_issuers_is_read_by_the_people_of_its_pool() {
    let bench = Bench::new(3, 1).await;
    let cluster = bench.app.cluster.digest();
    let pool = issuers(2);
    let invited = JobSpec {
        issuers: Some(pool.clone()),
        ..spec(1)
    };
    let job = bench.open("signs", invited).await;
    let (key, other) = (contributor_key(1), contributor_key(2));
    bench.enrol("ada", &key).await;
    let invitation = invitation_of(&pool, 7);
    let credential = Shown::Credential(invitation.credential(&cluster, &pool, &key.public()));
    let of_another_pool = {
        let others = issuers(3);
        Shown::Credential(invitation_of(&others, 7).credential(&cluster, &others, &key.public()))
    };
    let reads = [
        by_key(key.clone(), Some(credential.clone())),
        by_key(invitation.key.clone(), Some(Shown::invitation(&invitation))),
    ];
    for who in &reads {
        assert_eq!(bench.get_as(who, "/v1/jobs/signs/spec").await, (StatusCode::OK, String::new()));
    }
    bench.end(&job).await;
    for who in &reads {
        assert_eq!(bench.read(who, "signs").await, [of_ended(), for_the_buyer()]);
    }
    for who in [
        // Enrolled, but not one of the pool.
        by_key(key.clone(), None),
        by_key(key.clone(), Some(of_another_pool)),
        // A credential is public in headers of submissions: it is of no use to another key, or without a signature.
        by_key(other, Some(credential.clone())),
        by_key(key, Some(Shown::invitation(&invitation))),
    ] {
        assert_eq!(bench.read(&who, "signs").await, [unknown(), unknown()]);
    }
    let unsigned = Request::builder()
        .uri("/v1/jobs/signs/spec")
        .header(SHOWN_HEADER, credential.to_string());
    assert_eq!(bench.request(unsigned.body(Body::empty()).unwrap()).await.0, StatusCode::NOT_FOUND);
    let garbled = Request::builder().uri("/v1/jobs/signs/spec").header(SHOWN_HEADER, "?");
    assert_eq!(bench.request(garbled.body(Body::empty()).unwrap()).await.0, StatusCode::BAD_REQUEST);

    let body = serde_json::to_vec(&revocation_of(&pool, &[7])).unwrap();
    let revoked = bench.send("POST", "/v1/issuers/revocations", "application/json", body).await;
    assert_eq!(revoked.0, StatusCode::OK);
    for who in &reads {
        assert_eq!(bench.read(who, "signs").await, [unknown(), unknown()]);
    }
}

#[tokio::test]
async fn a_token_with_a_key_opens_only_what_the_key_has_signed() {
    let bench = Bench::new(3, 1).await;
    let id = "bound".parse().unwrap();
    let put = async |job: &Job| {
        let body = serde_json::to_vec(&job.to_signed_spec()).unwrap();
        bench.send_as(BOUND_TOKEN, "PUT", "/v1/jobs/bound", "application/json", body).await
    };
    let (status, body) = put(&bench.signed_job(&id, &spec(1)).unwrap()).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::FORBIDDEN, "not_your_job"));
    let job = Job::sign(&bench.app.cluster.digest(), id, spec(1), &bound_key()).unwrap();
    assert_eq!(put(&job).await.0, StatusCode::CREATED);
    // Token and key are the same buyer, also for what the one has opened and the other asks for.
    for who in [As::Token(BOUND_TOKEN), by_key(bound_key(), None)] {
        assert_eq!(bench.get_as(&who, "/v1/jobs/bound").await.0, StatusCode::OK);
    }
    assert_eq!(bench.get_as(&As::Token(TOKEN), "/v1/jobs/bound").await.0, StatusCode::NOT_FOUND);
    // Opened with another token, but signed with this key.
    let theirs = Job::sign(&bench.app.cluster.digest(), "theirs".parse().unwrap(), spec(1), &bound_key()).unwrap();
    let body = serde_json::to_vec(&theirs.to_signed_spec()).unwrap();
    let (status, _) = bench.send("PUT", "/v1/jobs/theirs", "application/json", body).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(bench.get_as(&As::Token(BOUND_TOKEN), "/v1/jobs/theirs").await.0, StatusCode::OK);
    let (_, list) = bench.send_as(BOUND_TOKEN, "GET", "/v1/jobs", "", Vec::new()).await;
    let list: JobList = serde_json::from_slice(&list).unwrap();
    assert_eq!(list.jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["theirs", "bound"]);
    assert_eq!(bench.get_as(&by_key(bound_key(), None), "/v1/jobs").await.0, StatusCode::OK);
    assert_eq!(bench.get_as(&As::Nobody, "/v1/jobs").await.0, StatusCode::UNAUTHORIZED);
}
