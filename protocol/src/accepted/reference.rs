//! The count as it reads most plainly, for comparison: one set of all pairs of contributor and item, one outcome for each answer.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::scale::Scale;
use crate::accepted::{ContributorFacts, CountedAnswer, PublicFacts, RefusedBy, SubmissionEntry};
use crate::identity::PublicKey;
use crate::job::{Job, Terms};
use crate::name::Look;
use crate::question::Release;
use crate::reject::RejectReason;
use crate::submission::{Header, Role};
use crate::verdict::Verdict;

/// What an accepted set must be.
#[derive(Debug)]
pub(super) struct Reference {
    pub facts: PublicFacts,
    pub answers: Vec<CountedAnswer>,
    pub redundancy: Vec<u32>,
    /// One for each answer of an accepted entry, one for a rejected entry, none for gold.
    pub outcomes: Vec<Vec<Option<RejectReason>>>,
}

impl Reference {
    /// As [`super::AcceptedSet::assemble`], for a list, verdicts and headers that fit each other.
    pub(super) fn assemble(job: &Job, list: &[SubmissionEntry], verdicts: &[Verdict], headers: &[Header]) -> Self {
        let mut count = PlainCount::new(job);
        for (index, (listed, verdict)) in list.iter().zip(verdicts).enumerate() {
            match verdict.reason() {
                Some(reason) => count.reject(listed, reason),
                None if Role::of(job, &headers[index].statement.key) == Role::Gold => count.outcomes.push(Vec::new()),
                None => count.accept(index, &headers[index]),
            }
        }
        for (listed, by) in list.iter().zip(verdicts).filter_map(|(listed, verdict)| match verdict {
            Verdict::Refused(_, by) => Some((listed, *by)),
            _ => None,
        }) {
            let at = count.refused.iter().position(|one| one.nodes == by);
            let at = at.unwrap_or_else(|| {
                count.refused.push(RefusedBy {
                    nodes: by,
                    submissions: 0,
                    answers: 0,
                });
                count.refused.len() - 1
            });
            count.refused[at].submissions += 1;
            count.refused[at].answers += u64::from(listed.answers);
        }
        count.refused.sort_by_key(|one| one.nodes);
        count.finish(job.terms())
    }
}

/// The count so far.
struct PlainCount<'h> {
    wanted: u32,
    names: HashMap<&'h str, (PublicKey, u32)>,
    keys: HashMap<PublicKey, &'h str>,
    looks: HashMap<Look, &'h str>,
    contributors: Vec<(&'h str, PublicKey)>,
    taken: HashSet<(u32, u32)>,
    redundancy: Vec<u32>,
    answers: Vec<CountedAnswer>,
    rejected: BTreeMap<RejectReason, u64>,
    refused: Vec<RefusedBy>,
    outcomes: Vec<Vec<Option<RejectReason>>>,
}

impl<'h> PlainCount<'h> {
    fn new(job: &Job) -> Self {
        Self {
            wanted: job.terms().answers_per_item,
            names: HashMap::new(),
            keys: HashMap::new(),
            looks: HashMap::new(),
            contributors: Vec::new(),
            taken: HashSet::new(),
            redundancy: vec![0; job.items().len()],
            answers: Vec::new(),
            rejected: BTreeMap::new(),
            refused: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    fn reject(&mut self, listed: &SubmissionEntry, reason: RejectReason) {
        *self.rejected.entry(reason).or_default() += u64::from(listed.answers);
        // The number of answers of a rejected entry is the coordinator's claim: nothing is allocated by it.
        self.outcomes.push(vec![Some(reason)]);
    }

    fn accept(&mut self, submission: usize, header: &'h Header) {
        let statement = &header.statement;
        let name = statement.contributor.as_str();
        let (bound, look) = (self.names.get(name).copied(), Look::of(name));
        let one_key = statement.credential.is_none();
        let conflict = (one_key && bound.is_some_and(|(key, _)| key != statement.key))
            || self.keys.get(&statement.key).is_some_and(|n| *n != name)
            || self.looks.get(&look).is_some_and(|n| *n != name);
        if conflict {
            let listed = SubmissionEntry {
                submission: header.digest(),
                answers: statement.items.len() as u32,
            };
            return self.reject(&listed, RejectReason::KeyConflict);
        }
        self.keys.insert(statement.key, name);
        self.looks.insert(look, name);
        let contributor = bound.map_or_else(
            || {
                let index = self.contributors.len() as u32;
                self.names.insert(name, (statement.key, index));
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

    fn finish(mut self, terms: &Terms) -> Reference {
        // Contributors by name, so that their order does not depend on the order of the list. Those without a counted answer
        // are left out.
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
                    scale: Scale::of_contributor(&paired, terms.question.width()),
                }
            })
            .collect();
        let needed = if terms.sensitive && terms.releases(Release::Labels) { 7 } else { 0 };
        let too_few_answers = (0..terms.items as u32)
            .filter(|item| self.redundancy[*item as usize] < needed)
            .collect();
        let facts = PublicFacts {
            answers: self.answers.len() as u64,
            rejected: self.rejected,
            too_few_answers,
            refused: self.refused,
            redundancy,
            contributors,
        };
        Reference {
            facts,
            answers: self.answers,
            redundancy: self.redundancy,
            outcomes: self.outcomes,
        }
    }
}
