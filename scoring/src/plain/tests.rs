//! The oracle against the definitions by enumeration of pairs, and against an example computed by hand.

use proptest::prelude::*;

use super::*;

type Answer = (u32, u32, u32);

fn scores(classes: usize, contributors: usize, items: usize, answers: &[Answer]) -> PlainScores {
    let grouped = by_item(items, answers.iter().copied());
    PlainScores::new(classes, contributors, grouped.iter().map(|votes| votes.iter().copied()))
}

fn assert_close(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-9, "{actual} instead of {expected}");
}

/// Three people answer four items: (a, a, b), (a, a, a), (b, b, a), (a, b, a).
#[test]
fn an_example_by_hand() {
    let rows = [[0, 0, 1], [0, 0, 0], [1, 1, 0], [0, 1, 0]];
    let answers: Vec<Answer> = (0..)
        .zip(rows)
        .flat_map(|(item, row)| (0..).zip(row).map(move |(c, k)| (c, item, k)))
        .collect();
    let plain = scores(2, 3, 4, &answers);
    assert_eq!(plain.labels, [0, 0, 1, 0].map(Some));
    assert_eq!(plain.class_totals, [8, 4]);
    // Matching ordered pairs: 2, 6, 2, 2 of 6 each. Fleiss: (1/2 - 5/9) / (4/9). α: 1 - 11·6 / (144 - 80). AC1: Pe = 4/9.
    let expected = [0.5, 0.5, -0.125, 1.0 - 66.0 / 64.0, 0.1];
    for (actual, expected) in plain.agreement.to_array().into_iter().zip(expected) {
        assert_close(actual.unwrap(), expected);
    }
    // The first person answers a, a, b, a; others agree 1, 2, 1, 1 times of 2; a is met 5 times, b 3 times.
    let first = &plain.contributors[0];
    assert_eq!((first.answers, first.paired, first.labels, first.scale), (4, 4, 4, 2));
    assert_eq!((first.mean_agreement(), first.label_share()), (Some(5.0 / 8.0), 1.0));
    // Q = 4·5 - (3·5 + 1·3) = 2, over L·n·(n-1) = 24; bonus 20000·2 / (2·3).
    assert_close(first.mean_beyond_chance().unwrap(), 2.0 / 24.0);
    let mut payout = Payout {
        rule: PayRule::PeerAgreementBeyondChance,
        currency: "EUR".to_owned(),
        base_per_item: 20_000,
        bonus_per_item: 20_000,
        budget: 1 << 40,
    };
    assert_eq!(first.pay(&payout), Some(80_000 + 6_666));
    payout.rule = PayRule::Gold;
    assert_eq!(first.pay(&payout), None);
}

#[test]
fn ties_go_to_the_first_class_and_one_class_has_no_kappa() {
    let answers = [(0, 0, 1), (1, 0, 0), (0, 1, 1), (1, 1, 1)];
    assert_eq!(scores(2, 2, 3, &answers).labels, [Some(0), Some(1), None]);
    let alike = answers.map(|(contributor, item, _)| (contributor, item, 1));
    let none = Err(Unavailable::OneClassUsed);
    assert_eq!(
        scores(2, 2, 3, &alike).agreement.to_array(),
        [Ok(1.0), Ok(1.0), none, none, Ok(1.0)]
    );
    let asked = alike.map(|(contributor, item, _)| (contributor, item, 0));
    assert_eq!(scores(1, 2, 3, &asked).agreement.gwet_ac1, Err(Unavailable::OneClassAsked));
    assert_eq!(scores(2, 2, 3, &answers[1..2]).agreement.observed, Err(Unavailable::NoPairs));
}

/// Nominal α from its definition: the matrix of coincidences, and the disagreement of each pair of classes.
fn alpha(items: &[Vec<Vote>], classes: usize) -> f64 {
    let mut coincidences = vec![vec![0.0; classes]; classes];
    for votes in items.iter().filter(|votes| votes.len() > 1) {
        for (i, a) in votes.iter().enumerate() {
            for (j, b) in votes.iter().enumerate() {
                if i != j {
                    coincidences[a.1 as usize][b.1 as usize] += 1.0 / (votes.len() - 1) as f64;
                }
            }
        }
    }
    let totals: Vec<f64> = coincidences.iter().map(|row| row.iter().sum()).collect();
    let n: f64 = totals.iter().sum();
    let (mut observed, mut expected) = (0.0, 0.0);
    for (k, row) in coincidences.iter().enumerate() {
        for (l, count) in row.iter().enumerate() {
            if k != l {
                observed += count / n;
                expected += totals[k] * totals[l] / (n * (n - 1.0));
            }
        }
    }
    1.0 - observed / expected
}

