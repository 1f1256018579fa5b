//! A coordinator that gives nodes different lists or participants, or asks for the same computation again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::scenario::{CLUSTERS, Scenario};
use tacit_mpc_core::session::{SessionError, Setup};
use tacit_mpc_core::sharing::{AccessStructure, NodeSet, Party};
use tacit_mpc_core::testing::{Fate, Wire, World};
use tacit_protocol::phase::Phase;
use tacit_protocol::receipt::SaltSeed;
use tacit_protocol::verdict::Verdict;
use tacit_scoring::testing::asked;
use tacit_scoring::{Asked, ScoringError};

fn phases(outcome: &super::scenario::Outcome) -> Vec<Phase> {
    let session = |error: &ScoringError| match error {
        ScoringError::Session(SessionError::Network { .. }) => None,
        ScoringError::Session(error) => error.phase(),
        _ => None,
    };
    outcome
        .iter()
        .filter_map(|result| session(result.as_ref().err()?).map(Phase::from))
        .collect()
}

#[test]
fn different_lists_are_found_before_anything_is_computed() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let all: Vec<usize> = (0..scenario.submissions.len()).collect();
        for deceived in 0..nodes {
            for change in 0..3 {
                let list = |me: usize| {
                    let mut list = all.clone();
                    match change {
                        _ if me != deceived => {}
                        0 => list.swap(0, 1),
                        1 => drop(list.pop()),
                        _ => list[0] = list[1],
                    }
                    list
                };
                let outcome = scenario.run_with_lists(&scenario.world(), list, list);
                assert!(outcome.iter().all(Result::is_err), "node {deceived}: {outcome:?}");
                assert!(phases(&outcome).iter().all(|phase| *phase == Phase::AcceptedSet));
            }
        }
    }
}

#[test]
fn submissions_swapped_between_nodes_never_count() {
    // One node receives submission 1 in place of submission 0, and the other way round. A real node refuses them by the digests of
    // the list. Even a node that did not would be stopped.
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let all: Vec<usize> = (0..scenario.submissions.len()).collect();
        for deceived in 0..nodes {
            let handed = |me: usize| {
                let mut entries = all.clone();
                if me == deceived {
                    entries.swap(0, 1);
                }
                entries
            };
            let outcome = scenario.run_with_lists(&scenario.world(), |_| all.clone(), handed);
            assert!(outcome.iter().all(Result::is_err), "node {deceived}: {outcome:?}");
            assert!(!phases(&outcome).is_empty(), "{outcome:?}");
        }
    }
}

#[test]
fn nodes_that_were_given_different_salts_do_not_compute() {
    // Their trees of records would differ, and each would look as if it deviated.
    let scenario = Scenario::new(3, 1);
    let list = tacit_protocol::fixtures::submission_list(&scenario.submissions);
    let compute = |deceived: Option<usize>| {
        scenario.world().run(|party, network, mut rng| {
            let me = party.me();
            let salts = SaltSeed::from_bytes([if Some(me) == deceived { 8 } else { 7 }; 32]);
            let input = super::scenario::NodeInput {
                scenario: &scenario,
                me,
                entries: (0..list.len()).collect(),
                verdicts: vec![Verdict::Accepted; list.len()],
            };
            let Scenario { members, job, .. } = &scenario;
            let asked = Asked {
                list: &list,
                salts: &salts,
            };
            let scored = tacit_scoring::run(party, network, &members.cluster, job, asked, &input, &mut rng);
            scored.map(|scored| scored.records)
        })
    };
    let honest: Vec<_> = compute(None).into_iter().map(Result::unwrap).collect();
    assert!(honest.windows(2).all(|pair| pair[0] == pair[1]));
    for deceived in 0..3 {
        let outcome = compute(Some(deceived));
        assert!(outcome.iter().all(Result::is_err), "{outcome:?}");
        let in_first_phase = |error: &ScoringError| matches!(error, ScoringError::Session(error) if error.phase().map(Phase::from) == Some(Phase::AcceptedSet));
        assert!(
            outcome.iter().filter_map(|one| one.as_ref().err()).all(in_first_phase),
            "{outcome:?}"
        );
    }
}

#[test]
fn nodes_that_were_given_different_participants_do_not_compute() {
    let scenario = Scenario::new(4, 1);
    let access = AccessStructure::new(4, 1).unwrap();
    let list = tacit_protocol::fixtures::submission_list(&scenario.submissions);
    for deceived in 0..3 {
        let participants = |me: usize| if me == deceived { NodeSet::all(4) } else { NodeSet::all(3) };
        let world = scenario.world().deadline(Duration::from_millis(500));
        let results = world.run(|party, network, mut rng| {
            let me = party.me();
            if me == 3 {
                return Err("node 3 does not take part".to_owned());
            }
            let party = Party::new(&access, participants(me), me).unwrap();
            let input = super::scenario::NodeInput {
                scenario: &scenario,
                me,
                entries: (0..list.len()).collect(),
                verdicts: vec![Verdict::Accepted; list.len()],
            };
            let Scenario { members, job, .. } = &scenario;
            let scored = tacit_scoring::run(party, network, &members.cluster, job, asked(&list), &input, &mut rng);
            scored.map(drop).map_err(|error| error.to_string())
        });
        assert!(results.iter().all(Result::is_err), "{results:?}");
    }
}

/// The words of 8 bytes that honest nodes send from the phase of keys on. A message that only says that a node has received
/// everything has another length.
fn masked_words(scenario: &Scenario, world: &World) -> HashSet<u64> {
    let words = Arc::new(Mutex::new(HashSet::new()));
    let log = Arc::clone(&words);
    let world = world.clone().intercept(move |wire: Wire<'_>| {
        if wire.from != 0 && Phase::from(wire.step.phase) != Phase::AcceptedSet && wire.bytes.len().is_multiple_of(8) {
            let words = wire.bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
            log.lock().unwrap().extend(words);
        }
        Fate::Deliver
    });
    assert!(scenario.run(&world).iter().all(Result::is_ok));
    drop(world);
    Arc::into_inner(words).unwrap().into_inner().unwrap()
}

#[test]
fn a_repeated_attempt_shares_no_mask_with_the_first() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        // The corrupt node repeats everything; honest nodes draw new randomness.
        let again = World::new(scenario.members.cluster.access().clone(), 2).seed_of(0, 1);
        let (first, second) = (masked_words(&scenario, &scenario.world()), masked_words(&scenario, &again));
        assert!(first.len() > 100, "{}", first.len());
        // The session id, four words, is the same by definition. Nothing else is.
        assert_eq!(first.intersection(&second).count(), 4);
        // The test can fail: if honest nodes draw the same randomness again, all words are the same.
        assert_eq!(masked_words(&scenario, &scenario.world()), first);
    }
}

#[test]
fn keys_differ_even_if_all_other_holders_repeat_what_they_sent() {
    let scenario = Scenario::new(3, 1);
    let id = tacit_mpc_core::digest::Digest::of("test", &[b"one session"]);
    let opened = |world: World| -> Vec<String> {
        world.run(|party, network, mut rng| {
            let mut session = Setup::new(party, network).into_session(id, &mut rng).unwrap();
            format!("{:?}", session.coin().unwrap())
        })
    };
    let all_but = |honest: usize| {
        let world = World::new(scenario.members.cluster.access().clone(), 2);
        (0..3)
            .filter(|node| *node != honest)
            .fold(world, |world, node| world.seed_of(node, 1))
    };
    let first = opened(scenario.world());
    for honest in 0..3 {
        assert_ne!(opened(all_but(honest)), first, "node {honest} alone is fresh");
    }
}
