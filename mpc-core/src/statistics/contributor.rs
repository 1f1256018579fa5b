//! Each contributor's agreement with its peers, and how far it is beyond chance.

use crate::crowd::Crowd;
use crate::field::{Field, Fp61};
use crate::session::Factors;
use crate::sharing::Shared;

use super::tally::add_to;

/// Factors for every contributor: of its agreement with peers
/// `A_c = Σ_i w_i <x_ci, T_i - x_ci>`, and of its agreement at chance
/// `B_c = <Σ_i x_ci, Σ_i w_i (T_i - x_ci)>`, over its items with at least two answers.
///
/// Agreement beyond chance is `Q_c = n_c·A_c - B_c`, which is 0 for any way of answering that ignores
/// the item. (Dasgupta, Ghosh, WWW 2013.)
pub(super) fn factors(crowd: &Crowd, classes: usize, answers: &Shared<Fp61>, tally: &Shared<Fp61>) -> (Factors<Fp61>, Factors<Fp61>) {
    let others = weighted_others(crowd, classes, answers, tally);
    let ends = crowd.contributor_ends();
    let contributors = ends.len();
    // Sums of rows by contributor. Rows of unpaired items must not count in Σ x: `others` is zero
    // there already, `answers` is not.
    let sum_rows = |rows: &Shared<Fp61>| {
        rows.linear(|values, out| {
            out.resize(contributors * classes, Fp61::ZERO);
            for (row, answer) in values.chunks_exact(classes).zip(crowd.answers()) {
                if crowd.redundancy()[answer.item as usize] >= 2 {
                    let start = answer.contributor as usize * classes;
                    add_to(&mut out[start..start + classes], row);
                }
            }
        })
    };
    let chance = Factors {
        x: sum_rows(answers),
        y: sum_rows(&others),
        ends: (1..=contributors).map(|c| c * classes).collect(),
    };
    let agreement = Factors {
        x: answers.clone(),
        y: others,
        ends: ends.iter().map(|end| end * classes).collect(),
    };
    (agreement, chance)
}

/// `w_i (T_i - x_ci)` for every counted answer, with the contributor's own weights; zero on items
/// with one answer.
fn weighted_others(crowd: &Crowd, classes: usize, answers: &Shared<Fp61>, tally: &Shared<Fp61>) -> Shared<Fp61> {
    let own = |answer: &crate::crowd::CountedAnswer| match crowd.redundancy()[answer.item as usize] {
        0 | 1 => Fp61::ZERO,
        r => Fp61::reduce(
            crowd.facts().contributors[answer.contributor as usize]
                .scale
                .weight(u64::from(r) - 1),
        ),
    };
    // In one pass: vectors as long as all answers take more time to fill with pages than to compute.
    answers.linear_with(tally, |own_votes, votes, out| {
        for (row, answer) in own_votes.chunks_exact(classes).zip(crowd.answers()) {
            let (weight, start) = (own(answer), answer.item as usize * classes);
            let of_item = &votes[start..start + classes];
            out.extend(of_item.iter().zip(row).map(|(all, own)| (*all - *own) * weight));
        }
    })
}
