//! What a job may have to pay: integers in micro-units of its currency.

use super::{PayRule, Payout};

/// The most base pay for one answer, in micro-units: a million units of the currency.
pub const MAX_PER_ITEM: u64 = 1_000_000_000_000;

/// The most that can fall due for `planned` answers.
///
/// No rule pays more than base and bonus for an answer: agreement is at most 1 on each item, beyond chance
/// `Q ≤ L·n(n-1)`, and no more gold answers are right than there are. So the bound holds however answers spread over contributors.
pub fn escrow(payout: &Payout, planned: u64) -> u128 {
    let each = match payout.rule {
        PayRule::Flat => u128::from(payout.base_per_item),
        PayRule::PeerAgreement | PayRule::PeerAgreementBeyondChance | PayRule::Gold => {
            u128::from(payout.base_per_item) + u128::from(payout.bonus_per_item)
        }
    };
    u128::from(planned) * each
}
