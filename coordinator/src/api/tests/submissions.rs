use axum::http::StatusCode;
use tacit_protocol::api::{JobState, Receipt, RejectedAnswer, SubmissionStatus};
use tacit_protocol::codec::encode;
use tacit_protocol::identity::Purpose;
use tacit_protocol::job::JobSpec;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Submission;

use super::uploads::{unfinished, upload};
use super::{Bench, SUBMISSION_TYPE, kind};
use crate::testing::{contributor_key, eventually, spec};

#[tokio::test]
async fn names_that_look_alike_are_enrolled_once() {
    let bench = Bench::new(3, 1).await;
    let enrol = async |name: &str, byte| {
        let body = serde_json::to_vec(&bench.cluster.enrolment(name, &contributor_key(byte))).unwrap();
        bench.send("POST", "/v1/contributors", "application/json", body).await
    };
    assert_eq!(enrol("paul", 1).await.0, StatusCode::CREATED);
    assert_eq!(enrol("paul", 1).await.0, StatusCode::OK);
    let (status, body) = enrol("p\u{430}ul", 2).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "enrolment_conflict"));
    assert!(String::from_utf8(body).unwrap().contains("looks like `paul`"));
    // No name at all: a joiner, a blank at the end, a letter in two parts.
    for name in ["pa\u{200d}ul", "paul ", "pau\u{308}l", "\u{feff}paul"] {
        let (status, body) = enrol(name, 2).await;
        assert_eq!(
            (status, kind(&body).as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request"),
            "{name:?}"
        );
    }
    assert_eq!(enrol("p\u{fc}l", 2).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn the_same_bytes_have_the_same_receipt() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let key = contributor_key(1);
    let submission = bench.cluster.submission(&job, "ada", &key, &[0, 1]);
    let (status, body) = bench.submit(&submission).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::FORBIDDEN, "not_enrolled"));
    bench.enrol("ada", &key).await;

    let (status, first) = bench.submit(&submission).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, again) = bench.submit(&submission).await;
    assert_eq!((status, &again), (StatusCode::OK, &first));
    let receipt: Receipt = serde_json::from_slice(&first).unwrap();
    let said = receipt
        .verify(Purpose::Receipt, &bench.cluster.cluster.file().coordinator.identity)
        .unwrap();
    assert_eq!((said.sequence, said.answers, said.digest), (0, 2, submission.header.value.digest()));

    // Another submission under the same id.
    let mut other = submission.clone();
    other.envelopes[0][0] ^= 1;
    let (status, body) = bench.submit(&other).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "submission_conflict"));

    let bench = bench.again().await;
    let (status, again) = bench.submit(&submission).await;
    assert_eq!((status, &again), (StatusCode::OK, &first));
    bench.close(&job).await;
    assert_eq!(bench.submit(&submission).await.0, StatusCode::OK);
    let late = bench.cluster.submission(&job, "ada", &key, &[0]);
    let (status, body) = bench.submit(&late).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "job_closed"));
    bench.wait_for(&job, JobState::Published).await;
    let (status, body) = bench.submit(&late).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "job_closed"));
    let statement = &submission.header.value.statement;
    let (_, body) = bench.get(&format!("/v1/jobs/signs/submissions/{}", statement.id)).await;
    let status: SubmissionStatus = serde_json::from_slice(&body).unwrap();
    let outcome = status.outcome.unwrap();
    assert_eq!((outcome.accepted, outcome.rejected), (2, Vec::new()));
    assert_eq!(status.receipt, receipt);
}

