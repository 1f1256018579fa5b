//! Products of bits compared with plain ones, and every way in which they can be wrong.

use proptest::prelude::*;

use crate::field::{CHUNK_ELEMENTS, Field, Gf64};
use crate::network::Phase;
use crate::session::bit_proof::BLOCK_WORDS;
use crate::session::{Opening, Session, SessionError};
use crate::sharing::Shared;
use crate::testing::sessions::{clusters, deal, in_session, words, world};
use crate::testing::{Fate, Misbehaviour, Observed, World, WorldNetwork};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn bit_products_are_those_of_the_words_and_verify(
        (n, t, present) in proptest::sample::select(clusters()),
        pairs in proptest::collection::vec(any::<(u64, u64)>(), 0..1200),
        middle: prop::sample::Index,
        seed: u64,
    ) {
        let (x, y): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        let expected: Vec<u64> = x.iter().zip(&y).map(|(x, y)| x & y).collect();
        let (x, y) = (words(&x), words(&y));
        let middle = middle.index(x.len() + 1);
        for opened in in_session(&world(n, t, seed).present(present), |session| {
            let (x, y) = (deal(session.party(), &x, 1), deal(session.party(), &y, 2));
            let pairs = vec![(x.slice(0..middle), y.slice(0..middle)), (x.slice(middle..x.len()), y.slice(middle..x.len()))];
            let mut z = session.bit_products(pairs)?;
            let tail = z.pop().unwrap();
            let z = Shared::concat(session.party(), [&z[0], &tail]);
            session.verify_claims(())?;
            session.open(&z, Opening::Test)
        }) {
            prop_assert!(opened.unwrap().into_iter().map(Gf64::to_bits).eq(expected.iter().copied()));
        }
    }
}

/// Two layers of products, verified.
fn two_layers(session: &mut Session<WorldNetwork>) -> Result<(), SessionError> {
    let x = deal(session.party(), &words(&[!0; 70]), 1);
    let y = deal(session.party(), &words(&[0x5555; 70]), 2);
    let z = session.bit_products(vec![(x.clone(), y)])?.remove(0);
    session.bit_products(vec![(x, z)])?;
    session.verify_claims(()).map(drop)
}

#[test]
fn one_round_and_one_word_for_64_products() {
    for traffic in in_session(&world(3, 1, 1), |session| {
        let x = deal(session.party(), &words(&[3; 100]), 1);
        let before = session.traffic();
        session.bit_products(vec![(x.clone(), x)])?;
        let after = session.traffic();
        Ok((after.rounds - before.rounds, after.sent - before.sent))
    }) {
        assert_eq!(traffic.unwrap(), (1, 800));
    }
}

/// A node that adds `error` to one of the words that it reshares the `layer`-th time: in a layer of products, or in their check.
fn false_word(world: World, liar: usize, layer: usize, word: usize, error: u64) -> World {
    let seen = std::sync::Mutex::new(Vec::new());
    let tamper = move |observed: Observed<'_>| {
        if let Observed::Words(step, words) = observed {
            let mut seen = seen.lock().unwrap();
            if !seen.contains(&step) {
                seen.push(step);
            }
            if seen.len() == layer + 1 && seen[layer] == step {
                words[word] += Gf64::from_bits(error);
            }
        }
    };
    world.misbehave(
        liar,
        Misbehaviour {
            tamper: Some(std::sync::Arc::new(tamper)),
            ..Misbehaviour::default()
        },
    )
}

#[test]
fn a_false_bit_of_any_layer_and_word_is_caught() {
    for (n, t) in [(3, 1), (4, 1), (5, 2)] {
        for liar in [0, n - 1] {
            for (layer, word) in [(0, 0), (0, 69), (1, 35), (2, 0), (2, 62), (3, 1)] {
                for bit in [0, 31, 63] {
                    let world = false_word(world(n, t, 3), liar, layer, word, 1 << bit);
                    for (node, result) in in_session(&world, two_layers).into_iter().enumerate() {
                        let caught = matches!(result, Err(SessionError::WrongProduct { phase: Phase::VERIFY, .. }));
                        assert!(caught, "{n} {liar} {layer} {word} {bit}: {result:?} at {node}");
                    }
                }
            }
        }
    }
}

#[test]
fn two_errors_at_one_bit_do_not_cancel() {
    // Equal errors in two words add up to 0 without weights.
    let tamper = |observed: Observed<'_>| {
        if let Observed::Words(_, words) = observed
            && words.len() == 70
        {
            words[0] += Gf64::ONE;
            words[1] += Gf64::ONE;
        }
    };
    let misbehaviour = Misbehaviour {
        tamper: Some(std::sync::Arc::new(tamper)),
        ..Misbehaviour::default()
    };
    for result in in_session(&world(3, 1, 3).misbehave(1, misbehaviour), two_layers) {
        assert!(matches!(result, Err(SessionError::WrongProduct { .. })), "{result:?}");
    }
}

#[test]
fn errors_at_one_position_of_two_blocks_do_not_cancel() {
    let words_of_layer = BLOCK_WORDS + 70;
    for errors in [
        vec![BLOCK_WORDS + 69],
        vec![0, BLOCK_WORDS],
        vec![CHUNK_ELEMENTS - 1, CHUNK_ELEMENTS],
    ] {
        let tamper = move |observed: Observed<'_>| {
            if let Observed::Words(_, words) = observed
                && words.len() == words_of_layer
            {
                errors.iter().for_each(|error| words[*error] += Gf64::ONE);
            }
        };
        let misbehaviour = Misbehaviour {
            tamper: Some(std::sync::Arc::new(tamper)),
            ..Misbehaviour::default()
        };
        for result in in_session(&world(3, 1, 3).misbehave(1, misbehaviour), |session| {
            let x = deal(session.party(), &vec![Gf64::from_bits(!0); words_of_layer], 1);
            session.bit_product(x.clone(), x)?;
            session.verify_claims(()).map(drop)
        }) {
            assert!(matches!(result, Err(SessionError::WrongProduct { .. })), "{result:?}");
        }
    }
}

#[test]
fn words_altered_on_their_way_are_caught() {
    for (n, t) in [(3, 1), (5, 2)] {
        for byte in [0, 279, 559] {
            let altered = world(n, t, 5).intercept(move |wire| {
                if wire.from == 1 && wire.bytes.len() == 560 {
                    wire.bytes[byte] ^= 0x80;
                }
                Fate::Deliver
            });
            assert!(in_session(&altered, two_layers).iter().all(Result::is_err));
        }
    }
}
