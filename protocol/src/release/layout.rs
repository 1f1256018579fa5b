//! Which elements the totals and the agreement of a job consist of, and how far one answer can change each.
//!
//! In a sensitive job every such element carries noise, so no number is opened twice: a number that follows from others and from
//! public facts is left out.

use super::OutputName;
use crate::accepted::{PublicFacts, Scale, Scales};
use crate::job::Terms;

/// The number of bits that the noise of a component counts: it is between half of them below and half of them above 0.
pub const NOISE_BITS: u32 = u64::BITS;

/// The standard deviation of the noise of one component, in units of what one answer can change: a sum of 64 fair bits varies by
/// `√64/2`.
pub const NOISE_DEVIATION: f64 = 4.0;

/// The sums of matching pairs of answers that agreement is read from; they differ in the weight of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairSum {
    /// Every pair of answers weighs 1.
    Plain,
    /// An item with R answers weighs `1/R(R-1)`.
    Observed,
    /// An item with R answers weighs `1/(R-1)`.
    Coincidence,
}

impl PairSum {
    /// All sums, in the order in which they stand in [`OutputName::Agreement`].
    pub const ALL: [Self; 3] = [Self::Plain, Self::Observed, Self::Coincidence];

    /// The weight of the pairs of an item with so many answers, as an integer of the sum's scale; 0 where there is no pair.
    pub fn weight(self, scales: &Scales, answers: u32) -> u64 {
        match (self, u64::from(answers)) {
            (_, 0 | 1) => 0,
            (Self::Plain, _) => 1,
            (Self::Observed, r) => scales.observed.weight(r * (r - 1)),
            (Self::Coincidence, r) => scales.coincidence.weight(r - 1),
        }
    }

    /// How far one answer can change the sum, with this redundancy: number of answers → number of items. An answer that moves from a
    /// class with a votes to one with b changes the ordered pairs of its item by `2(b - a + 1)`, so by `2(R-1)` at most.
    fn unit(self, scales: &Scales, redundancies: impl Iterator<Item = u32>) -> u64 {
        let change = |r: u32| 2 * u64::from(r.saturating_sub(1)) * self.weight(scales, r);
        redundancies.map(change).max().unwrap_or(0)
    }
}

/// The elements of [`OutputName::Agreement`], in this order: sums of pairs, `Σ n_k²` of the answers to items with at least two
/// answers, these totals n_k by class, the summed share of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreementLayout {
    /// The sums of pairs, the first ones of [`PairSum::ALL`]. One, where all items with pairs have equally many answers: the others
    /// are multiples of it.
    pub pair_sums: usize,
    /// Whether `Σ n_k²` is an element. Behind noise it is worked out from the totals.
    pub squares: bool,
    /// How many totals of answers to items with at least two answers there are: none where these are all answers.
    pub paired_totals: usize,
    /// How many summed shares there are. Shares are multiples of totals where items with pairs have equally many answers.
    pub shares: usize,
}

impl AgreementLayout {
    /// The layout in a job of these terms with these facts.
    pub fn new(terms: &Terms, facts: &PublicFacts) -> Self {
        let width = terms.question.width();
        if !OutputName::Agreement.has_noise(terms) {
            return Self {
                pair_sums: PairSum::ALL.len(),
                squares: true,
                paired_totals: 0,
                shares: width,
            };
        }
        let paired = facts.redundancy.keys().filter(|r| **r >= 2).count();
        let single = facts.redundancy.contains_key(&1);
        let classes = independent(width);
        Self {
            pair_sums: if paired > 1 { PairSum::ALL.len() } else { 1 },
            squares: false,
            paired_totals: if single && paired > 0 { classes } else { 0 },
            shares: if paired > 1 { classes } else { 0 },
        }
    }

    /// How many elements there are.
    pub fn elements(self) -> usize {
        self.pair_sums + usize::from(self.squares) + self.paired_totals + self.shares
    }
}

