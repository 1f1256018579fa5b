//! Attacks on consensus labels: on every product, opening and message of their computation, and what corrupt nodes see of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use super::scenario::{CLUSTERS, Sent, sample_indices, sent_in, tamper};
use super::views::{UNIFORM, distance};
use super::wire::{Alteration, alterations};
use tacit_mpc_core::field::{Field, Fp61, Gf64};
use tacit_mpc_core::network;
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::session::{Opening, Session, SessionError};
use tacit_mpc_core::sharing::{AccessStructure, NodeSet, Shared};
use tacit_mpc_core::testing::sessions::{deal, elements, in_session, world};
use tacit_mpc_core::testing::{Fate, Wire, World, WorldNetwork};
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::phase::Phase;
use tacit_scoring::statistic::labels::plurality;

type Labels = Vec<Option<u32>>;

const CLASSES: usize = 3;
const ANSWERS: u64 = 5;
const QUORUM: u64 = 2;

/// More items than a word has bits, of every kind: clear, tied, below the quorum, without answers.
fn tallies() -> Vec<u64> {
    let kinds = [[5, 0, 0], [1, 4, 0], [2, 1, 2], [1, 1, 1], [0, 0, 0]];
    (0..70).flat_map(|item| kinds[item % kinds.len()]).collect()
}

fn truth() -> Labels {
    let kinds = [Some(0), Some(1), Some(0), None, None];
    (0..70).map(|item| kinds[item % kinds.len()]).collect()
}

/// The labels that every node opens after they were verified and recorded.
fn run(world: &World) -> Vec<Result<Labels, SessionError>> {
    in_session(world, |session| {
        let tallies = deal(session.party(), &elements(&tallies()), 1);
        labelled(session, &tallies)
    })
}

fn labelled(session: &mut Session<WorldNetwork>, tallies: &Shared<Fp61>) -> Result<Labels, SessionError> {
    let labels = plurality(session, CLASSES, tallies, ANSWERS, QUORUM)?;
    let labels = session.verify_claims(labels)?;
    Ok(session.recorded(labels)?.open(session)?.into_inner())
}

/// The messages that node `from` sends in an honest run from the phase of labels on, by step and receiver.
fn sent_by(nodes: usize, threshold: usize, from: usize) -> Vec<Sent> {
    let mut sent = sent_in(world(nodes, threshold, 1), from, |world| {
        assert!(run(world).into_iter().all(|labels| labels == Ok(truth())));
    });
    sent.retain(|sent| sent.phase >= Phase::Labels);
    sent
}

/// The steps at which `node` reshares words, with the number of words, and which of the steps belong to the circuits.
fn words_reshared_by(nodes: usize, threshold: usize, node: usize) -> (BTreeMap<u32, usize>, BTreeSet<u32>) {
    let of_labels: BTreeSet<u32> = sent_by(nodes, threshold, node)
        .into_iter()
        .filter(|sent| sent.phase == Phase::Labels)
        .map(|sent| sent.step)
        .collect();
    let words = Arc::new(Mutex::new(BTreeMap::new()));
    let log = Arc::clone(&words);
    let listener = tamper(move |observed| {
        if let Observed::Words(step, words) = observed {
            log.lock().unwrap().insert(step, words.len());
        }
    });
    assert!(run(&world(nodes, threshold, 1).misbehave(node, listener)).iter().all(Result::is_ok));
    let words = words.lock().unwrap().clone();
    let of_labels = words.keys().copied().filter(|step| of_labels.contains(step)).collect();
    (words, of_labels)
}

/// Flips a bit of a word of products that is reshared at a step.
fn false_word(step: u32, place: usize, bit: usize) -> Misbehaviour {
    tamper(move |observed| {
        if let Observed::Words(at, words) = observed
            && at == step
        {
            words[place] += Gf64::from_bits(1 << bit);
        }
    })
}

