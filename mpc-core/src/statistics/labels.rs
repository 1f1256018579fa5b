//! The consensus label of each item: what goes into deciding it, and what follows from it.
//!
//! Deciding is a comparison of shared tallies, of which the label alone is opened, or not even that.

use crate::crowd::Crowd;
use crate::field::{Field, Fp61};
use crate::job::{LabelRule, Terms};
use crate::sharing::Shared;

use super::tally::add_to;

/// The label of each item: the index of its class, or none where there is no consensus.
pub(crate) type Labels = Vec<Option<u32>>;

/// What the labels of all items are decided by.
pub(super) struct Ballot {
    /// What the answers for each class of each item weigh together, `items × classes`.
    pub tallies: Shared<Fp61>,
    /// The most that one of them can be.
    pub most_votes: u64,
    /// What a label's must be at least.
    pub quorum: u64,
}

impl Ballot {
    /// The ballot of a job, from its answers and their tally: linear in them, so local.
    pub fn new(terms: &Terms, crowd: &Crowd, answers: &Shared<Fp61>, tally: &Shared<Fp61>) -> Self {
        let classes = terms.classes().len();
        let weights: Vec<u64> = crowd.facts().contributors.iter().map(|c| terms.weight_of(&c.contributor)).collect();
        let weight = |contributor: u32| weights[contributor as usize];
        let mut cast = vec![0u64; crowd.redundancy().len()];
        for answer in crowd.answers() {
            cast[answer.item as usize] += weight(answer.contributor);
        }
        let tallies = match terms.label_rule {
            LabelRule::Plurality => tally.clone(),
            LabelRule::Weighted => answers.linear(|values, out| {
                out.resize(crowd.redundancy().len() * classes, Fp61::ZERO);
                for (row, answer) in values.chunks_exact(classes).zip(crowd.answers()) {
                    let start = answer.item as usize * classes;
                    let weight = Fp61::reduce(weight(answer.contributor));
                    let sums = &mut out[start..start + classes];
                    sums.iter_mut().zip(row).for_each(|(sum, vote)| *sum += weight * *vote);
                }
            }),
        };
        Self {
            tallies,
            most_votes: cast.into_iter().max().unwrap_or(0),
            quorum: terms.votes_needed(),
        }
    }
}

/// How many of each contributor's answers are the labels of their items; linear once those are open. An item
/// without label agrees with nobody.
pub(super) fn agreement(crowd: &Crowd, classes: usize, answers: &Shared<Fp61>, labels: &[Option<u32>]) -> Shared<Fp61> {
    answers.linear(|values, out| {
        out.resize(crowd.facts().contributors.len(), Fp61::ZERO);
        for (row, answer) in values.chunks_exact(classes).zip(crowd.answers()) {
            if let Some(class) = labels[answer.item as usize] {
                let of = answer.contributor as usize;
                add_to(&mut out[of..=of], &row[class as usize..=class as usize]);
            }
        }
    })
}

/// Labels as they are certified: 0 where there is none, else the class counted from 1.
pub(super) fn to_values(labels: &[Option<u32>]) -> Vec<Fp61> {
    let value = |label: &Option<u32>| Fp61::reduce(label.map_or(0, |class| u64::from(class) + 1));
    labels.iter().map(value).collect()
}

/// The labels behind certified values; `None` if one is of no class.
pub(crate) fn from_values(values: &[Fp61], classes: usize) -> Option<Labels> {
    let label = |value: &Fp61| match value.to_u64() {
        0 => Some(None),
        class if class <= classes as u64 => Some(Some(class as u32 - 1)),
        _ => None,
    };
    values.iter().map(label).collect()
}

#[cfg(test)]
mod tests;
