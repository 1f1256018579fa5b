//! Nodes that deviate: every altered message ends in an error before an output component is free.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::tests::{deal, elements, id, world};
use super::{Factors, Outputs, Session, SessionError, Setup};
use crate::digest::Digest;
use crate::field::{Field, Fp61};
use crate::network::Phase;
use crate::release::OutputName;
use crate::world::{Fate, Wire, World, WorldNetwork};

/// A session with products of several lengths, verified.
fn verified(world: &World, lengths: &[usize]) -> Vec<Result<(), SessionError>> {
    world.run(|party, network, mut rng| scored(Setup::new(party, network, 0).into_session(id(), &mut rng)?, lengths))
}

fn scored(mut session: Session<WorldNetwork>, lengths: &[usize]) -> Result<(), SessionError> {
    let mut outputs = Outputs::default();
    for (i, len) in lengths.iter().enumerate() {
        let values = elements(&(0..*len as u64).map(|v| v * 7 + 1).collect::<Vec<_>>());
        let x = deal(session.party(), &values, i as u64);
        let factors = Factors {
            x: x.clone(),
            y: x,
            ends: vec![len / 2, *len],
        };
        for z in session.inner_products(vec![factors])? {
            outputs.push(OutputName::Agreement, z);
        }
    }
    session.verify(outputs)?.recorded().map(drop)
}

/// Adds 1 to the field element at `offset`.
fn add_one(bytes: &mut [u8], offset: usize) {
    let word = &mut bytes[offset..offset + 8];
    let value = Fp61::read(word).unwrap() + Fp61::ONE;
    let mut encoded = Vec::new();
    value.write(&mut encoded);
    word.copy_from_slice(&encoded);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn honest_sessions_of_any_lengths_verify(
        lengths in proptest::collection::vec(prop_oneof![0usize..40, 200usize..3000], 0..4),
        (n, t) in prop_oneof![Just((3, 1)), Just((4, 1)), Just((5, 2))],
        seed: u64,
    ) {
        for result in verified(&world(n, t, seed), &lengths) {
            prop_assert_eq!(result, Ok(()));
        }
    }
}

/// The (step, receiver, length) of every message node 0 sends in an honest run.
fn messages_of_node_0(n: usize, t: usize) -> Vec<(u32, usize, usize, Phase)> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let world = world(n, t, 1).intercept(move |wire: Wire<'_>| {
        if wire.from == 0 {
            log.lock()
                .unwrap()
                .push((wire.step.number, wire.to, wire.bytes.len(), wire.step.phase));
        }
        Fate::Deliver
    });
    assert!(verified(&world, &[300, 5]).iter().all(Result::is_ok));
    let mut seen = seen.lock().unwrap().clone();
    seen.sort_unstable_by_key(|(step, to, ..)| (*step, *to));
    seen
}

#[test]
fn an_additive_error_on_the_wire_is_caught() {
    for (n, t) in [(3, 1), (5, 2)] {
        let mut attacked = 0;
        for (step, to, len, _) in messages_of_node_0(n, t) {
            if len % 8 != 0 {
                continue;
            }
            // First, middle and last element; messages of digests seldom read as elements and are
            // flipped below.
            for offset in [0, len / 16 * 8, len - 8] {
                let altered = Arc::new(AtomicBool::new(false));
                let flag = Arc::clone(&altered);
                let world = world(n, t, 1).intercept(move |wire: Wire<'_>| {
                    let hit = wire.from == 0 && wire.to == to && wire.step.number == step;
                    if hit && Fp61::read(&wire.bytes[offset..offset + 8]).is_some() {
                        add_one(wire.bytes, offset);
                        flag.store(true, Relaxed);
                    }
                    Fate::Deliver
                });
                let results = verified(&world, &[300, 5]);
                if altered.load(Relaxed) {
                    attacked += 1;
                    assert!(
                        results.iter().skip(1).any(Result::is_err),
                        "N={n} step {step} to {to} offset {offset} went unnoticed"
                    );
                }
            }
        }
        assert!(attacked > 20, "{attacked}");
    }
}

