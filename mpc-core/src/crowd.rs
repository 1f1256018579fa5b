//! The accepted set: which answers count, who gave them, how many each item has. All of it is public
//! and the same at every node and at the coordinator.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::field::MODULUS;
use crate::identity::PublicKey;
use crate::job::{Job, Terms};
use crate::reject::RejectReason;
use crate::statistics::{Scale, Scales};
use crate::submission::{Header, Role};

/// One entry of the coordinator's ordered list of submissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The header's digest.
    pub submission: Digest,
    /// How many answers it holds, to count them when it is rejected.
    pub answers: u32,
}

/// The digest of an ordered list.
pub fn list_digest(list: &[Listed]) -> Digest {
    Digest::of("tacit/v1 list", &[&crate::codec::encode(&list)])
}

/// The digest of a list with a verdict on each entry: of the candidates, or of the accepted set.
pub fn verdicts_digest(list: &[Listed], verdicts: &[u8]) -> Digest {
    Digest::of("tacit/v1 verdicts", &[list_digest(list).as_bytes(), verdicts])
}

/// The digest of the submissions that a list's verdicts accept, in order: all that outputs depend on.
/// Why the others were rejected may differ from try to try.
pub fn accepted_submissions(list: &[Listed], verdicts: &[u8]) -> Digest {
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
    /// Index of its contributor in [`Facts::contributors`].
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
pub struct Facts {
    /// How many answers count.
    pub answers: u64,
    /// How many do not, by reason.
    pub rejected: BTreeMap<RejectReason, u64>,
    /// How many items have how many answers; items without answers are left out.
    pub redundancy: BTreeMap<u32, u64>,
    /// Who answered, by name.
    pub contributors: Vec<ContributorFacts>,
}

/// The accepted set of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowd {
    digest: Digest,
    facts: Facts,
    scales: Scales,
    answers: Vec<CountedAnswer>,
    redundancy: Vec<u32>,
    outcomes: Vec<Vec<Option<RejectReason>>>,
}

/// A list, verdicts and headers that do not fit each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CrowdError {
    /// There is not one verdict for each entry, or it is none.
    #[error("the verdicts do not fit the list of submissions")]
    Verdicts,
    /// An accepted entry has no header, or another number of answers than listed.
    #[error("entry {0} of the list of submissions is not the submission it names")]
    Entry(usize),
}

impl Facts {
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

    /// How many answers do not count.
    pub fn rejected_answers(&self) -> u64 {
        self.rejected.values().sum()
    }
}

fn total(numbers: impl Iterator<Item = u64>) -> u128 {
    numbers.map(u128::from).sum()
}

impl Crowd {
    /// Walks the list in order: the first answer of a contributor to an item counts, up to the number
    /// the job asks for; a name stands for one key and a key for one name.
    ///
    /// `verdicts` are the merged ones, one for each entry; `header` gives the header of an accepted
    /// entry.
    pub fn assemble<'h>(
        job: &Job,
        list: &[Listed],
        verdicts: &[u8],
        header: impl Fn(usize) -> Option<&'h Header>,
    ) -> Result<Self, CrowdError> {
        if verdicts.len() != list.len() {
            return Err(CrowdError::Verdicts);
        }
        let mut walk = Walk::new(job);
        for (index, (listed, verdict)) in list.iter().zip(verdicts).enumerate() {
            if *verdict == 0 {
                let header = header(index).ok_or(CrowdError::Entry(index))?;
                if header.statement.items.len() != listed.answers as usize {
                    return Err(CrowdError::Entry(index));
                }
                match Role::of(job, &header.statement.key) {
                    Role::Answers => walk.accept(index, header),
                    // The buyer's gold is nobody's answer to anything.
                    Role::Gold => walk.outcomes.push(Vec::new()),
                }
            } else {
                let reason = RejectReason::from_code(*verdict).ok_or(CrowdError::Verdicts)?;
                walk.reject(listed, reason);
            }
        }
        let digest = verdicts_digest(list, verdicts);
        Ok(walk.finish(digest, job.terms().classes().len()))
    }

    /// The digest of the accepted set.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What is published about it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The weights' scales of the agreement statistics.
    pub fn scales(&self) -> &Scales {
        &self.scales
    }

    /// The answers that count, by contributor in the order of [`Facts::contributors`].
    pub fn answers(&self) -> &[CountedAnswer] {
        &self.answers
    }

    /// How many answers each item of the job has.
    pub fn redundancy(&self) -> &[u32] {
        &self.redundancy
    }

    /// What became of each answer of each entry of the list: `None` where it counts. Empty for gold answers.
    pub fn outcomes(&self) -> &[Vec<Option<RejectReason>>] {
        &self.outcomes
    }

    /// For each contributor, where its answers end in [`Self::answers`].
    pub fn contributor_ends(&self) -> Vec<usize> {
        let mut end = 0;
        self.facts
            .contributors
            .iter()
            .map(|contributor| {
                end += contributor.answers as usize;
                end
            })
            .collect()
    }
}

