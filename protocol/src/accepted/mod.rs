//! The accepted set: which answers count, who gave them, how many each item has. All of it is public
//! and the same at every node and at the coordinator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::identity::PublicKey;
use crate::job::{Job, Terms};
use crate::reject::RejectReason;
use crate::submission::Header;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::MODULUS;

mod count;
mod scale;

pub use scale::{Scale, Scales};

/// One entry of the coordinator's ordered list of submissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionEntry {
    /// The header's digest.
    pub submission: Digest,
    /// How many answers it holds, to count them when it is rejected.
    pub answers: u32,
}

/// The digest of an ordered list.
pub fn list_digest(list: &[SubmissionEntry]) -> Digest {
    Digest::of("tacit/v1 list", &[&crate::codec::encode(&list)])
}

/// The digest of a list with a verdict on each entry: of the candidates, or of the accepted set.
pub fn verdicts_digest(list: &[SubmissionEntry], verdicts: &[u8]) -> Digest {
    Digest::of("tacit/v1 verdicts", &[list_digest(list).as_bytes(), verdicts])
}

/// The digest of the submissions that a list's verdicts accept, in order: all that outputs depend on.
/// Why the others were rejected may differ from try to try.
pub fn accepted_submissions(list: &[SubmissionEntry], verdicts: &[u8]) -> Digest {
    let accepted = list.iter().zip(verdicts).filter(|(_, verdict)| **verdict == 0);
    let digests: Vec<&[u8]> = accepted.map(|(listed, _)| listed.submission.as_bytes().as_slice()).collect();
    Digest::of("tacit/v1 accepted submissions", &digests)
}

/// One answer that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedAnswer {
    /// Index of its submission in the list.
    pub submission: u32,
    /// Its row in that submission.
    pub row: u32,
    /// Index of its contributor in [`PublicFacts::contributors`].
    pub contributor: u32,
    /// Index of its item in the job.
    pub item: u32,
}

/// What is public about one contributor in a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributorFacts {
    /// The name.
    pub contributor: String,
    /// The key.
    pub key: PublicKey,
    /// How many of its answers count.
    pub answers: u64,
    /// How many of those are on items with at least two answers: `n` of the pay rules.
    pub paired: u64,
    /// The scale of its agreement: `L` of the pay rules, over the redundancies of its own items.
    pub scale: Scale,
}

/// What is public about the accepted set as a whole. The nodes sign its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicFacts {
    /// How many answers count.
    pub answers: u64,
    /// How many do not, by reason.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// How many items have how many answers; items without answers are left out.
    pub redundancy: BTreeMap<u32, u64>,
    /// Who answered, by name.
    pub contributors: Vec<ContributorFacts>,
}

/// What became of the answers of one entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// None of them counts.
    Rejected(RejectReason),
    /// They count but in these rows, ascending. Rows of gold are nobody's answers, and none is named.
    Counted(Vec<(u32, RejectReason)>),
}

/// The answers of one submission that count; there is at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedSubmission<'a> {
    /// Index of the submission in the list.
    pub submission: u32,
    /// Index of its contributor in [`PublicFacts::contributors`].
    pub contributor: u32,
    /// Indices of the answered items in the job, ascending.
    pub items: &'a [u32],
    rows: &'a [u32],
}

impl<'a> CountedSubmission<'a> {
    /// The rows in which these answers stand, where some others of the submission do not count; else these are
    /// its first rows, one for each item.
    pub fn rows(&self) -> Option<&'a [u32]> {
        (!self.rows.is_empty()).then_some(self.rows)
    }

    /// Its answers in order.
    pub fn answers(self) -> impl Iterator<Item = CountedAnswer> + 'a {
        self.items.iter().enumerate().map(move |(place, item)| CountedAnswer {
            submission: self.submission,
            row: self.rows.get(place).copied().unwrap_or(place as u32),
            contributor: self.contributor,
            item: *item,
        })
    }
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
}

