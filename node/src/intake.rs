//! Delivered submissions: each is checked, opened to compare digests, and stored with its components sealed again.

use std::sync::Arc;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec::encode;
use tacit_protocol::control::Refusal;
use tacit_protocol::credential::CheckedCredentials;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::sealing::AtRestKey;
use tacit_protocol::submission::{Delivery, Header, Subject};

use crate::metrics::Metrics;
use crate::policy::Policy;
use crate::sealing_keys::SealingKeys;
use crate::store::{Author, NewSubmission, Room, Store, StoreError};

/// What a node needs to accept submissions.
#[derive(Debug)]
pub(crate) struct Intake {
    /// The cluster, as the cluster file describes it.
    pub cluster: Arc<Cluster>,
    /// This node's index in the cluster file.
    pub me: usize,
    /// The keys to which contributors seal envelopes.
    pub keys: Arc<SealingKeys>,
    /// The store for jobs and submissions.
    pub store: Arc<Store>,
    /// How many jobs, and how large ones, may be open at once.
    pub room: Room,
    /// The node's metrics; submissions are counted by outcome.
    pub metrics: Metrics,
    /// What the operator asks of jobs.
    pub policy: Policy,
    /// The credentials whose signatures were checked.
    pub credentials: CheckedCredentials,
}

impl Intake {
    /// The job of this id, if it is open here.
    ///
    /// # Errors
    /// [`Refusal::UnknownJob`], [`Refusal::Ended`], or the store fails.
    pub(crate) fn known_job(&self, id: &JobId) -> Result<Arc<Job>, Refusal> {
        let job = self.store.job(id, &self.cluster.digest());
        match job.map_err(StoreError::into_refusal)? {
            Some(job) => Ok(job),
            None if self.store.has_ended(id).map_err(StoreError::into_refusal)? => Err(Refusal::Ended(id.clone())),
            None => Err(Refusal::UnknownJob(id.clone())),
        }
    }

