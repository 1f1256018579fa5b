//! Products of each contributor's answers with a table that has one row for each item: other answers' tally, gold, labels that
//! stay shared.
//!
//! `z_c = Σ_i w_c(R_i)·<x_ci, t_i>` for every contributor c, with public weights by contributor and redundancy. All contributors
//! share the table, so the products leave one claim about vectors as long as the table:
//! `Σ_c γ_c z_c = Σ_i <Σ_c γ_c w_c(R_i) x_ci, t_i>` for any public γ.

use std::sync::Arc;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::session::Product;
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use zeroize::Zeroizing;

use super::answers::Answers;
use super::gathered::GatheredRows;
use super::runs::{RowRun, row_runs};
use super::sums::RowSums;

/// The public weight of a contributor's answers to items with so many answers: a function of the accepted set, the
/// contributor's index and the redundancy.
pub(crate) type Weight = fn(&AcceptedSet, u32, u32) -> Fp61;

/// Every answer has the weight 1.
pub(crate) const ONE: Weight = |_, _, _| Fp61::ONE;

/// This node's parts of the products, while answers are looked at.
pub(crate) struct AnswerProducts {
    party: Party,
    accepted: Arc<AcceptedSet>,
    table: Arc<Shared<Fp61>>,
    weight: Weight,
    own: Zeroizing<Vec<Fp61>>,
    gathered: GatheredRows,
}

impl AnswerProducts {
    /// Products with a table of rows of `width` elements, before any answer was looked at.
    pub(crate) fn new(party: &Party, accepted: &Arc<AcceptedSet>, table: &Arc<Shared<Fp61>>, width: usize, weight: Weight) -> Self {
        Self {
            party: party.clone(),
            accepted: Arc::clone(accepted),
            table: Arc::clone(table),
            weight,
            own: Zeroizing::new(vec![Fp61::ZERO; accepted.facts().contributors.len()]),
            gathered: GatheredRows::new(party, width),
        }
    }

    /// Adds the products of a run of answers. Returns their weight and the table's rows; nothing where the weight is 0.
    pub(crate) fn add(&mut self, run: &RowRun<'_>, submission: &[&[Fp61]]) -> Option<(Fp61, &GatheredRows)> {
        let weight = (self.weight)(&self.accepted, run.contributor, run.redundancy);
        if weight == Fp61::ZERO {
            return None;
        }
        self.gathered.copy(&self.table, run.items, run.upcoming);
        let product = self.gathered.product(&self.party, submission, &run.rows);
        self.own[run.contributor as usize] += weight * product;
        Some((weight, &self.gathered))
    }

    /// This node's part of each contributor's product, in the order of the public facts.
    pub(crate) fn into_own(self) -> Zeroizing<Vec<Fp61>> {
        self.own
    }

    /// The products, to be computed beside others in one round.
    pub(crate) fn into_product(self, answers: &Arc<Answers>) -> Product<Fp61> {
        let Self {
            party,
            accepted,
            table,
            weight,
            own,
            ..
        } = self;
        let answers = Arc::clone(answers);
        Product::Custom {
            own,
            terms: term_count(&accepted, answers.width()),
            combine: Box::new(move |factors| {
                let mut x = RowSums::new(&party, accepted.redundancy().len(), answers.width());
                add_combined(&accepted, &answers, weight, factors, &mut x);
                (x.into_shared(), unshared(table))
            }),
        }
    }
}

/// How many terms the products of all counted answers with rows of a table have.
pub(crate) fn term_count(accepted: &AcceptedSet, width: usize) -> u64 {
    accepted.facts().answers * width as u64
}

/// Adds `Σ_c γ_c w_c(R_i) x_ci` to the row of every item: one factor γ for each contributor. Looks at all answers.
pub(crate) fn add_combined(accepted: &AcceptedSet, answers: &Answers, weight: Weight, factors: &[Fp61], sums: &mut RowSums) {
    answers.for_each_counted(accepted, |counted, submission| {
        row_runs(counted, redundancy(accepted), |run| {
            let factor = factors[run.contributor as usize] * weight(accepted, run.contributor, run.redundancy);
            if factor != Fp61::ZERO {
                sums.add_run(&run, submission, factor);
            }
        });
    });
}

/// How many answers an item has, without a look-up where all have equally many.
pub(crate) fn redundancy(accepted: &AcceptedSet) -> impl Fn(u32) -> u32 + '_ {
    let same = accepted.facts().same_redundancy();
    move |item| same.unwrap_or_else(|| accepted.redundancy()[item as usize])
}

/// The vector itself if nothing else refers to it, so that it is not copied.
pub(crate) fn unshared(shared: Arc<Shared<Fp61>>) -> Shared<Fp61> {
    Arc::try_unwrap(shared).unwrap_or_else(|shared| (*shared).clone())
}
