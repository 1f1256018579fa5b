//! Consensus labels: a comparison of shared tallies, of which the label alone is opened, or not even that.

mod plurality;
mod report;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::certificate::{Certificate, CertificateError, OpenedOutputs};
use tacit_protocol::job::LabelRule;
use tacit_protocol::release::OutputName;

use crate::error::ScoringError;
use crate::input::Input;
use crate::progress::Progress;
use crate::rows::Tally;

pub use plurality::{SharedLabels, plurality};
pub use report::{LabelReport, LabelsReport};

/// The label of each item in the job's order: the index of its class, or `None` where there is no consensus.
pub type Labels = Vec<Option<u32>>;

/// Labels that were decided.
pub(crate) enum Decided {
    /// They are released, and open.
    Opened(Labels),
    /// They are compared with answers only, and stay shared.
    Hidden(SharedLabels),
}

/// Decides the labels of a job that releases them or compares contributors with them; `None` for others. Released labels are
/// opened: all products so far are verified and the accepted set is recorded before, as for everything that is released.
///
/// # Errors
/// A round failed, a node deviated, or the accepted set was not recorded.
pub(crate) fn decide<N: Network>(progress: &mut Progress<'_, N>, input: &Input<'_>) -> Result<Option<Decided>, ScoringError> {
    if !input.opens(OutputName::Labels) && !input.opens(OutputName::ContributorLabelAgreement) {
        return Ok(None);
    }
    let Votes {
        tallies,
        max_tally,
        quorum,
    } = Votes::of(input);
    let labels = plurality(progress.session, input.width(), &tallies, max_tally, quorum)?;
    drop(tallies);
    if !input.opens(OutputName::Labels) {
        return Ok(Some(Decided::Hidden(labels)));
    }
    let recorded = progress.record(labels)?;
    let opened = recorded.open(progress.session)?;
    progress.opened_output(OutputName::Labels, opened.map(|labels| to_values(labels)));
    Ok(Some(Decided::Opened(opened.into_inner())))
}

/// What labels are decided by.
struct Votes {
    /// One row for each item: the sum of the weights of the answers for each class.
    tallies: Arc<Shared<Fp61>>,
    /// The greatest sum that an item's answers can have together.
    max_tally: u64,
    /// The sum that the class of a label needs at least.
    quorum: u64,
}

impl Votes {
    /// Linear in the answers, so local.
    fn of(input: &Input<'_>) -> Self {
        let Input { terms, accepted, .. } = input;
        let weights: Vec<u64> = accepted.facts().contributors.iter().map(|c| terms.weight_of(&c.key)).collect();
        let mut cast = vec![0u64; accepted.redundancy().len()];
        for counted in accepted.submissions() {
            let weight = weights[counted.contributor as usize];
            counted.items.iter().for_each(|item| cast[*item as usize] += weight);
        }
        let tallies = match terms.label_rule {
            LabelRule::Plurality => Arc::clone(&input.tally),
            LabelRule::Weighted => {
                let mut tallies = Tally::new(&input.party, accepted, input.width());
                input.answers.for_each_counted(accepted, |counted, submission| {
                    let weight = Fp61::reduce(weights[counted.contributor as usize]);
                    tallies.add_weighted(counted, submission, weight);
                });
                Arc::new(tallies.finish())
            }
        };
        Self {
            tallies: without_votes(&input.party, tallies, &accepted.facts().too_few_answers, input.width()),
            max_tally: cast.into_iter().max().unwrap_or(0),
            quorum: terms.votes_needed(),
        }
    }
}

/// The tallies with the rows of these items set to zero, so that they have no label. The items are public.
fn without_votes(party: &Party, tallies: Arc<Shared<Fp61>>, items: &[u32], width: usize) -> Arc<Shared<Fp61>> {
    if items.is_empty() {
        return tallies;
    }
    Arc::new(Shared::generate(party, |position| {
        let mut rows = tallies.components()[position].clone();
        for item in items {
            let at = *item as usize * width;
            rows[at..at + width].fill(Fp61::ZERO);
        }
        rows
    }))
}

/// Labels as they are certified: 0 where there is no consensus, else the class counted from 1.
fn to_values(labels: &[Option<u32>]) -> Vec<Fp61> {
    let value = |label: &Option<u32>| Fp61::reduce(label.map_or(0, |class| u64::from(class) + 1));
    labels.iter().map(value).collect()
}

/// The opened label of each item; none where the job has no such output.
///
/// # Errors
/// A value stands for none of the classes, or an item has a label although it has too few answers.
pub(crate) fn read(opened: &OpenedOutputs, certificate: &Certificate) -> Result<Labels, CertificateError> {
    let values = opened.get(OutputName::Labels).unwrap_or_default();
    let labels = from_values(values, certificate.terms.classes().len());
    let too_few = &certificate.facts.too_few_answers;
    let unlabelled = |labels: &Labels| too_few.iter().all(|item| labels.get(*item as usize).is_none_or(Option::is_none));
    labels.filter(unlabelled).ok_or(CertificateError::Value(OutputName::Labels))
}

/// The labels behind certified values; `None` if a value stands for none of the classes.
fn from_values(values: &[Fp61], classes: usize) -> Option<Labels> {
    let label = |value: &Fp61| match value.to_u64() {
        0 => Some(None),
        class if class <= classes as u64 => Some(Some(class as u32 - 1)),
        _ => None,
    };
    values.iter().map(label).collect()
}
