//! The count over the list that decides which answers count.
//!
//! Items ascend within a submission, so only contributors with several submissions can answer an item twice: theirs
//! are sorted beforehand, and the count itself looks nothing up but how many answers an item has.

use std::collections::{BTreeMap, HashMap};

use super::scale::Scale;
use super::{AcceptedSetError, ContributorFacts, CountedSubmission, Outcome, PublicFacts, SubmissionEntry, same_redundancy};
use crate::identity::PublicKey;
use crate::job::Job;
use crate::reject::RejectReason;
use crate::submission::{Header, Role};

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
    /// Where they begin and end in [`Counted::items`].
    from: usize,
    to: usize,
    /// Their rows, where not all rows of the submission count.
    rows: Vec<u32>,
}

/// What the count came to.
pub(super) struct Counting<'h> {
    pub counted: Counted,
    pub redundancy: Vec<u32>,
    pub outcomes: Vec<Outcome>,
    rejected: BTreeMap<RejectReason, u64>,
    /// Those with a counted answer, by name, so that nothing depends on who was first.
    contributors: Vec<(&'h str, PublicKey)>,
}

/// An entry whose answers count unless others came first.
struct Accepted<'h> {
    entry: usize,
    contributor: u32,
    items: &'h [u32],
    /// Its answers to items that the contributor has answered before, by row.
    repeats: Vec<Repeat>,
}

/// A further answer of a contributor to an item.
struct Repeat {
    row: u32,
    /// Entry and row of its first one.
    first: (usize, u32),
}

/// See [`super::AcceptedSet::assemble`].
pub(super) fn count_answers<'h>(
    job: &Job,
    list: &[SubmissionEntry],
    verdicts: &[u8],
    header: impl Fn(usize) -> Option<&'h Header>,
) -> Result<Counting<'h>, AcceptedSetError> {
    if verdicts.len() != list.len() {
        return Err(AcceptedSetError::Verdicts);
    }
    let mut names = Names::default();
    let mut accepted = Vec::with_capacity(list.len());
    let mut outcomes = Vec::with_capacity(list.len());
    for (entry, (listed, verdict)) in list.iter().zip(verdicts).enumerate() {
        outcomes.push(if *verdict == 0 {
            let statement = &header(entry).ok_or(AcceptedSetError::Entry(entry))?.statement;
            let items = statement.items.as_slice();
            if items.len() != listed.answers as usize || !are_items(items, job.items().len()) {
                return Err(AcceptedSetError::Entry(entry));
            }
            match Role::of(job, &statement.key) {
                // The buyer's gold is nobody's answer to anything.
                Role::Gold => Outcome::Counted(Vec::new()),
                Role::Answers => match names.bind(&statement.contributor, statement.key) {
                    Some(contributor) => {
                        accepted.push(Accepted {
                            entry,
                            contributor,
                            items,
                            repeats: Vec::new(),
                        });
                        Outcome::Counted(Vec::new())
                    }
                    None => Outcome::Rejected(RejectReason::KeyConflict),
                },
            }
        } else {
            Outcome::Rejected(RejectReason::from_code(*verdict).ok_or(AcceptedSetError::Verdicts)?)
        });
    }
    mark_repeats(&mut accepted, names.contributors.len());
    let mut redundancy = vec![0; job.items().len()];
    let counted = count(&accepted, job.terms().answers_per_item, &mut redundancy, &mut outcomes);
    let mut counting = Counting {
        counted,
        redundancy,
        rejected: rejected(list, &outcomes),
        outcomes,
        contributors: Vec::new(),
    };
    counting.rank(&names.contributors);
    Ok(counting)
}

/// Whether these are items of a job with so many, in ascending order.
fn are_items(items: &[u32], of_job: usize) -> bool {
    items.windows(2).all(|pair| pair[0] < pair[1]) && items.last().is_none_or(|last| (*last as usize) < of_job)
}

/// The names and keys of accepted submissions, each bound to the other by the first of them.
#[derive(Default)]
struct Names<'h> {
    names: HashMap<&'h str, u32>,
    keys: HashMap<PublicKey, u32>,
    contributors: Vec<(&'h str, PublicKey)>,
}

impl<'h> Names<'h> {
    /// The index of the contributor of this name and key; none if one of them is bound to another.
    fn bind(&mut self, name: &'h str, key: PublicKey) -> Option<u32> {
        match (self.names.get(name), self.keys.get(&key)) {
            (Some(by_name), Some(by_key)) => (by_name == by_key).then_some(*by_name),
            (None, None) => {
                let index = self.contributors.len() as u32;
                self.names.insert(name, index);
                self.keys.insert(key, index);
                self.contributors.push((name, key));
                Some(index)
            }
            _ => None,
        }
    }
}

/// The places of the elements of each group, ascending.
fn group_indices(groups: impl Iterator<Item = u32>, count: usize) -> Vec<Vec<usize>> {
    let mut places = vec![Vec::new(); count];
    groups.enumerate().for_each(|(place, group)| places[group as usize].push(place));
    places
}

