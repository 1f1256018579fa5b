use axum::http::StatusCode;
use tacit_protocol::api::{JobState, Receipt};
use tacit_protocol::control::Refusal;
use tacit_protocol::identity::Purpose;

use super::{Bench, kind};
use crate::testing::{contributor_key, gold_spec};

#[tokio::test]
async fn gold_is_taken_once_and_of_its_key_only() {
    let bench = Bench::new(3, 1).await;
    let key = contributor_key(99);
    let job = bench.open("signs", gold_spec(2, &key)).await;
    let gold = bench.cluster.gold(&job, &key);
    let (status, body) = bench.submit(&gold).await;
    assert_eq!(status, StatusCode::CREATED, "nobody enrols for gold");
    let receipt: Receipt = serde_json::from_slice(&body).unwrap();
    receipt.verify(Purpose::Receipt, &bench.app.key.public()).unwrap();
    assert_eq!(bench.submit(&gold).await, (StatusCode::OK, body));
    let (status, body) = bench.submit(&bench.cluster.gold(&job, &key)).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "submission_conflict"));
    let status = bench.status(&job).await;
    assert_eq!((status.submissions, status.answers), (1, 0), "gold is nobody's answer");

    // A contributor uses the role of the buyer.
    let mut forged = bench.cluster.gold(&job, &key);
    forged.header.value.statement.key = contributor_key(1).public();
    let (status, body) = bench.submit(&forged).await;
    assert_eq!(
        (status, kind(&body).as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "submission_rejected")
    );
}

#[tokio::test]
async fn a_job_with_gold_waits_for_it() {
    let bench = Bench::new(3, 1).await;
    let key = contributor_key(99);
    let job = bench.open("signs", gold_spec(2, &key)).await;
    bench.answers(&job, 1, &[0, 1]).await;
    bench.answers(&job, 2, &[0, 1]).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(bench.status(&job).await.state, JobState::Open);
    let bench = bench.again().await;
    assert_eq!(bench.submit(&bench.cluster.gold(&job, &key)).await.0, StatusCode::CREATED);
    let status = bench.wait_for(&job, JobState::Published).await;
    assert_eq!((status.submissions, status.answers, status.delivered), (3, 4, 3));
    let (_, result) = bench.get("/v1/jobs/signs/result").await;
    let result: serde_json::Value = serde_json::from_slice(&result).unwrap();
    assert_eq!((&result["job"]["answers"], &result["job"]["contributors"]), (&4.into(), &2.into()));
    assert_eq!(result["contributors"][0]["gold"], 0.0);
}

#[tokio::test]
async fn gold_that_cannot_be_used_ends_the_job_when_more_nodes_say_so_than_may_be_corrupt() {
    let bench = Bench::new(3, 1).await;
    let refusal = || Refusal::Gold("the buyer's gold answers are malformed".to_owned());
    let key = contributor_key(99);
    let job = bench.open("signs", gold_spec(2, &key)).await;
    bench.submit(&bench.cluster.gold(&job, &key)).await;
    bench.cluster.nodes[1].refuse("compute", refusal());
    bench.close(&job).await;
    assert_eq!(bench.wait_for(&job, JobState::Published).await.attempt, 2, "one node may lie");

    let job = bench.open("more", gold_spec(2, &key)).await;
    bench.submit(&bench.cluster.gold(&job, &key)).await;
    bench.cluster.nodes[0].refuse("compute", refusal());
    bench.cluster.nodes[1].refuse("compute", refusal());
    bench.close(&job).await;
    let status = bench.wait_for(&job, JobState::Failed).await;
    assert_eq!(
        (status.attempt, status.reason.unwrap().as_str()),
        (1, "the buyer's gold answers are malformed")
    );
}
