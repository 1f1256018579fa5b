//! The scoring program, the same at every node: all statistics that a job opens, with one look at the answers and one round
//! for their products.

use std::collections::BTreeMap;
use std::sync::Arc;

use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Outputs, Recorded, Session};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::job::Terms;
use tacit_protocol::phase::Phase;
use tacit_protocol::release::OutputName;

use crate::batch::Batch;
use crate::error::ScoringError;
use crate::rows::answer_products::redundancy;
use crate::rows::{Answers, Totals, row_runs};
use crate::statistic::{self, Statistic, labels};

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
        OutputName::of_job(self.terms).contains(&name)
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

/// A program on its way: the session, and what it has come to so far.
pub(crate) struct Progress<'s, N: Network> {
    /// The session.
    pub session: &'s mut Session<N>,
    record: &'s dyn Fn() -> bool,
    shared: BTreeMap<OutputName, Shared<Fp61>>,
    opened: BTreeMap<OutputName, Vec<Fp61>>,
}

impl<N: Network> Progress<'_, N> {
    /// Takes the shares of an output.
    pub fn output(&mut self, name: OutputName, values: Shared<Fp61>) {
        self.shared.insert(name, values);
    }

    /// Takes an output that was opened in the session.
    pub fn opened_output(&mut self, name: OutputName, values: Vec<Fp61>) {
        self.opened.insert(name, values);
    }

    /// Verifies all products so far, records the accepted set durably, and waits until all participants have: what a result
    /// then tells is told of this accepted set only.
    ///
    /// # Errors
    /// A node deviated, or an accepted set was not recorded.
    pub fn record<T>(&mut self, result: T) -> Result<Recorded<T>, ScoringError> {
        let verified = self.session.verify_claims(result)?;
        if !(self.record)() {
            return Err(ScoringError::NotRecorded);
        }
        Ok(self.session.recorded(verified)?)
    }
}

/// Computes what the job opens, and nothing else. The length of each output follows from public data: see
/// [`OutputName::len`].
///
/// Labels that are released, and what shares of gold need, are opened within the session, once all products so far are
/// verified and `record` has durably recorded the accepted set.
///
/// # Errors
/// A round failed, a node deviated, or the accepted set was not recorded.
pub fn score<N: Network>(
    session: &mut Session<N>,
    input: Input<'_>,
    record: &dyn Fn() -> bool,
) -> Result<Outputs<OutputName>, ScoringError> {
    let wanted = OutputName::of_job(input.terms);
    let mut progress = Progress {
        session,
        record,
        shared: BTreeMap::new(),
        opened: BTreeMap::new(),
    };
    let labels = labels::decide(&mut progress, &input)?;
    progress.session.enter(Phase::Agreement.engine());

    let mut statistics = statistic::wanted(&input, labels);
    look_at_answers(&input, &mut statistics);
    let mut batch = Batch::new(&input);
    let finish: Vec<_> = statistics.into_iter().map(|statistic| statistic.ask(&input, &mut batch)).collect();
    // Drop our reference, so that the claim can reuse the tally's memory instead of copying it.
    drop(input);
    let products = batch.multiply(progress.session)?;
    for finish in finish {
        finish(&mut progress, &products)?;
    }

    let mut outputs = Outputs::default();
    for name in wanted {
        match (progress.opened.remove(&name), progress.shared.remove(&name)) {
            (Some(values), _) => outputs.push_opened(name, values),
            // An output that no statistic has made is empty, which its length gives away.
            (None, values) => outputs.push(name, values.unwrap_or_else(|| Shared::zeros(progress.session.party(), 0))),
        }
    }
    Ok(outputs)
}

/// Shows all counted answers to the statistics that add something up from them: once, since seeds are expanded for it.
fn look_at_answers<N: Network>(input: &Input<'_>, statistics: &mut [Box<dyn Statistic<N>>]) {
    let mut looking: Vec<_> = statistics.iter_mut().filter(|statistic| statistic.looks_at_answers()).collect();
    if looking.is_empty() {
        return;
    }
    let redundancy = redundancy(&input.accepted);
    input.answers.for_each_counted(&input.accepted, |counted, submission| {
        row_runs(counted, &redundancy, |run| {
            looking.iter_mut().for_each(|statistic| statistic.on_run(&run, submission));
        });
    });
}
