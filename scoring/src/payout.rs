//! Pay: integers in micro-units, never negative, never above what was set aside.

use crate::statistics::GoldScore;
use tacit_protocol::accepted::ContributorFacts;
use tacit_protocol::job::Payout;

/// What the bonus of one contributor follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// Nothing: the rule is flat.
    Flat,
    /// The opened `A`.
    Agreement(i64),
    /// The opened `Q`.
    BeyondChance(i64),
    /// How it did on items with gold, in a question of so many classes.
    Gold {
        /// The opened share.
        score: GoldScore,
        /// The classes.
        classes: usize,
    },
}

/// One contributor's pay in micro-units.
///
/// With `n` answers on items with at least two answers, `L` the scale, `b` base and `k` bonus; `N` all
/// answers, `G` of `K` answers to items with gold right, `C` classes:
///
/// | rule | pay |
/// |---|---|
/// | flat | `b` for each answer |
/// | peer agreement | `+ floor(k·A / L)` |
/// | peer agreement beyond chance | `+ floor(k·Q / (L·(n-1)))` when `n ≥ 2` |
/// | gold | `+ floor(k·N·(C·G - K) / ((C-1)·K))` when `K ≥ 1`: 0 in expectation for who guesses |
///
/// Answers on items that nobody else answered earn the base, by rules of agreement. The bonus is kept within
/// `-k·n ..= k·n`, which only rounded weights could leave; by gold it is never below `-k·N/(C-1)`.
pub fn pay(payout: &Payout, contributor: &ContributorFacts, score: Score) -> u64 {
    let (n, answers) = (i128::from(contributor.paired), i128::from(contributor.answers));
    let bonus_per_item = i128::from(payout.bonus_per_item);
    let scale = i128::from(contributor.scale.value).max(1);
    let (bonus, most) = match score {
        Score::Flat => (0, 0),
        Score::Agreement(a) => ((bonus_per_item * i128::from(a)).div_euclid(scale), n),
        Score::BeyondChance(q) if n >= 2 => ((bonus_per_item * i128::from(q)).div_euclid(scale * (n - 1)), n),
        Score::BeyondChance(_) => (0, 0),
        Score::Gold {
            score: GoldScore::Share { right, of },
            classes,
        } if classes >= 2 && of >= 1 => {
            let (right, of, classes) = (i128::from(right), i128::from(of), classes as i128);
            let earned = bonus_per_item * answers * (classes * right - of);
            (earned.div_euclid((classes - 1) * of), answers)
        }
        Score::Gold { .. } => (0, 0),
    };
    let bonus = bonus.clamp(-bonus_per_item * most, bonus_per_item * most);
    let pay = i128::from(payout.base_per_item) * answers + bonus;
    u64::try_from(pay).unwrap_or(if pay < 0 { 0 } else { u64::MAX })
}
