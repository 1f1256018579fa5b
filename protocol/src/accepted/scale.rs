//! Integer weights in place of fractions with different denominators.
//!
//! A statistic that divides the part of item `i` by `d_i` is computed on shares as `Σ_i w_i·part_i` with integers
//! `w_i = L/d_i`, where L is the least common multiple of all `d_i`; after opening it is divided by L. That is exact. Where the
//! sum could exceed the field, L is the largest power of two that fits and `w_i` is `L/d_i` rounded.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use tacit_mpc_core::field::MODULUS;

/// The common denominator of a set of weights.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The denominator L.
    pub value: u64,
    /// Whether every weight is exactly `L/d`; otherwise it is rounded to the nearest integer.
    pub exact: bool,
}

/// The scales of a job's agreement statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scales {
    /// Divides each item's matching pairs by `R(R-1)`: observed agreement.
    pub observed: Scale,
    /// Divides each item's matching pairs by `R-1`: Krippendorff's coincidences.
    pub coincidence: Scale,
    /// Divides each item's votes by `R`: the mean share of a class.
    pub share: Scale,
}

impl Scale {
    /// The scale where there is nothing to weigh.
    pub(crate) const NONE: Self = Self { value: 1, exact: true };

    /// The weight that stands for `1/divisor`, in units of `1/L`.
    ///
    /// # Panics
    /// `divisor` is 0.
    pub fn weight(self, divisor: u64) -> u64 {
        if self.exact {
            self.value / divisor
        } else {
            ((u128::from(self.value) + u128::from(divisor / 2)) / u128::from(divisor)) as u64
        }
    }

    /// The least common multiple of the divisors if `fits` accepts it, else the largest power of two that it accepts.
    fn choose(divisors: impl Iterator<Item = u64>, fits: impl Fn(Self) -> bool) -> Self {
        let mut lcm = 1u64;
        let mut exact = true;
        for divisor in divisors {
            match (lcm / gcd(lcm, divisor)).checked_mul(divisor) {
                Some(next) if next < MODULUS => lcm = next,
                _ => exact = false,
            }
        }
        let whole = Self { value: lcm, exact: true };
        if exact && fits(whole) {
            return whole;
        }
        (0..61)
            .rev()
            .map(|s| Self {
                value: 1 << s,
                exact: false,
            })
            .find(|scale| fits(*scale))
            .unwrap_or(Self::NONE)
    }

    /// The scale of one contributor's agreement: of the weights `1/(R_i - 1)` over the contributor's items with at least two
    /// answers, such that the agreement beyond chance fits the field. `redundancies` counts the contributor's items by their
    /// number of answers `R_i`; answers are one-hot rows of `width` elements.
    pub(crate) fn of_contributor(redundancies: &BTreeMap<u32, u64>, width: usize) -> Self {
        let paired = || {
            redundancies
                .iter()
                .filter(|(r, _)| **r >= 2)
                .map(|(r, count)| (u64::from(*r), *count))
        };
        let n: u64 = paired().map(|(_, count)| count).sum();
        Self::choose(paired().map(|(r, _)| r - 1), |scale| {
            let mass = paired()
                .map(|(r, _)| u128::from(scale.weight(r - 1)) * u128::from(r - 1))
                .max()
                .unwrap_or(0);
            scale.range(n, mass, width).is_some()
        })
    }

    /// The least and the greatest agreement beyond chance `Q` of `n` answers, each of which weighs at most `mass`; `None` if
    /// the values between them do not fit the field.
    ///
    /// With exact weights every item weighs L, and `Q/(L·n²)` is a sum of covariances of one-hot vectors and distributions over
    /// `width` classes: at least -1/2, at most `1 - 1/width`.
    fn range(self, n: u64, mass: u128, width: usize) -> Option<(i128, i128)> {
        let square = u128::from(n)
            .checked_mul(u128::from(n))?
            .checked_mul(mass)
            .filter(|s| *s < 1 << 100)? as i128;
        let (low, high) = if self.exact {
            (-(square + 1) / 2, square - square / width.max(1) as i128)
        } else {
            (-square, square)
        };
        (high - low < i128::from(MODULUS)).then_some((low, high))
    }

