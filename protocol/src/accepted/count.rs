//! Deciding which answers count, in one pass over the list.
//!
//! The items of a submission ascend, so only a contributor with several submissions can answer an item twice. The answers of
//! such contributors are sorted beforehand to mark the repeats; the pass itself then looks up nothing but how many answers an
//! item has.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::facts::same_redundancy;
use super::{
    AcceptedContributor, AcceptedSetError, ContributorFacts, CountedSubmission, Outcome, PublicFacts, RefusedBy, Scale, SubmissionEntry,
};
use crate::check::Check;
use crate::identity::PublicKey;
use crate::job::{Job, Terms};
use crate::name::Look;
use crate::question::Release;
use crate::reject::RejectReason;
use crate::submission::{Header, Role, Statement, Subject};
use crate::verdict::Verdict;
use tacit_mpc_core::sharing::NodeSet;

/// The answers that count, in the order of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counted {
    ranges: Vec<CountedRange>,
    items: Vec<u32>,
}

/// The answers of one submission that count.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CountedRange {
    entry: u32,
    contributor: u32,
    /// Start and end of their items in [`Counted::items`].
    from: usize,
    to: usize,
    /// Their rows; empty if all rows of the submission count.
    rows: Vec<u32>,
}

/// The result of the count.
pub(super) struct Counting<'h> {
    pub counted: Counted,
    /// How many answers each item has.
    pub redundancy: Vec<u32>,
    pub outcomes: Vec<Outcome>,
    rejected: BTreeMap<RejectReason, u64>,
    refused: Vec<RefusedBy>,
    /// The contributors with a counted answer, by name, so that their order does not depend on the order of the list.
    contributors: Vec<(&'h str, PublicKey)>,
    /// The contributors with an accepted submission, by name.
    pub accepted: Vec<AcceptedContributor>,
}

/// An accepted entry of a contributor.
struct AcceptedEntry<'h> {
    entry: usize,
    contributor: u32,
    items: &'h [u32],
    /// The answers to items that the contributor has answered before, by row.
    repeats: Vec<Repeat>,
}

/// A further answer of a contributor to an item.
struct Repeat {
    row: u32,
    /// Entry and row of the contributor's first answer to the item.
    first: (usize, u32),
}

/// See [`super::AcceptedSet::assemble`].
pub(super) fn count_answers<'h>(
    job: &Job,
    list: &[SubmissionEntry],
    verdicts: &[Verdict],
    header: impl Fn(usize) -> Option<&'h Header>,
) -> Result<Counting<'h>, AcceptedSetError> {
    if verdicts.len() != list.len() {
        return Err(AcceptedSetError::Verdicts);
    }
    let mut names = Names::default();
    let mut accepted = Vec::with_capacity(list.len());
    let mut outcomes = Vec::with_capacity(list.len());
    for (entry, (listed, verdict)) in list.iter().zip(verdicts).enumerate() {
        let rejected = match *verdict {
            Verdict::Accepted => None,
            Verdict::Rejected(reason) => Some(Outcome::Rejected(reason)),
            Verdict::Refused(reason, by) => Some(Outcome::Refused(reason, by)),
        };
        if let Some(rejected) = rejected {
            outcomes.push(rejected);
            continue;
        }
        let statement = &header(entry).ok_or(AcceptedSetError::Entry(entry))?.statement;
        let items = statement.items.as_slice();
        if items.len() != listed.answers as usize || !are_items(items, job.items().len()) {
            return Err(AcceptedSetError::Entry(entry));
        }
        // Gold answers are nobody's answers: they are accepted and count for no contributor.
        let counts_for = match Role::of(job, &statement.key) {
            Role::Gold => Ok(None),
            Role::Answers => names.bind(statement).map(Some).ok_or(RejectReason::KeyConflict),
        };
        outcomes.push(match counts_for {
            // The rows that do not count follow below.
            Ok(_) => Outcome::Counted(Vec::new()),
            Err(reason) => Outcome::Rejected(reason),
        });
        if let Ok(Some(contributor)) = counts_for {
            accepted.push(AcceptedEntry {
                entry,
                contributor,
                items,
                repeats: Vec::new(),
            });
        }
    }
    mark_repeats(&mut accepted, names.contributors.len());
    let mut redundancy = vec![0; job.items().len()];
    let counted = fill_items(&accepted, job.terms().answers_per_item, &mut redundancy, &mut outcomes);
    let mut counting = Counting {
        counted,
        redundancy,
        rejected: count_rejected(list, &outcomes),
        refused: count_refused(list, &outcomes),
        outcomes,
        contributors: Vec::new(),
        accepted: accepted_contributors(&names.contributors, &accepted),
    };
    counting.number_contributors(&names.contributors);
    Ok(counting)
}

