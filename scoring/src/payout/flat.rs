//! Flat pay: the base for each answer, whatever it says.

use super::Bonus;

/// No bonus for anyone.
pub(super) const BONUS: Bonus = Bonus::NONE;

#[cfg(test)]
mod tests {
    use super::BONUS;
    use crate::payout::pay;
    use crate::payout::tests::{contributor, payout};
    use tacit_protocol::job::PayRule;

    #[test]
    fn everyone_gets_the_base_for_each_answer() {
        assert_eq!(pay(&payout(PayRule::Flat), &contributor(6, 4, 2), BONUS), 120_000);
        assert_eq!(pay(&payout(PayRule::Flat), &contributor(0, 0, 1), BONUS), 0);
    }
}
