//! Observed agreement and what κ, α and AC1 need, from the tally; each contributor's agreement with its peers, and
//! how far it is beyond chance. One pass over the answers, one over the tally.

use std::sync::Arc;

use zeroize::Zeroizing;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::session::{Factors, Product};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;

use super::answers::rows_of;
use super::matches::{Matches, unshared};
use super::rows::{Gathered, RowSum, RowSums, Run, equal_runs};
use super::tally::Totals;

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
pub(super) fn weight(crowd: &AcceptedSet, contributor: u32, answers: u32) -> Fp61 {
    match answers {
        0 | 1 => Fp61::ZERO,
        r => Fp61::reduce(crowd.facts().contributors[contributor as usize].scale.weight(u64::from(r) - 1)),
    }
}

/// What the matching pairs of an item with so many answers weigh in each of the measures.
fn weights(crowd: &AcceptedSet, answers: u32) -> [Fp61; MEASURES] {
    let scales = crowd.scales();
    match u64::from(answers) {
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
    /// ignores the item. (Dasgupta, Ghosh, WWW 2013.) `also` sees all answers where contributors' agreement is wanted.
    pub fn products(
        matches: Matches,
        totals: &Totals,
        wanted: Wanted,
        mut also: impl FnMut(&Run<'_>, &[&[Fp61]]),
    ) -> (Vec<Product<Fp61>>, Self) {
        let (crowd, classes) = (Arc::clone(&matches.crowd), matches.answers.classes());
        let party = matches.party.clone();
        // A vector that grows would leave copies behind.
        let mut own = Zeroizing::new(Vec::with_capacity(MEASURES + crowd.facts().contributors.len()));
        let (mut terms, mut single) = (0, Vec::new());
        let mut factors = Vec::new();
        if wanted.measures {
            let (parts, of_items) = measures(&matches);
            own.extend(parts);
            single.extend(of_items);
            terms += matches.table.len() as u64;
            let totals = totals.weighted(&party, |answers| weights(&crowd, answers)[0]);
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
            let mut summed = RowSum::new(classes);
            let (parts, multiplied) = matches.own_parts(|run, rows, gathered| {
                also(run, rows);
                if run.weight == Fp61::ZERO {
                    return;
                }
                let contributor = run.contributor;
                of_contributors[contributor as usize] += run.weight * Fp61::reduce(run.items.len() as u64);
                if wanted.at_chance {
                    for (position, values) in rows.iter().enumerate() {
                        let values = &values[run.rows.start * classes..run.rows.end * classes];
                        let own = summed.of(values);
                        given.add(contributor, position, own, Fp61::ONE);
                        others.add(contributor, position, own, -run.weight);
                        others.add(contributor, position, summed.of(gathered.component(position)), run.weight);
                    }
                }
            });
            own.extend_from_slice(&parts);
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
fn measures(
    Matches {
        party,
        crowd,
        answers,
        table,
        ..
    }: &Matches,
) -> ([Fp61; MEASURES], [Fp61; MEASURES]) {
    let rows = rows_of(table);
    let mut gathered = Gathered::new(party, answers.classes());
    let (mut own, mut single) = ([Fp61::ZERO; MEASURES], [Fp61::ZERO; MEASURES]);
    for (items, redundancy) in equal_runs(crowd.redundancy().len(), |item| crowd.redundancy()[item]) {
        if redundancy < 2 {
            continue;
        }
        let votes = Fp61::reduce(u64::from(redundancy) * items.len() as u64);
        gathered.take(table, &(items.start as u32..items.end as u32).collect::<Vec<_>>(), &[]);
        let product = gathered.product(party, &rows, &items);
        for ((own, single), weight) in own.iter_mut().zip(&mut single).zip(weights(crowd, redundancy)) {
            *own += weight * product;
            *single += weight * votes;
        }
    }
    (own, single)
}

/// The one product behind all those with the tally: of the tally, and of what is multiplied by it, weighed.
fn combined(matches: Matches, wanted: Wanted, of_products: &[Fp61]) -> (Shared<Fp61>, Shared<Fp61>) {
    let (of_measures, of_contributors) = of_products.split_at(if wanted.measures { MEASURES } else { 0 });
    let mut x = if wanted.measures {
        let Matches {
            party,
            crowd,
            answers,
            table,
            ..
        } = &matches;
        let factor = |redundancy| Fp61::inner_product(of_measures, &weights(crowd, redundancy));
        RowSums::scaled(party, table, answers.classes(), crowd.redundancy(), factor)
    } else {
        matches.zeros()
    };
    if !of_contributors.is_empty() {
        matches.add_combined(of_contributors, &mut x);
    }
    (x.into_shared(), unshared(matches.table))
}

/// `Σ_i T_ik / R_i`, scaled: the summed share of each class.
pub(super) fn summed_shares(party: &Party, crowd: &AcceptedSet, totals: &Totals) -> Shared<Fp61> {
    totals.weighted(party, |answers| match answers {
        0 => Fp61::ZERO,
        r => Fp61::reduce(crowd.scales().share.weight(u64::from(r))),
    })
}
