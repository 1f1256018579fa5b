//! Pay: integers in micro-units, never negative, never above what was set aside.
//!
//! Everyone gets the base for each answer that counts. A rule adds a bonus, or takes some of the base away; one file holds a rule
//! whole. What may fall due at most is a fact of the terms: see [`escrow`](tacit_protocol::job::escrow).

pub mod beyond_chance;
pub mod flat;
pub mod gold;
pub mod peer_agreement;

use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::ContributorFacts;
use tacit_protocol::certificate::{Certificate, CertificateError, OpenedOutputs};
use tacit_protocol::job::{PayRule, Payout, Terms};
use tacit_protocol::release::OutputName;

use crate::statistic::gold::GoldScore;
use crate::statistic::peers;

/// What a rule adds to a contributor's base pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bonus {
    /// The amount in micro-units, negative where the rule takes away.
    pub amount: i128,
    /// On how many answers it rests: it is kept within the bonus per answer times this, above and below.
    pub answers: u64,
}

impl Bonus {
    /// 0 micro-units, which rest on no answers.
    pub const NONE: Self = Self { amount: 0, answers: 0 };
}

/// What a contributor is paid, in micro-units, and how it comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pay {
    /// The base for each answer that counts.
    pub base: u64,
    /// What the rule adds to it, or takes away.
    pub bonus: i128,
    /// What is paid.
    pub total: u64,
}

/// The pay of one contributor, from its facts and its elements of the opened outputs; `None` where the job publishes no payouts.
///
/// # Errors
/// The output that the rule reads is missing, or holds what no answers give.
pub fn pay_of(
    terms: &Terms,
    contributor: &ContributorFacts,
    score: impl Fn(OutputName) -> Option<Fp61>,
) -> Result<Option<Pay>, CertificateError> {
    let Some(payout) = terms.payout() else { return Ok(None) };
    let due = if contributor.answers == 0 {
        // Who does not stand in the facts has no element of any output.
        Bonus::NONE
    } else {
        bonus(terms, payout, contributor, |output| {
            score(output).ok_or(CertificateError::Value(output))
        })?
    };
    let total = pay(payout, contributor, due);
    let base = pay(payout, contributor, Bonus::NONE);
    Ok(Some(Pay {
        base,
        bonus: i128::from(total) - i128::from(base),
        total,
    }))
}

/// The bonus of a contributor by the job's rule.
fn bonus(
    terms: &Terms,
    payout: &Payout,
    contributor: &ContributorFacts,
    score: impl Fn(OutputName) -> Result<Fp61, CertificateError>,
) -> Result<Bonus, CertificateError> {
    let classes = terms.question.width();
    match terms.pay_rule().unwrap_or(PayRule::Flat) {
        PayRule::Flat => Ok(flat::BONUS),
        PayRule::PeerAgreement => {
            let agreement = peers::agreement(score(OutputName::ContributorAgreement)?);
            Ok(peer_agreement::bonus(payout, contributor, agreement))
        }
        PayRule::PeerAgreementBeyondChance => {
            let beyond_chance = peers::beyond_chance(score(OutputName::ContributorBeyondChance)?, contributor, classes);
            Ok(beyond_chance::bonus(payout, contributor, beyond_chance))
        }
        PayRule::Gold => {
            let score = GoldScore::of(score(OutputName::ContributorGold)?, contributor)?;
            Ok(gold::bonus(payout, contributor, score, terms.classes().len()))
        }
    }
}

/// The pay of each contributor in micro-units, in the order of the public facts; none where the job publishes no payouts.
///
/// # Errors
/// The output that the rule reads is missing, or holds what no answers give.
pub fn pays(certificate: &Certificate, opened: &OpenedOutputs) -> Result<Vec<u64>, CertificateError> {
    let mut pays = Vec::with_capacity(certificate.facts.contributors.len());
    for (index, contributor) in certificate.facts.contributors.iter().enumerate() {
        let pay = pay_of(&certificate.terms, contributor, |output| opened.get(output)?.get(index).copied())?;
        pays.extend(pay.map(|pay| pay.total));
    }
    Ok(pays)
}

/// One contributor's pay in micro-units.
///
/// The bonus is kept within `-k·n ..= k·n` for the `n` answers it rests on and the bonus `k` per answer, which only rounded
/// weights could leave. A bonus per answer is at most the base per answer, so pay is never negative.
pub fn pay(payout: &Payout, contributor: &ContributorFacts, bonus: Bonus) -> u64 {
    let max = i128::from(payout.bonus_per_item) * i128::from(bonus.answers);
    let pay = i128::from(payout.base_per_item) * i128::from(contributor.answers) + bonus.amount.clamp(-max, max);
    // Base pay and answers are bounded, so this does not saturate for a job and an accepted set that were checked.
    u64::try_from(pay).unwrap_or(if pay < 0 { 0 } else { u64::MAX })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use tacit_protocol::accepted::Scale;
    use tacit_protocol::identity::SecretKey;

    /// Terms of pay with a base and a bonus of 20,000 micro-units, as in the published vectors.
    pub(crate) fn payout(rule: PayRule) -> Payout {
        Payout {
            rule,
            currency: "EUR".to_owned(),
            base_per_item: 20_000,
            bonus_per_item: 20_000,
            budget: u64::MAX,
        }
    }

    /// A contributor of `answers` answers, `paired` of them on items with at least two, and a scale L.
    pub(crate) fn contributor(answers: u64, paired: u64, scale: u64) -> ContributorFacts {
        ContributorFacts {
            contributor: "c".to_owned(),
            key: SecretKey::from_bytes(&[1; 32]).public(),
            answers,
            paired,
            scale: Scale { value: scale, exact: true },
        }
    }

    proptest! {
        #[test]
        fn pay_is_between_nothing_and_base_and_bonus(
            base in 0u64..1_000_000_000_000,
            share in 0u64..=100,
            answers in 0u64..4_000_000,
            paired_share in 0u64..=100,
            amount: i64,
        ) {
            let (bonus_per_item, paired) = (base / 100 * share, answers / 100 * paired_share);
            let payout = Payout { base_per_item: base, bonus_per_item, ..payout(PayRule::PeerAgreement) };
            let bonus = Bonus { amount: i128::from(amount), answers: paired };
            let paid = u128::from(pay(&payout, &contributor(answers, paired, 1), bonus));
            prop_assert!(paid >= u128::from(base) * u128::from(answers - paired));
            prop_assert!(paid <= u128::from(base + bonus_per_item) * u128::from(answers));
        }
    }
}
