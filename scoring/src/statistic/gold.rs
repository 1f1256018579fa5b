//! Each contributor's score on the buyer's gold answers, without anyone learning which items have gold.
//!
//! All of a contributor's items enter its inner product with the gold rows, which are zeros where there is no gold. What is
//! opened is the share of its answers to items with gold that are right, as one element of the field. Their number alone would
//! tell, from contributors who answered different items, which have gold.

use std::sync::Arc;

use tacit_mpc_core::circuit::inverses;
use tacit_mpc_core::field::{Field, Fp61, MODULUS};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Factors, Recorded, Session, SessionError};
use tacit_mpc_core::sharing::Shared;
use tacit_protocol::accepted::ContributorFacts;
use tacit_protocol::certificate::{Certificate, CertificateError, OpenedOutputs};
use tacit_protocol::release::OutputName;

use super::stages::{AnswerSum, Finish, Statistic};
use crate::absence::Absence;
use crate::batch::Batch;
use crate::input::Input;
use crate::rows::answer_products::ONE;
use crate::rows::{AnswerProducts, RowRun, segment_sums};

/// The scores on shares: one element for each contributor, as [`GoldScore::from_opened`] reads it.
pub(crate) struct Gold {
    /// How many of a contributor's answers are to items with gold.
    asked: Shared<Fp61>,
    /// How many of them are right, while answers are looked at.
    right: AnswerProducts,
}

impl Gold {
    /// Where pay or released scores depend on gold.
    pub(crate) fn wanted<N: Network>(input: &Input<'_>) -> Option<Box<dyn Statistic<N>>> {
        let gold = input.gold.as_ref().filter(|_| input.opens(OutputName::ContributorGold))?;
        Some(Box::new(Self {
            asked: asked(input, gold),
            right: AnswerProducts::new(&input.party, &input.accepted, gold, input.width(), ONE),
        }))
    }
}

impl AnswerSum for Gold {
    fn add(&mut self, run: &RowRun<'_>, submission: &[&[Fp61]]) {
        self.right.add(run, submission);
    }
}

impl<N: Network> Statistic<N> for Gold {
    fn answer_sum(&mut self) -> Option<&mut dyn AnswerSum> {
        Some(self)
    }

    fn ask(self: Box<Self>, input: &Input<'_>, batch: &mut Batch) -> Finish<N> {
        let Self { asked, right } = *self;
        let right = batch.push(right.into_product(&input.answers));
        Box::new(move |progress, products| {
            // What is opened on the way to the shares tells who answered no item with gold: the output tells that, too.
            let recorded = progress.record((products.take(right), asked))?;
            let shares = shares(progress.session, recorded)?;
            progress.output(OutputName::ContributorGold, shares);
            Ok(())
        })
    }
}

/// How many of each contributor's answers are to items that have gold: sums of the gold rows.
fn asked(input: &Input<'_>, gold: &Arc<Shared<Fp61>>) -> Shared<Fp61> {
    let ends: Vec<usize> = (1..=gold.len() / input.width()).map(|item| item * input.width()).collect();
    let has_gold = gold.linear(|values, out| out.extend(segment_sums(values, &ends)));
    let mut asked = Shared::zeros(&input.party, input.contributors());
    asked.components_with(&has_gold, |asked, has_gold| {
        for counted in input.accepted.submissions() {
            let of = &mut asked[counted.contributor as usize];
            counted.items.iter().for_each(|item| *of += has_gold[*item as usize]);
        }
    });
    asked
}

/// Each contributor's share `right/asked` as [`GoldScore::from_opened`] reads it: `(right + asked)·asked⁻¹ - 1`, where the
/// inverse of 0 is 0.
///
/// The inverse shows which contributors answered no item with gold. So the input must be [`Recorded`]: otherwise this could be
/// asked for one accepted set after another.
fn shares<N: Network>(session: &mut Session<N>, recorded: Recorded<(Shared<Fp61>, Shared<Fp61>)>) -> Result<Shared<Fp61>, SessionError> {
    let (right, asked) = recorded.split();
    let sum = right.into_inner().add(asked.get());
    let inverse = inverses(session, asked)?;
    let mut products = session.inner_products(vec![Factors::elementwise(sum, inverse)])?;
    let ratios = products.pop().unwrap_or_else(|| Shared::zeros(session.party(), 0));
    Ok(ratios.sub(&Shared::public(session.party(), &vec![Fp61::ONE; ratios.len()])))
}

/// A contributor's score on items with gold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoldScore {
    /// The contributor answered no item with gold.
    Unasked,
    /// The share of its answers that are right, in lowest terms.
    Share {
        /// The numerator, in lowest terms.
        right: u64,
        /// The denominator, at least 1.
        of: u64,
    },
}

