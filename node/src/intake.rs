//! Delivered submissions: each is checked, opened to compare digests, and stored with its components sealed again.

use std::sync::Arc;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::job::Job;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::sealing::{AtRestKey, UnsealingKey};
use tacit_protocol::submission::Delivery;
use tacit_protocol::submission::Header;

use crate::metrics::Metrics;
use crate::store::{NewSubmission, Store, StoreError};

/// What a node needs to accept submissions.
#[derive(Debug)]
pub(crate) struct Intake {
    /// The cluster, as the cluster file describes it.
    pub cluster: Arc<Cluster>,
    /// This node's index in the cluster file.
    pub me: usize,
    /// The key to which contributors seal envelopes.
    pub key: UnsealingKey,
    /// The key under which components are sealed in the store.
    pub at_rest_key: AtRestKey,
    /// The store for jobs and submissions.
    pub store: Arc<Store>,
    /// The node's metrics; submissions are counted by outcome.
    pub metrics: Metrics,
}

impl Intake {
    /// Stores a batch of encoded deliveries and returns the outcome of each, in order; `None` means accepted. A submission that was
    /// delivered before gets the same outcome again, unless this node's part was spoilt and is good now. Bytes that are not the
    /// submission under whose digest they come leave no trace. Blocks on processor and disk.
    ///
    /// # Errors
    /// The store fails; then nothing of the batch is stored.
    pub(crate) fn deliver(&self, job: &Job, batch: &[(Digest, Vec<u8>)]) -> Result<Vec<Option<RejectReason>>, StoreError> {
        if self.store.released(job.id())?.is_some() {
            let closed = RejectReason::JobClosed;
            self.metrics.submissions(Some(closed), batch.len() as u64);
            return Ok(vec![Some(closed); batch.len()]);
        }
        let digests: Vec<Digest> = batch.iter().map(|(digest, _)| *digest).collect();
        let before = self.store.outcomes(job.id(), &digests)?;
        let decided = |digest: &Digest| {
            before
                .get(digest)
                .is_some_and(|outcome| !outcome.is_some_and(RejectReason::is_private))
        };
        let mut outcomes = before.clone();
        let mut fresh = Vec::new();
        for (digest, bytes) in batch.iter().filter(|(digest, _)| !decided(digest)) {
            match self.examine(job, *digest, bytes) {
                Ok(submission) => fresh.push(submission),
                Err(reason) => {
                    self.metrics.submissions(Some(reason), 1);
                    outcomes.entry(*digest).or_insert(Some(reason));
                }
            }
        }
        for (submission, outcome) in fresh.iter().zip(self.store.store_submissions(job, &fresh)?) {
            if before.get(&submission.digest) != Some(&outcome) {
                self.metrics.submissions(outcome, 1);
            }
            outcomes.insert(submission.digest, outcome);
        }
        Ok(digests
            .iter()
            .map(|digest| outcomes.get(digest).copied().unwrap_or(Some(RejectReason::NotDelivered)))
            .collect())
    }

    /// What is to be stored of a delivery.
    ///
    /// # Errors
    /// The bytes are not the submission of this digest, or its signature does not verify. The digest covers the header without the
    /// signature, so there may be another delivery that is right.
    fn examine(&self, job: &Job, digest: Digest, bytes: &[u8]) -> Result<NewSubmission, RejectReason> {
        let delivery = Delivery::decode(bytes)?;
        let header = &delivery.header;
        if header.value.digest() != digest {
            return Err(RejectReason::Malformed);
        }
        let mut submission = NewSubmission {
            digest,
            reason: None,
            header: Vec::new(),
            sealed: Vec::new(),
        };
        match Header::check(header, &self.cluster, job) {
            Err(reason) if reason.is_of_header() => submission.reason = Some(reason),
            Err(reason) => return Err(reason),
            Ok(()) => {
                submission.header = encode(header);
                let keys = (&self.key, &self.at_rest_key);
                match delivery.seal_at_rest(&self.cluster, job, (self.me, &digest), keys, &mut UnwrapErr(SysRng)) {
                    Ok(sealed) => submission.sealed = sealed,
                    Err(reason) => submission.reason = Some(reason),
                }
            }
        }
        Ok(submission)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys};
    use tacit_protocol::identity::SecretKey;
    use tacit_protocol::job::{Item, JobSpec};
    use tacit_protocol::question::{Answer, Categorical, Release};
    use tacit_protocol::submission::Submission;

    use super::*;
    use crate::store::StoredSubmission;

    pub(crate) fn job(items: usize) -> (Job, Vec<u8>) {
        let spec = JobSpec {
            answers_per_item: 3,
            release: BTreeSet::from([Release::Agreement]),
            ..JobSpec::new("job", Categorical::new(["a", "b"]), (0..items).map(|i| Item::new(i.to_string())))
        };
        let text = serde_json::to_vec(&spec).unwrap();
        (Job::new("job".parse().unwrap(), spec).unwrap(), text)
    }

    /// A cluster of three nodes.
    pub(crate) fn cluster() -> Cluster {
        cluster_with_keys(3, 1).cluster
    }

