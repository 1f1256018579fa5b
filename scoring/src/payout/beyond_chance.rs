//! Pay by agreement with peers beyond chance: `+ floor(k·Q / (L·(n-1)))` when `n ≥ 2`, with the bonus k per answer, a
//! contributor's agreement beyond chance Q, its scale L and its `n` answers on items with at least two answers.
//!
//! `Q ≤ L·n(n-1)`. The expected bonus of a contributor who answers without looking at the item is 0. Q can be negative: then some of
//! the base is taken away. (Dasgupta, Ghosh, [WWW 2013](https://doi.org/10.1145/2488388.2488417).)

use tacit_protocol::accepted::ContributorFacts;
use tacit_protocol::job::Payout;

use super::Bonus;

/// The bonus for an opened agreement beyond chance Q.
pub fn bonus(payout: &Payout, contributor: &ContributorFacts, beyond_chance: i64) -> Bonus {
    let scale = i128::from(contributor.scale.value).max(1);
    match i128::from(contributor.paired) {
        0 | 1 => Bonus::NONE,
        n => Bonus {
            amount: (i128::from(payout.bonus_per_item) * i128::from(beyond_chance)).div_euclid(scale * (n - 1)),
            answers: contributor.paired,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::bonus;
    use crate::payout::tests::{contributor, payout};
    use crate::payout::{Bonus, pay};
    use tacit_protocol::job::PayRule;

    #[test]
    fn the_published_vectors() {
        // V1: six answers, three to each item, so L = 2.
        let (payout, contributor) = (payout(PayRule::PeerAgreementBeyondChance), contributor(6, 6, 2));
        for (score, due) in [(30, 180_000), (23, 166_000), (17, 154_000), (0, 120_000), (60, 240_000), (-60, 0)] {
            assert_eq!(pay(&payout, &contributor, bonus(&payout, &contributor, score)), due);
        }
    }

    #[test]
    fn negative_fractions_are_rounded_down() {
        let (mut payout, contributor) = (payout(PayRule::PeerAgreementBeyondChance), contributor(3, 3, 1));
        payout.bonus_per_item = 1;
        assert_eq!(bonus(&payout, &contributor, -7).amount, -4, "floor(-7/2)");
    }

    #[test]
    fn one_answer_is_never_beyond_chance() {
        let payout = payout(PayRule::PeerAgreementBeyondChance);
        assert_eq!(bonus(&payout, &contributor(3, 1, 1), 5), Bonus::NONE);
    }
}