#[tokio::test]
async fn what_nodes_cannot_open_closes_no_job_and_is_told_to_its_contributor() {
    let bench = Bench::new(3, 1).await;
    bench.cluster.nodes.iter().for_each(|node| node.cannot_open("stranger"));
    let job = bench.open("signs", spec(2)).await;
    let mut ids = Vec::new();
    let mut send = async |bench: &Bench, name: &str, byte: u8| {
        let key = contributor_key(byte);
        bench.enrol(name, &key).await;
        let submission = bench.cluster.submission(&job, name, &key, &[0, 1]);
        assert_eq!(bench.submit(&submission).await.0, StatusCode::CREATED);
        ids.push(submission.header.value.statement.id);
    };
    send(&bench, "stranger", 1).await;
    send(&bench, "ada", 2).await;
    bench.wait_for_deliveries(&job, 2).await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let status = bench.status(&job).await;
    assert_eq!((status.state, status.delivered, status.answers), (JobState::Open, 2, 4));

    // Submissions that were refused before a restart stay refused.
    let bench = bench.again().await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    assert_eq!(bench.status(&job).await.state, JobState::Open);
    send(&bench, "bob", 3).await;
    bench.wait_for(&job, JobState::Published).await;

    let mut outcomes = Vec::new();
    for id in ids {
        let (_, body) = bench.get(&format!("/v1/jobs/signs/submissions/{id}")).await;
        outcomes.push(serde_json::from_slice::<SubmissionStatus>(&body).unwrap().outcome.unwrap());
    }
    let unsealable = |item: &str| RejectedAnswer {
        item: item.to_owned(),
        reason: RejectReason::Unsealable,
    };
    assert_eq!((outcomes[0].accepted, outcomes[1].accepted, outcomes[2].accepted), (0, 2, 2));
    assert_eq!(outcomes[0].rejected, [unsealable("item-0"), unsealable("item-1")]);
    let metrics = String::from_utf8(
        bench
            .app
            .metrics
            .text(&bench.app.active_jobs, &bench.app.nodes, &bench.app.store, &bench.app.connections)
            .await
            .unwrap(),
    )
    .unwrap();
    for line in [
        "tacit_coordinator_answers_total{outcome=\"accepted\"} 4",
        "tacit_coordinator_answers_total{outcome=\"unsealable\"} 2",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn an_ended_job_is_forgotten_by_the_nodes_and_its_envelopes_are_dropped() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let key = contributor_key(1);
    bench.enrol("ada", &key).await;
    let submission = bench.cluster.submission(&job, "ada", &key, &[0, 1]);
    let (_, receipt) = bench.submit(&submission).await;
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    eventually("the job is erased", async || {
        let kept = bench.app.store.pending(job.id(), 0, 0, 9, 1 << 20).await.unwrap();
        kept.is_empty() && bench.cluster.nodes.iter().all(|node| !node.knows(job.id()))
    })
    .await;
    let bench = bench.again().await;
    assert!(bench.cluster.nodes.iter().all(|node| !node.knows(job.id())));
    assert_eq!(bench.app.store.pending(job.id(), 0, 0, 9, 1 << 20).await.unwrap(), []);
    assert_eq!(bench.submit(&submission).await, (StatusCode::OK, receipt));
    let status = bench.status(&job).await;
    assert_eq!((status.state, status.delivered), (JobState::Published, 1));
    assert_eq!(bench.get("/v1/jobs/signs/certificate").await.0, StatusCode::OK);
}

#[tokio::test]
async fn nobody_sends_more_than_two_answers_to_every_item() {
    let bench = Bench::new(3, 1).await;
    let job = bench
        .open(
            "signs",
            JobSpec {
                answers_per_item: 9,
                ..spec(2)
            },
        )
        .await;
    let key = contributor_key(1);
    bench.enrol("ada", &key).await;
    for _ in 0..2 {
        let submission = bench.cluster.submission(&job, "ada", &key, &[0, 1]);
        assert_eq!(bench.submit(&submission).await.0, StatusCode::CREATED);
    }
    let more = bench.cluster.submission(&job, "ada", &key, &[0]);
    let request = upload(&more, unfinished(&encode(&more.header)));
    let (status, body) = bench.request(request).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::TOO_MANY_REQUESTS, "contributor_quota"));
    // The same after a restart, and for nobody else.
    let bench = bench.again().await;
    assert_eq!(bench.submit(&more).await.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(bench.status(&job).await.submissions, 2);
    bench.enrol("bob", &contributor_key(2)).await;
    let other = bench.cluster.submission(&job, "bob", &contributor_key(2), &[0]);
    assert_eq!(bench.submit(&other).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn what_never_counts_takes_no_room_from_others() {
    let bench = Bench::new(3, 1).await;
    bench.cluster.nodes.iter().for_each(|node| node.cannot_open("stranger"));
    let job = bench.open("signs", spec(2)).await;
    let key = contributor_key(1);
    bench.enrol("stranger", &key).await;
    let garbage = bench.cluster.submission(&job, "stranger", &key, &[0, 1]);
    assert_eq!(bench.submit(&garbage).await.0, StatusCode::CREATED);
    let active = bench.app.active_jobs.get(job.id()).unwrap();
    eventually("all nodes have refused it", async || active.taking_room(2) == 0).await;
    // The same after a restart.
    drop(active);
    let bench = bench.again().await;
    let active = bench.app.active_jobs.get(job.id()).unwrap();
    assert_eq!(active.taking_room(2), 0);
    let taken = async |submission: &Submission| {
        let standing = bench.app.store.standing(&submission.header.value.statement).await.unwrap().unwrap();
        (active.taking_room(standing.in_job), standing.by_subject.answers)
    };
    assert_eq!(taken(&garbage).await, (0, 2), "the stranger's own quota stays used");
    bench.enrol("ada", &contributor_key(2)).await;
    let good = bench.cluster.submission(&job, "ada", &contributor_key(2), &[0, 1]);
    assert_eq!(bench.submit(&good).await.0, StatusCode::CREATED);
    assert_eq!(taken(&good).await, (2, 2));
    for again in 0..2 {
        assert_eq!(bench.withdraw(&good, &contributor_key(2)).await, StatusCode::OK, "{again}");
        assert_eq!(taken(&good).await, (0, 2), "nor what is withdrawn");
    }
    // Garbage that is withdrawn is given back once.
    assert_eq!(bench.withdraw(&garbage, &key).await, StatusCode::OK);
    let other = bench.cluster.submission(&job, "ada", &contributor_key(2), &[0]);
    assert_eq!(bench.submit(&other).await.0, StatusCode::CREATED);
    assert_eq!(taken(&other).await, (1, 3));
}

#[tokio::test]
async fn what_is_withdrawn_is_in_no_file_of_the_store() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let key = contributor_key(1);
    bench.enrol("ada", &key).await;
    let submission = bench.cluster.submission(&job, "ada", &key, &[0, 1]);
    assert_eq!(bench.submit(&submission).await.0, StatusCode::CREATED);
    let found = || {
        let files = std::fs::read_dir(bench.folder.path()).unwrap();
        let bytes: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        let is_in = |envelope: &Vec<u8>| {
            bytes
                .iter()
                .any(|file| file.windows(envelope.len()).any(|window| window == envelope))
        };
        submission.envelopes.iter().filter(|envelope| is_in(envelope)).count()
    };
    assert_eq!(found(), 3, "this search finds envelopes that are stored");
    assert_eq!(bench.withdraw(&submission, &key).await, StatusCode::OK);
    assert_eq!(found(), 0);
}

#[tokio::test]
async fn what_cannot_count_is_refused_with_its_reason() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let other = bench.open("other", spec(3)).await;
    let key = contributor_key(1);
    bench.enrol("ada", &key).await;
    let good = bench.cluster.submission(&job, "ada", &key, &[0, 1]);
    let id = good.header.value.statement.id;

    let mut forged = good.clone();
    forged.header.value.statement.items = vec![0];
    let mut altered = good.clone();
    altered.envelopes[2][5] ^= 1;
    let mut short = good.clone();
    short.envelopes.pop();
    let elsewhere = bench.cluster.submission(&other, "ada", &key, &[0]);
    for (submission, reason) in [
        (&forged, "bad_signature"),
        (&altered, "digest_mismatch"),
        (&short, "digest_mismatch"),
        (&elsewhere, "wrong_job"),
    ] {
        let path = format!("/v1/jobs/signs/submissions/{}", submission.header.value.statement.id);
        let (status, body) = bench.send("PUT", &path, SUBMISSION_TYPE, encode(submission)).await;
        assert_eq!(
            (status, kind(&body).as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "submission_rejected")
        );
        assert!(String::from_utf8(body).unwrap().contains(reason), "{reason}");
    }
    let (status, body) = bench
        .send(
            "PUT",
            &format!("/v1/jobs/signs/submissions/{}", "11".repeat(16)),
            SUBMISSION_TYPE,
            encode(&good),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(String::from_utf8(body).unwrap().contains("malformed"));

    let stranger = bench.cluster.submission(&job, "ada", &contributor_key(2), &[0]);
    let (status, body) = bench.submit(&stranger).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::FORBIDDEN, "not_enrolled"));
    assert_eq!(bench.status(&job).await.submissions, 0);
    assert_eq!(
        bench.get(&format!("/v1/jobs/signs/submissions/{id}")).await.0,
        StatusCode::NOT_FOUND
    );
}
