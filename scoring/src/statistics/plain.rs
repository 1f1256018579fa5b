//! The statistics in the clear, straight from their definitions: what the shared ones are tested
//! against. Slow on purpose.

use std::collections::BTreeMap;

/// One answer: contributor, item, class.
pub type Answer = (u32, u32, u32);

fn by_item(answers: &[Answer]) -> BTreeMap<u32, Vec<(u32, u32)>> {
    let mut items: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    answers
        .iter()
        .for_each(|(contributor, item, class)| items.entry(*item).or_default().push((*contributor, *class)));
    items
}

/// Share of matching ordered pairs of one item's answers.
fn matching(answers: &[(u32, u32)]) -> (f64, f64) {
    let r = answers.len();
    let matches = (0..r)
        .flat_map(|i| (0..r).map(move |j| (i, j)))
        .filter(|(i, j)| i != j && answers[*i].1 == answers[*j].1)
        .count();
    (matches as f64, (r * (r - 1)) as f64)
}

/// Mean over items of the share of matching pairs, and matching over all pairs.
pub fn observed(answers: &[Answer]) -> Option<(f64, f64)> {
    let items = by_item(answers);
    let paired: Vec<(f64, f64)> = items.values().filter(|a| a.len() > 1).map(|a| matching(a)).collect();
    if paired.is_empty() {
        return None;
    }
    let mean = paired.iter().map(|(m, all)| m / all).sum::<f64>() / paired.len() as f64;
    Some((
        mean,
        paired.iter().map(|p| p.0).sum::<f64>() / paired.iter().map(|p| p.1).sum::<f64>(),
    ))
}

/// Mean over items of the share of each class.
pub fn proportions(answers: &[Answer], classes: u32) -> Vec<f64> {
    let items = by_item(answers);
    (0..classes)
        .map(|k| {
            let share = |a: &Vec<(u32, u32)>| a.iter().filter(|(_, class)| *class == k).count() as f64 / a.len() as f64;
            items.values().map(share).sum::<f64>() / items.len() as f64
        })
        .collect()
}

/// Nominal α from its definition by coincidences: `1 - D_o / D_e`.
pub fn alpha(answers: &[Answer], classes: u32) -> f64 {
    let items = by_item(answers);
    let mut coincidences = vec![vec![0.0; classes as usize]; classes as usize];
    for answers in items.values().filter(|a| a.len() > 1) {
        for (i, a) in answers.iter().enumerate() {
            for (j, b) in answers.iter().enumerate() {
                if i != j {
                    coincidences[a.1 as usize][b.1 as usize] += 1.0 / (answers.len() - 1) as f64;
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

/// Exact fractions over a common denominator `scale`: a contributor's `A` and `Q`, by brute force
/// over pairs of its answers.
pub fn contributor(answers: &[Answer], who: u32, scale: i128) -> (i128, i128) {
    let items = by_item(answers);
    let own: Vec<(u32, u32)> = answers
        .iter()
        .filter(|(c, item, _)| *c == who && items[item].len() > 1)
        .map(|(_, item, class)| (*item, *class))
        .collect();
    // How far `class` agrees with the others on `item`.
    let agrees = |item: u32, class: u32| -> i128 {
        let others: Vec<_> = items[&item].iter().filter(|(c, _)| *c != who).collect();
        others.iter().filter(|(_, other)| *other == class).count() as i128 * scale / others.len() as i128
    };
    let a: i128 = own.iter().map(|(item, class)| agrees(*item, *class)).sum();
    // For each pair of different answers: agreement on the item minus agreement of the answer with
    // the other item.
    let mut q = 0;
    for (i, (item, class)) in own.iter().enumerate() {
        for (j, (elsewhere, _)) in own.iter().enumerate() {
            if i != j {
                q += agrees(*item, *class) - agrees(*elsewhere, *class);
            }
        }
    }
    (a, q)
}
