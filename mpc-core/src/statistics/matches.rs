//! How often answers are what a table of the items says: other answers' tally, gold, labels that stay shared.
//!
//! `z_c = Σ_i w_ci <x_ci, t_i>` for every contributor c: products of its answers with the table's rows. All
//! contributors share the table, so what they leave is one claim about vectors as long as that:
//! `Σ_c γ_c z_c = Σ_i <Σ_c γ_c w_ci x_ci, t_i>`.

use std::sync::Arc;

use crate::crowd::{CountedAnswer, Crowd};
use crate::field::{Field, Fp61};
use crate::session::Product;
use crate::sharing::{Party, Shared};

use super::answers::{Answers, RowSums, rows_of};

/// What an answer's match weighs: public.
pub(super) type Weight = fn(&Crowd, &CountedAnswer) -> Fp61;

/// Every match weighs one.
pub(super) const ONE: Weight = |_, _| Fp61::ONE;

/// The crowd's answers and a table: one row of as many elements as there are classes for each item.
#[derive(Clone)]
pub(super) struct Matches {
    pub party: Party,
    pub crowd: Arc<Crowd>,
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
                let x = self.combined(weights).into_shared();
                (x, unshared(self.table))
            }),
        }
    }

    /// This node's part of every product, and how many terms they have. `also` sees all answers on the way.
    pub fn own_parts(&self, mut also: impl FnMut(&CountedAnswer, Fp61, &[&[Fp61]])) -> (Vec<Fp61>, u64) {
        let table = Partners::new(&self.party, &self.table, self.answers.classes());
        let mut own = vec![Fp61::ZERO; self.crowd.facts().contributors.len()];
        let mut terms = 0;
        self.answers.each_counted(&self.crowd, |counted, rows| {
            let mut total = Fp61::ZERO;
            terms += (counted.items.len() * self.answers.classes()) as u64;
            for answer in counted.answers() {
                let weight = (self.weight)(&self.crowd, &answer);
                also(&answer, weight, rows);
                if weight != Fp61::ZERO {
                    total += weight * table.product(answer.item, rows, answer.row);
                }
            }
            own[counted.contributor as usize] += total;
        });
        (own, terms)
    }

    /// `Σ_c γ_c w_ci x_ci` for every item.
    pub fn combined(&self, weights: &[Fp61]) -> RowSums {
        let classes = self.answers.classes();
        let mut sums = RowSums::new(&self.party, self.table.len() / classes, classes);
        self.answers.each_counted(&self.crowd, |counted, rows| {
            let of_contributor = weights[counted.contributor as usize];
            for answer in counted.answers() {
                let weight = of_contributor * (self.weight)(&self.crowd, &answer);
                sums.add_scaled(answer.item, rows, answer.row, weight);
            }
        });
        sums
    }
}

/// The rows of a table by which this node multiplies others': the sums of those components that it is to
/// multiply a component by.
pub(super) struct Partners<'a> {
    party: &'a Party,
    classes: usize,
    rows: Vec<&'a [Fp61]>,
}

impl<'a> Partners<'a> {
    pub fn new(party: &'a Party, table: &'a Shared<Fp61>, classes: usize) -> Self {
        let rows = rows_of(table);
        Self { party, classes, rows }
    }

    /// This node's part of `<x, t_i>`, where x is a row.
    pub fn product(&self, item: u32, x: &[&[Fp61]], row: u32) -> Fp61 {
        let of = |values: &'a [Fp61], at: u32| &values[at as usize * self.classes..(at as usize + 1) * self.classes];
        let mut total = Fp61::ZERO;
        for (s, x) in x.iter().enumerate() {
            let x = &x[row as usize * self.classes..(row as usize + 1) * self.classes];
            for t in self.party.products_with(s) {
                total += Fp61::inner_product(x, of(self.rows[*t], item));
            }
        }
        total
    }
}

/// What nobody else needs any more is not copied.
pub(super) fn unshared(shared: Arc<Shared<Fp61>>) -> Shared<Fp61> {
    Arc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone())
}
