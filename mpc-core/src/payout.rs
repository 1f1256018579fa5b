//! Pay: integers in micro-units, never negative, never above what was set aside.

use crate::crowd::ContributorFacts;
use crate::job::{PayRule, Payout};

/// The most base pay for one answer, in micro-units: a million units of the currency.
pub const MAX_PER_ITEM: u64 = 1_000_000_000_000;

/// The most that can fall due for `planned` answers.
///
/// No rule pays more than base and bonus for an answer: agreement is at most 1 on each item, and
/// beyond chance `Q ≤ L·n(n-1)`. So the bound holds however answers spread over contributors.
pub fn escrow(payout: &Payout, planned: u64) -> u128 {
    let each = match payout.rule {
        PayRule::Flat => u128::from(payout.base_per_item),
        PayRule::PeerAgreement | PayRule::PeerAgreementBeyondChance => u128::from(payout.base_per_item) + u128::from(payout.bonus_per_item),
    };
    u128::from(planned) * each
}

/// One contributor's pay in micro-units.
///
/// With `n` answers on items with at least two answers, `L` the scale, `b` base and `k` bonus:
///
/// | rule | pay |
/// |---|---|
/// | flat | `b` for each answer |
/// | peer agreement | `+ floor(k·A / L)` |
/// | peer agreement beyond chance | `+ floor(k·Q / (L·(n-1)))` when `n ≥ 2` |
///
/// `score` is the opened `A` or `Q`, 0 for the flat rule. Answers on items that nobody else answered
/// earn the base. The bonus is kept within `-k·n ..= k·n`, which only rounded weights could leave.
pub fn pay(payout: &Payout, contributor: &ContributorFacts, score: i64) -> u64 {
    let n = i128::from(contributor.paired);
    let bonus_per_item = i128::from(payout.bonus_per_item);
    let scale = i128::from(contributor.scale.value).max(1);
    let scaled = bonus_per_item * i128::from(score);
    let bonus = match payout.rule {
        PayRule::Flat => 0,
        PayRule::PeerAgreement => scaled.div_euclid(scale),
        PayRule::PeerAgreementBeyondChance if n >= 2 => scaled.div_euclid(scale * (n - 1)),
        PayRule::PeerAgreementBeyondChance => 0,
    };
    let bonus = bonus.clamp(-bonus_per_item * n, bonus_per_item * n);
    let base = i128::from(payout.base_per_item) * i128::from(contributor.answers);
    u64::try_from(base + bonus).unwrap_or(if base + bonus < 0 { 0 } else { u64::MAX })
}
