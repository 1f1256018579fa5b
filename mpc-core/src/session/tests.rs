//! Sessions compared with plain arithmetic, in clusters of several sizes.

use proptest::prelude::*;

use super::{Factors, Opening, Output, Outputs, Session, SessionError, Setup};
use crate::digest::Digest;
use crate::field::{Field, Fp61};
use crate::network::{NetworkError, Phase};
use crate::sharing::Shared;
use crate::testing::sessions::{clusters, deal, elements, id, in_session, world};
use crate::testing::{Fate, World, WorldNetwork};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn opening_gives_the_secret((n, t, present) in proptest::sample::select(clusters()), values in proptest::collection::vec(any::<u64>(), 0..20), seed: u64) {
        let values = elements(&values);
        for opened in in_session(&world(n, t, seed).present(present), |session| {
            let shared = deal(session.party(), &values, 5);
            session.open(&shared, Opening::Test)
        }) {
            prop_assert_eq!(opened.unwrap(), values.clone());
        }
    }

    #[test]
    fn inner_products_equal_plain_ones(
        (n, t, present) in proptest::sample::select(clusters()),
        pairs in proptest::collection::vec(any::<(u64, u64)>(), 0..60),
        boundaries in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        seed: u64,
    ) {
        let (x, y): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        let (x, y) = (elements(&x), elements(&y));
        let mut ends: Vec<usize> = boundaries.iter().map(|boundary| boundary.index(x.len() + 1)).chain([x.len()]).collect();
        ends.sort_unstable();
        let mut start = 0;
        let expected: Vec<Fp61> = ends.iter().map(|end| {
            let sum = Fp61::inner_product(&x[start..*end], &y[start..*end]);
            start = *end;
            sum
        }).collect();
        for result in in_session(&world(n, t, seed).present(present), |session| {
            let factors = |a: &[Fp61], b: &[Fp61]| Factors { x: deal(session.party(), a, 1), y: deal(session.party(), b, 2), ends: ends.clone() };
            let batch = vec![factors(&x, &y), factors(&y, &x)];
            let z = session.inner_products(batch)?;
            assert_eq!(z.len(), 2);
            Ok((session.open(&z[0], Opening::Test)?, session.open(&z[1], Opening::Test)?))
        }) {
            let (first, second) = result.unwrap();
            prop_assert_eq!(&first, &expected);
            prop_assert_eq!(&second, &expected);
        }
    }

    #[test]
    fn linear_maps_commute_with_opening((n, t, present) in proptest::sample::select(clusters()), a: [u64; 4], b: [u64; 4], k: [u64; 4]) {
        let (a, b, k) = (elements(&a), elements(&b), elements(&k));
        let expected: Vec<Fp61> = (0..4).map(|i| (a[i] - b[i]) * k[i] + k[i]).collect();
        for opened in in_session(&world(n, t, 3).present(present), |session| {
            let party = session.party().clone();
            let shared = deal(&party, &a, 1).sub(&deal(&party, &b, 2)).scale(&k).add(&Shared::public(&party, &k));
            session.open(&shared, Opening::Test)
        }) {
            prop_assert_eq!(opened.unwrap(), expected.clone());
        }
    }
}

#[test]
fn products_count_as_verified_once_their_claims_are() {
    for counted in in_session(&world(3, 1, 1), |session| {
        let factors = Factors {
            x: deal(session.party(), &elements(&[1, 2]), 1),
            y: deal(session.party(), &elements(&[3, 4]), 2),
            ends: vec![2],
        };
        session.inner_products(vec![factors])?;
        let before = session.traffic();
        session.verify_claims(())?;
        Ok((before, session.traffic()))
    }) {
        let (before, after) = counted.unwrap();
        assert_eq!((before.products, before.verified), (2, 0));
        assert_eq!((after.products, after.verified), (2, 2));
    }
}

