//! The accepted set of a job: which answers count, who gave them, and how many each item has. It follows from public data
//! alone, so every node and the coordinator compute the same one.

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

use crate::identity::PublicKey;
use crate::job::Job;
use crate::reject::RejectReason;
use crate::submission::Header;
use crate::verdict::Verdict;

mod count;
mod facts;
mod list;
mod scale;

pub use facts::{ContributorFacts, PublicFacts, RefusedBy};
pub use list::{SubmissionEntry, accepted_submissions, list_digest, verdicts_digest};
pub use scale::{Scale, Scales};

/// One answer that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedAnswer {
    /// The index of its submission in the list.
    pub submission: u32,
    /// Its row in that submission.
    pub row: u32,
    /// The index of its contributor in [`PublicFacts::contributors`].
    pub contributor: u32,
    /// The index of its item in the job.
    pub item: u32,
}

/// Which answers of one entry of the list count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// None of them counts, for this reason.
    Rejected(RejectReason),
    /// None of them counts, because these nodes cannot use what they were given.
    Refused(RejectReason, NodeSet),
    /// All count but the ones in these rows, ascending. The rows of gold answers count as nobody's, and none is listed.
    Counted(Vec<(u32, RejectReason)>),
}

/// The answers of one submission that count; there is at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedSubmission<'a> {
    /// The index of the submission in the list.
    pub submission: u32,
    /// The index of its contributor in [`PublicFacts::contributors`].
    pub contributor: u32,
    /// The indices in the job of the items whose answers count, ascending.
    pub items: &'a [u32],
    rows: &'a [u32],
}

impl<'a> CountedSubmission<'a> {
    /// The rows of the answers that count, one for each of [`Self::items`]; `None` if all rows of the submission count, so
    /// that row `i` answers item `items[i]`.
    pub fn rows(&self) -> Option<&'a [u32]> {
        (!self.rows.is_empty()).then_some(self.rows)
    }

    /// The answers that count, in the order of their rows.
    pub fn answers(self) -> impl Iterator<Item = CountedAnswer> + 'a {
        self.items.iter().enumerate().map(move |(index, item)| CountedAnswer {
            submission: self.submission,
            row: self.rows.get(index).copied().unwrap_or(index as u32),
            contributor: self.contributor,
            item: *item,
        })
    }
}

/// A contributor of whom a submission was accepted, whether or not any of its answers counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedContributor {
    /// The contributor's name.
    pub name: String,
    /// The key of its first accepted submission in the list.
    pub key: PublicKey,
    /// Its accepted submissions: their indices in the list, ascending.
    pub entries: Vec<u32>,
}

/// The accepted set of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSet {
    digest: Digest,
    facts: PublicFacts,
    scales: Scales,
    counted: count::Counted,
    redundancy: Vec<u32>,
    outcomes: Vec<Outcome>,
    contributors: Vec<AcceptedContributor>,
}

/// The list, the verdicts and the headers do not fit each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcceptedSetError {
    /// There is not exactly one verdict for each entry.
    #[error("the verdicts do not fit the list of submissions")]
    Verdicts,
    /// The accepted entry at this index has no header, another number of answers than listed, or items that are not the
    /// job's in ascending order.
    #[error("entry {0} of the list of submissions is not the submission it names")]
    Entry(usize),
}

impl AcceptedSet {
    /// Decides which answers count, entry by entry in the order of the list: the first answer of a contributor to an item
    /// counts, until the item has as many answers as the job asks for. A name stands for one key and a key for one name; where
    /// the job names issuers, a name stands for a person, who may use several keys.
    ///
    /// `verdicts` has one verdict for each entry. `header` gives the header of an accepted entry.
    ///
    /// # Errors
    /// The verdicts or a header do not fit the list.
    pub fn assemble<'h>(
        job: &Job,
        list: &[SubmissionEntry],
        verdicts: &[Verdict],
        header: impl Fn(usize) -> Option<&'h Header>,
    ) -> Result<Self, AcceptedSetError> {
        let counting = count::count_answers(job, list, verdicts, header)?;
        let facts = counting.facts(job.terms());
        Ok(Self {
            digest: verdicts_digest(list, verdicts),
            scales: Scales::new(&facts.redundancy, job.terms().sensitive),
            facts,
            counted: counting.counted,
            redundancy: counting.redundancy,
            outcomes: counting.outcomes,
            contributors: counting.accepted,
        })
    }

    /// The digest of the list and the verdicts: [`verdicts_digest`].
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What is published about the set.
    pub fn facts(&self) -> &PublicFacts {
        &self.facts
    }

    /// The scales of the weights in the job's agreement statistics.
    pub fn scales(&self) -> &Scales {
        &self.scales
    }

    /// The answers that count, submission by submission in the order of the list.
    pub fn submissions(&self) -> impl Iterator<Item = CountedSubmission<'_>> {
        self.counted.submissions()
    }

    /// How many answers each item of the job has, by item.
    pub fn redundancy(&self) -> &[u32] {
        &self.redundancy
    }

    /// Which answers of each entry of the list count, by entry.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The contributors of whom a submission was accepted, by name: those of the public facts, and those of whom no answer counts.
    pub fn contributors(&self) -> &[AcceptedContributor] {
        &self.contributors
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
