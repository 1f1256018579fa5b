//! Agreement on classes without an order: observed agreement, Fleiss' κ, Krippendorff's α for nominal data, Gwet's AC1.
//!
//! All of them follow from four sums over the tally T and the summed share of each class. Rows are known to be one-hot, so
//! `<T_i, T_i>` counts an item's matching ordered pairs of answers, and the `R_i` pairs of an answer with itself are public.

mod measures;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Factors, Product};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::release::{AGREEMENT_SUMS, OutputName};
use zeroize::Zeroizing;

use super::stages::{Finish, Statistic};
use crate::batch::Batch;
use crate::input::Input;
use crate::rows::{GatheredRows, equal_runs, rows_of};

pub use measures::{AgreementMeasures, AgreementReport, Measure, MeasureName, Unavailable};

/// The sums of matching pairs that the formulas need; they differ in the weight of an item.
const PAIR_SUMS: usize = AGREEMENT_SUMS - 1;

/// The sums on shares.
///
/// The output is, in this order: matching pairs `Σ_i <T_i, T_i> - R_i`; the same with the weight `1/R_i(R_i-1)` for each item;
/// the same with `1/(R_i-1)`; `Σ_k n_k²` with `n_k` the answers of class k on items with at least two answers; then the summed
/// share `Σ_i T_ik/R_i` of each class. Fractions are scaled to integers: see [`Scales`](tacit_protocol::accepted::Scales).
pub(crate) struct Nominal {
    /// `Σ_i T_ik / R_i`.
    class_shares: Shared<Fp61>,
}

impl Nominal {
    /// Where the job releases agreement.
    pub(crate) fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
        let class_share = |answers: u32| match answers {
            0 => Fp61::ZERO,
            r => Fp61::reduce(input.accepted.scales().share.weight(u64::from(r))),
        };
        input.opens(OutputName::Agreement).then(|| {
            Box::new(Self {
                class_shares: input.totals.weighted(&input.party, class_share),
            }) as _
        })
    }
}

impl<N: Network> Statistic<N> for Nominal {
    fn ask(self: Box<Self>, input: &Input<'_>, batch: &mut Batch) -> Finish<N> {
        let (own, own_pairs) = own_parts(&input.party, &input.accepted, &input.tally, input.width());
        let pairs = batch.push_squares(own, |accepted, answers| weights(accepted, answers).to_vec());
        let once = |answers| weights(&input.accepted, answers)[0];
        let totals = input.totals.weighted(&input.party, once);
        let squares = batch.push(Product::Segments(Factors {
            ends: vec![totals.len()],
            x: totals.clone(),
            y: totals,
        }));
        Box::new(move |progress, products| {
            let own_pairs = Shared::public(progress.session.party(), &own_pairs);
            let mut output = products.take(pairs).sub(&own_pairs);
            output.append(&products.take(squares));
            output.append(&self.class_shares);
            progress.output(OutputName::Agreement, output);
            Ok(())
        })
    }
}

/// The weight of the matching pairs of an item with so many answers in each of the sums.
fn weights(accepted: &AcceptedSet, answers: u32) -> [Fp61; PAIR_SUMS] {
    let scales = accepted.scales();
    match u64::from(answers) {
        0 | 1 => [Fp61::ZERO; PAIR_SUMS],
        r => [
            Fp61::ONE,
            Fp61::reduce(scales.observed.weight(r * (r - 1))),
            Fp61::reduce(scales.coincidence.weight(r - 1)),
        ],
    }
}

/// This node's part of `Σ_i w_i <T_i, T_i>`, and `Σ_i w_i R_i`, for each of the sums.
fn own_parts(party: &Party, accepted: &AcceptedSet, tally: &Shared<Fp61>, width: usize) -> (Zeroizing<Vec<Fp61>>, [Fp61; PAIR_SUMS]) {
    let rows = rows_of(tally);
    let mut gathered = GatheredRows::new(party, width);
    let (mut own, mut own_pairs) = (Zeroizing::new(vec![Fp61::ZERO; PAIR_SUMS]), [Fp61::ZERO; PAIR_SUMS]);
    for (items, redundancy) in equal_runs(accepted.redundancy().len(), |item| accepted.redundancy()[item]) {
        if redundancy < 2 {
            continue;
        }
        let answers = Fp61::reduce(u64::from(redundancy) * items.len() as u64);
        gathered.copy(tally, &(items.start as u32..items.end as u32).collect::<Vec<_>>(), &[]);
        let product = gathered.product(party, &rows, &items);
        for ((own, own_pairs), weight) in own.iter_mut().zip(&mut own_pairs).zip(weights(accepted, redundancy)) {
            *own += weight * product;
            *own_pairs += weight * answers;
        }
    }
    (own, own_pairs)
}
