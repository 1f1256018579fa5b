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
mod tests;
