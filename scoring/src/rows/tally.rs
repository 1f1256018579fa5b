//! `T_i = Σ_c x_ci`: the sum of an item's rows. For one-hot rows it says how often each class was answered. Linear, so local.

use std::collections::BTreeMap;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, CountedSubmission};

use super::answers::Answers;
use super::runs::{equal_runs, row_runs};
use super::sums::{RowSums, RowTotal};

/// A tally while answers are added to it: one row for each item of the job.
pub struct Tally(RowSums);

impl Tally {
    /// A tally of no answers: a row of `width` zeros for each item of the job.
    pub fn new(party: &Party, accepted: &AcceptedSet, width: usize) -> Self {
        Self(RowSums::new(party, accepted.redundancy().len(), width))
    }

    /// Adds the counted answers of one submission, given its rows in one vector for each component.
    pub fn add(&mut self, counted: CountedSubmission<'_>, submission: &[&[Fp61]]) {
        self.add_weighted(counted, submission, Fp61::ONE);
    }

    /// Adds the counted answers of one submission, times a public weight.
    pub(crate) fn add_weighted(&mut self, counted: CountedSubmission<'_>, submission: &[&[Fp61]], weight: Fp61) {
        row_runs(counted, |_| 0, |run| self.0.add_run(&run, submission, weight));
    }

    /// The tally, row after row in the order of the items.
    pub fn finish(self) -> Shared<Fp61> {
        self.0.into_shared()
    }
}

/// The tally of all answers that count.
pub fn tally(party: &Party, accepted: &AcceptedSet, answers: &Answers) -> Shared<Fp61> {
    let mut tally = Tally::new(party, accepted, answers.width());
    answers.for_each_counted(accepted, |counted, submission| tally.add(counted, submission));
    tally.finish()
}

/// The sum of the tally's rows over all items with equally many answers, by that number.
pub(crate) struct Totals {
    width: usize,
    by_redundancy: BTreeMap<u32, Shared<Fp61>>,
}

impl Totals {
    /// Adds up a tally.
    pub(crate) fn of(party: &Party, accepted: &AcceptedSet, width: usize, tally: &Shared<Fp61>) -> Self {
        let mut by_redundancy: BTreeMap<u32, RowSums> = BTreeMap::new();
        let mut total = RowTotal::new(width);
        for (items, answers) in equal_runs(accepted.redundancy().len(), |item| accepted.redundancy()[item]) {
            let sums = by_redundancy.entry(answers).or_insert_with(|| RowSums::new(party, 1, width));
            for (position, values) in tally.components().iter().enumerate() {
                let values = &values[items.start * width..items.end * width];
                sums.add_row(0, position, total.of(values), Fp61::ONE);
            }
        }
        let by_redundancy = by_redundancy.into_iter().map(|(answers, sums)| (answers, sums.into_shared()));
        Self {
            width,
            by_redundancy: by_redundancy.collect(),
        }
    }

    /// `Σ_i w(R_i) T_i`, one row, with a public weight by how many answers an item has.
    pub(crate) fn weighted(&self, party: &Party, weight: impl Fn(u32) -> Fp61) -> Shared<Fp61> {
        let zeros = Shared::zeros(party, self.width);
        let weighted = |(answers, totals): (&u32, &Shared<Fp61>)| totals.scale(&vec![weight(*answers); self.width]);
        self.by_redundancy.iter().map(weighted).fold(zeros, |sum, totals| sum.add(&totals))
    }
}
