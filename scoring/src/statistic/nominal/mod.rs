//! Agreement on classes without an order: observed agreement, Fleiss' κ, Krippendorff's α for nominal data, Gwet's AC1.
//!
//! All of them follow from sums over the tally T and the summed share of each class. Rows are known to be one-hot, so
//! `<T_i, T_i>` counts an item's matching ordered pairs of answers, and the `R_i` pairs of an answer with itself are public.

mod exact;
mod measures;
mod noisy;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Factors, Product};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::certificate::{Certificate, CertificateError, OpenedOutputs};
use tacit_protocol::release::{AgreementLayout, OutputName, PairSum};
use zeroize::Zeroizing;

use super::stages::{Finish, Statistic};
use crate::batch::{Batch, ItemWeights};
use crate::input::Input;
use crate::rows::{GatheredRows, equal_runs, rows_of};

pub use measures::{AgreementMeasures, AgreementReport, Measure, MeasureName, Unavailable};
#[cfg(test)]
pub(crate) use noisy::measures as noisy_measures;

/// The sums on shares, in the order of [`AgreementLayout`].
///
/// Sums of pairs are `Σ_i w_i(<T_i, T_i> - R_i)`, the totals n_k are of answers to items with at least two, and the share of a class is
/// `Σ_i T_ik/R_i`. Fractions are scaled to integers: see [`Scales`](tacit_protocol::accepted::Scales).
pub(crate) struct Nominal {
    layout: AgreementLayout,
    /// `Σ_i T_ik` over the items with at least two answers.
    paired_totals: Shared<Fp61>,
    /// `Σ_i T_ik / R_i`.
    class_shares: Shared<Fp61>,
}

impl Nominal {
    /// Where the job releases agreement.
    pub(crate) fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
        let Input {
            accepted, party, totals, ..
        } = input;
        let class_share = |answers: u32| match answers {
            0 => Fp61::ZERO,
            r => Fp61::reduce(accepted.scales().share.weight(u64::from(r))),
        };
        let paired = |answers: u32| Fp61::reduce(PairSum::Plain.weight(accepted.scales(), answers));
        input.opens(OutputName::Agreement).then(|| {
            Box::new(Self {
                layout: AgreementLayout::new(input.terms, accepted.facts()),
                paired_totals: totals.weighted(party, paired),
                class_shares: totals.weighted(party, class_share),
            }) as _
        })
    }
}

impl<N: Network> Statistic<N> for Nominal {
    fn ask(self: Box<Self>, input: &Input<'_>, batch: &mut Batch) -> Finish<N> {
        let Self {
            layout,
            paired_totals,
            class_shares,
        } = *self;
        let (own, own_pairs) = own_parts(&input.party, &input.accepted, &input.tally, input.width(), layout.pair_sums);
        let weights: ItemWeights = match layout.pair_sums {
            1 => |accepted, answers| weights::<1>(accepted, answers).to_vec(),
            _ => |accepted, answers| weights::<ALL_PAIR_SUMS>(accepted, answers).to_vec(),
        };
        let pairs = batch.push_squares(own, weights);
        let squares = layout.squares.then(|| {
            batch.push(Product::Segments(Factors {
                ends: vec![paired_totals.len()],
                x: paired_totals.clone(),
                y: paired_totals.clone(),
            }))
        });
        Box::new(move |progress, products| {
            let own_pairs = Shared::public(progress.session.party(), &own_pairs);
            let mut output = products.take(pairs).sub(&own_pairs);
            if let Some(squares) = squares {
                output.append(&products.take(squares));
            }
            output.append(&paired_totals.slice(0..layout.paired_totals));
            output.append(&class_shares.slice(0..layout.shares));
            progress.output(OutputName::Agreement, output);
            Ok(())
        })
    }
}

/// The number of all sums of pairs.
const ALL_PAIR_SUMS: usize = PairSum::ALL.len();

/// The weight of the matching pairs of an item with so many answers in each of the first sums.
fn weights<const SUMS: usize>(accepted: &AcceptedSet, answers: u32) -> [Fp61; SUMS] {
    std::array::from_fn(|sum| Fp61::reduce(PairSum::ALL[sum].weight(accepted.scales(), answers)))
}

/// This node's part of `Σ_i w_i <T_i, T_i>`, and `Σ_i w_i R_i`, for each of the first sums of pairs.
fn own_parts(party: &Party, accepted: &AcceptedSet, tally: &Shared<Fp61>, width: usize, sums: usize) -> (Zeroizing<Vec<Fp61>>, Vec<Fp61>) {
    let rows = rows_of(tally);
    let mut gathered = GatheredRows::new(party, width);
    let (mut own, mut own_pairs) = (Zeroizing::new(vec![Fp61::ZERO; sums]), vec![Fp61::ZERO; sums]);
    for (items, redundancy) in equal_runs(accepted.redundancy().len(), |item| accepted.redundancy()[item]) {
        if redundancy < 2 {
            continue;
        }
        let answers = Fp61::reduce(u64::from(redundancy) * items.len() as u64);
        gathered.copy(tally, &(items.start as u32..items.end as u32).collect::<Vec<_>>(), &[]);
        let product = gathered.product(party, &rows, &items);
        let weights = weights::<ALL_PAIR_SUMS>(accepted, redundancy);
        for ((own, own_pairs), weight) in own.iter_mut().zip(&mut own_pairs).zip(weights) {
            *own += weight * product;
            *own_pairs += weight * answers;
        }
    }
    (own, own_pairs)
}

impl AgreementReport {
    /// From the opened output; `None` where the job does not open it.
    ///
    /// # Errors
    /// The output has another length than it must.
    pub(crate) fn read(opened: &OpenedOutputs, certificate: &Certificate) -> Result<Option<Self>, CertificateError> {
        let name = OutputName::Agreement;
        let Some(values) = opened.get(name) else { return Ok(None) };
        let Certificate { terms, facts, .. } = certificate;
        let measures = if name.has_noise(terms) {
            let totals = opened.get(OutputName::ClassTotals).ok_or(CertificateError::Shape(name))?;
            noisy::measures(terms, facts, totals, values)
        } else {
            exact::measures(values, facts, terms.classes().len())
        };
        measures.map(|measures| Some(Self(measures))).ok_or(CertificateError::Shape(name))
    }
}
