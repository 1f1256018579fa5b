//! The public formulas on sums with noise. Every sum is first cut to what it can be without noise, so every statistic stays in its range.

use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::{PublicFacts, Scales};
use tacit_protocol::job::Terms;
use tacit_protocol::release::{AgreementLayout, PairSum, independent};

use super::measures::{AgreementMeasures, Paired, Unavailable, beyond_chance};
use crate::noise::{cut, cut_to_sum};

/// The sums of a job, as far as noise lets them be known.
struct Sums {
    /// The plain sum of pairs, the one for the item mean, and the one for α, each as a share of the greatest possible sum.
    pairs: [f64; 3],
    /// The answers to items with at least two, by class.
    paired_totals: Vec<u64>,
    /// The summed shares of the classes, scaled.
    shares: Vec<u64>,
}

/// From the opened class totals and sums of a sensitive job; `None` if there are not as many as [`AgreementLayout`] says.
pub(crate) fn measures(terms: &Terms, facts: &PublicFacts, totals: &[Fp61], opened: &[Fp61]) -> Option<AgreementMeasures> {
    let classes = terms.question.width();
    let paired = Paired::of(facts);
    let Sums {
        pairs: [pooled, observed, coincidence],
        paired_totals,
        shares,
    } = Sums::read(terms, facts, totals, opened)?;
    if paired.items == 0 {
        return Some(AgreementMeasures::unavailable(Unavailable::NoPairs));
    }
    let too_few = |numbers: &[u64]| numbers.iter().filter(|number| **number > 0).count() < 2;
    // Chance agreement from numbers that were cut, so they need not add up to the public sum.
    let squares = |numbers: &[u64]| -> f64 {
        let sum: u128 = numbers.iter().copied().map(u128::from).sum();
        numbers.iter().map(|number| (*number as f64 / sum as f64).powi(2)).sum()
    };
    let by_classes = |numbers: &[u64], measure: &dyn Fn() -> f64| match classes {
        1 => Err(Unavailable::OneClassUsed),
        _ if too_few(numbers) => Err(Unavailable::Noise),
        _ => Ok(measure().clamp(-1.0, 1.0)),
    };
    let answers = paired.answers as f64;
    Some(AgreementMeasures {
        observed: Ok(observed),
        observed_pooled: Ok(pooled),
        fleiss_kappa: by_classes(&shares, &|| beyond_chance(observed, squares(&shares))),
        krippendorff_alpha: by_classes(&paired_totals, &|| {
            1.0 - (answers - 1.0) * (1.0 - coincidence) / (answers * (1.0 - squares(&paired_totals)))
        }),
        gwet_ac1: match classes {
            1 => Err(Unavailable::OneClassAsked),
            _ if shares.iter().all(|share| *share == 0) => Err(Unavailable::Noise),
            _ => Ok(beyond_chance(observed, (1.0 - squares(&shares)) / (classes - 1) as f64)),
        },
    })
}

impl Sums {
    fn read(terms: &Terms, facts: &PublicFacts, totals: &[Fp61], opened: &[Fp61]) -> Option<Self> {
        let layout = AgreementLayout::new(terms, facts);
        let classes = terms.question.width();
        if opened.len() != layout.elements() || totals.len() != independent(classes) {
            return None;
        }
        let scales = Scales::new(&facts.redundancy, true);
        let sum_over_items = |weight: &dyn Fn(u32) -> u64| -> u64 {
            let of = |(r, items): (&u32, &u64)| u128::from(weight(*r)) * u128::from(*r) * u128::from(*items);
            // Scales were chosen such that it fits the field.
            facts.redundancy.iter().map(of).sum::<u128>() as u64
        };
        let (sums, opened) = opened.split_at(layout.pair_sums);
        let (paired_totals, shares) = opened.split_at(layout.paired_totals);
        let pairs = std::array::from_fn(|index| {
            // One sum stands for all: they are multiples of it.
            let (sum, value) = sums
                .get(index)
                .map_or((PairSum::Plain, sums[0]), |value| (PairSum::ALL[index], *value));
            let greatest = sum_over_items(&|r| sum.weight(&scales, r) * u64::from(r.saturating_sub(1)));
            cut(value, greatest) as f64 / greatest.max(1) as f64
        });
        let totals = cut_to_sum(totals, classes, facts.answers);
        let paired_totals = if layout.paired_totals > 0 {
            cut_to_sum(paired_totals, classes, Paired::of(facts).answers as u64)
        } else {
            totals.clone()
        };
        let share_of = |r: u32| scales.share.weight(u64::from(r));
        let shares = if layout.shares > 0 {
            cut_to_sum(shares, classes, sum_over_items(&share_of))
        } else {
            // All items with pairs have equally many answers, and all others have one.
            let (single, paired) = (share_of(1), facts.redundancy.keys().last().map_or(0, |r| share_of(*r)));
            let share = |(all, paired_answers): (&u64, &u64)| single * all.saturating_sub(*paired_answers) + paired * paired_answers;
            totals.iter().zip(&paired_totals).map(share).collect()
        };
        Some(Self {
            pairs,
            paired_totals,
            shares,
        })
    }
}