/// How many of the numbers of all classes are opened with noise, when their sum is public. Of two classes the second number is what
/// remains of the sum: to open it, too, would be the same number with a second noise.
pub fn independent(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// For each element of an output with noise, how far one answer can change it: the noise is in units of that.
pub fn noise_units(name: OutputName, terms: &Terms, facts: &PublicFacts) -> Vec<u64> {
    if name == OutputName::ClassTotals {
        return vec![1; name.len(terms, facts)];
    }
    let layout = AgreementLayout::new(terms, facts);
    let scales = Scales::new(&facts.redundancy, terms.sensitive);
    let redundancies = || facts.redundancy.keys().copied();
    let mut units: Vec<u64> = PairSum::ALL[..layout.pair_sums]
        .iter()
        .map(|sum| sum.unit(&scales, redundancies()))
        .collect();
    units.resize(units.len() + layout.paired_totals, 1);
    units.resize(units.len() + layout.shares, share_unit(scales.share, redundancies()));
    units
}

/// How far one answer can change a summed share: by the largest weight of an item.
fn share_unit(scale: Scale, redundancies: impl Iterator<Item = u32>) -> u64 {
    redundancies
        .filter(|r| *r > 0)
        .map(|r| scale.weight(u64::from(r)))
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tacit_mpc_core::field::MODULUS;

    use super::*;
    use crate::accepted::ContributorFacts;
    use crate::fixtures::{buyer_key, issuers, job_of, spec};
    use crate::job::PayRule;
    use crate::question::Release;

    /// The most components of a sharing, `C(7, 3)`.
    const COMPONENTS: u128 = 35;

    fn sensitive_terms() -> Terms {
        let mut spec = spec(1000, 3, 1000, PayRule::Flat);
        (spec.sensitive, spec.payout, spec.release) = (true, None, [Release::Agreement].into());
        spec.issuers = Some(issuers(1));
        job_of("wide", spec).unwrap().terms().clone()
    }

    fn facts(contributors: usize, answers: u64) -> PublicFacts {
        let contributor = ContributorFacts {
            contributor: String::new(),
            key: buyer_key().public(),
            answers: 1,
            paired: 0,
            scale: Scale { value: 1, exact: true },
        };
        PublicFacts {
            answers,
            rejected: BTreeMap::new(),
            refused: Vec::new(),
            redundancy: BTreeMap::new(),
            too_few_answers: Vec::new(),
            contributors: vec![contributor; contributors],
        }
    }

    proptest! {
        #[test]
        fn noise_never_leaves_the_half_of_the_field_in_which_its_sign_is_known(
            redundancy in proptest::collection::btree_map(1u32..1000, 1u64..4_000_000, 1..60),
        ) {
            let facts = PublicFacts { redundancy, ..facts(0, 0) };
            let terms = sensitive_terms();
            let scales = Scales::new(&facts.redundancy, true);
            let greatest = |weight: &dyn Fn(u32) -> u64| -> u128 {
                let of = |(r, items): (&u32, &u64)| u128::from(weight(*r)) * u128::from(*r) * u128::from(*items);
                facts.redundancy.iter().map(of).sum()
            };
            let layout = AgreementLayout::new(&terms, &facts);
            let units = noise_units(OutputName::Agreement, &terms, &facts);
            prop_assert_eq!(units.len(), OutputName::Agreement.len(&terms, &facts));
            let pairs = PairSum::ALL.map(|sum| greatest(&|r| sum.weight(&scales, r) * u64::from(r - 1)));
            let shares = greatest(&|r| scales.share.weight(u64::from(r)));
            let totals = greatest(&|_| 1);
            let greatest = pairs[..layout.pair_sums].iter().copied()
                .chain(std::iter::repeat_n(totals, layout.paired_totals))
                .chain(std::iter::repeat_n(shares, layout.shares));
            for (greatest, unit) in greatest.zip(units) {
                let noise = u128::from(NOISE_BITS / 2) * COMPONENTS * u128::from(unit);
                prop_assert!(greatest + noise <= u128::from(MODULUS / 2), "{greatest} and {noise}");
            }
        }
    }

    #[test]
    fn a_sensitive_job_opens_nothing_about_single_contributors() {
        for rule in [
            PayRule::Flat,
            PayRule::PeerAgreement,
            PayRule::PeerAgreementBeyondChance,
            PayRule::Gold,
        ] {
            let mut spec = spec(20, 2, 7, rule);
            spec.release = [Release::Agreement, Release::ClassTotals, Release::Payouts].into();
            let about_contributors = |terms: &Terms| {
                let outputs = OutputName::of_job(terms, &facts(20, 140));
                outputs.into_iter().filter(|name| name.is_about_contributors()).count()
            };
            let open = job_of("open", spec.clone()).unwrap();
            assert_eq!(about_contributors(open.terms()), usize::from(rule != PayRule::Flat));
            (spec.sensitive, spec.issuers) = (true, Some(issuers(1)));
            let sensitive = job_of("sensitive", spec).unwrap();
            assert_eq!(about_contributors(sensitive.terms()), 0);
        }
    }

    #[test]
    fn a_sensitive_job_opens_each_number_once() {
        let mut terms = sensitive_terms();
        let enough = facts(10, 100);
        assert_eq!(
            OutputName::of_job(&terms, &enough),
            [OutputName::ClassTotals, OutputName::Agreement]
        );
        assert!(OutputName::of_job(&terms, &enough).iter().all(|name| name.has_noise(&terms)));
        assert!(OutputName::of_job(&terms, &facts(9, 1000)).is_empty());
        assert!(OutputName::of_job(&terms, &facts(1000, 99)).is_empty());
        terms.sensitive = false;
        assert_eq!(OutputName::of_job(&terms, &facts(0, 0)), [OutputName::Agreement]);
        assert!(!OutputName::Agreement.has_noise(&terms));
    }
}
