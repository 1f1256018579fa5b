//! `T_ik = Σ_c x_cik`: how often each class was answered on each item. Linear, so local.

use crate::crowd::Crowd;
use crate::field::{Field, Fp61};
use crate::sharing::Shared;

/// The tally of every item: `items × classes`.
///
/// `answers` holds one row of `classes` elements for each counted answer, in the crowd's order.
pub(super) fn tally(crowd: &Crowd, classes: usize, answers: &Shared<Fp61>) -> Shared<Fp61> {
    answers.linear(|values, out| {
        out.resize(crowd.redundancy().len() * classes, Fp61::ZERO);
        for (row, answer) in values.chunks_exact(classes).zip(crowd.answers()) {
            let start = answer.item as usize * classes;
            add_to(&mut out[start..start + classes], row);
        }
    })
}

/// `Σ_i T_ik`: how often each class was answered, one element for each class.
pub(super) fn class_totals(classes: usize, answers: &Shared<Fp61>) -> Shared<Fp61> {
    answers.linear(|values, out| {
        out.resize(classes, Fp61::ZERO);
        values.chunks_exact(classes).for_each(|row| add_to(out, row));
    })
}

/// `Σ_i w_i T_ik` over all items, one element for each class.
pub(super) fn weighted_totals(classes: usize, tally: &Shared<Fp61>, weight: impl Fn(usize) -> Fp61) -> Shared<Fp61> {
    tally.linear(|values, out| {
        out.resize(classes, Fp61::ZERO);
        for (item, row) in values.chunks_exact(classes).enumerate() {
            let weight = weight(item);
            out.iter_mut().zip(row).for_each(|(sum, votes)| *sum += weight * *votes);
        }
    })
}

pub(super) fn add_to(sum: &mut [Fp61], row: &[Fp61]) {
    sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += *value);
}