/// Whether these are indices of a job's items, strictly ascending.
pub(super) fn are_items(items: &[u32], items_in_job: usize) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1]) && items.last().is_none_or(|last| (*last as usize) < items_in_job)
}

/// The names and keys of contributors, each bound to the other by the first accepted submission that has one of them.
///
/// Where the job names issuers, a name is a person's number, and the person may come to use another key: it is the same contributor.
#[derive(Default)]
struct Names<'h> {
    names: HashMap<&'h str, u32>,
    /// What the names look like. A name that looks like another one's is bound to nobody: pay would go to whom it is taken for.
    looks: HashSet<Look>,
    keys: HashMap<PublicKey, u32>,
    contributors: Vec<(&'h str, PublicKey)>,
}

impl<'h> Names<'h> {
    /// The index of the contributor of a submission; `None` if its name, a name that looks alike, or its key is bound to another one.
    fn bind(&mut self, statement: &'h Statement) -> Option<u32> {
        let (name, key) = (statement.contributor.as_str(), statement.key);
        match (self.names.get(name), self.keys.get(&key)) {
            (Some(by_name), Some(by_key)) => (by_name == by_key).then_some(*by_name),
            (None, None) => {
                if !self.looks.insert(Look::of(name)) && Check::Looks.is_made() {
                    return None;
                }
                let index = self.contributors.len() as u32;
                self.names.insert(name, index);
                self.keys.insert(key, index);
                self.contributors.push((name, key));
                Some(index)
            }
            (Some(by_name), None) if matches!(statement.subject(), Subject::Number(_)) => {
                self.keys.insert(key, *by_name);
                Some(*by_name)
            }
            _ => None,
        }
    }
}

/// For each of `count` groups, the indices of its elements, ascending. `groups` gives the group of each element.
fn group_indices(groups: impl Iterator<Item = u32>, count: usize) -> Vec<Vec<usize>> {
    let mut indices = vec![Vec::new(); count];
    groups.enumerate().for_each(|(index, group)| indices[group as usize].push(index));
    indices
}

