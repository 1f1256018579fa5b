//! The public formulas on exact sums.

use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::{PublicFacts, Scales};

use super::measures::{AgreementMeasures, Paired, Unavailable, beyond_chance};

/// From the opened output of a job without noise: matching pairs plain, weighted for the item mean, weighted for α,
/// `Σ n_k²`, then the summed share of each class.
///
/// `None` if there are not four values and one for each class.
pub(super) fn measures(opened: &[Fp61], facts: &PublicFacts, classes: usize) -> Option<AgreementMeasures> {
    let (&[pairs, observed, coincidence, squares], shares) = opened.split_first_chunk()?;
    if shares.len() != classes {
        return None;
    }
    let scales = Scales::new(&facts.redundancy, false);
    let paired = Paired::of(facts);
    if paired.items == 0 {
        return Some(AgreementMeasures::unavailable(Unavailable::NoPairs));
    }

    let integer = |element: Fp61| u128::from(element.to_u64());
    let scaled = |element: Fp61, scale: u64| integer(element) as f64 / scale as f64;
    let mean = scaled(observed, scales.observed.value) / paired.items as f64;

    let total: u128 = shares.iter().copied().map(integer).sum();
    let proportions = || shares.iter().map(|share| integer(*share) as f64 / total as f64);
    let one_class = shares.iter().filter(|share| integer(**share) > 0).count() < 2;
    let fleiss_kappa = if one_class {
        Err(Unavailable::OneClassUsed)
    } else {
        Ok(beyond_chance(mean, proportions().map(|p| p * p).sum()))
    };
    let gwet_ac1 = if classes < 2 {
        Err(Unavailable::OneClassAsked)
    } else {
        let spread: f64 = proportions().map(|p| p * (1.0 - p)).sum();
        Ok(beyond_chance(mean, spread / (classes - 1) as f64))
    };

    // α = 1 - (n-1)(n - Σ o_cc) / (n² - Σ n_k²); the differences are taken among integers.
    let answers = paired.answers;
    let expected = (answers * answers).saturating_sub(integer(squares));
    let krippendorff_alpha = if expected == 0 {
        Err(Unavailable::OneClassUsed)
    } else {
        let scale = u128::from(scales.coincidence.value);
        let mismatches = (answers * scale) as i128 - integer(coincidence) as i128;
        Ok(1.0 - (answers - 1) as f64 * (mismatches as f64 / scale as f64) / expected as f64)
    };
    Some(AgreementMeasures {
        observed: Ok(mean),
        observed_pooled: Ok(integer(pairs) as f64 / paired.pairs as f64),
        fleiss_kappa,
        krippendorff_alpha,
        gwet_ac1,
    })
}
