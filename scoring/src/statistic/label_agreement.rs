//! For each contributor, the number of answers that equal the label of their item. An item without label agrees with nobody.
//!
//! Where labels are open this is linear in the answers, and counted on the look at them. Where they stay shared it takes a
//! product of each answer with its item's label, after the labels have become one-hot rows.

use std::sync::Arc;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::Session;
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::certificate::{Certificate, CertificateError, OpenedOutputs};
use tacit_protocol::release::OutputName;

use super::labels::{Decided, Labels, SharedLabels};
use super::stages::{AnswerSum, Finish, Statistic};
use crate::absence::Absence;
use crate::batch::Batch;
use crate::error::ScoringError;
use crate::input::Input;
use crate::rows::answer_products::{ONE, redundancy};
use crate::rows::{AnswerProducts, Answers, RowRun, row_runs};

/// Where scores are released: they compare contributors with labels.
pub(crate) fn wanted<N: Network>(input: &Input<'_>, labels: Option<Decided>) -> Option<Box<dyn Statistic<N>>> {
    if !input.opens(OutputName::ContributorLabelAgreement) {
        return None;
    }
    Some(match labels? {
        Decided::Opened(labels) => Box::new(WithOpened::new(input, labels)),
        Decided::Hidden(labels) => Box::new(WithHidden(labels)),
    })
}

/// Agreement with labels that are open.
pub(super) struct WithOpened {
    labels: Labels,
    width: usize,
    /// One element for each contributor.
    agreeing: Shared<Fp61>,
    /// Which elements of a run's rows stand for the labels' classes.
    elements: Vec<usize>,
}

impl WithOpened {
    /// Before any answer was looked at.
    pub(super) fn new(input: &Input<'_>, labels: Labels) -> Self {
        Self {
            labels,
            width: input.width(),
            agreeing: Shared::zeros(&input.party, input.contributors()),
            elements: Vec::new(),
        }
    }
}

impl AnswerSum for WithOpened {
    fn add(&mut self, run: &RowRun<'_>, submission: &[&[Fp61]]) {
        let rows = run.items.iter().zip(run.rows.clone());
        let elements = rows.filter_map(|(item, row)| Some(row * self.width + self.labels[*item as usize]? as usize));
        self.elements.clear();
        self.elements.extend(elements);
        for (position, values) in submission.iter().enumerate() {
            let agreeing = self.elements.iter().fold(Fp61::ZERO, |sum, element| sum + values[*element]);
            self.agreeing.component_mut(position)[run.contributor as usize] += agreeing;
        }
    }
}

impl<N: Network> Statistic<N> for WithOpened {
    fn answer_sum(&mut self) -> Option<&mut dyn AnswerSum> {
        Some(self)
    }

    fn ask(self: Box<Self>, _: &Input<'_>, _: &mut Batch) -> Finish<N> {
        Box::new(move |progress, _| {
            progress.output(OutputName::ContributorLabelAgreement, self.agreeing);
            Ok(())
        })
    }
}

/// Agreement with labels that stay shared.
struct WithHidden(SharedLabels);

impl<N: Network> Statistic<N> for WithHidden {
    fn ask(self: Box<Self>, input: &Input<'_>, _: &mut Batch) -> Finish<N> {
        let (party, width) = (input.party.clone(), input.width());
        let (accepted, answers) = (Arc::clone(&input.accepted), Arc::clone(&input.answers));
        Box::new(move |progress, _| {
            let one_hot = self.0.to_one_hot_numbers(progress.session)?;
            let agreeing = matches(progress.session, &party, &accepted, &answers, Arc::new(one_hot), width)?;
            progress.output(OutputName::ContributorLabelAgreement, agreeing);
            Ok(())
        })
    }
}

/// How many of each contributor's answers are those of a table of one-hot rows. One round, and one look at the answers.
fn matches<N: Network>(
    session: &mut Session<N>,
    party: &Party,
    accepted: &Arc<AcceptedSet>,
    answers: &Arc<Answers>,
    table: Arc<Shared<Fp61>>,
    width: usize,
) -> Result<Shared<Fp61>, ScoringError> {
    let mut products = AnswerProducts::new(party, accepted, &table, width, ONE);
    // The products hold the table alone, so that their claim need not copy it.
    drop(table);
    answers.for_each_counted(accepted, |counted, submission| {
        row_runs(counted, redundancy(accepted), |run| {
            products.add(&run, submission);
        });
    });
    let mut results = session.products(vec![products.into_product(answers)])?;
    Ok(results.pop().unwrap_or_else(|| Shared::zeros(party, 0)))
}

/// For each contributor, in the order of the public facts, the share of its answers that equal the label of their item; none
/// where the job has no such output.
///
/// # Errors
/// A value is above the number of the contributor's answers.
pub(crate) fn scores<'o>(
    opened: &'o OpenedOutputs,
    certificate: &'o Certificate,
) -> Result<impl Iterator<Item = Result<f64, Absence>> + use<'o>, CertificateError> {
    let name = OutputName::ContributorLabelAgreement;
    let values = opened.get(name).unwrap_or_default().iter().zip(&certificate.facts.contributors);
    if values.clone().any(|(agreeing, c)| agreeing.to_u64() > c.answers) {
        return Err(CertificateError::Value(name));
    }
    Ok(values.map(|(agreeing, c)| Ok(agreeing.to_u64() as f64 / c.answers as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistic::labels::tests::{LABELS, linear_in_answers, scene};

    #[test]
    fn an_item_without_label_agrees_with_nobody() {
        let scene = scene();
        let agreeing = linear_in_answers(&scene, scene.job.terms(), |input| {
            let mut agreement = WithOpened::new(input, LABELS.to_vec());
            input.answers.for_each_counted(&input.accepted, |counted, rows| {
                row_runs(counted, |_| 1, |run| agreement.add(&run, rows));
            });
            agreement.agreeing
        });
        assert_eq!(agreeing, [2, 2, 1]);
    }
}
