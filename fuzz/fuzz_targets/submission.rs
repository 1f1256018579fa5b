//! An uploaded submission: what the coordinator and each node check before they store it. Altered headers are signed again, with the
//! key of a contributor that the fuzzer plays.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::canonical;
use tacit_fuzz::fixture::{FIXTURE, Fixture};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::codec::encode;
use tacit_protocol::fixtures::ClusterWithKeys;
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::job::Job;
use tacit_protocol::submission::{Delivery, Header, Submission};

fn examine(job: &Job, submission: &Submission) {
    let ClusterWithKeys { cluster, sealing, .. } = &FIXTURE.members;
    if Header::check(&submission.header, cluster, job).is_err() {
        return;
    }
    let _ = submission.is_complete();
    for (node, key) in sealing.iter().enumerate() {
        let Some(delivery) = submission.delivery(node) else { continue };
        assert_eq!(Delivery::decode(&encode(&delivery)).as_ref(), Ok(&delivery));
        let Ok(opened) = delivery.open(cluster, job, node, key) else {
            continue;
        };
        let elements = submission.header.value.statement.items.len() * job.terms().question.width();
        for position in 0..cluster.access().held_by(node).len() {
            assert_eq!(opened.expand(position).len(), elements);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let _ = Delivery::decode(data);
    let Some(submission) = canonical::<Submission>(data) else { return };
    let Fixture {
        members,
        job,
        gold_job,
        contributor,
        ..
    } = &*FIXTURE;
    let (cluster, contributor) = (&members.cluster, &contributor.key);
    examine(job, &submission);
    examine(gold_job, &submission);
    let Submission { header, envelopes } = submission;
    for (job, purpose) in [(job, Purpose::Submission), (gold_job, Purpose::Gold)] {
        let mut header = header.value.clone();
        header.statement.cluster = cluster.digest();
        header.statement.job = job.id().clone();
        header.statement.job_digest = job.digest();
        header.statement.key = contributor.public();
        header.envelopes = envelopes.iter().map(|e| Digest::of("tacit/v1 envelope", &[e])).collect();
        let signed = Submission {
            header: Signed::new(header, purpose, contributor),
            envelopes: envelopes.clone(),
        };
        examine(job, &signed);
    }
});
