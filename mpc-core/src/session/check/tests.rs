//! Claims of every shape in both fields, with a schedule of so small lengths that every path through the check is taken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use crate::field::{Field, Fp61, Gf64, MODULUS};
use crate::fold_schedule::{FIRST_FANOUT, FoldSchedule};
use crate::session::{Factors, Outputs, ProductField, SessionError, Setup};
use crate::testing::sessions::{deal, id, world};
use crate::testing::{Misbehaviour, Observed, World};

/// Claims of 64 terms and more are split into 4 blocks, of 24 and more into 16, of 5 and more into 32.
const TINY: FoldSchedule = FoldSchedule {
    open_at_most: 4,
    fold_alone_from: 8,
    merge_below: 16,
    split_16_from: 24,
    split_4_from: 64,
};

/// A field, and how a misbehaving node sees its elements.
trait TamperedField: ProductField {
    fn element(word: u64) -> Self;
    fn add_one(observed: Observed<'_>, step: u32, position: Position) -> bool;
    fn step(observed: &Observed<'_>) -> Option<u32>;
}

#[derive(Debug, Clone, Copy)]
enum Position {
    First,
    Middle,
    Last,
}

fn add_one_to<F: Field>(values: &mut [F], position: Position) -> bool {
    let index = match position {
        Position::First => 0,
        Position::Middle => values.len() / 2,
        Position::Last => values.len().saturating_sub(1),
    };
    values.get_mut(index).is_some_and(|value| {
        *value += F::ONE;
        true
    })
}

impl TamperedField for Fp61 {
    fn element(word: u64) -> Self {
        Self::reduce(word)
    }

    fn add_one(observed: Observed<'_>, step: u32, position: Position) -> bool {
        match observed {
            Observed::Products(at, values) if at == step => add_one_to(values, position),
            _ => false,
        }
    }

    fn step(observed: &Observed<'_>) -> Option<u32> {
        match observed {
            Observed::Products(step, _) => Some(*step),
            _ => None,
        }
    }
}

impl TamperedField for Gf64 {
    fn element(word: u64) -> Self {
        Self::from_bits(word)
    }

    fn add_one(observed: Observed<'_>, step: u32, position: Position) -> bool {
        match observed {
            Observed::Words(at, values) if at == step => add_one_to(values, position),
            _ => false,
        }
    }

    fn step(observed: &Observed<'_>) -> Option<u32> {
        match observed {
            Observed::Words(step, _) => Some(*step),
            _ => None,
        }
    }
}

/// Inner products of segments of these lengths, a batch for each list, verified at every node.
fn verified<F: TamperedField>(world: &World, batches: &[Vec<usize>]) -> Vec<Result<(), SessionError>> {
    world.run(|party, network, mut rng| {
        let mut session = Setup::new(party, network).into_session(id(), &mut rng)?;
        for (seed, lengths) in batches.iter().enumerate() {
            let ends: Vec<usize> = lengths
                .iter()
                .scan(0, |end, len| Some(*end + len).inspect(|sum| *end = *sum))
                .collect();
            let values = |factor: u64| -> Vec<F> {
                let len = ends.last().copied().unwrap_or(0) as u64;
                (0..len).map(|i| F::element((i + 3).wrapping_mul(factor))).collect()
            };
            let (x, y) = (values(0x9e37_79b9_7f4a_7c15), values(0xd134_2543_de82_ef95));
            let shared = |values: &[F], salt: u64| deal(session.party(), values, 2 * seed as u64 + salt);
            let factors = Factors {
                x: shared(&x, 0),
                y: shared(&y, 1),
                ends: ends.clone(),
            };
            session.inner_products(vec![factors])?;
        }
        session.verify(Outputs::<()>::default())?.recorded().map(drop)
    })
}

/// A world in which all nodes fold by [`TINY`].
fn with_tiny_schedule(world: World, nodes: usize, misbehaviour: impl Fn(usize) -> Misbehaviour) -> World {
    (0..nodes).fold(world, |world, node| {
        let fold_schedule = Some(TINY);
        world.misbehave(
            node,
            Misbehaviour {
                fold_schedule,
                ..misbehaviour(node)
            },
        )
    })
}

fn batches() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let length = prop_oneof![Just(0), 1usize..8, 8usize..40, 60usize..300];
    proptest::collection::vec(proptest::collection::vec(length, 0..6), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn right_claims_of_any_shape_hold(batches in batches(), (n, t) in prop_oneof![Just((3, 1)), Just((5, 2))], seed: u64) {
        for tiny in [false, true] {
            let world = world(n, t, seed);
            let world = if tiny { with_tiny_schedule(world, n, |_| Misbehaviour::default()) } else { world };
            prop_assert!(verified::<Fp61>(&world, &batches).iter().all(Result::is_ok));
            prop_assert!(verified::<Gf64>(&world, &batches).iter().all(Result::is_ok));
        }
    }
}

/// Every node finds one wrong product at any step, of the claims or of their check.
fn every_wrong_product_is_found<F: TamperedField>() {
    // Long and short segments next to each other, empty ones, several batches, at least three levels.
    let batches = [vec![100, 3, 0, 5, 9, 70], vec![1, 1, 1], vec![300], vec![12]];
    for (n, t) in [(3, 1), (5, 2)] {
        let steps = Arc::new(Mutex::new(BTreeMap::new()));
        let log = Arc::clone(&steps);
        let listener = Misbehaviour {
            tamper: Some(Arc::new(move |observed| {
                if let Some(step) = F::step(&observed) {
                    *log.lock().unwrap().entry(step).or_insert(0) += 1;
                }
            })),
            ..Misbehaviour::default()
        };
        let honest = with_tiny_schedule(world(n, t, 1), n, |node| {
            if node == 0 { listener.clone() } else { Misbehaviour::default() }
        });
        assert!(verified::<F>(&honest, &batches).iter().all(Result::is_ok));
        let steps: Vec<u32> = steps.lock().unwrap().keys().copied().collect();
        assert!(steps.len() >= batches.len() + 3, "{steps:?}");
        for step in steps {
            for position in [Position::First, Position::Middle, Position::Last] {
                let tampered = Arc::new(Mutex::new(false));
                let flag = Arc::clone(&tampered);
                let liar = Misbehaviour {
                    tamper: Some(Arc::new(move |observed| {
                        *flag.lock().unwrap() |= F::add_one(observed, step, position);
                    })),
                    ..Misbehaviour::default()
                };
                let world = with_tiny_schedule(
                    world(n, t, 1),
                    n,
                    |node| if node == 0 { liar.clone() } else { Misbehaviour::default() },
                );
                for result in verified::<F>(&world, &batches) {
                    assert!(
                        matches!(result, Err(SessionError::WrongProduct { .. })),
                        "{step} {position:?}: {result:?}"
                    );
                }
                assert!(*tampered.lock().unwrap());
            }
        }
    }
}

#[test]
fn every_wrong_number_is_found() {
    every_wrong_product_is_found::<Fp61>();
}

#[test]
fn every_wrong_element_of_the_field_over_the_bits_is_found() {
    every_wrong_product_is_found::<Gf64>();
}

#[test]
fn a_wrong_product_survives_with_less_than_2_to_the_minus_52() {
    // The bound depends on the number of products, not on N and t: docs/security/verification.md states it.
    let schedule = FoldSchedule::DEFAULT;
    for (products, numerator, levels) in [(50_000_000, 277, [4, 0, 3]), (1 << 32, 263, [7, 1, 2])] {
        let mut len = products;
        let mut ks = Vec::new();
        while len > schedule.open_at_most {
            ks.push(schedule.blocks(len));
            len = len.div_ceil(ks[ks.len() - 1]);
        }
        let found: usize = 1 + ks.iter().map(|k| 2 * k - 2).sum::<usize>() + 2 * (schedule.open_at_most + 1);
        assert_eq!(
            (found, [FIRST_FANOUT, 16, 32].map(|k| ks.iter().filter(|one| **one == k).count())),
            (numerator, levels)
        );
        assert!((found as u128) << 52 < u128::from(MODULUS) - 2 * (schedule.open_at_most as u128 + 1));
    }
}
