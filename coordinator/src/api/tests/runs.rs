use std::time::Duration;

use axum::http::StatusCode;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::api::{JobState, JobStatus};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::control::Refusal;
use tacit_protocol::job::Job;
use tacit_protocol::phase::Phase;

use super::Bench;
use crate::testing::{eventually, spec};

/// Uploads submissions of these contributors, each with answers to both items.
async fn submissions(bench: &Bench, job: &Job, contributors: &[u8]) {
    for byte in contributors {
        bench.answers(job, *byte, &[0, 1]).await;
    }
}

async fn certificate(bench: &Bench, job: &Job) -> Certificate {
    let (status, body) = bench.get(&format!("/v1/jobs/{}/certificate", job.id())).await;
    assert_eq!(status, StatusCode::OK);
    let certificate = Certificate::from_json(&body).unwrap();
    certificate.verify(&bench.cluster.cluster).unwrap();
    certificate
}

#[tokio::test]
async fn a_full_job_closes_computes_and_is_published() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1, 2]).await;
    let status = bench.wait_for(&job, JobState::Published).await;
    assert_eq!((status.attempt, status.submissions, status.answers, status.delivered), (1, 2, 4, 2));
    assert_eq!(certificate(&bench, &job).await.facts.answers, 4);
    let (_, result) = bench.get("/v1/jobs/signs/result").await;
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&result).unwrap()["job"]["answers"], 4);
    let (_, payouts) = bench.get("/v1/jobs/signs/payouts").await;
    assert!(payouts.starts_with(b"contributor,key,pay,"));

    let (status, body) = bench.cancel(&job).await;
    assert_eq!((status, super::kind(&body).as_str()), (StatusCode::CONFLICT, "job_ended"));
    let bench = bench.again().await;
    assert_eq!(bench.get("/v1/jobs/signs/result").await.1, result);
    assert!(bench.cluster.nodes.iter().all(|node| node.computations() == 1));
}

#[tokio::test]
async fn an_empty_job_is_published_too() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    bench.close(&job).await;
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    assert_eq!(certificate(&bench, &job).await.facts.answers, 0);
}

#[tokio::test]
async fn a_job_goes_on_after_the_process_has_ended() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    let bench = bench.again().await;
    // Answers from before the restart count towards a full job.
    submissions(&bench, &job, &[2]).await;
    bench.wait_for(&job, JobState::Published).await;
    assert_eq!(certificate(&bench, &job).await.facts.answers, 4);
}

#[tokio::test]
async fn a_computation_that_was_cut_off_is_tried_afresh() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    bench.cluster.nodes[0].set_up(false);
    tokio::time::sleep(Duration::from_millis(50)).await;
    bench.close(&job).await;
    let waiting = bench.wait_for(&job, JobState::Closing).await;
    assert_eq!(waiting.waiting_on.iter().map(|w| w.node.as_str()).collect::<Vec<_>>(), ["node-0"]);
    assert_eq!(bench.app.store.begin_attempt(job.id()).await.unwrap(), Some(1));
    let bench = bench.again().await;
    bench.cluster.nodes[0].set_up(true);
    assert_eq!(bench.wait_for(&job, JobState::Published).await.attempt, 2);
}

#[tokio::test]
async fn failed_computations_are_repeated_and_at_last_told() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    let refusal = Refusal::Session {
        phase: Some(Phase::Keys),
        suspects: [2].into_iter().collect(),
        transient: false,
        message: "node-2 sent other bytes".to_owned(),
    };
    bench.cluster.nodes[1].refuse("compute", refusal.clone());
    bench.close(&job).await;
    assert_eq!(bench.wait_for(&job, JobState::Published).await.attempt, 2);

    let job = bench.open("more", spec(2)).await;
    bench.cluster.nodes[1].refuse("compute", refusal.clone());
    bench.cluster.nodes[1].refuse("compute", refusal);
    bench.close(&job).await;
    let reason = bench.wait_for(&job, JobState::Failed).await.reason.unwrap();
    assert!(
        reason.contains("node `node-1` in phase keys: node-2 sent other bytes (it suspects `node-2`)"),
        "{reason}"
    );
}

