//! The pay of a job, and the most that can fall due: integers in micro-units of its currency.

use serde::{Deserialize, Serialize};

/// The most base pay for one answer, in micro-units: a million units of the currency.
pub const MAX_PER_ITEM: u64 = 1_000_000_000_000;

/// How pay follows from answers. The scoring crate has the formulas.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayRule {
    /// The base for every answer.
    Flat,
    /// A bonus for agreeing with peers.
    PeerAgreement,
    /// A bonus for agreeing with peers more than answers to other items would.
    PeerAgreementBeyondChance,
    /// A bonus for agreeing with the buyer's gold answers.
    Gold,
}

/// The pay of a job, in micro-units (10^-6 of the currency).
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    /// How pay follows from answers.
    #[serde(default = "default_rule")]
    pub rule: PayRule,
    /// An ISO 4217 code or another short name.
    pub currency: String,
    /// The base pay for each answer.
    pub base_per_item: u64,
    /// The most bonus for each answer; not above the base.
    #[serde(default)]
    pub bonus_per_item: u64,
    /// What the buyer has set aside; it must cover the most that can fall due.
    pub budget: u64,
}

fn default_rule() -> PayRule {
    PayRule::PeerAgreementBeyondChance
}

/// The most that can fall due for `planned` answers.
///
/// No rule pays more than base and bonus for an answer: agreement is at most 1 on each item, agreement beyond chance is
/// bounded by `Q ≤ L·n(n-1)`, and a contributor cannot get more gold answers right than it gives. So the bound holds however
/// the answers spread over contributors.
pub fn escrow(payout: &Payout, planned: u64) -> u128 {
    let each = match payout.rule {
        PayRule::Flat => u128::from(payout.base_per_item),
        PayRule::PeerAgreement | PayRule::PeerAgreementBeyondChance | PayRule::Gold => {
            u128::from(payout.base_per_item) + u128::from(payout.bonus_per_item)
        }
    };
    u128::from(planned) * each
}
