//! Who takes whose keys, in a whole round of statements and as a decision.

use std::collections::BTreeMap;

use super::*;
use crate::sharing::AccessStructure;
use crate::testing::sessions::{id, world};
use crate::testing::{Fate, Wire, World};

fn inputs(name: &str) -> Digest {
    Digest::of("test", &[name.as_bytes()])
}

/// What nodes have stored, by node.
type Stores = BTreeMap<usize, OwnKeys>;

const NAMES: KeyNames = KeyNames {
    keys: "the stored keys",
    inputs: "the inputs",
};

/// Agrees on keys for `inputs` and confirms them at every participant, in a fresh session whose randomness follows from `world`.
fn agree(world: &World, inputs: Digest, stores: &Stores) -> Vec<Result<StoredKeys, SessionError>> {
    world.run(|party, network, mut rng| {
        let own = stores.get(&party.me());
        let mut session = super::super::Setup::new(party, network).into_session(id(), &mut rng)?;
        let keys = session.agree_on_stored_keys(inputs, own, NAMES)?;
        session.confirm_stored_keys(&keys, NAMES)?;
        Ok(keys)
    })
}

/// The same, where it succeeds; the stores of these nodes afterwards.
fn stored(world: &World, nodes: NodeSet, inputs: Digest, stores: &Stores, recorded: bool) -> Stores {
    let results = agree(&world.clone().present(nodes), inputs, stores);
    let own = |result: Result<StoredKeys, SessionError>| OwnKeys {
        keys: result.unwrap(),
        recorded,
    };
    nodes.iter().zip(results.into_iter().map(own)).collect()
}

fn nodes(nodes: &[usize]) -> NodeSet {
    nodes.iter().copied().collect()
}

/// The words of each component for one purpose, the same at all its holders.
fn words(access: &AccessStructure, stores: &Stores) -> BTreeMap<Component, Vec<u64>> {
    let mut all = BTreeMap::new();
    for (node, own) in stores {
        for (position, component) in access.held_by(*node).into_iter().enumerate() {
            let words = own.keys.words(position, "totals", 5).to_vec();
            assert_eq!(all.entry(component).or_insert_with(|| words.clone()), &words, "node {node}");
        }
    }
    all
}

#[test]
fn holders_have_equal_keys_and_no_two_keys_are_alike() {
    for (n, t) in [(3, 1), (4, 1), (5, 2), (7, 3)] {
        let world = world(n, t, 5);
        let access = AccessStructure::new(n, t).unwrap();
        let stores = stored(&world, NodeSet::all(n), inputs("a"), &Stores::new(), true);
        let of_components = words(&access, &stores);
        assert_eq!(of_components.len(), access.components());
        let distinct: std::collections::BTreeSet<&Vec<u64>> = of_components.values().collect();
        assert_eq!(distinct.len(), access.components());
        let digests: std::collections::BTreeSet<Digest> = stores.values().map(|own| own.keys.digest()).collect();
        assert_eq!(digests.len(), 1);
        let other = stored(&world, NodeSet::all(n), inputs("b"), &Stores::new(), true);
        assert_ne!(
            words(&access, &other),
            of_components,
            "other inputs have other keys even in an equal session"
        );
    }
}

#[test]
fn recorded_keys_are_taken_again_by_whoever_takes_part() {
    for (n, t, first, second) in [
        (3, 1, vec![0, 1, 2], vec![0, 1, 2]),
        (4, 1, vec![0, 1, 2], vec![1, 2, 3]),
        (4, 1, vec![0, 1, 3], vec![0, 1, 2, 3]),
        (6, 2, vec![0, 1, 2, 3, 4], vec![1, 2, 3, 4, 5]),
        (7, 2, vec![0, 1, 2, 3, 4], vec![2, 3, 4, 5, 6]),
    ] {
        let access = AccessStructure::new(n, t).unwrap();
        let mut stores = stored(&world(n, t, 5), nodes(&first), inputs("a"), &Stores::new(), true);
        let before = words(&access, &stores);
        // Another session: whatever would be fresh is another key.
        let again = stored(&world(n, t, 6), nodes(&second), inputs("a"), &stores, true);
        stores.extend(again);
        assert_eq!(words(&access, &stores), before, "{first:?} then {second:?}");
    }
}