/// The share of matching ordered pairs of answers: its mean over items, and of all pairs together.
fn observed(items: &[Vec<Vote>]) -> Option<(f64, f64)> {
    let pairs = |votes: &Vec<Vote>| {
        let r = votes.len();
        let all = (0..r).flat_map(|i| (0..r).map(move |j| (i, j))).filter(|(i, j)| i != j);
        let matching = all.clone().filter(|(i, j)| votes[*i].1 == votes[*j].1).count();
        (matching as f64, all.count() as f64)
    };
    let paired: Vec<(f64, f64)> = items.iter().filter(|votes| votes.len() > 1).map(pairs).collect();
    let mean = paired.iter().map(|(matching, all)| matching / all).sum::<f64>() / paired.len() as f64;
    let pooled = paired.iter().map(|one| one.0).sum::<f64>() / paired.iter().map(|one| one.1).sum::<f64>();
    (!paired.is_empty()).then_some((mean, pooled))
}

/// A contributor's `A` and `Q` over the denominator `scale`, by enumeration of pairs of its answers.
fn contributor(items: &[Vec<Vote>], who: u32, scale: i128) -> (i128, i128) {
    let own: Vec<(&Vec<Vote>, u32)> = items
        .iter()
        .filter(|votes| votes.len() > 1)
        .flat_map(|votes| votes.iter().filter(|vote| vote.0 == who).map(move |vote| (votes, vote.1)))
        .collect();
    // How many of the other answers to an item name `class`.
    let agrees = |votes: &[Vote], class: u32| -> i128 {
        let others = || votes.iter().filter(|vote| vote.0 != who);
        others().filter(|vote| vote.1 == class).count() as i128 * scale / others().count() as i128
    };
    let a = own.iter().map(|(votes, class)| agrees(votes, *class)).sum();
    let mut q = 0;
    for (i, (votes, class)) in own.iter().enumerate() {
        for (j, (elsewhere, _)) in own.iter().enumerate() {
            if i != j {
                q += agrees(votes, *class) - agrees(elsewhere, *class);
            }
        }
    }
    (a, q)
}

proptest! {
    #[test]
    fn sums_over_tallies_are_sums_over_pairs(
        classes in 2u32..5,
        pairs in proptest::collection::btree_map((0u32..8, 0u32..12), 0u32..100, 0..60),
    ) {
        let answers: Vec<Answer> = pairs.into_iter().map(|((c, i), k)| (c, i, k % classes)).collect();
        let items = by_item(12, answers.iter().copied());
        let plain = scores(classes as usize, 8, 12, &answers);
        match observed(&items) {
            Some((mean, pooled)) => {
                assert_close(plain.agreement.observed.unwrap(), mean);
                assert_close(plain.agreement.observed_pooled.unwrap(), pooled);
                let p: Vec<f64> = (0..classes)
                    .map(|k| {
                        let answered = || items.iter().filter(|votes| !votes.is_empty());
                        let share = |votes: &Vec<Vote>| votes.iter().filter(|v| v.1 == k).count() as f64 / votes.len() as f64;
                        answered().map(share).sum::<f64>() / answered().count() as f64
                    })
                    .collect();
                if let Ok(kappa) = plain.agreement.fleiss_kappa {
                    let expected: f64 = p.iter().map(|p| p * p).sum();
                    assert_close(kappa, (mean - expected) / (1.0 - expected));
                }
                let expected = p.iter().map(|p| p * (1.0 - p)).sum::<f64>() / f64::from(classes - 1);
                assert_close(plain.agreement.gwet_ac1.unwrap(), (mean - expected) / (1.0 - expected));
            }
            None => prop_assert_eq!(plain.agreement.observed, Err(Unavailable::NoPairs)),
        }
        let by_definition = alpha(&items, classes as usize);
        match plain.agreement.krippendorff_alpha {
            Ok(alpha) => assert_close(alpha, by_definition),
            Err(_) => prop_assert!(by_definition.is_nan()),
        }
        for (who, scored) in plain.contributors.iter().enumerate() {
            prop_assert_eq!((scored.agreement, scored.beyond_chance), contributor(&items, who as u32, scored.scale));
        }
    }
}
