//! `T_ik = Σ_c x_cik`: how often each class was answered on each item. Linear, so local.

use crate::crowd::{CountedSubmission, Crowd};
use crate::field::{Field, Fp61};
use crate::sharing::{Party, Shared};

use super::answers::{Answers, RowSums, rows_of};

/// The tally of every item, `items × classes`, as it grows.
pub struct Tally(RowSums);

impl Tally {
    /// Without votes.
    pub fn new(party: &Party, crowd: &Crowd, classes: usize) -> Self {
        Self(RowSums::new(party, crowd.redundancy().len(), classes))
    }

    /// Counts one submission's rows.
    pub fn count(&mut self, counted: CountedSubmission<'_>, rows: &[&[Fp61]]) {
        counted.answers().for_each(|answer| self.0.add(answer.item, rows, answer.row));
    }

    /// The tally of all that was counted.
    pub fn finish(self) -> Shared<Fp61> {
        self.0.into_shared()
    }
}

/// The tally of all answers that count.
pub fn tally(party: &Party, crowd: &Crowd, answers: &Answers) -> Shared<Fp61> {
    let mut tally = Tally::new(party, crowd, answers.classes());
    answers.each_counted(crowd, |counted, rows| tally.count(counted, rows));
    tally.finish()
}

/// `Σ_i w_i T_ik` over all items, one element for each class.
pub(super) fn weighted_totals(party: &Party, classes: usize, tally: &Shared<Fp61>, weight: impl Fn(usize) -> Fp61) -> Shared<Fp61> {
    let mut totals = RowSums::new(party, 1, classes);
    let rows = rows_of(tally);
    for item in 0..tally.len() / classes {
        match weight(item) {
            Fp61::ZERO => {}
            Fp61::ONE => totals.add(0, &rows, item as u32),
            weight => totals.add_scaled(0, &rows, item as u32, weight),
        }
    }
    totals.into_shared()
}
