//! The suite has teeth: where honest nodes do not make a check, the attack it is there for succeeds.
//!
//! Success is a wrong number published under the signatures of all nodes, or, for a check that another
//! one stands behind, that the attack gets past the step it was stopped at.

use super::kit::{Outcome, Scene, is_aftermath};
use super::lies::{false_opening, false_product};
use super::prover::Plan;
use crate::checks::{Check, Deviation};
use crate::field::{Field, Fp61};
use crate::network::Phase;
use crate::reject::RejectReason;
use crate::scoring::ScoringError;
use crate::session::SessionError;
use crate::session::coin::FORESEEN;
use crate::world::{Fate, Wire, World};

/// Node 0 deviates so, and nobody makes these checks.
fn unchecked(scene: &Scene, world: World, liar: &Deviation, skipped: &[Check]) -> World {
    (0..scene.nodes()).fold(world, |world, node| {
        let mut deviation = if node == 0 { liar.clone() } else { Deviation::default() };
        deviation.skipped = skipped.to_vec();
        world.deviate(node, deviation)
    })
}

fn run(scene: &Scene, liar: &Deviation, skipped: &[Check]) -> Outcome {
    scene.run(&unchecked(scene, scene.world(), liar, skipped))
}

/// A wrong result is published for it.
fn assert_deceived(scene: &Scene, outcome: &Outcome, what: &str) {
    let published = scene
        .published(outcome)
        .unwrap_or_else(|| panic!("{what}: nothing is published: {outcome:?}"));
    assert_ne!(scene.numbers(&published), scene.truth(), "{what}: the right result is published");
}

/// What stopped the honest nodes, past what only says that others have stopped.
fn reasons(outcome: &Outcome) -> Vec<&SessionError> {
    let errors = outcome.iter().skip(1).filter_map(|result| result.as_ref().err());
    errors
        .filter(|error| !is_aftermath(error))
        .filter_map(|error| match error {
            ScoringError::Session(error) => Some(error),
            _ => None,
        })
        .collect()
}

#[test]
fn unchecked_products_publish_a_wrong_result() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let scene = Scene::new(nodes, threshold);
        // The products of the statistics; those of the proof change no result.
        let (step, _) = *scene.products_in(Phase::Agreement).last().unwrap();
        let lie = false_product(step, 0);
        assert_deceived(&scene, &run(&scene, &lie, &[Check::Products]), "false product");
        assert!(scene.published(&run(&scene, &lie, &[])).is_none());
    }
}

#[test]
fn foreseen_coins_let_an_adaptive_prover_publish_a_wrong_result() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let scene = Scene::new(nodes, threshold);
        let lies = Plan::new(&scene).lies(FORESEEN);
        assert_deceived(&scene, &run(&scene, &lies, &[Check::Coins]), "adaptive prover");
        assert!(scene.published(&run(&scene, &lies, &[])).is_none());
    }
}

#[test]
fn unchecked_answers_let_a_stuffed_ballot_count() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let scene = Scene::new(nodes, threshold);
        let honest = Deviation::default();
        let stuffed = scene.submissions.len() - 1;
        let outcome = run(&scene, &honest, &[]);
        assert_eq!(outcome[1].as_ref().unwrap().verdicts[stuffed], RejectReason::MalformedAnswer.code());
        let outcome = run(&scene, &honest, &[Check::WellFormed]);
        assert_eq!(outcome[1].as_ref().unwrap().verdicts[stuffed], 0);
        assert_deceived(&scene, &outcome, "two votes in one answer");
    }
}

#[test]
fn unchecked_openings_let_a_node_choose_a_coin() {
    // The node that sends a component makes the coin what it likes at the node that misses it; the
    // nodes go on with different weights and different points.
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let scene = Scene::new(nodes, threshold);
        let (step, component, _) = scene.told_by(0).1[0];
        let lie = false_opening(step, component, 0);
        let caught = run(&scene, &lie, &[]);
        let at_the_opening = |outcome: &Outcome| {
            let of_coin = |error: &&SessionError| matches!(error, SessionError::Disagreement { what: "a coin", .. });
            reasons(outcome).into_iter().any(|error| of_coin(&error))
        };
        assert!(at_the_opening(&caught), "{caught:?}");
        assert!(!at_the_opening(&run(&scene, &lie, &[Check::Openings])));
    }
}