#[test]
fn communication_does_not_grow_with_the_length_of_an_inner_product() {
    let sent = |len: usize| {
        let x = vec![Fp61::ONE; len];
        let traffic = in_session(&world(3, 1, 1), |session| {
            let before = session.traffic();
            let factors = Factors {
                x: deal(session.party(), &x, 1),
                y: deal(session.party(), &x, 2),
                ends: vec![len],
            };
            session.inner_products(vec![factors])?;
            let after = session.traffic();
            Ok((after.rounds - before.rounds, after.sent - before.sent))
        });
        traffic.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    // One field element for each node, as in Araki et al.
    assert_eq!(sent(1), [(1, 8); 3]);
    assert_eq!(sent(100_000), [(1, 8); 3]);
}

#[test]
fn coins_are_common_and_never_repeat() {
    let run = |seed| in_session(&world(5, 2, seed), |session| Ok([session.coin()?, session.coin()?]));
    let results: Vec<_> = run(1).into_iter().map(Result::unwrap).collect();
    assert!(results.iter().all(|coins| coins == &results[0]));
    assert_ne!(results[0][0], results[0][1]);
    assert_ne!(run(2)[0].as_ref().unwrap(), &results[0]);
}

#[test]
fn a_replayed_session_shares_no_randomness() {
    // The same session id with other contributions to the keys: other keys, other masks.
    let random = |seed| {
        in_session(&world(3, 1, seed), |session| session.random::<Fp61>(4))
            .remove(0)
            .unwrap()
    };
    assert_ne!(random(1), random(2));
}

#[test]
fn a_flipped_value_in_an_opening_is_caught_before_it_is_used() {
    for (n, t) in [(3, 1), (5, 2)] {
        for victim in 1..n {
            let world = world(n, t, 9).intercept(move |wire| {
                if wire.step.phase == Phase::COMPUTE && wire.from == 0 && wire.to == victim {
                    wire.bytes[0] ^= 1;
                }
                Fate::Deliver
            });
            let results = in_session(&world, |session| {
                let shared = deal(session.party(), &[Fp61::ONE; 3], 1);
                session.open(&shared, Opening::Test)
            });
            let error = results[victim].as_ref().unwrap_err();
            assert!(error.suspects().contains(0), "{error}");
            assert_eq!(error.phase(), Some(Phase::COMPUTE));
        }
    }
}

#[test]
fn two_contributions_to_one_key_are_caught() {
    let world = world(3, 1, 9).intercept(|wire| {
        if wire.step.number == 0 && wire.from == 0 && wire.to == 1 {
            wire.bytes[0] ^= 1;
        }
        Fate::Deliver
    });
    let results = in_session(&world, |_| Ok(()));
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(SessionError::Disagreement { phase: Phase::KEYS, .. })))
    );
}

#[test]
fn participants_with_different_accepted_sets_find_out() {
    let results = world(3, 1, 4).run(|party, network, mut rng| {
        let id = Digest::of("test", &[&[u8::from(party.me() == 2)]]);
        Setup::new(party, network).into_session(id, &mut rng).map(drop)
    });
    for result in results {
        assert!(matches!(result, Err(SessionError::Disagreement { phase: Phase::KEYS, .. })));
    }
}

#[test]
fn different_bytes_that_should_be_alike_are_caught() {
    let results = world(3, 1, 4).run(|party, network, _| {
        let bytes = [u8::from(party.me() == 0)];
        Setup::new(party, network).agree(Phase::COMPUTE, "a test's bytes", &bytes)
    });
    assert!(results.iter().all(|result| matches!(
        result,
        Err(SessionError::Disagreement {
            what: "a test's bytes",
            ..
        })
    )));
}

/// How a message is altered.
type Alter = fn(&mut Vec<u8>, &mut u32) -> Fate;
type IsExpected = fn(&NetworkError) -> bool;

