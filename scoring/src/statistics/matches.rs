//! How often answers are what a table of the items says: other answers' tally, gold, labels that stay shared.
//!
//! `z_c = Σ_i w_ci <x_ci, t_i>` for every contributor c: products of its answers with the table's rows. All
//! contributors share the table, so what they leave is one claim about vectors as long as that:
//! `Σ_c γ_c z_c = Σ_i <Σ_c γ_c w_ci x_ci, t_i>`.

use std::sync::Arc;

use zeroize::Zeroizing;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::session::Product;
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, CountedSubmission};

use super::answers::Answers;
use super::rows::{Gathered, RowSums, Run, runs};

/// What a match of a contributor's answer to an item weighs, by how many answers the item has: public.
pub(super) type Weight = fn(&AcceptedSet, u32, u32) -> Fp61;

/// Every match weighs one.
pub(super) const ONE: Weight = |_, _, _| Fp61::ONE;

/// The crowd's answers and a table: one row of as many elements as there are classes for each item.
#[derive(Clone)]
pub(super) struct Matches {
    pub party: Party,
    pub crowd: Arc<AcceptedSet>,
    pub answers: Arc<Answers>,
    pub table: Arc<Shared<Fp61>>,
    pub weight: Weight,
}

impl Matches {
    /// The products of all contributors, in the order of the crowd's facts.
    pub fn products(self) -> Product<Fp61> {
        let (own, terms) = self.own_parts(|_, _, _| {});
        Product::Worked {
            own,
            terms,
            combine: Box::new(move |weights| {
                let mut x = self.zeros();
                self.add_combined(weights, &mut x);
                (x.into_shared(), unshared(self.table))
            }),
        }
    }

    /// This node's part of every product, and how many terms they have. `also` sees all answers on the way, and beside
    /// those that weigh anything the table's rows.
    pub fn own_parts(&self, mut also: impl FnMut(&Run<'_>, &[&[Fp61]], &Gathered)) -> (Zeroizing<Vec<Fp61>>, u64) {
        let Self { party, crowd, table, .. } = self;
        let classes = self.answers.classes();
        let mut gathered = Gathered::new(party, classes);
        let mut own = Zeroizing::new(vec![Fp61::ZERO; crowd.facts().contributors.len()]);
        let mut terms = 0;
        self.answers.each_counted(crowd, |counted, rows| {
            terms += (counted.items.len() * classes) as u64;
            self.runs(counted, |run| {
                if run.weight != Fp61::ZERO {
                    gathered.take(table, run.items, run.next);
                    let product = gathered.product(party, rows, &run.rows);
                    own[run.contributor as usize] += run.weight * product;
                }
                also(&run, rows, &gathered);
            });
        });
        (own, terms)
    }

    /// A row of zeros for every item.
    pub fn zeros(&self) -> RowSums {
        RowSums::new(&self.party, self.crowd.redundancy().len(), self.answers.classes())
    }

    /// Adds `Σ_c γ_c w_ci x_ci` for every item.
    pub fn add_combined(&self, weights: &[Fp61], sums: &mut RowSums) {
        self.answers.each_counted(&self.crowd, |counted, rows| {
            self.runs(counted, |run| {
                sums.spread(&run, rows, weights[run.contributor as usize] * run.weight)
            });
        });
    }

    fn runs<'a>(&self, counted: CountedSubmission<'a>, take: impl FnMut(Run<'a>)) {
        let weight = |answers| (self.weight)(&self.crowd, counted.contributor, answers);
        if let Some(answers) = self.crowd.facts().same_redundancy() {
            let same = weight(answers);
            return runs(counted, |_| same, take);
        }
        // Neighbours mostly have as many answers.
        let mut last = (0, weight(0));
        let weight_of = |item: u32| {
            let answers = self.crowd.redundancy()[item as usize];
            if last.0 != answers {
                last = (answers, weight(answers));
            }
            last.1
        };
        runs(counted, weight_of, take);
    }
}

/// What nobody else needs any more is not copied.
pub(super) fn unshared(shared: Arc<Shared<Fp61>>) -> Shared<Fp61> {
    Arc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone())
}