    /// The signed integer that an opened agreement beyond chance of `n` answers stands for. Answers are one-hot rows of `width`
    /// elements. The scale must be the one of [`ContributorFacts`](super::ContributorFacts) with `n` its paired answers;
    /// otherwise the result is a number without meaning.
    pub fn signed(self, opened: u64, n: u64, width: usize) -> i64 {
        // `of_contributor` chose rounded weights such that |Q| stays below half of the modulus.
        let exact = self.exact.then(|| self.range(n, u128::from(self.value), width)).flatten();
        let high = exact.map_or(i128::from(MODULUS / 2), |(_, high)| high);
        let wrapped = i128::from(opened) > high;
        (i128::from(opened) - if wrapped { i128::from(MODULUS) } else { 0 }) as i64
    }
}

/// In sensitive jobs, how many times greater than every sum the field is. Noise is at most 32 units for each of at most 35 components,
/// and a unit is at most the greatest sum; with half of the field for negative numbers there is room for all of it.
const ROOM_FOR_NOISE: u128 = 1 << 12;

impl Scales {
    /// The scales for a job with this redundancy: number of answers → number of items that have it. Those of a sensitive job leave
    /// room for noise in the field.
    pub fn new(redundancy: &BTreeMap<u32, u64>, sensitive: bool) -> Self {
        let limit = u128::from(MODULUS) / if sensitive { ROOM_FOR_NOISE } else { 1 };
        let all = || redundancy.iter().map(|(r, items)| (u64::from(*r), u128::from(*items)));
        let paired = || all().filter(|(r, _)| *r >= 2);
        // A weighted sum of matching pairs is largest when all R(R-1) pairs of every item match.
        let pairs_fit = |scale: Scale, divisor: fn(u64) -> u64| {
            let max: u128 = paired()
                .map(|(r, items)| items * u128::from(scale.weight(divisor(r))) * u128::from(r * (r - 1)))
                .sum();
            max < limit
        };
        let observed: fn(u64) -> u64 = |r| r * (r - 1);
        let coincidence: fn(u64) -> u64 = |r| r - 1;
        Self {
            observed: Scale::choose(paired().map(|(r, _)| observed(r)), |scale| pairs_fit(scale, observed)),
            coincidence: Scale::choose(paired().map(|(r, _)| coincidence(r)), |scale| pairs_fit(scale, coincidence)),
            share: Scale::choose(all().map(|(r, _)| r), |scale| {
                all()
                    .map(|(r, items)| items * u128::from(scale.weight(r)) * u128::from(r))
                    .sum::<u128>()
                    < limit
            }),
        }
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn constant_redundancy_is_exact() {
        let scales = Scales::new(&BTreeMap::from([(123, 350)]), false);
        assert_eq!(
            scales.observed,
            Scale {
                value: 123 * 122,
                exact: true
            }
        );
        assert_eq!(scales.coincidence, Scale { value: 122, exact: true });
        assert_eq!(scales.share, Scale { value: 123, exact: true });
    }

    #[test]
    fn a_wide_mix_is_rounded_and_still_precise() {
        let redundancy: BTreeMap<u32, u64> = (1..=60).map(|r| (r, 1000)).collect();
        let scales = Scales::new(&redundancy, false);
        assert!(!scales.observed.exact && scales.observed.value > 1 << 40);
        assert!(!scales.share.exact && scales.share.value > 1 << 40);
    }

    #[test]
    fn an_empty_job_has_scales() {
        let scales = Scales::new(&BTreeMap::new(), false);
        assert_eq!(scales.observed, Scale::NONE);
        assert_eq!(Scale::of_contributor(&BTreeMap::from([(1, 5)]), 3), Scale::NONE);
    }

    proptest! {
        #[test]
        fn signed_values_survive_the_field(
            redundancies in proptest::collection::btree_map(2u32..40, 1u64..2000, 1..12),
            classes in 2usize..12,
            fraction in -1.0f64..1.0,
        ) {
            let scale = Scale::of_contributor(&redundancies, classes);
            let n: u64 = redundancies.values().sum();
            let mass = u128::from(scale.value);
            let (low, high) = scale.range(n, mass, classes).unwrap();
            let q = if fraction < 0.0 { (low as f64 * -fraction * 0.99) as i128 } else { (high as f64 * fraction * 0.99) as i128 };
            let opened = q.rem_euclid(i128::from(MODULUS)) as u64;
            prop_assert_eq!(i128::from(scale.signed(opened, n, classes)), q);
        }
    }
}
