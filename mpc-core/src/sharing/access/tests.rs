//! Every property for every cluster and every set of participants.

use super::*;

/// Every possible cluster with every set of participants that can compute.
fn all_parties() -> impl Iterator<Item = (AccessStructure, NodeSet)> {
    (3..=MAX_NODES)
        .flat_map(|n| (1..=(n - 1) / 2).map(move |t| (n, t)))
        .flat_map(|(n, t)| {
            let access = AccessStructure::new(n, t).unwrap();
            let quorum = access.quorum();
            let sets = (0..1u8 << n).map(NodeSet).filter(move |p| p.len() >= quorum);
            sets.map(move |p| (access.clone(), p))
        })
}

#[test]
fn bounds_are_checked() {
    for (n, t) in [(3, 0), (2, 1), (4, 2), (8, 1), (0, 0)] {
        assert!(AccessStructure::new(n, t).is_err(), "N={n} t={t}");
    }
    let access = AccessStructure::new(3, 1).unwrap();
    assert!(Party::new(&access, NodeSet::all(2), 0).is_err());
    assert!(Party::new(&access, NodeSet::all(4), 0).is_err());
    let access = AccessStructure::new(4, 1).unwrap();
    assert!(Party::new(&access, NodeSet::all(3), 3).is_err());
}

#[test]
fn any_t_nodes_miss_a_component_and_any_t_plus_1_hold_all() {
    for (n, t) in [(3, 1), (4, 1), (5, 1), (5, 2), (6, 2), (7, 3)] {
        let access = AccessStructure::new(n, t).unwrap();
        for set in (0..1u8 << n).map(NodeSet) {
            let missing = (0..access.components())
                .filter(|c| set.iter().all(|i| access.excluded(*c).contains(i)))
                .count();
            if set.len() == t {
                assert_eq!(missing, 1);
            }
            if set.len() > t {
                assert_eq!(missing, 0);
            }
        }
    }
}

#[test]
fn any_two_quorums_have_an_honest_node_in_common() {
    for n in 3..=MAX_NODES {
        for t in 1..=(n - 1) / 2 {
            let quorum = AccessStructure::new(n, t).unwrap().quorum();
            assert!(
                quorum > 2 * t && quorum <= n - t.min(n - 2 * t - 1) && 2 * quorum - n > t,
                "N={n} t={t}: {quorum}"
            );
        }
    }
}

#[test]
fn every_pair_is_multiplied_exactly_once() {
    for (access, present) in all_parties() {
        let mut seen = vec![0; access.components() * access.components()];
        for me in present.iter() {
            let party = Party::new(&access, present, me).unwrap();
            for (s, held) in party.held().iter().enumerate() {
                for t in party.products_with(s) {
                    seen[held * access.components() + party.held()[*t]] += 1;
                }
            }
        }
        assert!(seen.iter().all(|count| *count == 1), "{access:?} {present:?}");
    }
}

#[test]
fn three_nodes_multiply_three_pairs_and_send_one_correction_each() {
    let access = AccessStructure::new(3, 1).unwrap();
    let present = NodeSet::all(3);
    let mut received = [0; 3];
    for me in 0..3 {
        let party = Party::new(&access, present, me).unwrap();
        let pairs: usize = (0..2).map(|s| party.products_with(s).len()).sum();
        assert_eq!(pairs, 3);
        let receivers = party.correction_receivers(me);
        assert_eq!(receivers.len(), 1);
        receivers.iter().for_each(|j| received[j] += 1);
    }
    assert_eq!(received, [1, 1, 1]);
}

#[test]
fn corrections_and_openers_are_holders_that_take_part() {
    for (access, present) in all_parties() {
        for me in present.iter() {
            let party = Party::new(&access, present, me).unwrap();
            for node in 0..access.nodes() {
                match party.correction_component(node) {
                    Some(c) => assert!(party.holders(c).contains(node)),
                    None => assert!(!present.contains(node)),
                }
            }
            for c in 0..access.components() {
                assert!(party.holders(c).len() > access.threshold());
                assert!(party.holders(c).contains(party.opener(c, me).unwrap()));
            }
        }
    }
}