impl GoldScore {
    /// The score behind an opened element, of a contributor with `answers` answers: -1 if it was not asked,
    /// else `right/of` in the field, from which both come back because they are small. (Rational
    /// reconstruction; Wang, Guy, Davenport 1982.)
    ///
    /// `None` if so many answers have no such score.
    pub fn from_opened(opened: Fp61, answers: u64) -> Option<Self> {
        if opened == -Fp61::ONE {
            return Some(Self::Unasked);
        }
        // Two fractions of small numbers that agree in the field are equal: crosswise, their products are below p.
        if answers >= 1 << 30 {
            return None;
        }
        // Euclid's algorithm on p and the element, each remainder being `of · element` up to a multiple of p.
        let (mut before, mut right) = (i128::from(MODULUS), i128::from(opened.to_u64()));
        let (mut of_before, mut of) = (0i128, 1i128);
        while right > i128::from(answers) {
            let quotient = before / right;
            (before, right) = (right, before - quotient * right);
            (of_before, of) = (of, of_before - quotient * of);
        }
        let fits = 0 <= right && right <= of && of <= i128::from(answers);
        fits.then_some(Self::Share {
            right: right as u64,
            of: of as u64,
        })
    }

    /// The score of a contributor behind its element of the output.
    ///
    /// # Errors
    /// The value is no score of so many answers.
    pub fn of(opened: Fp61, contributor: &ContributorFacts) -> Result<Self, CertificateError> {
        Self::from_opened(opened, contributor.answers).ok_or(CertificateError::Value(OutputName::ContributorGold))
    }
}

/// The opened score of each contributor, in the order of the public facts; none where the job has no such output.
///
/// # Errors
/// A value is no score of so many answers.
fn read(opened: &OpenedOutputs, certificate: &Certificate) -> Result<Vec<GoldScore>, CertificateError> {
    let values = opened.get(OutputName::ContributorGold).unwrap_or_default();
    let contributors = values.iter().zip(&certificate.facts.contributors);
    contributors.map(|(value, c)| GoldScore::of(*value, c)).collect()
}

/// For each contributor, in the order of the public facts, the share of its answers to items with gold that are right; none where
/// the job has no gold.
///
/// # Errors
/// A value is no score of so many answers.
pub(crate) fn scores(
    opened: &OpenedOutputs,
    certificate: &Certificate,
) -> Result<impl Iterator<Item = Result<f64, Absence>> + use<>, CertificateError> {
    let share = |score: GoldScore| match score {
        GoldScore::Share { right, of } => Ok(right as f64 / of as f64),
        GoldScore::Unasked => Err(Absence::NoGoldItems),
    };
    Ok(read(opened, certificate)?.into_iter().map(share))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gcd(a: u64, b: u64) -> u64 {
        if b == 0 { a } else { gcd(b, a % b) }
    }

    proptest! {
        #[test]
        fn shares_come_back_in_lowest_terms(answers in 1u64..1 << 27, of in any::<u64>(), right in any::<u64>()) {
            let of = 1 + of % answers;
            let right = right % (of + 1);
            let opened = Fp61::reduce(right) * Fp61::reduce(of).inverse();
            let common = gcd(of, right);
            let share = GoldScore::Share { right: right / common, of: of / common };
            prop_assert_eq!(GoldScore::from_opened(opened, answers), Some(share));
        }

        /// Shares with a numerator or a denominator that so many answers cannot have.
        #[test]
        fn other_shares_are_refused(answers in 1u64..1 << 20, right in 0u64..1 << 21, of in 1u64..1 << 21) {
            let opened = Fp61::reduce(right) * Fp61::reduce(of).inverse();
            let common = gcd(of, right);
            let possible = right <= of && of / common <= answers;
            prop_assert_eq!(GoldScore::from_opened(opened, answers).is_some(), possible, "{}/{}", right, of);
        }
    }

    #[test]
    fn the_smallest_shares() {
        assert_eq!(GoldScore::from_opened(-Fp61::ONE, 1), Some(GoldScore::Unasked));
        assert_eq!(GoldScore::from_opened(Fp61::ZERO, 1), Some(GoldScore::Share { right: 0, of: 1 }));
        assert_eq!(GoldScore::from_opened(Fp61::ONE, 1), Some(GoldScore::Share { right: 1, of: 1 }));
        assert_eq!(GoldScore::from_opened(Fp61::from_i64(2), 5), None, "two of one");
        assert_eq!(
            GoldScore::from_opened(Fp61::from_i64(3).inverse(), 2),
            None,
            "one of three, of two answers"
        );
        assert_eq!(GoldScore::from_opened(Fp61::ONE, u64::MAX), None);
    }
}
