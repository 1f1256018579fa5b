//! Submissions that nodes know to be withdrawn and the coordinator does not: it was restored from a backup.

use axum::http::StatusCode;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::JobState;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::control::Refusal;
use tacit_protocol::identity::Signature;
use tacit_protocol::job::Job;
use tacit_protocol::phase::Phase;
use tacit_protocol::submission::Submission;
use tacit_protocol::withdrawal::{SignedWithdrawal, Withdrawal};

use super::Bench;
use crate::testing::{contributor_key, spec};

/// A job with the submissions of two contributors, of whom the first has withdrawn, and the signature of the withdrawal.
async fn withdrawn_from(bench: &Bench) -> (Job, Submission, Signature) {
    let job = bench.open("signs", spec(2)).await;
    let mut submissions = Vec::new();
    for byte in [1, 2] {
        let (name, key) = (format!("contributor-{byte}"), contributor_key(byte));
        bench.enrol(&name, &key).await;
        let submission = bench.cluster.submission(&job, &name, &key, &[0]);
        assert_eq!(bench.submit(&submission).await.0, StatusCode::CREATED);
        submissions.push(submission);
    }
    let mine = submissions.remove(0);
    let signature = Withdrawal::of(&mine.header.value).sign(&contributor_key(1));
    (job, mine, signature)
}

async fn counted(bench: &Bench, job: &Job) -> u64 {
    let (status, body) = bench.get(&format!("/v1/jobs/{}/certificate", job.id())).await;
    assert_eq!(status, StatusCode::OK);
    let certificate = Certificate::from_json(&body).unwrap();
    certificate.verify(&bench.cluster.cluster).unwrap();
    certificate.facts.answers
}

#[tokio::test]
async fn a_coordinator_that_has_forgotten_a_withdrawal_learns_of_it_and_publishes() {
    // With all nodes that know of it, and with one alone: the others are told.
    for knowing in [&[0, 1, 2][..], &[1]] {
        let bench = Bench::new(3, 1).await;
        let (job, mine, signature) = withdrawn_from(&bench).await;
        let digest = mine.header.value.digest();
        for node in knowing {
            bench.cluster.nodes[*node].note_withdrawn(digest, signature);
        }
        bench.close(&job).await;
        let status = bench.wait_for(&job, JobState::Published).await;
        assert_eq!((status.attempt, counted(&bench, &job).await), (2, 1), "{knowing:?}");
        assert!(bench.cluster.nodes.iter().all(|node| node.knows_withdrawn(&digest)));
        let erasures = bench.app.store.erasures(job.id(), mine.header.value.statement.id).await.unwrap();
        assert_eq!(erasures.len(), 3, "the contributor finds the receipts");
    }
}

#[tokio::test]
async fn what_nobody_has_signed_is_a_deviation_and_takes_nothing_out() {
    let bench = Bench::new(3, 1).await;
    let (job, mine, signature) = withdrawn_from(&bench).await;
    let submission = mine.header.value.digest();
    let strangers = Withdrawal::of(&mine.header.value).sign(&contributor_key(2));
    let shown = |submission, signature| Refusal::Withdrawn(vec![SignedWithdrawal { submission, signature }]);
    // Another key's signature, and one of a submission that is not listed. Two attempts are all that a job has.
    bench.cluster.nodes[1].refuse("compute", shown(submission, strangers));
    bench.cluster.nodes[1].refuse("compute", shown(Digest::of("other", &[]), signature));
    bench.close(&job).await;
    let reason = bench.wait_for(&job, JobState::Failed).await.reason.unwrap();
    assert!(reason.contains("node-1") && reason.contains("nobody has signed"), "{reason}");
    assert_eq!(bench.app.store.list(job.id()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_withdrawal_that_is_shown_after_a_release_changes_no_list() {
    let bench = Bench::new(4, 1).await;
    let (job, mine, signature) = withdrawn_from(&bench).await;
    let digest = mine.header.value.digest();
    // A node and a contributor have seen outputs of the whole list, and would like to see those of another one.
    bench.cluster.nodes[3].note_withdrawn(digest, signature);
    bench.app.active_jobs.get(job.id()).unwrap().set_phase(0, Phase::Release);
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    assert_eq!(counted(&bench, &job).await, 2, "the job goes on without the node");
    assert!(bench.cluster.nodes[..3].iter().all(|node| !node.knows_withdrawn(&digest)));
}

#[tokio::test]
async fn a_node_that_does_not_note_a_withdrawal_gets_everything_else() {
    let bench = Bench::new(3, 1).await;
    let (job, mine, _) = withdrawn_from(&bench).await;
    for _ in 0..50 {
        let (rule, detail) = ("quota".to_owned(), "no room".to_owned());
        bench.cluster.nodes[1].refuse("withdraw", Refusal::Policy { rule, detail });
    }
    assert_eq!(bench.withdraw(&mine, &contributor_key(1)).await, StatusCode::OK);
    let key = contributor_key(3);
    bench.enrol("contributor-3", &key).await;
    let later = bench.cluster.submission(&job, "contributor-3", &key, &[1]);
    assert_eq!(bench.submit(&later).await.0, StatusCode::CREATED);
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    assert_eq!(counted(&bench, &job).await, 2);
}
