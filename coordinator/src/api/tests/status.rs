//! What the status of a job says of time and progress, and to whom; and what a contributor is told of what it has sent.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tacit_program::unix_time;
use tacit_protocol::api::{ContributorReceipts, JobList, JobState, JobStatus, SubmissionStatus};
use tacit_protocol::fixtures::buyer_key;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;

use super::{Bench, kind};
use crate::testing::{contributor_key, eventually, gold_spec, spec};

impl Bench {
    /// What a key gets from this path.
    async fn get_signed(&self, key: &SecretKey, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::builder()
            .uri(path)
            .header(header::AUTHORIZATION, self.signed_get(key, path))
            .body(Body::empty())
            .unwrap();
        self.request(request).await
    }

    async fn sent(&self, key: &SecretKey) -> ContributorReceipts {
        let (status, body) = self.get_signed(key, "/v1/jobs/signs/receipts").await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    /// The number of complete items and of contributors, as the buyer sees them.
    async fn progress(&self, job: &Job) -> (Option<u64>, Option<u64>) {
        let status = self.status(job).await;
        (status.complete_items, status.contributors)
    }
}

#[tokio::test]
async fn a_buyer_sees_complete_items_contributors_and_times() {
    let bench = Bench::new(3, 1).await;
    let (began, gold) = (unix_time(), contributor_key(99));
    let job = bench.open("signs", gold_spec(3, &gold)).await;
    assert_eq!(bench.progress(&job).await, (Some(0), Some(0)));
    bench.submit(&bench.cluster.gold(&job, &gold)).await;
    bench.answers(&job, 1, &[0]).await;
    let again = bench.answers(&job, 1, &[1]).await;
    let third = bench.answers(&job, 3, &[1]).await;
    bench.answers(&job, 2, &[0]).await;
    bench.wait_for_deliveries(&job, 5).await;
    assert_eq!(bench.progress(&job).await, (Some(2), Some(3)), "gold is nobody's answer");
    // One has taken back all it has sent, the other not.
    assert_eq!(bench.withdraw(&third, &contributor_key(3)).await, StatusCode::OK);
    assert_eq!(bench.progress(&job).await, (Some(1), Some(2)));
    assert_eq!(bench.withdraw(&again, &contributor_key(1)).await, StatusCode::OK);
    assert_eq!(bench.progress(&job).await, (Some(1), Some(2)));
    let open = bench.status(&job).await;
    assert!((began..=unix_time()).contains(&open.created_at), "{open:?}");
    assert_eq!((open.closed_at, open.published_at), (None, None));

    let bench = bench.again().await;
    bench.wait_for_deliveries(&job, 5).await;
    assert_eq!(bench.progress(&job).await, (Some(1), Some(2)));
    bench.close(&job).await;
    let published = bench.wait_for(&job, JobState::Published).await;
    assert_eq!((published.complete_items, published.contributors), (Some(1), Some(2)));
    let (closed, published) = (published.closed_at.unwrap(), published.published_at.unwrap());
    assert!(open.created_at <= closed && closed <= published && published <= unix_time());
    let bench = bench.again().await;
    let later = bench.status(&job).await;
    assert_eq!((later.closed_at, later.published_at), (Some(closed), Some(published)));
    assert_eq!((later.complete_items, later.contributors), (Some(1), Some(2)));
}

#[tokio::test]
async fn a_job_that_waits_for_nodes_keeps_its_complete_items_over_a_restart() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    bench.answers(&job, 1, &[0]).await;
    bench.answers(&job, 2, &[0]).await;
    bench.wait_for_deliveries(&job, 2).await;
    bench.cluster.nodes[0].set_up(false);
    bench.cluster.nodes[1].set_up(false);
    bench.close(&job).await;
    let bench = bench.again().await;
    assert_eq!(bench.progress(&job).await, (Some(1), Some(2)));
}