#[test]
fn unchecked_openings_let_a_node_declare_a_stuffed_ballot_well_formed() {
    // In the opening of the deviations of each submission a node alone says 0 for the stuffed one: the
    // last opening of the phase. Nobody compares, so the node that misses the component takes it.
    let scene = Scene::new(3, 1);
    let of_phase: Vec<u32> = {
        let sent = scene.sent_by(0);
        sent.iter()
            .filter(|sent| sent.phase == Phase::Validate)
            .map(|sent| sent.step)
            .collect()
    };
    let (_, openings) = scene.told_by(0);
    let (step, component, len) = *openings.iter().rfind(|(step, ..)| of_phase.contains(step)).unwrap();
    assert_eq!(len, 2 * scene.submissions.len());
    let lie = false_opening(step, component, 0);
    let caught = run(&scene, &lie, &[]);
    assert!(
        reasons(&caught).iter().any(|error| error.phase() == Some(Phase::Validate)),
        "{caught:?}"
    );
    let outcome = run(&scene, &lie, &[Check::Openings]);
    let framed = outcome.iter().flatten().any(|scored| scored.verdicts[0] != 0)
        || reasons(&outcome).iter().any(|error| error.phase() != Some(Phase::Validate));
    assert!(framed, "an honest contributor looks malformed to one node: {outcome:?}");
}

#[test]
fn uncompared_corrections_get_past_the_step_they_are_sent_at() {
    let scene = Scene::new(5, 2);
    let corrections: Vec<_> = {
        let (last, _) = *scene.products_in(Phase::Agreement).last().unwrap();
        scene.sent_by(0).into_iter().filter(|sent| sent.step == last).collect()
    };
    assert!(corrections.len() > 1, "several nodes receive a correction");
    let (step, to) = (corrections[0].step, corrections[0].to);
    let two_faced = move |wire: Wire<'_>| {
        if (wire.from, wire.to, wire.step.number) == (0, to, step) {
            let value = Fp61::read(&wire.bytes[..8]).unwrap() + Fp61::ONE;
            wire.bytes[..8].copy_from_slice(&value.to_u64().to_le_bytes());
        }
        Fate::Deliver
    };
    let run = |skipped: &[Check]| {
        let world = scene.world().intercept(two_faced);
        scene.run(&unchecked(&scene, world, &Deviation::default(), skipped))
    };
    let by_comparing = |outcome: &Outcome| {
        let compared = |error: &&SessionError| {
            matches!(
                error,
                SessionError::Disagreement {
                    what: "a correction they both received",
                    ..
                }
            )
        };
        reasons(outcome).into_iter().any(|error| compared(&error))
    };
    assert!(by_comparing(&run(&[])));
    let uncompared = run(&[Check::Corrections]);
    assert!(!by_comparing(&uncompared), "{uncompared:?}");
    // The opening behind it is the last that stands in the way.
    assert!(
        run(&[Check::Corrections, Check::Openings, Check::Products])
            .iter()
            .all(Result::is_ok)
    );
}

#[test]
fn a_number_that_is_not_canonical_goes_unnoticed_where_it_is_reduced() {
    let scene = Scene::new(3, 1);
    let (step, _) = *scene.products_in(Phase::Agreement).last().unwrap();
    let shifted = move |wire: Wire<'_>| {
        if wire.from == 0 && wire.step.number == step {
            let word = Fp61::read(&wire.bytes[..8]).unwrap().to_u64() + crate::field::MODULUS;
            wire.bytes[..8].copy_from_slice(&word.to_le_bytes());
        }
        Fate::Deliver
    };
    let run = |skipped: &[Check]| {
        let world = scene.world().intercept(shifted);
        scene.run(&unchecked(&scene, world, &Deviation::default(), skipped))
    };
    assert!(
        reasons(&run(&[]))
            .iter()
            .any(|error| matches!(error, SessionError::Malformed { peer: 0, .. }))
    );
    assert!(run(&[Check::Canonical]).iter().all(Result::is_ok));
}

#[test]
fn what_nodes_were_told_is_stopped_where_it_is_compared_and_not_before() {
    // The coordinator shows node 2 another list. Three comparisons stand behind each other.
    let scene = Scene::new(3, 1);
    let all: Vec<usize> = (0..scene.submissions.len()).collect();
    let fewer = |me: usize| if me == 2 { all[1..].to_vec() } else { all.clone() };
    let other = |me: usize| {
        let mut order = all.clone();
        if me == 2 {
            order.swap(0, 1);
        }
        order
    };
    let stopped = |told: &(dyn Fn(usize) -> Vec<usize> + Sync), skipped: &[Check]| -> Vec<String> {
        let world = unchecked(&scene, scene.world(), &Deviation::default(), skipped);
        let outcome = scene.run_as_told(&world, told, told);
        assert!(outcome.iter().all(Result::is_err), "{skipped:?}: {outcome:?}");
        reasons(&outcome).iter().map(ToString::to_string).collect()
    };
    for told in [&fewer as &(dyn Fn(usize) -> Vec<usize> + Sync), &other] {
        assert!(stopped(told, &[])[0].contains("the list of submissions"));
    }
    assert!(stopped(&other, &[Check::List])[0].contains("the accepted set"));
    assert!(stopped(&other, &[Check::List, Check::Session])[0].contains("a key of shared randomness"));
    let late = stopped(&other, &[Check::List, Check::Session, Check::Keys]);
    assert!(late.iter().all(|reason| !reason.contains("phase keys")), "{late:?}");
}
