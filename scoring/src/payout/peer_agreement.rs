//! Pay by agreement with peers: `+ floor(k·A / L)`, with the bonus k per answer, a contributor's agreement A and its scale L.
//!
//! A is between 0 and `L·n` for `n` answers on items with at least two answers: full agreement earns the whole bonus for each of
//! them. Answers on items that nobody else answered earn the base alone.

use tacit_protocol::accepted::ContributorFacts;
use tacit_protocol::job::Payout;

use super::Bonus;

/// The bonus for an opened agreement A.
pub fn bonus(payout: &Payout, contributor: &ContributorFacts, agreement: i64) -> Bonus {
    let scale = i128::from(contributor.scale.value).max(1);
    Bonus {
        amount: (i128::from(payout.bonus_per_item) * i128::from(agreement)).div_euclid(scale),
        answers: contributor.paired,
    }
}

#[cfg(test)]
mod tests {
    use super::bonus;
    use crate::payout::pay;
    use crate::payout::tests::{contributor, payout};
    use tacit_protocol::job::PayRule;

    #[test]
    fn the_published_vectors() {
        // V1: six answers, three to each item, so L = 2.
        let (payout, contributor) = (payout(PayRule::PeerAgreement), contributor(6, 6, 2));
        for (agreement, due) in [(9, 210_000), (8, 200_000), (7, 190_000), (0, 120_000), (12, 240_000)] {
            assert_eq!(pay(&payout, &contributor, bonus(&payout, &contributor, agreement)), due);
        }
    }

    #[test]
    fn fractions_are_rounded_down() {
        let (mut payout, contributor) = (payout(PayRule::PeerAgreement), contributor(1, 1, 3));
        payout.bonus_per_item = 10;
        assert_eq!(bonus(&payout, &contributor, 1).amount, 3);
        assert_eq!(bonus(&payout, &contributor, 2).amount, 6);
    }

    #[test]
    fn answers_that_nobody_can_agree_with_earn_the_base() {
        let (payout, alone) = (payout(PayRule::PeerAgreement), contributor(5, 0, 1));
        assert_eq!(pay(&payout, &alone, bonus(&payout, &alone, 0)), 100_000);
        assert_eq!(
            pay(&payout, &alone, bonus(&payout, &alone, 7)),
            100_000,
            "a number that no answers give"
        );
    }
}
