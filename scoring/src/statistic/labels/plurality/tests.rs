//! Labels against the plurality in the clear.

use proptest::prelude::*;

use super::plurality;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::session::{Session, SessionError};
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::sessions::{clusters, deal, elements, in_session, world};
use tacit_mpc_core::testing::{World, WorldNetwork};

/// The definition, item by item.
fn plain(tallies: &[u64], classes: usize, quorum: u64) -> Vec<Option<u32>> {
    let label = |row: &[u64]| {
        let most = *row.iter().max().unwrap();
        let first = row.iter().position(|votes| *votes == most).unwrap();
        (most > 0 && most >= quorum).then_some(first as u32)
    };
    tallies.chunks_exact(classes).map(label).collect()
}

/// The labels, opened after everything was verified and recorded.
fn labels(
    session: &mut Session<WorldNetwork>,
    classes: usize,
    tallies: &[u64],
    most: u64,
    quorum: u64,
) -> Result<Vec<Option<u32>>, SessionError> {
    let tallies = deal(session.party(), &elements(tallies), 1);
    let labels = plurality(session, classes, &tallies, most, quorum)?;
    let labels = session.verify_claims(labels)?;
    Ok(session.recorded(labels)?.open(session)?.into_inner())
}

/// What was opened is right at every node.
fn check(world: &World, classes: usize, tallies: &[u64], most: u64, quorum: u64) {
    let expected = plain(tallies, classes, quorum);
    for result in in_session(world, |session| labels(session, classes, tallies, most, quorum)) {
        assert_eq!(result.unwrap(), expected, "{classes} classes, at most {most}, quorum {quorum}");
    }
}

/// Tallies of items with up to `answers` answers: every answer votes for a class.
fn votes(items: usize, classes: usize, answers: u64, seed: u64) -> Vec<u64> {
    use rand_core::{Rng, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut tallies = vec![0; items * classes];
    for row in tallies.chunks_exact_mut(classes) {
        // Few classes of all, so that there are ties.
        let kinds = 1 + rng.next_u32() as usize % classes;
        (0..rng.next_u64() % (answers + 1)).for_each(|_| row[rng.next_u32() as usize % kinds] += 1);
    }
    tallies
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn labels_are_the_plurality((n, t, present) in proptest::sample::select(clusters()), items in 0usize..150, classes in 1usize..12, answers in 1u64..9, quorum in 0u64..6, seed: u64) {
        check(&world(n, t, seed).present(present), classes, &votes(items, classes, answers, seed), answers, quorum);
    }

    #[test]
    fn one_hot_labels_are_the_plurality((n, t, present) in proptest::sample::select(clusters()), items in 0usize..70, classes in 1usize..12, quorum in 0u64..4, seed: u64) {
        let tallies = votes(items, classes, 5, seed);
        let mark = |label: Option<u32>| (0..classes).map(move |class| Fp61::reduce(u64::from(label == Some(class as u32))));
        let expected: Vec<Fp61> = plain(&tallies, classes, quorum).into_iter().flat_map(mark).collect();
        for result in in_session(&world(n, t, seed).present(present), |session| {
            let tallies = deal(session.party(), &elements(&tallies), 1);
            let labels = plurality(session, classes, &tallies, 5, quorum)?;
            let marks = labels.to_one_hot_numbers(session)?;
            session.verify_claims(())?;
            session.open_in_test(&marks)
        }) {
            prop_assert_eq!(result.unwrap(), expected.clone());
        }
    }
}

#[test]
fn jobs_of_every_size_in_every_cluster() {
    let clusters = [
        (3, 1, NodeSet::all(3)),
        (4, 1, NodeSet::all(4)),
        (4, 1, [0, 2, 3].into_iter().collect()),
        (5, 2, NodeSet::all(5)),
    ];
    for (n, t, present) in clusters {
        let world = world(n, t, 1).present(present);
        for items in [0, 1, 64, 65] {
            for classes in [1, 2, 10] {
                check(&world, classes, &votes(items, classes, 5, items as u64), 5, 3);
            }
        }
    }
}

#[test]
fn a_thousand_classes_and_a_thousand_answers() {
    for (n, t) in [(3, 1), (4, 1), (5, 2)] {
        check(&world(n, t, 1), 1000, &votes(3, 1000, 1000, 1), 1000, 2);
        // All for the first, all for the last, and a tie of these two.
        let mut tallies = vec![0; 3000];
        (tallies[0], tallies[1999], tallies[2000], tallies[2999]) = (1000, 1000, 500, 500);
        check(&world(n, t, 1), 1000, &tallies, 1000, 500);
    }
}

#[test]
fn ties_go_to_the_class_listed_first_and_quorums_are_met_exactly() {
    let world = world(3, 1, 1);
    let tallies = [2, 2, 1, 0, 3, 3, 0, 0, 5, 1, 1, 1, 0, 0, 0];
    for quorum in [0, 1, 2, 3, 4, 5, 6, u64::MAX] {
        check(&world, 3, &tallies, 6, quorum);
    }
    assert_eq!(plain(&tallies, 3, 3), [None, Some(1), Some(2), None, None]);
}

#[test]
fn weighted_votes_fit_if_masks_hide_them() {
    let tallies = [100_000, 99_999, 131_071, 131_070, 0, 7];
    for (n, t) in [(3, 1), (4, 1), (5, 2)] {
        check(&world(n, t, 1), 2, &tallies, 131_071, 100);
    }
    for result in in_session(&world(5, 2, 1), |session| labels(session, 2, &tallies, 131_072, 1)) {
        assert_eq!(result.unwrap_err(), SessionError::TooWide { bits: 18, max_bits: 17 });
    }
}

#[test]
fn few_rounds_and_few_bytes() {
    let (items, classes) = (20_000, 10);
    let tallies = votes(items, classes, 5, 1);
    for result in in_session(&world(3, 1, 1), |session| {
        let tallies = deal(session.party(), &elements(&tallies), 1);
        let before = session.traffic();
        let labels = plurality(session, classes, &tallies, 5, 3)?;
        let rounds = session.traffic().rounds - before.rounds;
        let labels = session.verify_claims(labels)?;
        let opened = session.recorded(labels)?.open(session)?.into_inner();
        assert_eq!(opened.len(), items);
        Ok((rounds, session.traffic().sent - before.sent))
    }) {
        let (rounds, sent) = result.unwrap();
        assert!(rounds <= 12, "{rounds} rounds");
        assert!(sent <= 40 * items as u64, "{} bytes per item", sent as f64 / items as f64);
    }
}