/// A list, verdicts and headers that do not fit each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcceptedSetError {
    /// There is not one verdict for each entry, or it is none.
    #[error("the verdicts do not fit the list of submissions")]
    Verdicts,
    /// An accepted entry has no header, another number of answers than listed, or items that are not the job's
    /// in ascending order.
    #[error("entry {0} of the list of submissions is not the submission it names")]
    Entry(usize),
}

impl PublicFacts {
    /// The digest the nodes sign.
    pub fn digest(&self) -> Digest {
        Digest::of("tacit/v1 facts", &[&crate::codec::encode(self)])
    }

    /// Whether a job of these terms can have such facts: who works with numbers of others relies on their
    /// bounds.
    ///
    /// # Errors
    /// Which of them it cannot have.
    pub fn check(&self, terms: &Terms) -> Result<(), &'static str> {
        let in_range = |(r, items): (&u32, &u64)| (1..=terms.answers_per_item).contains(r) && (1..=terms.items).contains(items);
        if !self.redundancy.iter().all(in_range) || total(self.redundancy.values().copied()) > u128::from(terms.items) {
            return Err("more answers to an item, or more items, than the job has");
        }
        let answers: u128 = self.redundancy.iter().map(|(r, items)| u128::from(*r) * u128::from(*items)).sum();
        if answers != u128::from(self.answers) || answers != total(self.contributors.iter().map(|c| c.answers)) {
            return Err("the answers to items, of contributors and in all do not add up");
        }
        if !self.contributors.windows(2).all(|pair| pair[0].contributor < pair[1].contributor) {
            return Err("contributors out of order or twice");
        }
        let plausible = |c: &ContributorFacts| c.answers > 0 && c.paired <= c.answers && (1..MODULUS).contains(&c.scale.value);
        if !self.contributors.iter().all(plausible) {
            return Err("a contributor without answers, with more paired ones than answers, or a scale outside the field");
        }
        if total(self.rejected.values().copied()) > u128::from(u64::MAX) {
            return Err("more rejected answers than can be counted");
        }
        Ok(())
    }

    /// How many answers each answered item has, if all have as many.
    pub fn same_redundancy(&self) -> Option<u32> {
        same_redundancy(&self.redundancy)
    }

    /// How many answers do not count.
    pub fn rejected_answers(&self) -> u64 {
        self.rejected.values().sum()
    }
}

fn same_redundancy(redundancy: &BTreeMap<u32, u64>) -> Option<u32> {
    let (first, last) = redundancy.first_key_value().zip(redundancy.last_key_value())?;
    (first == last).then_some(*first.0)
}

fn total(numbers: impl Iterator<Item = u64>) -> u128 {
    numbers.map(u128::from).sum()
}

impl AcceptedSet {
    /// Walks the list in order: the first answer of a contributor to an item counts, up to the number
    /// the job asks for; a name stands for one key and a key for one name.
    ///
    /// `verdicts` are the merged ones, one for each entry; `header` gives the header of an accepted
    /// entry.
    pub fn assemble<'h>(
        job: &Job,
        list: &[SubmissionEntry],
        verdicts: &[u8],
        header: impl Fn(usize) -> Option<&'h Header>,
    ) -> Result<Self, AcceptedSetError> {
        let counting = count::count_answers(job, list, verdicts, header)?;
        let facts = counting.facts(job.terms().question.width());
        Ok(Self {
            digest: verdicts_digest(list, verdicts),
            scales: Scales::new(&facts.redundancy),
            facts,
            counted: counting.counted,
            redundancy: counting.redundancy,
            outcomes: counting.outcomes,
        })
    }

    /// The digest of the accepted set.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What is published about it.
    pub fn facts(&self) -> &PublicFacts {
        &self.facts
    }

    /// The weights' scales of the agreement statistics.
    pub fn scales(&self) -> &Scales {
        &self.scales
    }

    /// The answers that count, submission by submission in the order of the list.
    pub fn submissions(&self) -> impl Iterator<Item = CountedSubmission<'_>> {
        self.counted.submissions()
    }

    /// How many answers each item of the job has.
    pub fn redundancy(&self) -> &[u32] {
        &self.redundancy
    }

    /// What became of the answers of each entry of the list.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