#[test]
fn a_false_product_of_bits_is_found_by_every_node_before_labels_open() {
    for (nodes, threshold) in CLUSTERS {
        for liar in [0, nodes - 1] {
            let (words, of_labels) = words_reshared_by(nodes, threshold, liar);
            assert!(of_labels.len() >= 6 && words.len() > of_labels.len(), "{words:?}");
            for (step, len) in words {
                for (place, bit) in sample_indices(len).into_iter().zip([0, 40, 63]) {
                    let world = world(nodes, threshold, 1).misbehave(liar, false_word(step, place, bit));
                    for result in run(&world) {
                        let found = matches!(
                            result,
                            Err(SessionError::WrongProduct {
                                phase: network::Phase::VERIFY,
                                ..
                            })
                        );
                        assert!(found, "{liar} {step} {place} {bit}: {result:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn unchecked_products_of_bits_open_a_wrong_label() {
    for (nodes, threshold) in CLUSTERS {
        let (words, of_labels) = words_reshared_by(nodes, threshold, 0);
        // The last selection decides the label of the first item.
        let step = *of_labels.last().unwrap();
        assert!(words[&step] > 0);
        let opened = |skipped: &[Check]| {
            let honest = Misbehaviour {
                skipped: skipped.to_vec(),
                ..Misbehaviour::default()
            };
            let mut liar = false_word(step, 0, 0);
            liar.skipped = skipped.to_vec();
            let world = (1..nodes).fold(world(nodes, threshold, 1), |world, node| world.misbehave(node, honest.clone()));
            run(&world.misbehave(0, liar))
        };
        assert!(opened(&[]).iter().all(Result::is_err));
        for labels in opened(&[Check::Products]) {
            let labels = labels.unwrap();
            assert_ne!(labels[0], truth()[0]);
            assert_eq!(labels[1..], truth()[1..]);
        }
    }
}

#[test]
fn a_false_opening_of_masked_numbers_or_labels_is_found() {
    for (nodes, threshold) in CLUSTERS {
        let last = sent_by(nodes, threshold, 0).last().unwrap().step;
        let component = Arc::new(Mutex::new(None));
        for words in [false, true] {
            for place in [0usize, 2] {
                // All corrupt nodes change the same component.
                let chosen = Arc::clone(&component);
                let false_opening = tamper(move |observed| {
                    let first = |of: usize| *chosen.lock().unwrap().get_or_insert(of) == of;
                    match observed {
                        Observed::Opening(_, of, values) if !words && values.len() > 5 && first(of) => values[place] += Fp61::ONE,
                        Observed::OpeningWords(step, of, values) if words && step == last && first(of) => values[place] += Gf64::ONE,
                        _ => {}
                    }
                });
                let liars: NodeSet = (0..threshold).collect();
                let world = liars.iter().fold(world(nodes, threshold, 1), |world, node| {
                    world.misbehave(node, false_opening.clone())
                });
                let results = run(&world);
                let what = if words { Opening::Result } else { Opening::MaskedNumbers };
                let found = |result: &Result<Labels, SessionError>| matches!(result, Err(SessionError::Disagreement { what: of, .. }) if *of == what.name());
                assert!(results.iter().skip(threshold).any(found), "{what:?}: {results:?}");
                assert!(results.iter().skip(threshold).flatten().all(|labels| *labels == truth()));
                *component.lock().unwrap() = None;
            }
        }
    }
}

#[test]
fn every_altered_message_ends_in_an_error_or_in_the_right_labels() {
    for (nodes, threshold) in CLUSTERS {
        let from = 1;
        let messages = sent_by(nodes, threshold, from);
        let last = messages.last().unwrap().step;
        let mut attacks = 0;
        for (index, sent) in messages.iter().enumerate() {
            let before: Vec<Sent> = messages[..index].iter().filter(|b| b.to == sent.to).cloned().collect();
            let few = |alteration: &Alteration| nodes == 3 || matches!(alteration, Alteration::Flip(0) | Alteration::Replayed);
            for alteration in alterations(sent).into_iter().filter(few) {
                let Some((step, bytes)) = alteration.of(sent, &before) else {
                    continue;
                };
                attacks += 1;
                let (to, at) = (sent.to, sent.step);
                let altered = Mutex::new(Some(bytes));
                let results = run(&world(nodes, threshold, 1).intercept(move |wire: Wire<'_>| {
                    if (wire.from, wire.to, wire.step.number) == (from, to, at)
                        && let Some(bytes) = altered.lock().unwrap().take()
                    {
                        wire.step.number = step;
                        *wire.bytes = bytes;
                    }
                    Fate::Deliver
                }));
                let honest = results.iter().enumerate().filter(|(node, _)| *node != from);
                for (node, result) in honest {
                    // A node that opened the labels before, or does not receive the message, has the right labels.
                    let released = at == last && node != to;
                    assert!(
                        result.is_err() || released && *result == Ok(truth()),
                        "{alteration:?} {at} {to}: {result:?} at {node}"
                    );
                }
            }
        }
        assert!(attacks > 100, "N={nodes}: {attacks} attacks");
    }
}

#[test]
fn nothing_is_opened_but_labels_masked_numbers_coins_and_checks() {
    for (nodes, threshold) in CLUSTERS {
        let opened = Arc::new(Mutex::new(BTreeMap::new()));
        let log = Arc::clone(&opened);
        let listener = tamper(move |observed| {
            let (what, len, right) = match observed {
                Observed::Opened(_, what, values) => (what, values.len(), true),
                Observed::OpenedWords(_, what, values) => {
                    let right = what != Opening::ProductCheck || matches!(values, [f, g, h] if *f * *g == *h);
                    (what, values.len(), right)
                }
                _ => return,
            };
            assert!(right, "{what:?}");
            log.lock().unwrap().entry(what).or_insert_with(Vec::new).push(len);
        });
        assert!(run(&world(nodes, threshold, 1).misbehave(0, listener)).iter().all(Result::is_ok));
        let mut opened = opened.lock().unwrap().clone();
        assert_eq!(opened.remove(&Opening::MaskedNumbers).map(|lens| lens.len()), Some(1));
        // Two bits for each of three classes and none; two words for 70 items.
        assert_eq!(opened.remove(&Opening::Result), Some(vec![2 * 2]));
        assert_eq!(opened.remove(&Opening::ProductCheck), Some(vec![3]));
        assert!(opened.remove(&Opening::Coin).is_some_and(|lens| lens.iter().all(|len| *len == 5)));
        assert!(opened.is_empty(), "{opened:?}");
    }
}

/// What `t` corrupt nodes see.
struct View {
    /// The opened masked numbers minus all components that they hold.
    rest: Vec<u64>,
    /// The messages that they receive in the circuits.
    received: Vec<Vec<u64>>,
}

/// The view of the first `t` nodes, if the component that they lack consists of the tallies in the clear.
fn view(nodes: usize, threshold: usize, votes: u64, masked: bool) -> View {
    let corrupt: NodeSet = (0..threshold).collect();
    let access = AccessStructure::new(nodes, threshold).unwrap();
    let missing = (0..access.components()).find(|c| access.excluded(*c) == corrupt).unwrap();
    let received = Arc::new(Mutex::new(BTreeMap::new()));
    let log = Arc::clone(&received);
    let mut world = world(nodes, threshold, 1).intercept(move |wire: Wire<'_>| {
        if Phase::from(wire.step.phase) == Phase::Labels && corrupt.contains(wire.to) && !corrupt.contains(wire.from) {
            let words = wire.bytes.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
            let place = (wire.step.number, wire.from, wire.to);
            log.lock().unwrap().insert(place, words.collect::<Vec<u64>>());
        }
        Fate::Deliver
    });
    let (held, opened) = (Arc::new(Mutex::new(BTreeMap::new())), Arc::new(Mutex::new(Vec::new())));
    for node in 0..nodes {
        let (held, opened) = (Arc::clone(&held), Arc::clone(&opened));
        let curious = tamper(move |observed| match observed {
            Observed::Opening(step, component, values) => drop(held.lock().unwrap().insert((step, component), values.to_vec())),
            Observed::Opened(step, Opening::MaskedNumbers, values) => *opened.lock().unwrap() = vec![(step, values.to_vec())],
            _ => {}
        });
        let curious = if corrupt.contains(node) { curious } else { Misbehaviour::default() };
        world = world.misbehave(
            node,
            Misbehaviour {
                zero_masks: !masked,
                ..curious
            },
        );
    }
    let items = 8192;
    let results = in_session(&world, |session| {
        let tallies = vec![Fp61::reduce(votes); items * CLASSES];
        let party = session.party().clone();
        let tallies = Shared::generate(&party, |position| {
            if party.held()[position] == missing {
                tallies.clone()
            } else {
                vec![Fp61::ZERO; tallies.len()]
            }
        });
        labelled(session, &tallies)
    });
    assert!(results.iter().all(Result::is_ok));
    let (step, mut rest) = opened.lock().unwrap().remove(0);
    for values in (0..access.components()).filter_map(|component| held.lock().unwrap().remove(&(step, component))) {
        Fp61::sub_vector(&mut rest, &values);
    }
    // Moves the upper bits of the lacking component's mask to where `distance` looks.
    let mask_bits = 60 - access.components().next_power_of_two().ilog2();
    let aligned = rest.into_iter().map(|value| {
        let value = value.to_u64();
        assert!(value >> mask_bits <= 1, "a mask below its bound, and what it hides");
        value << (61 - mask_bits) & !15 | value & 15
    });
    let received = received.lock().unwrap().clone();
    let of_circuits = received.into_iter().filter(|((at, ..), _)| *at != step);
    View {
        rest: aligned.collect(),
        received: of_circuits.map(|(_, words)| words).collect(),
    }
}

#[test]
fn what_corrupt_nodes_see_of_labels_is_independent_of_the_votes() {
    for (nodes, threshold) in CLUSTERS {
        for votes in [0, 1, ANSWERS] {
            let View { rest, received } = view(nodes, threshold, votes, true);
            assert!(rest.len() > 2000);
            assert!(distance(&rest) < UNIFORM, "{nodes} nodes, {votes} votes: {}", distance(&rest));
            let long: Vec<_> = received.iter().filter(|words| words.len() >= 256).collect();
            assert!(long.len() >= 5);
            for words in long {
                assert!(distance(words) < UNIFORM, "{nodes} nodes, {votes} votes");
            }
        }
        // Without masks neither is uniform.
        let View { rest, received } = view(nodes, threshold, 1, false);
        assert!(distance(&rest) > UNIFORM);
        let plain = received.iter().filter(|words| words.len() >= 256 && distance(words) > UNIFORM);
        assert!(plain.count() >= 5);
    }
}
