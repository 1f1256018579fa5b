//! Which submissions there are of a key and job, and which ones take the place of others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId};

/// The submissions of a key and job, by index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub(super) cluster: Digest,
    pub(super) job: JobId,
    pub(super) job_digest: Digest,
    /// Whose rows of a file were sent last.
    pub(super) contributor: String,
    /// For gold answers: a hash of their file, keyed with the key that signs them. They never change.
    pub(super) gold: Option<Digest>,
    /// How many indices are given to submissions.
    pub(super) submissions: usize,
    /// The submissions whose answers are shared and sealed again, and which one holds them then.
    pub(super) replaced: BTreeMap<usize, usize>,
}

impl Plan {
    /// The plan of a contributor, whose submissions are added from one sitting to the next.
    pub fn of_contributor(cluster: &Cluster, job: &Job, contributor: &str) -> Self {
        Self {
            cluster: cluster.digest(),
            job: job.id().clone(),
            job_digest: job.digest(),
            contributor: contributor.to_owned(),
            gold: None,
            submissions: 0,
            replaced: BTreeMap::new(),
        }
    }

    /// The plan of gold answers, the bytes of their file, in so many submissions.
    pub fn of_gold(cluster: &Cluster, job: &Job, author: &str, key: &SecretKey, answers: &[u8], submissions: usize) -> Self {
        Self {
            gold: Some(Digest::of("tacit/v1 client gold file", &[key.to_bytes().as_slice(), answers])),
            submissions,
            ..Self::of_contributor(cluster, job, author)
        }
    }

    /// Whose rows of a file were sent last.
    pub fn contributor(&self) -> &str {
        &self.contributor
    }

    /// The indices of the newest submissions, in the order of those that they replace.
    pub fn current(&self) -> impl Iterator<Item = usize> {
        let replacements: BTreeSet<usize> = self.replaced.values().copied().collect();
        self.all()
            .filter(move |index| !replacements.contains(index))
            .map(move |index| self.newest(index))
    }

    /// Whether no other submission has taken the place of this one.
    pub fn is_current(&self, index: usize) -> bool {
        self.all().contains(&index) && self.replacement(index).is_none()
    }

    /// Whether a submission has not taken the place of another.
    pub fn is_original(&self, index: usize) -> bool {
        self.all().contains(&index) && self.takes_place_of(index).is_none()
    }

    /// The indices of all submissions.
    pub fn all(&self) -> Range<usize> {
        0..self.submissions
    }

    /// The indices of the submissions that have taken the place of this one, one after the other.
    pub fn replacements(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.replacement(index), move |index| self.replacement(*index))
    }

    /// The index of the newest submission with the answers of this one.
    pub fn newest(&self, index: usize) -> usize {
        self.replacements(index).last().unwrap_or(index)
    }

    /// The submission whose place this one has taken.
    fn takes_place_of(&self, index: usize) -> Option<usize> {
        let earlier = self.replaced.iter().find(|(_, by)| **by == index);
        earlier.map(|(earlier, _)| *earlier).filter(|earlier| *earlier < index)
    }

    /// The indices of all submissions with the answers of this one: it, those that it has replaced, and those that have replaced it.
    pub(super) fn same_answers(&self, index: usize) -> impl Iterator<Item = usize> {
        let earlier = std::iter::successors(Some(index), move |index| self.takes_place_of(*index));
        earlier.chain(self.replacements(index))
    }

    /// A submission only takes the place of an earlier one, so that a damaged plan does not lead round in circles.
    fn replacement(&self, index: usize) -> Option<usize> {
        self.replaced.get(&index).copied().filter(|by| *by > index)
    }
}
