use axum::http::StatusCode;
use tacit_protocol::api::Revoked;
use tacit_protocol::control::Refusal;
use tacit_protocol::credential::Revocation;
use tacit_protocol::fixtures::{issuers, revocation_of};
use tacit_protocol::job::{Job, JobSpec};

use super::{Bench, kind};
use crate::testing::{contributor_key, eventually, spec};
use tacit_http_server::Origin;

/// A job of two items for people of a pool only, of whom two of three issuers must sign.
fn invited() -> JobSpec {
    JobSpec {
        issuers: Some(issuers(2)),
        ..spec(2)
    }
}

async fn revoke(bench: &Bench, revocation: &Revocation) -> (StatusCode, Vec<u8>) {
    let body = serde_json::to_vec(revocation).unwrap();
    bench.send("POST", "/v1/issuers/revocations", "application/json", body).await
}

async fn wait_for_revoked(bench: &Bench, node: usize, due: &[u32]) {
    eventually("the node has the revocations", async || bench.cluster.nodes[node].revoked() == due).await;
}

#[tokio::test]
async fn an_invitation_takes_the_place_of_an_enrolment() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", invited()).await;
    let key = contributor_key(1);
    let good = bench.cluster.invited_submission(&job, 7, &key, &[0, 1]);
    assert_eq!(bench.submit(&good).await.0, StatusCode::CREATED);

    // Who is enrolled and not invited answers no such job.
    bench.enrol("ada", &key).await;
    let open_job = Job::clone(&bench.open("open", spec(2)).await);
    let mut without = bench.cluster.submission(&open_job, "ada", &key, &[0]);
    without.header.value.statement.job = job.id().clone();
    without.header.value.statement.job_digest = job.digest();
    let signed = tacit_protocol::identity::Signed::new(without.header.value, tacit_protocol::identity::Purpose::Submission, &key);
    without.header = signed;
    let (status, body) = bench.submit(&without).await;
    assert_eq!(
        (status, kind(&body).as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "submission_rejected")
    );
    assert!(String::from_utf8_lossy(&body).contains("bad_credential"));
}

#[tokio::test]
async fn a_revocation_stops_further_answers_and_reaches_every_node() {
    let bench = Bench::new(4, 1).await;
    let revocation = revocation_of(&issuers(2), &[7]);
    let (status, body) = revoke(&bench, &revocation).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::NOT_FOUND, "unknown_issuers"));
    bench.cluster.nodes[3].set_up(false);
    let job = bench.open("signs", invited()).await;
    let key = contributor_key(1);
    let before = bench.cluster.invited_submission(&job, 7, &key, &[0]);
    assert_eq!(bench.submit(&before).await.0, StatusCode::CREATED);

    let mut forged = revocation.clone();
    forged.serials.push(8);
    let (status, body) = revoke(&bench, &forged).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::BAD_REQUEST, "bad_signature"));
    for _ in 0..2 {
        let (status, body) = revoke(&bench, &revocation).await;
        assert_eq!(status, StatusCode::OK);
        let due = Revoked {
            pool: "crowd".to_owned(),
            numbers: 1,
        };
        assert_eq!(serde_json::from_slice::<Revoked>(&body).unwrap(), due);
    }
    let after = bench.cluster.invited_submission(&job, 7, &contributor_key(2), &[1]);
    let (status, body) = bench.submit(&after).await;
    assert_eq!(
        (status, kind(&body).as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "submission_rejected")
    );
    assert_eq!(bench.submit(&before).await.0, StatusCode::OK, "what is stored stays");
    let other = bench.cluster.invited_submission(&job, 8, &key, &[1]);
    assert_eq!(bench.submit(&other).await.0, StatusCode::CREATED);

    wait_for_revoked(&bench, 0, &[7]).await;
    wait_for_revoked(&bench, 1, &[7]).await;
    // A node that was away, or that could not store it, gets it later.
    bench.cluster.nodes[3].refuse("revoke", Refusal::Storage("full".to_owned()));
    bench.cluster.nodes[3].set_up(true);
    wait_for_revoked(&bench, 3, &[7]).await;

    let bench = bench.again().await;
    let (status, _) = bench.submit(&after).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "a restart changes nothing");
}

#[tokio::test]
async fn a_node_that_refuses_a_revocation_gets_the_job_again_and_all_answers() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", invited()).await;
    for _ in 0..50 {
        let refusal = Refusal::Malformed("no open job at this node names these issuers".to_owned());
        bench.cluster.nodes[1].refuse("revoke", refusal);
    }
    assert_eq!(revoke(&bench, &revocation_of(&issuers(2), &[7])).await.0, StatusCode::OK);
    let submission = bench.cluster.invited_submission(&job, 8, &contributor_key(1), &[0]);
    assert_eq!(bench.submit(&submission).await.0, StatusCode::CREATED);
    eventually("the node gets the answers", async || bench.cluster.nodes[1].deliveries() > 0).await;
}

#[tokio::test]
async fn who_sends_long_lists_slowly_keeps_no_issuer_from_revoking() {
    let bench = Bench::new(3, 1).await;
    let held: Vec<_> = std::iter::from_fn(|| bench.app.revocations.take(Origin::Loopback).ok()).collect();
    assert!(!held.is_empty());
    let mut numbers: Vec<u32> = (0..1000).collect();
    let (status, body) = revoke(&bench, &revocation_of(&issuers(2), &numbers)).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::NOT_FOUND, "unknown_issuers"));
    numbers.extend(1000..10_000);
    let long = revocation_of(&issuers(2), &numbers);
    let (status, body) = revoke(&bench, &long).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    drop(held);
    assert_eq!(revoke(&bench, &long).await.0, StatusCode::NOT_FOUND);
    // One address has one place.
    let address = Origin::of([192, 0, 2, 1].into());
    let held = bench.app.revocations.take(address).unwrap();
    assert!(bench.app.revocations.take(address).is_err());
    drop(held);
}

#[tokio::test]
async fn two_keys_of_one_person_fill_no_item() {
    let bench = Bench::new(3, 1).await;
    // Two answers to each item.
    let job = bench.open("signs", invited()).await;
    for byte in [1, 2] {
        let again = bench.cluster.invited_submission(&job, 7, &contributor_key(byte), &[0, 1]);
        assert_eq!(bench.submit(&again).await.0, StatusCode::CREATED);
    }
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!bench.app.active_jobs.get(job.id()).unwrap().is_full());
    let second = bench.cluster.invited_submission(&job, 8, &contributor_key(3), &[0, 1]);
    assert_eq!(bench.submit(&second).await.0, StatusCode::CREATED);
    bench.wait_for(&job, tacit_protocol::api::JobState::Published).await;
}
