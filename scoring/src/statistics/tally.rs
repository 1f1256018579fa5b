//! `T_ik = Σ_c x_cik`: how often each class was answered on each item. Linear, so local.

use std::collections::BTreeMap;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, CountedSubmission};

use super::answers::Answers;
use super::rows::{RowSum, RowSums, equal_runs, runs};

/// The tally of every item, `items × classes`, as it grows.
pub struct Tally(RowSums);

impl Tally {
    /// Without votes.
    pub fn new(party: &Party, crowd: &AcceptedSet, classes: usize) -> Self {
        Self(RowSums::new(party, crowd.redundancy().len(), classes))
    }

    /// Counts one submission's rows.
    pub fn count(&mut self, counted: CountedSubmission<'_>, rows: &[&[Fp61]]) {
        runs(counted, |_| Fp61::ONE, |run| self.0.spread(&run, rows, Fp61::ONE));
    }

    /// The tally of all that was counted.
    pub fn finish(self) -> Shared<Fp61> {
        self.0.into_shared()
    }
}

/// The tally of all answers that count.
pub fn tally(party: &Party, crowd: &AcceptedSet, answers: &Answers) -> Shared<Fp61> {
    let mut tally = Tally::new(party, crowd, answers.classes());
    answers.each_counted(crowd, |counted, rows| tally.count(counted, rows));
    tally.finish()
}

/// The votes for each class on all items with the same number of answers, by that number.
pub(super) struct Totals {
    classes: usize,
    by_redundancy: BTreeMap<u32, Shared<Fp61>>,
}

impl Totals {
    /// Adds up a tally.
    pub fn of(party: &Party, crowd: &AcceptedSet, classes: usize, tally: &Shared<Fp61>) -> Self {
        let mut by_redundancy: BTreeMap<u32, RowSums> = BTreeMap::new();
        let mut summed = RowSum::new(classes);
        for (items, answers) in equal_runs(crowd.redundancy().len(), |item| crowd.redundancy()[item]) {
            let sums = by_redundancy.entry(answers).or_insert_with(|| RowSums::new(party, 1, classes));
            for (position, values) in tally.components().iter().enumerate() {
                let values = &values[items.start * classes..items.end * classes];
                sums.add(0, position, summed.of(values), Fp61::ONE);
            }
        }
        let by_redundancy = by_redundancy.into_iter().map(|(answers, sums)| (answers, sums.into_shared()));
        Self {
            classes,
            by_redundancy: by_redundancy.collect(),
        }
    }

    /// `Σ_i w_i T_ik`, one element for each class, with weights by the number of answers.
    pub fn weighted(&self, party: &Party, weight: impl Fn(u32) -> Fp61) -> Shared<Fp61> {
        let zeros = Shared::zeros(party, self.classes);
        let weighted = |(answers, totals): (&u32, &Shared<Fp61>)| totals.scale(&vec![weight(*answers); self.classes]);
        self.by_redundancy.iter().map(weighted).fold(zeros, |sum, totals| sum.add(&totals))
    }
}
