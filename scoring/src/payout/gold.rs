//! Pay by gold: `+ floor(k·N·(C·G - K) / ((C-1)·K))` when `K ≥ 1`, with the bonus k per answer, `N` answers in all, `G` of the
//! `K` answers to items with gold right, and `C` classes.
//!
//! The expected bonus of a contributor who guesses is 0. One who is always right gets the whole bonus, and none less than
//! `-k·N/(C-1)`.

use tacit_protocol::accepted::ContributorFacts;
use tacit_protocol::job::Payout;

use super::Bonus;
use crate::statistic::gold::GoldScore;

/// The bonus for an opened score on the gold of a question with so many classes.
pub fn bonus(payout: &Payout, contributor: &ContributorFacts, score: GoldScore, classes: usize) -> Bonus {
    match score {
        GoldScore::Share { right, of } if classes >= 2 && of >= 1 => {
            let (right, of, classes) = (i128::from(right), i128::from(of), classes as i128);
            let earned = i128::from(payout.bonus_per_item) * i128::from(contributor.answers) * (classes * right - of);
            Bonus {
                amount: earned.div_euclid((classes - 1) * of),
                answers: contributor.answers,
            }
        }
        GoldScore::Share { .. } | GoldScore::Unasked => Bonus::NONE,
    }
}

#[cfg(test)]
mod tests {
    use super::{GoldScore, bonus};
    use crate::payout::tests::{contributor, payout};
    use crate::payout::{Bonus, pay};
    use tacit_protocol::job::PayRule;

    #[test]
    fn the_published_vectors() {
        // V6: six answers, three classes.
        let (payout, contributor) = (payout(PayRule::Gold), contributor(6, 6, 2));
        for (right, of, due) in [(3, 3, 240_000), (2, 3, 180_000), (1, 3, 120_000), (0, 3, 60_000)] {
            let bonus = bonus(&payout, &contributor, GoldScore::Share { right, of }, 3);
            assert_eq!(pay(&payout, &contributor, bonus), due);
        }
    }

    #[test]
    fn who_was_not_asked_gets_the_base() {
        let payout = payout(PayRule::Gold);
        assert_eq!(bonus(&payout, &contributor(6, 6, 2), GoldScore::Unasked, 3), Bonus::NONE);
        let all_right = GoldScore::Share { right: 1, of: 1 };
        assert_eq!(
            bonus(&payout, &contributor(6, 6, 2), all_right, 1),
            Bonus::NONE,
            "one class says nothing"
        );
    }
}
