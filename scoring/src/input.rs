//! What a job's outputs are computed from.

use std::sync::Arc;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::job::Terms;
use tacit_protocol::release::OutputName;

use crate::rows::{Answers, Totals};

/// What the outputs of a job are computed from.
pub struct Input<'t> {
    pub(crate) party: Party,
    pub(crate) terms: &'t Terms,
    /// Who answered what.
    pub(crate) accepted: Arc<AcceptedSet>,
    /// This node's components of the answers, which were found to be well-formed.
    pub(crate) answers: Arc<Answers>,
    /// One row for each item: the sum of its answers.
    pub(crate) tally: Arc<Shared<Fp61>>,
    pub(crate) totals: Totals,
    /// One row for each item, where the job has gold.
    pub(crate) gold: Option<Arc<Shared<Fp61>>>,
}

impl<'t> Input<'t> {
    /// Takes well-formed answers, their [`tally`](crate::rows::tally()), and the gold rows where the job has gold.
    pub fn new(
        party: &Party,
        terms: &'t Terms,
        accepted: AcceptedSet,
        answers: Answers,
        tally: Shared<Fp61>,
        gold: Option<Shared<Fp61>>,
    ) -> Self {
        Self {
            party: party.clone(),
            terms,
            totals: Totals::of(party, &accepted, answers.width(), &tally),
            accepted: Arc::new(accepted),
            answers: Arc::new(answers),
            tally: Arc::new(tally),
            gold: gold.map(Arc::new),
        }
    }

    /// Whether the job opens an output.
    pub(crate) fn opens(&self, name: OutputName) -> bool {
        OutputName::of_job(self.terms, self.accepted.facts()).contains(&name)
    }

    /// Elements of a row.
    pub(crate) fn width(&self) -> usize {
        self.answers.width()
    }

    /// How many contributors have an answer that counts.
    pub(crate) fn contributors(&self) -> usize {
        self.accepted.facts().contributors.len()
    }
}
