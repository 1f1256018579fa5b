//! Observed agreement and what κ, α and AC1 need, from the tally; each contributor's agreement with its peers, and
//! how far it is beyond chance. One pass over the answers, one over the tally.

use std::sync::Arc;

use crate::crowd::{CountedAnswer, Crowd};
use crate::field::{Field, Fp61};
use crate::session::{Factors, Product};
use crate::sharing::{Party, Shared};

use super::answers::{RowSums, rows_of};
use super::matches::{Matches, Partners, unshared};
use super::tally::weighted_totals;

/// The sums of matching pairs that measures need: each weighs items otherwise.
const MEASURES: usize = 3;

/// What is to be worked out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Matching pairs, three ways, and the votes for each class.
    pub measures: bool,
    /// Every contributor's agreement with its peers.
    pub with_peers: bool,
    /// How much of it chance would give.
    pub at_chance: bool,
}

/// What is to be made of products in which the tally is a factor.
pub(super) struct Agreement {
    wanted: Wanted,
    /// `Σ_i w_i R_i` for every measure, `Σ_i w_ci` for every contributor.
    single: Vec<Fp61>,
}

/// The shared sums, as far as they were wanted.
#[derive(Default)]
pub(super) struct Sums {
    /// Matching pairs `Σ_i Σ_k T_ik(T_ik - 1)`, the same weighted by `1/R_i(R_i-1)`, the same weighted by
    /// `1/(R_i-1)`, and `Σ_k n_k²` with `n_k` the votes for class k on items with at least two answers.
    pub measures: Option<Shared<Fp61>>,
    /// `A_c = Σ_i w_i <x_ci, T_i - x_ci>`.
    pub with_peers: Option<Shared<Fp61>>,
    /// `B_c = <Σ_i x_ci, Σ_i w_i (T_i - x_ci)>`, over items with at least two answers.
    pub at_chance: Option<Shared<Fp61>>,
}

/// What a match with a peer weighs: `w_i` in the scale of the contributor; nothing on items with one answer.
pub(super) fn weight(crowd: &Crowd, answer: &CountedAnswer) -> Fp61 {
    match crowd.redundancy()[answer.item as usize] {
        0 | 1 => Fp61::ZERO,
        r => Fp61::reduce(
            crowd.facts().contributors[answer.contributor as usize]
                .scale
                .weight(u64::from(r) - 1),
        ),
    }
}

/// What an item's matching pairs weigh in each of the measures.
fn weights(crowd: &Crowd, item: usize) -> [Fp61; MEASURES] {
    let scales = crowd.scales();
    match u64::from(crowd.redundancy()[item]) {
        0 | 1 => [Fp61::ZERO; MEASURES],
        r => [
            Fp61::ONE,
            Fp61::reduce(scales.observed.weight(r * (r - 1))),
            Fp61::reduce(scales.coincidence.weight(r - 1)),
        ],
    }
}

impl Agreement {
    /// Works out this node's part of the products of the answers with their tally, the table of `matches`.
    ///
    /// Rows are known to be one-hot, so `<x_ci, x_ci> = 1` and `Σ_k T_ik = R_i`: what a vote has in common with itself
    /// is public. Agreement beyond chance is `Q_c = n_c·A_c - B_c`, which is 0 for any way of answering that
    /// ignores the item. (Dasgupta, Ghosh, WWW 2013.)
    pub fn products(matches: Matches, wanted: Wanted) -> (Vec<Product<Fp61>>, Self) {
        let (crowd, classes) = (Arc::clone(&matches.crowd), matches.answers.classes());
        let party = matches.party.clone();
        let (mut own, mut terms, mut single) = (Vec::new(), 0, Vec::new());
        let mut factors = Vec::new();
        if wanted.measures {
            let (parts, of_items) = measures(&matches);
            own.extend(parts);
            single.extend(of_items);
            terms += matches.table.len() as u64;
            let totals = weighted_totals(&party, classes, &matches.table, |item| weights(&crowd, item)[0]);
            factors.push(Factors {
                ends: vec![classes],
                x: totals.clone(),
                y: totals,
            });
        }
        if wanted.with_peers || wanted.at_chance {
            let contributors = crowd.facts().contributors.len();
            let mut of_contributors = vec![Fp61::ZERO; contributors];
            // Σ_i x_ci and Σ_i w_i (T_i - x_ci), over items with at least two answers.
            let mut given = RowSums::new(&party, contributors, classes);
            let mut others = RowSums::new(&party, contributors, classes);
            let table = rows_of(&matches.table);
            let (parts, multiplied) = matches.own_parts(|answer, weight, rows| {
                if weight == Fp61::ZERO {
                    return;
                }
                let contributor = answer.contributor;
                of_contributors[contributor as usize] += weight;
                if wanted.at_chance {
                    given.add(contributor, rows, answer.row);
                    others.add_scaled(contributor, &table, answer.item, weight);
                    others.add_scaled(contributor, rows, answer.row, -weight);
                }
            });
            own.extend(parts);
            single.extend(of_contributors);
            terms += multiplied;
            if wanted.at_chance {
                factors.push(Factors {
                    x: given.into_shared(),
                    y: others.into_shared(),
                    ends: (1..=contributors).map(|c| c * classes).collect(),
                });
            }
        }
        let combine = move |weights: &[Fp61]| combined(matches, wanted, weights);
        let worked = Product::Worked {
            own,
            terms,
            combine: Box::new(combine),
        };
        let products = std::iter::once(worked).chain(factors.into_iter().map(Product::Segments));
        (products.collect(), Self { wanted, single })
    }