#[tokio::test]
async fn full_disks_and_restarts_cost_a_job_nothing_but_time() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    let full = Refusal::Storage("its disk is full".to_owned());
    let lost = Refusal::Session {
        phase: Some(Phase::Verify),
        suspects: [1].into_iter().collect(),
        transient: true,
        message: "the connection to node 1 was lost".to_owned(),
    };
    // More often than `max_attempts` would allow for deviations.
    bench.cluster.nodes[1].refuse("compute", full);
    bench.cluster.nodes[1].refuse("compute", Refusal::ShuttingDown);
    bench.cluster.nodes[2].refuse("compute", lost);
    bench.close(&job).await;
    let waiting = async || bench.status(&job).await.waiting_on;
    eventually("an operator is needed", async || {
        waiting().await.iter().any(|one| one.needs_operator)
    })
    .await;
    let waiting = waiting().await;
    let named = waiting.iter().find(|one| one.node == "node-1").unwrap();
    assert!(named.needs_operator && named.reason.contains("its disk is full"), "{waiting:?}");
    bench.cluster.nodes[1].set_up(false);
    tokio::time::sleep(Duration::from_millis(50)).await;
    bench.cluster.nodes[1].forget_everything();
    bench.cluster.nodes[1].set_up(true);
    let published = bench.wait_for(&job, JobState::Published).await;
    assert!(published.attempt > 2, "{published:?}");
    assert_eq!(bench.app.store.job(job.id()).await.unwrap().unwrap().failures, 0);
}

#[tokio::test]
async fn some_refusals_are_final() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    bench.cluster.nodes[1].refuse("compute", Refusal::ReleasedBefore(job.id().clone()));
    bench.close(&job).await;
    assert_eq!(bench.wait_for(&job, JobState::Failed).await.attempt, 1);
}

#[tokio::test]
async fn nodes_that_disagree_are_named_and_nothing_is_published() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    bench.cluster.nodes[2].lie();
    bench.close(&job).await;
    let reason = bench.wait_for(&job, JobState::Failed).await.reason.unwrap();
    assert!(reason.contains("node-0") && reason.contains("node-2"), "{reason}");
    assert_eq!(bench.get("/v1/jobs/signs/certificate").await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_node_whose_outputs_fit_nobodys_is_left_out() {
    let bench = Bench::new(4, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    bench.cluster.nodes[2].lie();
    bench.close(&job).await;
    assert_eq!(bench.wait_for(&job, JobState::Published).await.attempt, 2);
    let others: NodeSet = [0, 1, 3].into_iter().collect();
    assert_eq!(certificate(&bench, &job).await.subject.participants, others);
}

#[tokio::test]
async fn a_node_that_is_away_is_left_out_and_catches_up_when_it_is_back() {
    let bench = Bench::new(4, 1).await;
    bench.cluster.nodes[1].set_up(false);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    let three: NodeSet = [0, 2, 3].into_iter().collect();
    assert_eq!(certificate(&bench, &job).await.subject.participants, three);

    let job = bench.open("more", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    bench.cluster.nodes[1].set_up(true);
    bench.wait_for_deliveries(&job, 1).await;
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    assert_eq!(certificate(&bench, &job).await.subject.participants, NodeSet::all(4));
}

#[tokio::test]
async fn a_node_that_lost_its_store_gets_everything_again() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    submissions(&bench, &job, &[1]).await;
    bench.wait_for_deliveries(&job, 1).await;
    let node = &bench.cluster.nodes[0];
    assert!(node.knows(job.id()));
    assert_eq!(node.deliveries(), 1);
    node.forget_everything();
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    assert_eq!(certificate(&bench, &job).await.facts.answers, 2);
    assert_eq!(node.deliveries(), 2);
}

#[tokio::test]
async fn a_full_node_is_named_and_needs_an_operator() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    for _ in 0..3 {
        bench.cluster.nodes[1].refuse("deliver", Refusal::Storage("its disk is full".to_owned()));
    }
    submissions(&bench, &job, &[1]).await;
    bench.close(&job).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let status = bench.status(&job).await;
    assert_eq!(status.state, JobState::Closing);
    let waiting = &status.waiting_on[0];
    assert_eq!((waiting.node.as_str(), waiting.needs_operator), ("node-1", true), "{waiting:?}");
    assert!(waiting.reason.contains("its disk is full"));
    assert_eq!(bench.wait_for(&job, JobState::Published).await.waiting_on, []);
}

#[tokio::test]
async fn events_follow_a_job_to_its_end() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let watched = bench.get("/v1/jobs/signs/events");
    let closing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.close(&job).await;
    };
    let ((status, body), ()) = tokio::join!(watched, closing);
    assert_eq!(status, StatusCode::OK);
    let text = String::from_utf8(body).unwrap();
    let events: Vec<JobStatus> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(events.first().unwrap().state, JobState::Open);
    assert_eq!(events.last().unwrap().state, JobState::Published);
}