/// Finds the answers of a contributor to an item that are not its first.
fn mark_repeats(accepted: &mut [Accepted<'_>], contributors: usize) {
    let mut answers: Vec<(u32, usize, u32)> = Vec::new();
    for of_one in group_indices(accepted.iter().map(|one| one.contributor), contributors) {
        if of_one.len() < 2 {
            continue;
        }
        answers.clear();
        for place in of_one {
            let rows = accepted[place].items.iter().zip(0..);
            answers.extend(rows.map(|(item, row)| (*item, place, row)));
        }
        // Stable: of the answers to an item the earliest stays first, and sorted runs make it a merge.
        answers.sort_by_key(|(item, _, _)| *item);
        for same in answers.chunk_by(|a, b| a.0 == b.0) {
            let (_, first, first_row) = same[0];
            let first = (accepted[first].entry, first_row);
            for (_, place, row) in &same[1..] {
                accepted[*place].repeats.push(Repeat { row: *row, first });
            }
        }
    }
}

/// Counts answers up to `wanted` for each item, and notes those that do not count.
fn count(accepted: &[Accepted<'_>], wanted: u32, redundancy: &mut [u32], outcomes: &mut [Outcome]) -> Counted {
    let mut items = Vec::with_capacity(accepted.iter().map(|one| one.items.len()).sum());
    let mut ranges = Vec::with_capacity(accepted.len());
    for one in accepted {
        let from = items.len();
        let mut left_out = Vec::new();
        let mut repeats = one.repeats.iter().peekable();
        for (item, row) in one.items.iter().zip(0u32..) {
            let answers = &mut redundancy[*item as usize];
            if let Some(repeat) = repeats.next_if(|repeat| repeat.row == row) {
                // Where the first one does not count the item was full, and still is.
                let counts = counts(&outcomes[repeat.first.0], repeat.first.1);
                left_out.push((
                    row,
                    if counts {
                        RejectReason::DuplicateAnswer
                    } else {
                        RejectReason::ItemFull
                    },
                ));
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
                    other_rows(one.items.len(), &left_out)
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
        Outcome::Rejected(_) => false,
        Outcome::Counted(left_out) => left_out.binary_search_by_key(&row, |(row, _)| *row).is_err(),
    }
}

/// The rows that are not left out.
fn other_rows(rows: usize, left_out: &[(u32, RejectReason)]) -> Vec<u32> {
    let mut left_out = left_out.iter().map(|(row, _)| *row).peekable();
    (0..rows as u32).filter(|row| left_out.next_if_eq(row).is_none()).collect()
}

/// How many answers do not count, by reason. What a rejected entry claims to hold is the coordinator's word, so
/// nothing is allocated by it.
fn rejected(list: &[SubmissionEntry], outcomes: &[Outcome]) -> BTreeMap<RejectReason, u64> {
    let mut rejected = BTreeMap::new();
    for (listed, outcome) in list.iter().zip(outcomes) {
        match outcome {
            Outcome::Rejected(reason) => *rejected.entry(*reason).or_default() += u64::from(listed.answers),
            Outcome::Counted(left_out) => left_out.iter().for_each(|(_, reason)| *rejected.entry(*reason).or_default() += 1),
        }
    }
    rejected
}

impl Counting<'_> {
    /// What is published about the accepted set.
    pub fn facts(&self, classes: usize) -> PublicFacts {
        let mut redundancy = BTreeMap::new();
        for count in self.redundancy.iter().filter(|count| **count > 0) {
            *redundancy.entry(*count).or_default() += 1;
        }
        // How many of a contributor's items have how many answers.
        let most = redundancy.last_key_value().map_or(0, |(most, _)| *most);
        let mut answered: Vec<u64> = vec![0; most as usize + 1];
        let ranges = group_indices(self.counted.ranges.iter().map(|range| range.contributor), self.contributors.len());
        let contributors = self.contributors.iter().zip(ranges).map(|((contributor, key), ranges)| {
            answered.fill(0);
            let items = ranges.iter().map(|range| self.counted.items_of(&self.counted.ranges[*range]));
            match same_redundancy(&redundancy) {
                // None is looked up.
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
                scale: Scale::of_contributor(&by_redundancy, classes),
            }
        });
        PublicFacts {
            answers: self.counted.items.len() as u64,
            rejected: self.rejected.clone(),
            contributors: contributors.collect(),
            redundancy,
        }
    }
}

impl<'h> Counting<'h> {
    /// Numbers the contributors by name; those without a counted answer are not part of the crowd.
    fn rank(&mut self, all: &[(&'h str, PublicKey)]) {
        let mut order: Vec<u32> = self.counted.ranges.iter().map(|range| range.contributor).collect();
        order.sort_unstable_by_key(|contributor| all[*contributor as usize].0);
        order.dedup();
        self.contributors = order.iter().map(|contributor| all[*contributor as usize]).collect();
        let mut rank = vec![0; all.len()];
        order
            .iter()
            .zip(0..)
            .for_each(|(contributor, place)| rank[*contributor as usize] = place);
        for range in &mut self.counted.ranges {
            range.contributor = rank[range.contributor as usize];
        }
    }
}

impl Counted {
    fn items_of(&self, range: &CountedRange) -> &[u32] {
        &self.items[range.from..range.to]
    }

    /// Submission by submission.
    pub fn submissions(&self) -> impl Iterator<Item = CountedSubmission<'_>> {
        self.ranges.iter().map(|range| CountedSubmission {
            submission: range.entry,
            contributor: range.contributor,
            items: self.items_of(range),
            rows: &range.rows,
        })
    }
}