    /// Stores a batch of encoded deliveries and returns the outcome of each, in order; `None` means accepted. A submission that was
    /// delivered before gets the same outcome again, unless this node's part was spoilt and is good now. Bytes that are not the
    /// submission under whose digest they come leave no trace. Blocks on processor and disk.
    ///
    /// # Errors
    /// The store fails; then nothing of the batch is stored.
    pub(crate) fn deliver(&self, job: &Job, batch: &[(Digest, Vec<u8>)]) -> Result<Vec<Option<RejectReason>>, StoreError> {
        if self.store.released(job)?.is_some() {
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
        let at_rest_key = self.store.key(job)?;
        for (digest, bytes) in batch.iter().filter(|(digest, _)| !decided(digest)) {
            let mut examined = self.examine(job, *digest, bytes, &at_rest_key);
            // Turned away at the door, and no verdict on it is stored: what other nodes hold already counts.
            if let Ok(NewSubmission {
                author: Some(author),
                reason: None,
                ..
            }) = &examined
                && self.is_revoked(job, author)?
            {
                examined = Err(RejectReason::BadCredential);
            }
            match examined {
                Ok(submission) => fresh.push(submission),
                Err(reason) => {
                    self.metrics.submissions(Some(reason), 1);
                    outcomes.entry(*digest).or_insert(Some(reason));
                }
            }
        }
        for (submission, outcome) in fresh
            .iter()
            .zip(self.store.store_submissions(job, self.cluster.nodes().len(), &fresh)?)
        {
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

    /// Whether the job's issuers have revoked the invitation of this author.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) fn is_revoked(&self, job: &Job, author: &Author) -> Result<bool, StoreError> {
        match (&job.terms().issuers, author.subject) {
            (Some(issuers), Subject::Number(number)) => self.store.is_revoked(&issuers.digest(), number),
            _ => Ok(false),
        }
    }

    /// What is to be stored of a delivery.
    ///
    /// # Errors
    /// The bytes are not the submission of this digest, or its signature does not verify. The digest covers the header without the
    /// signature, so there may be another delivery that is right.
    fn examine(&self, job: &Job, digest: Digest, bytes: &[u8], at_rest_key: &AtRestKey) -> Result<NewSubmission, RejectReason> {
        let delivery = Delivery::decode(bytes)?;
        let header = &delivery.header;
        if header.value.digest() != digest {
            return Err(RejectReason::Malformed);
        }
        let mut submission = NewSubmission {
            digest,
            author: None,
            reason: None,
            header: Vec::new(),
            sealed: Vec::new(),
        };
        match Header::check_with(header, &self.cluster, job, &self.credentials) {
            Err(reason) if reason.is_of_header() => submission.reason = Some(reason),
            Err(reason) => return Err(reason),
            Ok(()) => {
                submission.author = Some(Author::of(job, &header.value.statement));
                submission.header = encode(header);
                let key = delivery.epoch(self.me).and_then(|epoch| self.keys.key(epoch));
                // A peer that opened its own envelope in time has what this one held.
                let sealed = key.ok_or(RejectReason::NoSealingKey).and_then(|key| {
                    let keys = (&*key, at_rest_key);
                    delivery.seal_at_rest(&self.cluster, job, (self.me, &digest), keys, &mut UnwrapErr(SysRng))
                });
                match sealed {
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

    use tacit_protocol::fixtures::{
        ClusterWithKeys, EPOCH, buyer_key, cluster_with_keys, credential_of, invitation_of, issuer_keys, issuers, revocation_of,
    };
    use tacit_protocol::identity::{Purpose, SecretKey, Signed};
    use tacit_protocol::job::{Item, JobSpec};
    use tacit_protocol::question::{Answer, Categorical, Release};
    use tacit_protocol::sealing::RecordKey;
    use tacit_protocol::submission::Submission;

    use super::*;
    use crate::store::{Recorded, Revoked, StoredSubmission};

    /// A job and its signed spec, for [`cluster`].
    pub(crate) fn job(items: usize) -> (Job, Vec<u8>) {
        job_for(&cluster(), items)
    }

    /// The same for another cluster.
    pub(crate) fn job_for(cluster: &Cluster, items: usize) -> (Job, Vec<u8>) {
        let spec = JobSpec {
            answers_per_item: 3,
            sensitive: false,
            release: BTreeSet::from([Release::Agreement]),
            ..JobSpec::new("job", Categorical::new(["a", "b"]), (0..items).map(|i| Item::new(i.to_string())))
        };
        let job = Job::sign(&cluster.digest(), "job".parse().unwrap(), spec, &buyer_key()).unwrap();
        let text = serde_json::to_vec(&job.to_signed_spec()).unwrap();
        (job, text)
    }

    /// A cluster of three nodes.
    pub(crate) fn cluster() -> Cluster {
        cluster_with_keys(3, 1).cluster
    }

    /// The key that authenticates the records of a store.
    pub(crate) fn records() -> RecordKey {
        RecordKey::of(&SecretKey::from_bytes(&[8; 32]))
    }

    pub(crate) fn intake(folder: &std::path::Path) -> Intake {
        intake_of(folder, (3, 1), 0)
    }

    /// The intake of one node of a cluster of this size and threshold.
    pub(crate) fn intake_of(folder: &std::path::Path, (nodes, threshold): (usize, usize), me: usize) -> Intake {
        let ClusterWithKeys {
            cluster,
            sealing,
            identities,
        } = cluster_with_keys(nodes, threshold);
        let cluster = Arc::new(cluster);
        let metrics = Metrics::new(&cluster, me).unwrap();
        let store = Arc::new(Store::open(folder, metrics.store.clone(), RecordKey::of(&identities[me])).unwrap());
        Intake {
            cluster,
            me,
            keys: Arc::new(SealingKeys::of_tests(EPOCH, sealing[me].clone(), identities[me].clone())),
            store,
            room: Room::default(),
            metrics,
            policy: Policy::default(),
            credentials: CheckedCredentials::default(),
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
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
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

        let recorded = intake.store.record_release(&job, &Digest::of("set", &[]), &[]).unwrap();
        assert_eq!(recorded, Recorded::ThisSet);
        let late = delivered(&intake, &job, 0);
        assert_eq!(intake.deliver(&job, &[late]).unwrap(), [Some(RejectReason::JobClosed)]);
    }

    /// The job for people of a pool only, of whom two of three issuers must sign.
    pub(crate) fn invited_job() -> (Job, Vec<u8>) {
        let mut spec = job(4).0.to_signed_spec().spec;
        spec.issuers = Some(issuers(2));
        let job = Job::sign(&cluster().digest(), "invited".parse().unwrap(), spec, &buyer_key()).unwrap();
        let text = serde_json::to_vec(&job.to_signed_spec()).unwrap();
        (job, text)
    }

    fn of_number(job: &Job, number: u32) -> (Digest, Vec<u8>) {
        let mut rng = UnwrapErr(SysRng);
        let key = SecretKey::generate(&mut rng);
        let credential = credential_of(&cluster(), job, number, &key).unwrap();
        let answers = [(0, Answer::Class(1))];
        let submission = Submission::create_with_credential(&cluster(), job, &credential, &key, &answers, &mut rng).unwrap();
        let delivery = submission.delivery(0).unwrap();
        (delivery.header.value.digest(), encode(&delivery))
    }

    #[test]
    fn a_revocation_stops_what_is_not_yet_held_and_leaves_no_verdict() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = invited_job();
        let revocation = revocation_of(&issuers(2), &[7]);
        assert_eq!(revocation.check(), Ok(()));
        assert_eq!(
            intake.store.revoke(&revocation).unwrap(),
            Revoked::Unknown,
            "no job names these issuers"
        );
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
        let [held, late, other] = [of_number(&job, 7), of_number(&job, 7), of_number(&job, 8)];
        assert_eq!(intake.deliver(&job, std::slice::from_ref(&held)).unwrap(), [None]);
        assert_eq!(intake.store.revoke(&revocation).unwrap(), Revoked::Stored);
        assert_eq!(
            intake.store.revoke(&revocation).unwrap(),
            Revoked::Stored,
            "the same again changes nothing"
        );

        let batch = [held, late.clone(), other];
        let outcomes = [None, Some(RejectReason::BadCredential), None];
        assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes);
        assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes);
        assert!(intake.store.outcomes(job.id(), &[late.0]).unwrap().is_empty());
    }

    #[test]
    fn a_forged_credential_is_rejected_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = invited_job();
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
        let mut rng = UnwrapErr(SysRng);
        let key = SecretKey::generate(&mut rng);
        let mut alone = issuers(2);
        alone.need = 1;
        // One issuer signs alone, as if that were enough.
        let mut credential = invitation_of(&alone, 9).credential(&cluster().digest(), &issuers(2), &key.public());
        credential.signatures = issuer_keys()[..1]
            .iter()
            .filter_map(|key| credential.grant.sign(&issuers(2), key))
            .collect();
        let good = Delivery::decode(&of_number(&job, 9).1).unwrap();
        let mut header = good.header.value;
        (header.statement.key, header.statement.credential) = (key.public(), Some(credential));
        let delivery = Delivery {
            header: Signed::new(header, Purpose::Submission, &key),
            envelope: good.envelope,
        };
        let forged = (delivery.header.value.digest(), encode(&delivery));
        let refused = [Some(RejectReason::BadCredential)];
        assert_eq!(intake.deliver(&job, std::slice::from_ref(&forged)).unwrap(), refused);
        let stored = intake.store.outcomes(job.id(), &[forged.0]).unwrap();
        assert_eq!(stored.get(&forged.0), Some(&Some(RejectReason::BadCredential)));
    }

    #[test]
    fn what_is_beyond_the_quota_is_refused_and_not_stored() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = job(2);
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
        let key = SecretKey::from_bytes(&[9; 32]);
        let by = |items: &[u32], node: usize| {
            let answers: Vec<_> = items.iter().map(|item| (*item, Answer::Class(1))).collect();
            let submission = Submission::create(&intake.cluster, &job, "alice", &key, &answers, &mut UnwrapErr(SysRng)).unwrap();
            let mut delivery = submission.delivery(0).unwrap();
            delivery.envelope = submission.delivery(node).unwrap().envelope;
            (delivery.header.value.digest(), encode(&delivery))
        };
        // What this node cannot open counts against its author, too.
        let batch = [by(&[0, 1], 0), by(&[1], 1), by(&[0], 0), by(&[0], 0), delivered(&intake, &job, 0)];
        let full = Some(RejectReason::JobFull);
        let outcomes = [None, Some(RejectReason::DigestMismatch), None, full, None];
        assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes);
        let digests: Vec<Digest> = batch.iter().map(|(digest, _)| *digest).collect();
        let stored = intake.store.outcomes(job.id(), &digests).unwrap();
        assert!(stored.len() == 4 && !stored.contains_key(&digests[3]));
        assert_eq!(intake.deliver(&job, &batch).unwrap(), outcomes, "the same again");
        assert_eq!(intake.deliver(&job, &[by(&[1], 0)]).unwrap(), [full]);
    }

    #[test]
    fn what_was_spoilt_or_forged_on_its_way_does_not_decide_about_what_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = job(2);
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
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
        intake.store.open_job(&first, &spec, &Room::default()).unwrap();
        let good = delivered(&intake, &first, 0);
        assert!(intake.store.unopen(&first).unwrap());
        intake.store.open_job(&second, &other_spec, &Room::default()).unwrap();
        let deliver = || intake.deliver(&first, std::slice::from_ref(&good));
        assert!(matches!(deliver(), Err(StoreError::Ended(_))), "{:?}", deliver());
        // A delivery that had the first job's key before stores nothing either.
        let submission = intake
            .examine(&first, good.0, &good.1, &AtRestKey::generate(&mut UnwrapErr(SysRng)))
            .unwrap();
        let outcomes = intake.store.store_submissions(&first, 3, &[submission]).unwrap();
        assert_eq!(outcomes, [Some(RejectReason::WrongJob)]);
        assert!(intake.store.outcomes(second.id(), &[good.0]).unwrap().is_empty());
    }
}
