//! Agreement on classes without an order: observed agreement, Fleiss' κ, Krippendorff's α for nominal data, Gwet's AC1.
//!
//! All of them follow from four sums over the tally T and the summed share of each class. Rows are known to be one-hot, so
//! `<T_i, T_i>` counts an item's matching ordered pairs of answers, and the `R_i` pairs of an answer with itself are public.

use std::fmt;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Factors, Product};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, PublicFacts, Scales};
use tacit_protocol::release::OutputName;
use zeroize::Zeroizing;

use super::{Finish, Statistic};
use crate::batch::Batch;
use crate::input::Input;
use crate::rows::{Gathered, equal_runs, rows_of};

/// The sums of matching pairs that the formulas need; they differ in the weight of an item.
const PAIR_SUMS: usize = 3;

/// The sums on shares.
///
/// The output is, in this order: matching pairs `Σ_i <T_i, T_i> - R_i`; the same with the weight `1/R_i(R_i-1)` for each item;
/// the same with `1/(R_i-1)`; `Σ_k n_k²` with `n_k` the answers of class k on items with at least two answers; then the summed
/// share `Σ_i T_ik/R_i` of each class. Fractions are scaled to integers: see [`Scales`].
pub(crate) struct Nominal {
    /// `Σ_i T_ik / R_i`.
    class_shares: Shared<Fp61>,
}

impl Nominal {
    /// Where the job releases agreement.
    pub fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
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
    let mut gathered = Gathered::new(party, width);
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

/// Why a statistic has no value. The texts are part of `result.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unavailable {
    /// No item has two or more answers, so nothing can agree.
    #[serde(rename = "no item has two or more answers")]
    NoPairs,
    /// All answers name one class: agreement by chance is certain, and κ and α divide by zero.
    #[serde(rename = "all answers name the same class")]
    OneClassUsed,
    /// The question has one class only.
    #[serde(rename = "the question has one class only")]
    OneClassAsked,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A statistic or the reason it has no value.
pub type Measure = Result<f64, Unavailable>;

/// The agreement statistics of a categorical job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AgreementMeasures {
    /// Mean over items of the share of matching answer pairs.
    pub observed: Measure,
    /// Matching pairs over all pairs.
    pub observed_pooled: Measure,
    /// `(Pa-Pe)/(1-Pe)`, `Pa` observed, `Pe = Σ p_k²`, `p_k` the mean over items of the share of class
    /// k (Gwet's generalisation of Fleiss 1971).
    pub fleiss_kappa: Measure,
    /// Nominal α (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability").
    pub krippendorff_alpha: Measure,
    /// As κ with `Pe = Σ p_k(1-p_k)/(K-1)` (Gwet 2008).
    pub gwet_ac1: Measure,
}

/// What an agreement statistic is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasureName {
    /// Its key in `result.json`.
    pub key: &'static str,
    /// Its name for people.
    pub title: &'static str,
}

const fn name(key: &'static str, title: &'static str) -> MeasureName {
    MeasureName { key, title }
}

impl AgreementMeasures {
    /// The names of the statistics, in the order of `result.json`.
    pub const NAMES: [MeasureName; 5] = [
        name("observed", "observed agreement"),
        name("observed_pooled", "observed, pooled"),
        name("fleiss_kappa", "Fleiss' kappa"),
        name("krippendorff_alpha", "Krippendorff's alpha"),
        name("gwet_ac1", "Gwet's AC1"),
    ];

    /// The statistics in the order of [`Self::NAMES`].
    pub fn to_array(self) -> [Measure; 5] {
        let Self {
            observed,
            observed_pooled,
            fleiss_kappa,
            krippendorff_alpha,
            gwet_ac1,
        } = self;
        [observed, observed_pooled, fleiss_kappa, krippendorff_alpha, gwet_ac1]
    }

    /// The statistics from an array in the order of [`Self::NAMES`].
    pub fn from_array([observed, observed_pooled, fleiss_kappa, krippendorff_alpha, gwet_ac1]: [Measure; 5]) -> Self {
        Self {
            observed,
            observed_pooled,
            fleiss_kappa,
            krippendorff_alpha,
            gwet_ac1,
        }
    }
}

impl AgreementMeasures {
    /// From the opened output: matching pairs plain, weighted for the item mean, weighted for α,
    /// `Σ n_k²`, then the summed share of each class.
    ///
    /// `None` if there are not four values and one for each class.
    pub fn from_opened(opened: &[Fp61], facts: &PublicFacts, classes: usize) -> Option<Self> {
        let (&[pairs, observed, coincidence, squares], shares) = opened.split_first_chunk::<4>()?;
        if shares.len() != classes {
            return None;
        }
        let scales = Scales::new(&facts.redundancy);
        let paired = || {
            facts
                .redundancy
                .iter()
                .filter(|(r, _)| **r >= 2)
                .map(|(r, items)| (u128::from(*r), u128::from(*items)))
        };
        let items: u128 = paired().map(|(_, items)| items).sum();
        let answers: u128 = paired().map(|(r, items)| r * items).sum();
        let all_pairs: u128 = paired().map(|(r, items)| r * (r - 1) * items).sum();
        if items == 0 {
            let none = Err(Unavailable::NoPairs);
            return Some(Self {
                observed: none,
                observed_pooled: none,
                fleiss_kappa: none,
                krippendorff_alpha: none,
                gwet_ac1: none,
            });
        }

        let integer = |element: Fp61| u128::from(element.to_u64());
        let scaled = |element: Fp61, scale: u64| integer(element) as f64 / scale as f64;
        let mean = scaled(observed, scales.observed.value) / items as f64;

        let total: u128 = shares.iter().copied().map(integer).sum();
        let proportions = || shares.iter().map(|share| integer(*share) as f64 / total as f64);
        let one_class = shares.iter().filter(|share| integer(**share) > 0).count() < 2;
        let beyond_chance = |expected: f64| (mean - expected) / (1.0 - expected);
        let fleiss_kappa = if one_class {
            Err(Unavailable::OneClassUsed)
        } else {
            Ok(beyond_chance(proportions().map(|p| p * p).sum()))
        };
        let gwet_ac1 = if classes < 2 {
            Err(Unavailable::OneClassAsked)
        } else {
            Ok(beyond_chance(
                proportions().map(|p| p * (1.0 - p)).sum::<f64>() / (classes - 1) as f64,
            ))
        };

        // α = 1 - (n-1)(n - Σ o_cc) / (n² - Σ n_k²); the differences are taken among integers.
        let expected = (answers * answers).saturating_sub(integer(squares));
        let krippendorff_alpha = if expected == 0 {
            Err(Unavailable::OneClassUsed)
        } else {
            let scale = u128::from(scales.coincidence.value);
            let mismatches = (answers * scale) as i128 - integer(coincidence) as i128;
            Ok(1.0 - (answers - 1) as f64 * (mismatches as f64 / scale as f64) / expected as f64)
        };
        Some(Self {
            observed: Ok(mean),
            observed_pooled: Ok(integer(pairs) as f64 / all_pairs as f64),
            fleiss_kappa,
            krippendorff_alpha,
            gwet_ac1,
        })
    }
}