#[test]
fn a_session_that_was_cut_off_goes_on_with_its_keys() {
    // All three have stored the keys; node 0 alone got as far as its record. The key that it does not hold is with the two others.
    let mut stores = stored(&world(4, 1, 5), nodes(&[0, 1, 2]), inputs("a"), &Stores::new(), false);
    let before = words(&AccessStructure::new(4, 1).unwrap(), &stores);
    for recorded in [false, true] {
        stores.get_mut(&0).unwrap().recorded = recorded;
        for participants in [[0, 1, 2], [0, 1, 3], [0, 2, 3]] {
            let mut after = stores.clone();
            after.extend(stored(&world(4, 1, 6), nodes(&participants), inputs("a"), &stores, true));
            assert_eq!(words(&AccessStructure::new(4, 1).unwrap(), &after), before);
        }
    }
    // Without a record other inputs may come: nothing was opened.
    stores.get_mut(&0).unwrap().recorded = false;
    stored(&world(4, 1, 6), nodes(&[0, 1, 2]), inputs("b"), &stores, true);
}

/// A corrupt node, or an honest one from a session that was cut off earlier, states other keys that nobody has recorded.
#[test]
fn recorded_keys_are_not_displaced_by_keys_that_somebody_only_states() {
    let access = AccessStructure::new(4, 1).unwrap();
    let mut stores = stored(&world(4, 1, 5), nodes(&[0, 1, 2]), inputs("a"), &Stores::new(), true);
    let before = words(&access, &stores);
    let other = stored(&world(4, 1, 6), nodes(&[1, 2, 3]), inputs("a"), &Stores::new(), false);
    stores.insert(3, other[&3].clone());
    let after = |stores: &Stores| words(&access, &stored(&world(4, 1, 7), nodes(&[0, 1, 3]), inputs("a"), stores, true));
    assert_eq!(after(&stores), before);
    // If the two had only stored theirs, fresh keys would take the place of all. So a node that has announced a release states a record.
    stores.values_mut().for_each(|own| own.recorded = false);
    assert_ne!(after(&stores), before);
}

#[test]
fn two_records_that_differ_stop_everyone_and_say_what_differs() {
    let one = stored(&world(4, 1, 5), nodes(&[0, 1, 2]), inputs("a"), &Stores::new(), true);
    let two = stored(&world(4, 1, 6), nodes(&[1, 2, 3]), inputs("a"), &Stores::new(), true);
    let mixed = Stores::from([(0, one[&0].clone()), (3, two[&3].clone())]);
    for result in agree(&world(4, 1, 7).present(nodes(&[0, 2, 3])), inputs("a"), &mixed) {
        let error = result.unwrap_err();
        let due = SessionError::RecordsDiffer {
            phase: Phase::RELEASE,
            what: "the stored keys",
            nodes: nodes(&[0, 3]),
        };
        assert_eq!(error, due);
        assert!(
            error.to_string().contains("nodes {0, 3}") && error.to_string().contains("the stored keys"),
            "{error}"
        );
    }
    for result in agree(&world(4, 1, 7).present(nodes(&[0, 1, 2])), inputs("b"), &one) {
        assert!(matches!(result, Err(SessionError::RecordsDiffer { what: "the inputs", .. })));
    }
}

