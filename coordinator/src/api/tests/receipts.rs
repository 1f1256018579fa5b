//! What the nodes certify to contributors: each gets its own records, once the job is published. A node that signs another root is found.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use tacit_protocol::api::{ContributorReceipts, JobState};
use tacit_protocol::certificate::Certificate;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, PayRule, Payout};
use tacit_protocol::question::Release;
use tacit_protocol::receipt::{ContributorRecord, Record};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Submission;

use super::{Bench, kind};
use crate::testing::{contributor_key, spec};

const PATH: &str = "/v1/jobs/signs/receipts";

impl Bench {
    /// The request of a key, signed for this path.
    async fn receipts_signed_for(&self, key: &SecretKey, path: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::builder()
            .uri(PATH)
            .header(header::AUTHORIZATION, self.signed_get(key, path))
            .body(Body::empty())
            .unwrap();
        self.request(request).await
    }

    async fn receipts(&self, key: &SecretKey) -> ContributorReceipts {
        let (status, body) = self.receipts_signed_for(key, PATH).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }
}

/// A job of two items with two answers each, paid by agreement.
async fn paid(bench: &Bench) -> Job {
    let mut spec = spec(2);
    spec.release = [Release::Payouts].into();
    spec.payout = Some(Payout {
        rule: PayRule::PeerAgreement,
        currency: "EUR".to_owned(),
        base_per_item: 10,
        bonus_per_item: 10,
        budget: 1000,
    });
    bench.open("signs", spec).await
}

fn contributor(receipts: &ContributorReceipts) -> &ContributorRecord {
    let records = &receipts.certified.as_ref().unwrap().records;
    let found = records.iter().find_map(|proof| match &proof.record {
        Record::Contributor(one) => Some(one),
        Record::Submission(_) => None,
    });
    found.unwrap()
}

#[tokio::test]
async fn each_key_gets_its_own_records_and_no_other() {
    let bench = Bench::new(3, 1).await;
    bench.cluster.nodes.iter().for_each(|node| node.cannot_open("contributor-3"));
    let job = paid(&bench).await;
    let first = bench.answers(&job, 1, &[0, 1]).await;
    let refused = bench.answers(&job, 3, &[1]).await;
    bench.answers(&job, 2, &[0]).await;
    let again = bench.answers(&job, 1, &[0]).await;
    let waiting = bench.receipts(&contributor_key(1)).await;
    assert_eq!((waiting.state, waiting.certified), (JobState::Open, None));
    bench.close(&job).await;
    bench.wait_for(&job, JobState::Published).await;

    let digest = |submission: &Submission| submission.header.value.digest();
    let receipts = bench.receipts(&contributor_key(1)).await;
    let certified = receipts.certified.as_ref().unwrap();
    certified.root.verify(&bench.app.cluster).unwrap();
    assert_eq!(certified.root.statement.job, job.digest());
    assert!(
        certified
            .records
            .iter()
            .all(|proof| proof.is_under(&certified.root.statement.records))
    );
    let record = contributor(&receipts);
    assert_eq!(record.facts.key, contributor_key(1).public());
    let digests: Vec<_> = record.submissions.iter().map(|one| (one.digest, one.counted)).collect();
    assert_eq!(digests, [(digest(&first), 2), (digest(&again), 0)]);
    assert_eq!(record.submissions[1].left_out[0].reason, RejectReason::DuplicateAnswer);
    assert!(record.pay.unwrap() >= 20);

    // The refused submission stands alone, and its sender gets it.
    let refused_receipts = bench.receipts(&contributor_key(3)).await;
    let [proof] = &refused_receipts.certified.as_ref().unwrap().records[..] else {
        panic!("{refused_receipts:?}");
    };
    let Record::Submission(alone) = &proof.record else {
        panic!("{proof:?}")
    };
    assert_eq!((alone.digest, alone.counted), (digest(&refused), 0));
    assert_eq!(alone.left_out[0].reason, RejectReason::Unsealable);

    // Who has sent nothing has no receipts; a stranger does not even learn that there is such a job.
    bench.enrol("onlooker", &contributor_key(8)).await;
    for (byte, due) in [(8, "unknown_submission"), (9, "unknown_job")] {
        let (status, body) = bench.receipts_signed_for(&contributor_key(byte), PATH).await;
        assert_eq!((status, kind(&body).as_str()), (StatusCode::NOT_FOUND, due));
    }
    // A buyer's token, or a signature for something else, is nobody's key.
    let (status, body) = bench.get(PATH).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"));
    let (status, body) = bench.receipts_signed_for(&contributor_key(1), "/v1/jobs/signs").await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::UNAUTHORIZED, "unauthorized"));

    let bench = bench.again().await;
    assert_eq!(bench.receipts(&contributor_key(1)).await, receipts);
}

#[tokio::test]
async fn a_node_that_signs_another_root_is_left_out() {
    let bench = Bench::new(4, 1).await;
    bench.cluster.nodes[0].sign_other_records();
    let job = paid(&bench).await;
    bench.answers(&job, 1, &[0, 1]).await;
    bench.answers(&job, 2, &[0, 1]).await;
    bench.close(&job).await;
    let status = bench.wait_for(&job, JobState::Published).await;
    assert_eq!(status.attempt, 2);
    let (_, body) = bench.get("/v1/jobs/signs/certificate").await;
    let certificate = Certificate::from_json(&body).unwrap();
    assert_eq!(certificate.subject.participants.iter().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(certificate.records.contributors, 2);
}