#[test]
fn lost_short_and_misplaced_messages_are_named() {
    let cases: [(Alter, IsExpected); 3] = [
        (
            |_, _| Fate::Drop,
            |e| matches!(e, NetworkError::Silent { peer: 2 } | NetworkError::Lost { peer: 2, .. }),
        ),
        (
            |bytes, _| {
                bytes.pop();
                Fate::Deliver
            },
            |e| matches!(e, NetworkError::WrongLength { peer: 2, .. }),
        ),
        (
            |_, step| {
                *step += 1;
                Fate::Deliver
            },
            |e| matches!(e, NetworkError::WrongStep { peer: 2, .. }),
        ),
    ];
    for (alter, is_expected) in cases {
        let world = world(3, 1, 4)
            .deadline(std::time::Duration::from_millis(300))
            .intercept(move |wire| {
                if wire.from == 2 && wire.to == 0 {
                    alter(wire.bytes, &mut wire.step.number)
                } else {
                    Fate::Deliver
                }
            });
        let results = in_session(&world, |_| Ok(()));
        match &results[0] {
            Err(SessionError::Network { source, .. }) => assert!(is_expected(source), "{source}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn outputs_come_out_of_verification_as_they_went_in() {
    let values = elements(&[3, 1, 4]);
    let results = world(4, 1, 8).run(|party, network, mut rng| {
        let session = Setup::new(party, network).into_session(id(), &mut rng)?;
        let mut outputs = Outputs::default();
        outputs.push("totals", deal(session.party(), &values, 1));
        session.verify(outputs)?.recorded().map(|verified| {
            let copied = verified.outputs().map(|(name, output)| match output {
                Output::Components(components) => {
                    let components = components.into_iter().map(|(c, values)| (c, values.to_vec()));
                    (*name, components.collect::<Vec<(usize, Vec<Fp61>)>>())
                }
                Output::Opened(_) => panic!("{name} was not opened"),
            });
            copied.collect::<Vec<_>>()
        })
    });
    let mut sum = vec![Fp61::ZERO; 3];
    let mut seen = [false; 4];
    for outputs in results.into_iter().map(Result::unwrap) {
        assert_eq!(outputs.len(), 1);
        assert_eq!(outputs[0].0, "totals");
        for (component, values) in &outputs[0].1 {
            if !std::mem::replace(&mut seen[*component], true) {
                sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
            }
        }
    }
    assert_eq!(sum, values);
}

#[test]
fn non_canonical_words_are_refused() {
    let world = world(3, 1, 4).intercept(|wire| {
        if wire.step.phase == Phase::COMPUTE && wire.from == 1 {
            wire.bytes.fill(0xff);
        }
        Fate::Deliver
    });
    let results = in_session(&world, |session| {
        let x = deal(session.party(), &[Fp61::ONE], 1);
        session.inner_products(vec![Factors {
            x: x.clone(),
            y: x,
            ends: vec![1],
        }])
    });
    assert!(
        results
            .iter()
            .any(|result| matches!(result, Err(SessionError::Malformed { peer: 1, .. })))
    );
}

/// A session with products of several lengths, verified.
fn verified(world: &World, lengths: &[usize]) -> Vec<Result<(), SessionError>> {
    world.run(|party, network, mut rng| scored(Setup::new(party, network).into_session(id(), &mut rng)?, lengths))
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
            outputs.push("sums", z);
        }
    }
    session.verify(outputs)?.recorded().map(drop)
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

#[test]
fn a_false_claim_of_any_element_is_caught_by_every_honest_node() {
    // Node 1 uses another value of the component that only node 0 holds as well.
    for position in [0usize, 7, 15] {
        let results = world(3, 1, 6).run(|party, network, mut rng| {
            let mut session = Setup::new(party, network).into_session(Digest::of("test", &[b"claim"]), &mut rng)?;
            let mut values = elements(&[3; 16]);
            if session.party().me() == 1 {
                values[position] += Fp61::ONE;
            }
            let x = deal(session.party(), &values, 1);
            let y = deal(session.party(), &elements(&[5; 16]), 2);
            session.inner_products(vec![Factors { x, y, ends: vec![16] }])?;
            session.verify(Outputs::<()>::default())?.recorded().map(drop)
        });
        let phase = Phase::VERIFY;
        assert_eq!(
            results[0],
            Err(SessionError::WrongProduct {
                phase,
                suspects: [1, 2].into_iter().collect()
            }),
            "element {position}"
        );
        // Node 2 receives the component from both of them, and they differ.
        assert_eq!(
            results[2],
            Err(SessionError::Disagreement {
                phase,
                what: Opening::ProductCheck.name(),
                suspects: [0, 1].into_iter().collect()
            }),
            "element {position}"
        );
    }
}