#[test]
fn a_record_that_the_honest_do_not_have_stops_everyone_and_is_named() {
    // Node 0 made keys up with itself alone: nobody gives the key of the component that it does not hold.
    let all = stored(&world(3, 1, 5), NodeSet::all(3), inputs("a"), &Stores::new(), true);
    let alone = Stores::from([(0, all[&0].clone())]);
    for result in agree(&world(3, 1, 6), inputs("a"), &alone) {
        let error = result.unwrap_err();
        assert!(matches!(&error, SessionError::NoKey { component: 0, .. }), "{error}");
        assert_eq!(error.suspects(), nodes(&[0]));
    }
}

#[test]
fn whoever_gives_a_newcomer_a_false_key_is_named() {
    let stores = stored(&world(4, 1, 5), nodes(&[0, 1, 2]), inputs("a"), &Stores::new(), true);
    // The message to node 3 after the statements: keys are the only message of this length.
    let false_key = |wire: Wire<'_>| {
        if (wire.from, wire.to) == (1, 3) && wire.step.phase == Phase::RELEASE && wire.bytes.len() == 2 * KEY_LEN {
            wire.bytes[KEY_LEN] ^= 1;
        }
        Fate::Deliver
    };
    let world = world(4, 1, 6).present(nodes(&[1, 2, 3])).intercept(false_key);
    let results = agree(&world, inputs("a"), &stores);
    let error = results[2].as_ref().unwrap_err();
    assert!(matches!(error, SessionError::WrongKey { peer: 1, .. }), "{error}");
    assert!(results.iter().all(Result::is_err), "nobody goes on without node 3");
}

#[test]
fn holders_that_were_told_different_things_stop() {
    // Node 0 tells node 1 another digest of a fresh key than node 2; then it confirms other keys.
    for place in ["statement", "confirmation"] {
        let two_faced = move |wire: Wire<'_>| {
            let is_statement = wire.bytes.len() > Digest::LEN;
            if (wire.from, wire.to) == (0, 1) && wire.step.phase == Phase::RELEASE && is_statement == (place == "statement") {
                *wire.bytes.last_mut().unwrap() ^= 1;
            }
            Fate::Deliver
        };
        let results = agree(&world(3, 1, 5).intercept(two_faced), inputs("a"), &Stores::new());
        let error = results[1].as_ref().unwrap_err();
        assert!(
            matches!(error, SessionError::Disagreement { .. }) && error.suspects().contains(0),
            "{place}: {error}"
        );
    }
}

#[test]
fn a_statement_that_says_nothing_is_refused() {
    let nonsense = |wire: Wire<'_>| {
        if (wire.from, wire.to) == (0, 1) && wire.step.phase == Phase::RELEASE {
            wire.bytes[0] = 3;
        }
        Fate::Deliver
    };
    let results = agree(&world(3, 1, 5).intercept(nonsense), inputs("a"), &Stores::new());
    assert!(matches!(results[1], Err(SessionError::Malformed { peer: 0, .. })));
}

#[test]
fn what_is_written_is_read_by_its_node_only() {
    let access = AccessStructure::new(4, 1).unwrap();
    let stores = stored(&world(4, 1, 5), NodeSet::all(4), inputs("a"), &Stores::new(), true);
    for (node, own) in &stores {
        let bytes = own.keys.to_bytes();
        let read = StoredKeys::from_bytes(&access, *node, &bytes).unwrap();
        assert_eq!((read.digest(), read.to_bytes()), (own.keys.digest(), bytes.clone()));
        assert!(StoredKeys::from_bytes(&access, (node + 1) % 4, &bytes).is_none());
        for len in [0, 31, 32, bytes.len() - 1] {
            assert!(StoredKeys::from_bytes(&access, *node, &bytes[..len]).is_none());
        }
        // Any changed key or digest of a held one; the digest of the one that is not held and the inputs are checked by others.
        let mut altered = bytes.to_vec();
        *altered.last_mut().unwrap() ^= 1;
        assert!(StoredKeys::from_bytes(&access, *node, &altered).is_none());
        assert!(!format!("{own:?}").contains(&hex::encode(&bytes[bytes.len() - 4..])));
    }
}