/// All contributors, by name, each with its accepted entries.
fn accepted_contributors(all: &[(&str, PublicKey)], accepted: &[AcceptedEntry<'_>]) -> Vec<AcceptedContributor> {
    let of_each = group_indices(accepted.iter().map(|one| one.contributor), all.len());
    let mut contributors: Vec<AcceptedContributor> = all
        .iter()
        .zip(of_each)
        .map(|((name, key), indices)| AcceptedContributor {
            name: (*name).to_owned(),
            key: *key,
            entries: indices.into_iter().map(|index| accepted[index].entry as u32).collect(),
        })
        .collect();
    contributors.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    contributors
}

/// Finds the answers of a contributor to an item that are not the contributor's first.
fn mark_repeats(accepted: &mut [AcceptedEntry<'_>], contributors: usize) {
    let mut answers: Vec<(u32, usize, u32)> = Vec::new();
    for indices in group_indices(accepted.iter().map(|one| one.contributor), contributors) {
        if indices.len() < 2 {
            continue;
        }
        answers.clear();
        for index in indices {
            let rows = accepted[index].items.iter().zip(0..);
            answers.extend(rows.map(|(item, row)| (*item, index, row)));
        }
        // A stable sort keeps the earliest answer to an item first. The input is a few ascending runs, which it merges.
        answers.sort_by_key(|(item, _, _)| *item);
        for same_item in answers.chunk_by(|a, b| a.0 == b.0) {
            let (_, first, first_row) = same_item[0];
            let first = (accepted[first].entry, first_row);
            for (_, index, row) in &same_item[1..] {
                accepted[*index].repeats.push(Repeat { row: *row, first });
            }
        }
    }
}

/// Counts answers until each item has `wanted`, and lists in `outcomes` the rows that do not count.
fn fill_items(accepted: &[AcceptedEntry<'_>], wanted: u32, redundancy: &mut [u32], outcomes: &mut [Outcome]) -> Counted {
    let mut items = Vec::with_capacity(accepted.iter().map(|one| one.items.len()).sum());
    let mut ranges = Vec::with_capacity(accepted.len());
    for one in accepted {
        let from = items.len();
        let mut left_out = Vec::new();
        let mut repeats = one.repeats.iter().peekable();
        for (item, row) in one.items.iter().zip(0u32..) {
            let answers = &mut redundancy[*item as usize];
            if let Some(repeat) = repeats.next_if(|repeat| repeat.row == row) {
                // If the first answer was dropped because the item was full, this repeat is dropped for the same reason.
                let (entry, first_row) = repeat.first;
                let reason = if counts(&outcomes[entry], first_row) {
                    RejectReason::DuplicateAnswer
                } else {
                    RejectReason::ItemFull
                };
                left_out.push((row, reason));
            } else if *answers < wanted {
                *answers += 1;
                items.push(*item);
            } else {
                left_out.push((row, RejectReason::ItemFull));
            }
        }
        if items.len() > from {
            ranges.push(CountedRange {
                entry: one.entry as u32,
                contributor: one.contributor,
                from,
                to: items.len(),
                rows: if left_out.is_empty() {
                    Vec::new()
                } else {
                    rows_without(one.items.len(), &left_out)
                },
            });
        }
        outcomes[one.entry] = Outcome::Counted(left_out);
    }
    Counted { ranges, items }
}

/// Whether the answer in a row counts.
fn counts(outcome: &Outcome, row: u32) -> bool {
    match outcome {
        Outcome::Rejected(_) | Outcome::Refused(..) => false,
        Outcome::Counted(left_out) => left_out.binary_search_by_key(&row, |(row, _)| *row).is_err(),
    }
}

/// The rows of a submission that are not left out.
fn rows_without(rows: usize, left_out: &[(u32, RejectReason)]) -> Vec<u32> {
    let mut left_out = left_out.iter().map(|(row, _)| *row).peekable();
    (0..rows as u32).filter(|row| left_out.next_if_eq(row).is_none()).collect()
}

/// How many answers do not count, by reason. The number of answers of a rejected entry is the coordinator's claim, so nothing
/// is allocated by it.
fn count_rejected(list: &[SubmissionEntry], outcomes: &[Outcome]) -> BTreeMap<RejectReason, u64> {
    let mut rejected = BTreeMap::new();
    for (listed, outcome) in list.iter().zip(outcomes) {
        match outcome {
            Outcome::Rejected(reason) | Outcome::Refused(reason, _) => *rejected.entry(*reason).or_default() += u64::from(listed.answers),
            Outcome::Counted(left_out) => left_out.iter().for_each(|(_, reason)| *rejected.entry(*reason).or_default() += 1),
        }
    }
    rejected
}

/// What each set of nodes refuses, in the order of the sets.
fn count_refused(list: &[SubmissionEntry], outcomes: &[Outcome]) -> Vec<RefusedBy> {
    let mut refused: BTreeMap<NodeSet, (u64, u64)> = BTreeMap::new();
    for (listed, outcome) in list.iter().zip(outcomes) {
        if let Outcome::Refused(_, by) = outcome {
            let (submissions, answers) = refused.entry(*by).or_default();
            *submissions += 1;
            *answers += u64::from(listed.answers);
        }
    }
    let one = |(nodes, (submissions, answers))| RefusedBy {
        nodes,
        submissions,
        answers,
    };
    refused.into_iter().map(one).collect()
}

impl Counting<'_> {
    /// What is published about the accepted set.
    pub(super) fn facts(&self, terms: &Terms) -> PublicFacts {
        let width = terms.question.width();
        let mut redundancy = BTreeMap::new();
        for count in self.redundancy.iter().filter(|count| **count > 0) {
            *redundancy.entry(*count).or_default() += 1;
        }
        let max = redundancy.last_key_value().map_or(0, |(max, _)| *max);
        // By redundancy: how many items of that redundancy one contributor has answered.
        let mut answered: Vec<u64> = vec![0; max as usize + 1];
        let ranges = group_indices(self.counted.ranges.iter().map(|range| range.contributor), self.contributors.len());
        let contributors = self.contributors.iter().zip(ranges).map(|((contributor, key), ranges)| {
            answered.fill(0);
            let items = ranges.iter().map(|range| self.counted.items_of(&self.counted.ranges[*range]));
            match same_redundancy(&redundancy) {
                // The redundancy of each item need not be looked up.
                Some(same) => answered[same as usize] = items.map(|items| items.len() as u64).sum(),
                None => items
                    .flatten()
                    .for_each(|item| answered[self.redundancy[*item as usize] as usize] += 1),
            }
            let used = answered.iter().zip(0..).filter(|(answers, _)| **answers > 0);
            let by_redundancy: BTreeMap<u32, u64> = used.map(|(answers, redundancy)| (redundancy, *answers)).collect();
            ContributorFacts {
                contributor: (*contributor).to_owned(),
                key: *key,
                answers: by_redundancy.values().sum(),
                paired: by_redundancy.range(2..).map(|(_, answers)| *answers).sum(),
                scale: Scale::of_contributor(&by_redundancy, width),
            }
        });
        let too_few = |(item, answers): (u32, &u32)| (*answers < terms.min_answers_to_label()).then_some(item);
        let too_few_answers = if terms.sensitive && terms.releases(Release::Labels) {
            (0..).zip(&self.redundancy).filter_map(too_few).collect()
        } else {
            Vec::new()
        };
        PublicFacts {
            answers: self.counted.items.len() as u64,
            rejected: self.rejected.clone(),
            refused: self.refused.clone(),
            contributors: contributors.collect(),
            redundancy,
            too_few_answers,
        }
    }
}

impl<'h> Counting<'h> {
    /// Numbers the contributors by name. Those without a counted answer are left out.
    fn number_contributors(&mut self, all: &[(&'h str, PublicKey)]) {
        let mut order: Vec<u32> = self.counted.ranges.iter().map(|range| range.contributor).collect();
        order.sort_unstable_by_key(|contributor| all[*contributor as usize].0);
        order.dedup();
        self.contributors = order.iter().map(|contributor| all[*contributor as usize]).collect();
        let mut number = vec![0; all.len()];
        order
            .iter()
            .zip(0..)
            .for_each(|(contributor, index)| number[*contributor as usize] = index);
        for range in &mut self.counted.ranges {
            range.contributor = number[range.contributor as usize];
        }
    }
}

impl Counted {
    fn items_of(&self, range: &CountedRange) -> &[u32] {
        &self.items[range.from..range.to]
    }

    /// The answers that count, submission by submission.
    pub(super) fn submissions(&self) -> impl Iterator<Item = CountedSubmission<'_>> {
        self.ranges.iter().map(|range| CountedSubmission {
            submission: range.entry,
            contributor: range.contributor,
            items: self.items_of(range),
            rows: &range.rows,
        })
    }
}