#[tokio::test]
async fn nobody_but_the_buyer_sees_how_many_contributors_a_job_has() {
    let bench = Bench::new(3, 1).await;
    let mut spec = spec(2);
    spec.public = true;
    let job = bench.open("signs", spec).await;
    bench.answers(&job, 1, &[0, 1]).await;
    let path = "/v1/jobs/signs";
    let nobody = Request::builder().uri(path).body(Body::empty()).unwrap();
    for (who, body) in [
        ("nobody", bench.request(nobody).await.1),
        ("a contributor", bench.get_signed(&contributor_key(1), path).await.1),
    ] {
        let text = String::from_utf8(body).unwrap();
        assert!(!text.contains("contributors") && !text.contains("complete_items"), "{who}: {text}");
        let status: JobStatus = serde_json::from_str(&text).unwrap();
        assert_eq!((status.submissions, status.complete_items, status.contributors), (1, None, None));
    }
    let (_, body) = bench.get_signed(&buyer_key(), path).await;
    let status: JobStatus = serde_json::from_slice(&body).unwrap();
    assert_eq!(status.contributors, Some(1), "by key");
    let (_, body) = bench.get("/v1/jobs").await;
    let list: JobList = serde_json::from_slice(&body).unwrap();
    assert_eq!(list.jobs[0].contributors, Some(1), "in the list");
    // Events end when the job does.
    bench.cancel(&job).await;
    let nobody = Request::builder().uri("/v1/jobs/signs/events").body(Body::empty()).unwrap();
    for (events, due) in [
        (bench.request(nobody).await.1, false),
        (bench.get("/v1/jobs/signs/events").await.1, true),
    ] {
        let text = String::from_utf8(events).unwrap();
        assert_eq!(text.contains("contributors"), due, "{text}");
    }
}

#[tokio::test]
async fn an_id_whose_job_has_ended_without_a_result_is_used_up() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    bench.cancel(&job).await;
    let status = bench.status(&job).await;
    assert_eq!((status.complete_items, status.published_at), (None, None));
    assert!(status.closed_at.is_some());
    let failed = bench.open("other", spec(1)).await;
    bench.app.store.fail_job(failed.id(), "no reason".to_owned()).await.unwrap();
    for (job, items, state) in [(&job, 2, "cancelled"), (&failed, 1, "failed")] {
        let (status, body) = bench.put_job(job.id(), &spec(items)).await;
        assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "job_conflict"));
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(state) && text.contains("another id"), "{text}");
    }
    // A job with a result can be put again: whoever repeats the request gets it.
    let done = bench.open("done", spec(1)).await;
    bench.close(&done).await;
    bench.wait_for(&done, JobState::Published).await;
    assert_eq!(bench.put_job(done.id(), &spec(1)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_key_is_told_what_it_has_sent_before_the_job_is_published() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(3)).await;
    let (first, second) = (contributor_key(1), contributor_key(2));
    bench.enrol("contributor-1", &first).await;
    assert!(bench.sent(&first).await.submissions.is_empty());
    let one = bench.answers(&job, 1, &[0, 2]).await;
    let other = bench.answers(&job, 2, &[0]).await;
    let two = bench.answers(&job, 1, &[1]).await;
    let sent = bench.sent(&first).await;
    assert_eq!((sent.state, &sent.certified), (JobState::Open, &None));
    let of_first: Vec<_> = sent
        .submissions
        .iter()
        .map(|one| (one.receipt.value.submission, one.header.value.statement.items.clone()))
        .collect();
    let ids = [&one, &two].map(|submission| submission.header.value.statement.id);
    assert_eq!(of_first, [(ids[0], vec![0, 2]), (ids[1], vec![1])]);
    // Each is the receipt that was given at upload.
    let (_, body) = bench.get(&format!("/v1/jobs/signs/submissions/{}", ids[0])).await;
    let status: SubmissionStatus = serde_json::from_slice(&body).unwrap();
    assert_eq!(sent.submissions[0].receipt, status.receipt);
    let sent = bench.sent(&second).await;
    assert_eq!(sent.submissions.len(), 1);
    assert_eq!(sent.submissions[0].receipt.value.digest, other.header.value.digest());

    // What was taken back is not there any more.
    bench.withdraw(&one, &first).await;
    let sent = bench.sent(&first).await;
    assert_eq!(
        sent.submissions
            .iter()
            .map(|one| one.header.value.statement.items.clone())
            .collect::<Vec<_>>(),
        [[1]]
    );
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;
    eventually("the records are there", async || bench.sent(&first).await.certified.is_some()).await;
    assert_eq!(bench.sent(&first).await.submissions, sent.submissions);
}
