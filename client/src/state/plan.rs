//! What will be sent, and which submissions take the place of others.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId};

/// What will be sent, by digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub(super) cluster: Digest,
    pub(super) job: JobId,
    pub(super) job_digest: Digest,
    pub(super) contributor: String,
    /// A hash keyed with the contributor's key, so that it does not reveal the answers to whoever finds it.
    pub(super) answers: Digest,
    /// The index of the first submission with these answers. Those before it are of other runs, and all withdrawn.
    pub(super) first: usize,
    /// How many submissions these answers take.
    pub(super) submissions: usize,
    /// The indices of the submissions whose answers are shared and sealed again. The first one is replaced by the next index after those
    /// above, and so on.
    pub(super) replaced: Vec<usize>,
}

impl Plan {
    /// The plan for `answers`, the bytes of the file, in `submissions` parts.
    pub fn new(cluster: &Cluster, job: &Job, contributor: &str, key: &SecretKey, answers: &[u8], submissions: usize) -> Self {
        Self {
            cluster: cluster.digest(),
            job: job.id().clone(),
            job_digest: job.digest(),
            contributor: contributor.to_owned(),
            answers: Digest::of("tacit/v1 client answers file", &[key.to_bytes().as_slice(), answers]),
            first: 0,
            submissions,
            replaced: Vec::new(),
        }
    }

    /// The name of the contributor whose state this is.
    pub fn contributor(&self) -> &str {
        &self.contributor
    }

    /// The indices of the submissions with these answers, in the order of the answers, without those that are replaced.
    pub fn current(&self) -> impl Iterator<Item = usize> {
        (self.first..self.first_replacement()).map(move |index| self.newest(index))
    }

    /// Whether a submission is one of [`Self::current`].
    pub fn is_current(&self, index: usize) -> bool {
        self.with_these_answers().contains(&index) && self.replacement(index).is_none()
    }

    /// Whether a submission is one of these answers that has not taken the place of another.
    pub fn is_original(&self, index: usize) -> bool {
        (self.first..self.first_replacement()).contains(&index)
    }

    /// Whether a submission is of earlier answers, which were withdrawn before these were taken.
    pub fn is_of_earlier_answers(&self, index: usize) -> bool {
        index < self.first
    }

    /// The indices of all submissions: those that are replaced too, and those of earlier answers, which are withdrawn.
    pub fn all(&self) -> Range<usize> {
        0..self.first_replacement().saturating_add(self.replaced.len())
    }

    /// The indices of the submissions that have taken the place of this one, one after the other.
    pub fn replacements(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.replacement(index), move |index| self.replacement(*index))
    }

    /// The index of the newest submission with the answers of this one.
    pub fn newest(&self, index: usize) -> usize {
        self.replacements(index).last().unwrap_or(index)
    }

    /// The indices of all submissions with the answers of this one: it, those that it has replaced, and those that have replaced it.
    pub(super) fn same_answers(&self, index: usize) -> impl Iterator<Item = usize> {
        let earlier = std::iter::successors(Some(index), move |index| {
            let place = index.checked_sub(self.first_replacement())?;
            self.replaced.get(place).copied().filter(|replaced| replaced < index)
        });
        earlier.chain(self.replacements(index))
    }

    pub(super) fn with_these_answers(&self) -> Range<usize> {
        self.first..self.all().end
    }

    fn first_replacement(&self) -> usize {
        self.first.saturating_add(self.submissions)
    }

    fn replacement(&self, index: usize) -> Option<usize> {
        let place = self.replaced.iter().position(|replaced| *replaced == index)?;
        Some(self.first_replacement().saturating_add(place)).filter(|by| *by > index)
    }
}
