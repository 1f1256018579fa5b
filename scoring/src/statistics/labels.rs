//! The consensus label of each item: what goes into deciding it, and what follows from it.
//!
//! Deciding is a comparison of shared tallies, of which the label alone is opened, or not even that.

use std::sync::Arc;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::job::{LabelRule, Terms};

use super::answers::Answers;
use super::rows::{RowSums, Run, runs};

/// The label of each item: the index of its class, or none where there is no consensus.
pub(crate) type Labels = Vec<Option<u32>>;

/// What the labels of all items are decided by.
pub(super) struct Ballot {
    /// What the answers for each class of each item weigh together, `items × classes`.
    pub tallies: Arc<Shared<Fp61>>,
    /// The most that one of them can be.
    pub most_votes: u64,
    /// What a label's must be at least.
    pub quorum: u64,
}

impl Ballot {
    /// The ballot of a job, from its answers and their tally: linear in them, so local.
    pub fn new(party: &Party, terms: &Terms, crowd: &AcceptedSet, answers: &Answers, tally: &Arc<Shared<Fp61>>) -> Self {
        let weights: Vec<u64> = crowd.facts().contributors.iter().map(|c| terms.weight_of(&c.contributor)).collect();
        let mut cast = vec![0u64; crowd.redundancy().len()];
        for counted in crowd.submissions() {
            let weight = weights[counted.contributor as usize];
            counted.items.iter().for_each(|item| cast[*item as usize] += weight);
        }
        let tallies = match terms.label_rule {
            LabelRule::Plurality => Arc::clone(tally),
            LabelRule::Weighted => {
                let mut tallies = RowSums::new(party, crowd.redundancy().len(), answers.classes());
                answers.each_counted(crowd, |counted, rows| {
                    let weight = Fp61::reduce(weights[counted.contributor as usize]);
                    runs(counted, |_| weight, |run| tallies.spread(&run, rows, weight));
                });
                Arc::new(tallies.into_shared())
            }
        };
        Self {
            tallies,
            most_votes: cast.into_iter().max().unwrap_or(0),
            quorum: terms.votes_needed(),
        }
    }
}

/// How many of each contributor's answers are the labels of their items, as answers are looked at; linear once those
/// are open. An item without label agrees with nobody.
pub(super) struct LabelAgreement<'a> {
    labels: &'a [Option<u32>],
    classes: usize,
    agreeing: Shared<Fp61>,
    /// Where the elements for the labels' classes are in a run's rows.
    at: Vec<usize>,
}

impl<'a> LabelAgreement<'a> {
    pub fn new(party: &Party, crowd: &AcceptedSet, classes: usize, labels: &'a [Option<u32>]) -> Self {
        Self {
            labels,
            classes,
            agreeing: Shared::zeros(party, crowd.facts().contributors.len()),
            at: Vec::new(),
        }
    }

    /// Counts a run of answers.
    pub fn count(&mut self, run: &Run<'_>, rows: &[&[Fp61]]) {
        let labelled = run.items.iter().zip(run.rows.clone());
        let at = labelled.filter_map(|(item, row)| Some(row * self.classes + self.labels[*item as usize]? as usize));
        self.at.clear();
        self.at.extend(at);
        for (position, values) in rows.iter().enumerate() {
            let agreeing = self.at.iter().fold(Fp61::ZERO, |sum, at| sum + values[*at]);
            self.agreeing.component_mut(position)[run.contributor as usize] += agreeing;
        }
    }

    /// What was counted.
    pub fn finish(self) -> Shared<Fp61> {
        self.agreeing
    }
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
