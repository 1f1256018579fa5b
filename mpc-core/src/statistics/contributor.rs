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
    let weights: Vec<Fp61> = crowd
        .answers()
        .iter()
        .map(own)
        .flat_map(|w| std::iter::repeat_n(w, classes))
        .collect();
    let votes = tally.linear(|values, out| {
        out.reserve(crowd.answers().len() * classes);
        for answer in crowd.answers() {
            let start = answer.item as usize * classes;
            out.extend_from_slice(&values[start..start + classes]);
        }
    });
    votes.sub(answers).scale(&weights)
}
