//! The scoring program, the same at every node: all statistics that a job opens, with one look at the answers and one round
//! for their products.

use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Outputs, Session};
use tacit_protocol::phase::Phase;
use tacit_protocol::release::OutputName;

use crate::batch::Batch;
use crate::error::ScoringError;
use crate::input::Input;
use crate::noise::Recorder;
use crate::progress::Progress;
use crate::rows::answer_products::redundancy;
use crate::rows::row_runs;
use crate::statistic::{self, Statistic, labels};

/// Computes what the job opens, and nothing else. The length of each output follows from public data: see
/// [`OutputName::len`].
///
/// Labels that are released, and what shares of gold need, are opened within the session, once all products so far are
/// verified and `recorder` has durably recorded the accepted set. In a sensitive job the numbers about all answers get noise, whose keys
/// are recorded with the set.
///
/// # Errors
/// A round failed, a node deviated, or the accepted set was not recorded.
pub fn score<N: Network>(session: &mut Session<N>, input: Input<'_>, recorder: &Recorder<'_>) -> Result<Outputs<OutputName>, ScoringError> {
    let wanted = OutputName::of_job(input.terms, input.accepted.facts());
    let mut progress = Progress::new(session, recorder);
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

    progress.into_outputs(wanted)
}

/// Shows all counted answers to the statistics that add something up from them: once, since seeds are expanded for it.
fn look_at_answers<N: Network>(input: &Input<'_>, statistics: &mut [Box<dyn Statistic<N>>]) {
    let mut sums: Vec<_> = statistics.iter_mut().filter_map(|statistic| statistic.answer_sum()).collect();
    if sums.is_empty() {
        return;
    }
    let redundancy = redundancy(&input.accepted);
    input.answers.for_each_counted(&input.accepted, |counted, submission| {
        row_runs(counted, &redundancy, |run| {
            sums.iter_mut().for_each(|sum| sum.add(&run, submission));
        });
    });
}
