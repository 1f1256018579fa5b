//! What `result.json` says about noise.

use serde::{Deserialize, Serialize};
use tacit_protocol::accepted::Scales;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::release::{AgreementLayout, NOISE_DEVIATION, OutputName, OutputValues, PairSum, noise_units};

/// The standard deviations of the noise that was added, before numbers were cut to their range.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct NoiseReport {
    /// That of each class total, in answers.
    pub class_totals: f64,
    /// That of the observed agreement; absent where the job does not open agreement, or nothing can agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed: Option<f64>,
    /// That of the pooled observed agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_pooled: Option<f64>,
}

impl NoiseReport {
    /// What follows from a verified certificate; `None` if its numbers are exact or it has none with noise.
    pub(crate) fn new(certificate: &Certificate) -> Option<Self> {
        let Certificate { terms, facts, outputs, .. } = certificate;
        // Every job with noise opens class totals.
        let totals = outputs.iter().find(|output| output.name == OutputName::ClassTotals)?;
        let OutputValues::Components(components) = &totals.values else {
            return None;
        };
        if !totals.name.has_noise(terms) {
            return None;
        }
        // One noise for each component, all independent.
        let deviation = NOISE_DEVIATION * (components.len() as f64).sqrt();
        let scales = Scales::new(&facts.redundancy, true);
        let opened = AgreementLayout::new(terms, facts).pair_sums;
        let units = noise_units(OutputName::Agreement, terms, facts);
        let agreement = outputs.iter().any(|output| output.name == OutputName::Agreement);
        let of_sum = |index: usize| {
            // Where one sum stands for all, all have its noise.
            let index = if index < opened { index } else { 0 };
            let greatest = |(r, items): (&u32, &u64)| {
                let pairs = f64::from(*r) * f64::from(r.saturating_sub(1));
                PairSum::ALL[index].weight(&scales, *r) as f64 * pairs * *items as f64
            };
            let greatest: f64 = facts.redundancy.iter().map(greatest).sum();
            (agreement && greatest > 0.0).then(|| deviation * units[index] as f64 / greatest)
        };
        Some(Self {
            class_totals: deviation,
            observed: of_sum(1),
            observed_pooled: of_sum(0),
        })
    }
}