/// The state of a walk through the list.
struct Walk<'h> {
    wanted: u32,
    names: HashMap<&'h str, (PublicKey, u32)>,
    keys: HashMap<PublicKey, &'h str>,
    contributors: Vec<(&'h str, PublicKey)>,
    taken: HashSet<(u32, u32)>,
    redundancy: Vec<u32>,
    answers: Vec<CountedAnswer>,
    rejected: BTreeMap<RejectReason, u64>,
    outcomes: Vec<Vec<Option<RejectReason>>>,
}

impl<'h> Walk<'h> {
    fn new(job: &Job) -> Self {
        Self {
            wanted: job.terms().answers_per_item,
            names: HashMap::new(),
            keys: HashMap::new(),
            contributors: Vec::new(),
            taken: HashSet::new(),
            redundancy: vec![0; job.items().len()],
            answers: Vec::new(),
            rejected: BTreeMap::new(),
            outcomes: Vec::new(),
        }
    }

    fn reject(&mut self, listed: &Listed, reason: RejectReason) {
        *self.rejected.entry(reason).or_default() += u64::from(listed.answers);
        // What a rejected entry claims to hold is the coordinator's word: nothing is allocated by it.
        self.outcomes.push(vec![Some(reason)]);
    }

    fn accept(&mut self, submission: usize, header: &'h Header) {
        let statement = &header.statement;
        let name = statement.contributor.as_str();
        let bound = self.names.get(name).copied();
        let conflict = bound.is_some_and(|(key, _)| key != statement.key) || self.keys.get(&statement.key).is_some_and(|n| *n != name);
        if conflict {
            let listed = Listed {
                submission: header.digest(),
                answers: statement.items.len() as u32,
            };
            return self.reject(&listed, RejectReason::KeyConflict);
        }
        let contributor = bound.map_or_else(
            || {
                let index = self.contributors.len() as u32;
                self.names.insert(name, (statement.key, index));
                self.keys.insert(statement.key, name);
                self.contributors.push((name, statement.key));
                index
            },
            |(_, index)| index,
        );
        let mut outcomes = Vec::with_capacity(statement.items.len());
        for (row, item) in statement.items.iter().enumerate() {
            let outcome = if self.taken.contains(&(contributor, *item)) {
                Some(RejectReason::DuplicateAnswer)
            } else if self.redundancy[*item as usize] >= self.wanted {
                Some(RejectReason::ItemFull)
            } else {
                None
            };
            match outcome {
                Some(reason) => *self.rejected.entry(reason).or_default() += 1,
                None => {
                    self.taken.insert((contributor, *item));
                    self.redundancy[*item as usize] += 1;
                    self.answers.push(CountedAnswer {
                        submission: submission as u32,
                        row: row as u32,
                        contributor,
                        item: *item,
                    });
                }
            }
            outcomes.push(outcome);
        }
        self.outcomes.push(outcomes);
    }

    fn finish(mut self, digest: Digest, classes: usize) -> Crowd {
        // Contributors by name, so that nothing depends on who was first; those without a counted
        // answer are not part of the crowd.
        let mut answered = vec![false; self.contributors.len()];
        self.answers.iter().for_each(|answer| answered[answer.contributor as usize] = true);
        let mut order: Vec<usize> = (0..self.contributors.len()).filter(|c| answered[*c]).collect();
        order.sort_by_key(|c| self.contributors[*c].0);
        let mut rank = vec![0u32; self.contributors.len()];
        order.iter().enumerate().for_each(|(new, old)| rank[*old] = new as u32);
        self.answers
            .iter_mut()
            .for_each(|answer| answer.contributor = rank[answer.contributor as usize]);
        self.answers.sort_by_key(|answer| (answer.contributor, answer.item));

        let mut redundancy = BTreeMap::new();
        for count in self.redundancy.iter().filter(|count| **count > 0) {
            *redundancy.entry(*count).or_default() += 1;
        }
        let contributors = order
            .iter()
            .zip(self.answers.chunk_by(|a, b| a.contributor == b.contributor))
            .map(|(old, answers)| {
                let mut paired = BTreeMap::new();
                for answer in answers {
                    *paired.entry(self.redundancy[answer.item as usize]).or_default() += 1;
                }
                let (contributor, key) = self.contributors[*old];
                ContributorFacts {
                    contributor: contributor.to_owned(),
                    key,
                    answers: answers.len() as u64,
                    paired: paired.iter().filter(|(r, _)| **r >= 2).map(|(_, count)| *count).sum(),
                    scale: Scale::of_contributor(&paired, classes),
                }
            })
            .collect();
        let facts = Facts {
            answers: self.answers.len() as u64,
            rejected: self.rejected,
            redundancy,
            contributors,
        };
        let scales = Scales::new(&facts.redundancy);
        Crowd {
            digest,
            scales,
            facts,
            answers: self.answers,
            redundancy: self.redundancy,
            outcomes: self.outcomes,
        }
    }
}

#[cfg(test)]
mod tests;
