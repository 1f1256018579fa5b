//! Observed agreement and what κ, α and AC1 need, from the tally.

use crate::crowd::Crowd;
use crate::field::{Field, Fp61};
use crate::session::Factors;
use crate::sharing::{Party, Shared};

use super::tally::weighted_totals;
use super::weights::Scale;

/// The factors whose inner products are, in this order:
/// matching pairs `Σ_i Σ_k T_ik(T_ik - 1)`, the same weighted by `1/R_i(R_i-1)`, the same weighted by
/// `1/(R_i-1)`, and `Σ_k n_k²` with `n_k` the votes for class k on items with at least two answers.
/// Items with one answer weigh nothing.
pub(super) fn factors(party: &Party, crowd: &Crowd, classes: usize, tally: &Shared<Fp61>) -> Vec<Factors<Fp61>> {
    let paired: Vec<usize> = (0..crowd.redundancy().len())
        .filter(|item| crowd.redundancy()[*item] >= 2)
        .collect();
    let votes = tally.linear(|values, out| {
        out.reserve(paired.len() * classes);
        paired
            .iter()
            .for_each(|item| out.extend_from_slice(&values[item * classes..(item + 1) * classes]));
    });
    let others = votes.sub(&Shared::public(party, &vec![Fp61::ONE; votes.len()]));
    let weigh = |scale: Scale, divisor: fn(u64) -> u64| -> Vec<Fp61> {
        let weight = |item: &usize| Fp61::reduce(scale.weight(divisor(u64::from(crowd.redundancy()[*item]))));
        paired.iter().map(weight).flat_map(|w| std::iter::repeat_n(w, classes)).collect()
    };
    let matching = |y: Shared<Fp61>| Factors {
        ends: vec![y.len()],
        x: votes.clone(),
        y,
    };
    let scales = crowd.scales();
    let totals = votes.linear(|values, out| {
        out.resize(classes, Fp61::ZERO);
        values.chunks_exact(classes).for_each(|row| super::tally::add_to(out, row));
    });
    vec![
        matching(others.clone()),
        matching(others.scale(&weigh(scales.observed, |r| r * (r - 1)))),
        matching(others.scale(&weigh(scales.coincidence, |r| r - 1))),
        Factors {
            ends: vec![classes],
            x: totals.clone(),
            y: totals,
        },
    ]
}

/// `Σ_i T_ik / R_i`, scaled: the summed share of each class.
pub(super) fn summed_shares(crowd: &Crowd, classes: usize, tally: &Shared<Fp61>) -> Shared<Fp61> {
    weighted_totals(classes, tally, |item| match crowd.redundancy()[item] {
        0 => Fp61::ZERO,
        r => Fp61::reduce(crowd.scales().share.weight(u64::from(r))),
    })
}