    pub(crate) fn intake(folder: &std::path::Path) -> Intake {
        intake_of(folder, (3, 1), 0)
    }

    /// The intake of one node of a cluster of this size and threshold.
    pub(crate) fn intake_of(folder: &std::path::Path, (nodes, threshold): (usize, usize), me: usize) -> Intake {
        let ClusterWithKeys { cluster, sealing, .. } = cluster_with_keys(nodes, threshold);
        let cluster = Arc::new(cluster);
        let metrics = Metrics::new(&cluster, me).unwrap();
        let store = Arc::new(Store::open(folder, metrics.store.clone()).unwrap());
        Intake {
            cluster,
            me,
            at_rest_key: AtRestKey::of(&sealing[me]),
            key: sealing[me].clone(),
            store,
            metrics,
        }
    }

    pub(crate) fn delivered(intake: &Intake, job: &Job, node: usize) -> (Digest, Vec<u8>) {
        let mut rng = UnwrapErr(SysRng);
        let key = SecretKey::generate(&mut rng);
        let submission = Submission::create(&intake.cluster, job, "alice", &key, &[(0, Answer::Class(1))], &mut rng).unwrap();
        let mut delivery = submission.delivery(0).unwrap();
        delivery.envelope = submission.delivery(node).unwrap().envelope;
        (delivery.header.value.digest(), encode(&delivery))
    }

    #[test]
    fn a_delivery_gets_the_same_outcome_each_time() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = job(2);
        intake.store.open_job(&job, &spec).unwrap();
        let good = delivered(&intake, &job, 0);
        let garbage = (Digest::of("test", &[b"garbage"]), b"garbage".to_vec());
        let misnamed = (Digest::of("test", &[b"other"]), good.1.clone());
        let swapped = delivered(&intake, &job, 1);
        let foreign = delivered(&intake, &self::job(3).0, 0);
        let batch = [good, garbage, misnamed, swapped, foreign];
        let expected = [
            None,
            Some(RejectReason::Malformed),
            Some(RejectReason::Malformed),
            Some(RejectReason::DigestMismatch),
            Some(RejectReason::WrongJob),
        ];
        assert_eq!(intake.deliver(&job, &batch).unwrap(), expected);
        // A repeated delivery is not counted again, except for bytes of which no trace is left.
        assert_eq!(intake.deliver(&job, &batch).unwrap(), expected);
        let counted = |outcome| intake.metrics.submissions_of(outcome);
        assert_eq!(["accepted", "malformed", "digest_mismatch", "wrong_job"].map(counted), [1, 4, 1, 1]);
        let digests = [0, 3].map(|index: usize| batch[index].0);
        let mut stored = Vec::new();
        intake
            .store
            .for_each_stored(job.id(), &digests, |index, found| {
                stored.push((index, matches!(found, StoredSubmission::Accepted(..))));
            })
            .unwrap();
        assert_eq!(stored, [(0, true), (1, false)]);

        assert!(intake.store.record_release(&job, &Digest::of("set", &[])).unwrap());
        let late = delivered(&intake, &job, 0);
        assert_eq!(intake.deliver(&job, &[late]).unwrap(), [Some(RejectReason::JobClosed)]);
    }

    #[test]
    fn what_was_spoilt_or_forged_on_its_way_does_not_decide_about_what_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = job(2);
        intake.store.open_job(&job, &spec).unwrap();
        let deliver = |digest, bytes: &[u8]| intake.deliver(&job, &[(digest, bytes.to_vec())]).unwrap()[0];
        for spoil in [
            |delivery: &mut Delivery| delivery.envelope[9] ^= 1,
            |delivery| delivery.header.signature = tacit_protocol::identity::Signature::from_bytes([3; 64]),
        ] as [fn(&mut Delivery); 2]
        {
            let (digest, good) = delivered(&intake, &job, 0);
            let mut spoilt = Delivery::decode(&good).unwrap();
            spoil(&mut spoilt);
            assert!(deliver(digest, &encode(&spoilt)).is_some());
            assert!(deliver(digest, b"garbage").is_some());
            assert_eq!(deliver(digest, &good), None);
            // And what is good stays so.
            assert_eq!(deliver(digest, &encode(&spoilt)), None);
            let mut stored = Vec::new();
            let each = |_, found: StoredSubmission<'_>| stored.push(matches!(found, StoredSubmission::Accepted(..)));
            intake.store.for_each_stored(job.id(), &[digest], each).unwrap();
            assert_eq!(stored, [true]);
        }
    }

    #[test]
    fn submissions_of_a_job_that_was_replaced_meanwhile_are_not_stored() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let ((first, spec), (second, other_spec)) = (job(2), job(3));
        intake.store.open_job(&first, &spec).unwrap();
        let good = delivered(&intake, &first, 0);
        intake.store.forget(first.id()).unwrap();
        intake.store.open_job(&second, &other_spec).unwrap();
        assert_eq!(
            intake.deliver(&first, std::slice::from_ref(&good)).unwrap(),
            [Some(RejectReason::WrongJob)]
        );
        assert!(intake.store.outcomes(second.id(), &[good.0]).unwrap().is_empty());
    }
}