    /// The sums behind the products' values, which come in their order.
    pub fn sums(self, party: &Party, mut next: impl FnMut() -> Shared<Fp61>) -> Sums {
        let Self { wanted, single } = self;
        let with_table = next().sub(&Shared::public(party, &single));
        let mut sums = Sums::default();
        let of_measures = if wanted.measures { MEASURES } else { 0 };
        if wanted.measures {
            let mut measures = with_table.slice(0..MEASURES);
            measures.append(&next());
            sums.measures = Some(measures);
        }
        if wanted.with_peers || wanted.at_chance {
            sums.with_peers = Some(with_table.slice(of_measures..with_table.len()));
        }
        sums.at_chance = wanted.at_chance.then(next);
        sums
    }
}

/// This node's part of `Σ_i w_i <T_i, T_i>`, and `Σ_i w_i R_i`, for every measure.
fn measures(matches: &Matches) -> ([Fp61; MEASURES], [Fp61; MEASURES]) {
    let (crowd, table) = (&matches.crowd, rows_of(&matches.table));
    let partners = Partners::new(&matches.party, &matches.table, matches.answers.classes());
    let (mut own, mut single) = ([Fp61::ZERO; MEASURES], [Fp61::ZERO; MEASURES]);
    for (item, answers) in crowd.redundancy().iter().enumerate().filter(|(_, answers)| **answers >= 2) {
        let product = partners.product(item as u32, &table, item as u32);
        let answers = Fp61::reduce(u64::from(*answers));
        for ((own, single), weight) in own.iter_mut().zip(&mut single).zip(weights(crowd, item)) {
            *own += weight * product;
            *single += weight * answers;
        }
    }
    (own, single)
}

/// The one product behind all those with the tally: of the tally, and of what is multiplied by it, weighed.
fn combined(matches: Matches, wanted: Wanted, of_products: &[Fp61]) -> (Shared<Fp61>, Shared<Fp61>) {
    let (of_measures, of_contributors) = of_products.split_at(if wanted.measures { MEASURES } else { 0 });
    let classes = matches.answers.classes();
    let mut x = if of_contributors.is_empty() {
        RowSums::new(&matches.party, matches.table.len() / classes, classes)
    } else {
        matches.combined(of_contributors)
    };
    if wanted.measures {
        let table = rows_of(&matches.table);
        for item in 0..matches.crowd.redundancy().len() {
            let weight = Fp61::inner_product(of_measures, &weights(&matches.crowd, item));
            x.add_scaled(item as u32, &table, item as u32, weight);
        }
    }
    (x.into_shared(), unshared(matches.table))
}

/// `Σ_i T_ik / R_i`, scaled: the summed share of each class.
pub(super) fn summed_shares(party: &Party, crowd: &Crowd, classes: usize, tally: &Shared<Fp61>) -> Shared<Fp61> {
    weighted_totals(party, classes, tally, |item| match crowd.redundancy()[item] {
        0 => Fp61::ZERO,
        r => Fp61::reduce(crowd.scales().share.weight(u64::from(r))),
    })
}