#[test]
fn a_wrong_product_shared_consistently_is_caught_by_all() {
    // The node adds an error to what it reshares and goes on by the protocol: every message is
    // consistent with every other, only the check of products can see it.
    for (n, t) in [(3, 1), (4, 1), (5, 2)] {
        let mut steps: Vec<u32> = messages_of_node_0(n, t).iter().map(|(step, ..)| *step).collect();
        steps.dedup();
        for step in steps {
            for first in [true, false] {
                let hit = Arc::new(AtomicBool::new(false));
                let results = world(n, t, 1).run(|party, network, mut rng| {
                    let mut session = Setup::new(party, network, 0).into_session(id(), &mut rng)?;
                    if session.party().me() == 0 {
                        let hit = Arc::clone(&hit);
                        session.tamper = Some(Box::new(move |at, products: &mut [Fp61]| {
                            let target = if first { products.first_mut() } else { products.last_mut() };
                            if let Some(product) = target.filter(|_| at == step) {
                                *product += Fp61::ONE;
                                hit.store(true, Relaxed);
                            }
                        }));
                    }
                    scored(session, &[300, 5])
                });
                if hit.load(Relaxed) {
                    for result in results {
                        assert!(
                            matches!(result, Err(SessionError::WrongProduct { phase: Phase::Verify, .. })),
                            "step {step}: {result:?}"
                        );
                    }
                } else {
                    assert!(results.iter().all(Result::is_ok));
                }
            }
        }
    }
}

#[test]
fn different_corrections_to_two_holders_are_caught_by_comparing() {
    for (n, t) in [(4, 1), (5, 2)] {
        let (step, to, ..) = *messages_of_node_0(n, t).iter().find(|m| m.3 == Phase::Agreement).unwrap();
        let world = world(n, t, 1).intercept(move |wire: Wire<'_>| {
            if wire.from == 0 && wire.to == to && wire.step.number == step {
                add_one(wire.bytes, 0);
            }
            Fate::Deliver
        });
        let results = verified(&world, &[300, 5]);
        let named = results.iter().any(|result| {
            matches!(result, Err(SessionError::Disagreement { what: "a correction they both received", suspects, .. }) if suspects.contains(0))
        });
        assert!(named, "{results:?}");
    }
}

#[test]
fn a_flipped_byte_in_any_message_is_caught() {
    for (n, t) in [(3, 1), (5, 2)] {
        for (step, to, len, phase) in messages_of_node_0(n, t) {
            let world = world(n, t, 1).intercept(move |wire: Wire<'_>| {
                if wire.from == 0 && wire.to == to && wire.step.number == step {
                    wire.bytes[len / 2] ^= 1;
                }
                Fate::Deliver
            });
            let results = verified(&world, &[300, 5]);
            assert!(
                results.iter().skip(1).any(Result::is_err),
                "N={n} step {step} ({phase}) to {to} went unnoticed"
            );
        }
    }
}

#[test]
fn a_false_claim_of_any_element_is_caught() {
    // Wrong inputs to the check itself: one holder of a component uses another value than the rest.
    for position in [0usize, 7, 15] {
        let results = world(3, 1, 6).run(|party, network, mut rng| {
            let mut session = Setup::new(party, network, 0).into_session(Digest::of("test", &[b"claim"]), &mut rng)?;
            let mut values = elements(&[3; 16]);
            if session.party().me() == 1 {
                values[position] += Fp61::ONE;
            }
            let x = deal(session.party(), &values, 1);
            let y = deal(session.party(), &elements(&[5; 16]), 2);
            session.inner_products(vec![Factors { x, y, ends: vec![16] }])?;
            session.verify(Outputs::default())?.recorded().map(drop)
        });
        assert!(results.iter().any(Result::is_err), "element {position}");
    }
}

#[test]
fn no_coin_is_opened_before_everyone_has_what_came_before() {
    // A node withholds its correction from one receiver only. The others have all they wait for; were
    // one of them to open the next coin, the node could still choose its error by it.
    for (n, t) in [(3, 1), (4, 1), (5, 2)] {
        let products = messages_of_node_0(n, t).iter().find(|m| m.3 == Phase::Agreement).unwrap().0;
        let withheld = messages_of_node_0(n, t).iter().find(|m| m.0 == products).unwrap().1;
        let furthest = Arc::new(AtomicU32::new(0));
        let seen = Arc::new(AtomicU32::new(0));
        let (log, result) = (Arc::clone(&furthest), Arc::clone(&seen));
        let world = world(n, t, 1).intercept(move |wire: Wire<'_>| {
            if wire.from == 0 && wire.to == withheld && wire.step.number == products {
                std::thread::sleep(std::time::Duration::from_millis(200));
                result.store(log.load(Relaxed), Relaxed);
            }
            log.fetch_max(wire.step.number, Relaxed);
            Fate::Deliver
        });
        assert!(verified(&world, &[300]).iter().all(Result::is_ok));
        // The round after the products says "I have everything"; the opening of the coin is later.
        assert!(seen.load(Relaxed) <= products + 1, "N={n}: step {} was reached", seen.load(Relaxed));
    }
}
