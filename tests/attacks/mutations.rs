//! The attack suite can fail: if honest nodes skip a check, the attack that the check prevents succeeds.
//!
//! Success means that a wrong number is published under the signatures of all nodes. If a second check would stop the attack later,
//! success means that it gets past the step at which the first one stopped it. What a false product does to gold answers stands
//! in [`super::gold`].

use std::sync::{Arc, Mutex};

use super::lies::{cover_for_malformed_rows, false_opening_by, false_product};
use super::prover::Plan;
use super::scenario::{Outcome, Scenario, is_aftermath, tamper};
use tacit_mpc_core::field::{Field, Fp61, decode_vector};
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::session::{Opening, SessionError};
use tacit_mpc_core::testing::misbehaviour::FORESEEN_COIN;
use tacit_mpc_core::testing::{Fate, Wire, World};
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::phase::Phase;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::verdict::Verdict;
use tacit_scoring::ScoringError;

/// A world in which node 0 misbehaves and nobody performs these checks.
fn unchecked(scenario: &Scenario, world: World, liar: &Misbehaviour, skipped: &[Check]) -> World {
    (0..scenario.nodes()).fold(world, |world, node| {
        let mut misbehaviour = if node == 0 { liar.clone() } else { Misbehaviour::default() };
        misbehaviour.skipped = skipped.to_vec();
        world.misbehave(node, misbehaviour)
    })
}

fn run(scenario: &Scenario, liar: &Misbehaviour, skipped: &[Check]) -> Outcome {
    scenario.run(&unchecked(scenario, scenario.world(), liar, skipped))
}

/// Asserts that a wrong result is published.
fn assert_deceived(scenario: &Scenario, outcome: &Outcome, what: &str) {
    let published = scenario
        .published(outcome)
        .unwrap_or_else(|| panic!("{what}: nothing is published: {outcome:?}"));
    assert_ne!(
        Scenario::numbers(&published),
        scenario.truth(),
        "{what}: the right result is published"
    );
}

/// The errors that stopped honest nodes, without those that only say that another node has stopped.
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
        let scenario = Scenario::new(nodes, threshold);
        // The last products of the statistics. Products of the check itself would change no result.
        let (step, _) = *scenario.products_in(Phase::Agreement).last().unwrap();
        let liar = false_product(step, 0);
        assert_deceived(&scenario, &run(&scenario, &liar, &[Check::Products]), "false product");
        assert!(scenario.published(&run(&scenario, &liar, &[])).is_none());
    }
}

#[test]
fn foreseen_coins_let_an_adaptive_prover_publish_a_wrong_result() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let scenario = Scenario::new(nodes, threshold);
        let prover = Plan::new(&scenario).misbehaviour(FORESEEN_COIN);
        assert_deceived(&scenario, &run(&scenario, &prover, &[Check::Coins]), "adaptive prover");
        assert!(scenario.published(&run(&scenario, &prover, &[])).is_none());
    }
}

#[test]
fn unchecked_answers_let_a_malformed_submission_count() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let scenario = Scenario::new(nodes, threshold);
        let honest = Misbehaviour::default();
        let malformed = scenario.submissions.len() - 1;
        let outcome = run(&scenario, &honest, &[]);
        assert_eq!(
            outcome[1].as_ref().unwrap().verdicts[malformed],
            Verdict::Rejected(RejectReason::MalformedAnswer)
        );
        let outcome = run(&scenario, &honest, &[Check::Inputs]);
        assert_eq!(outcome[1].as_ref().unwrap().verdicts[malformed], Verdict::Accepted);
        assert_deceived(&scenario, &outcome, "two votes in one answer");
    }
}

#[test]
fn malformed_rows_that_a_node_covers_for_count_where_products_are_not_checked() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let scenario = Scenario::with_malformed_rows(nodes, threshold, [2, -1, 0, 1]);
        let outcome = run(&scenario, &cover_for_malformed_rows(&scenario), &[Check::Products]);
        assert_eq!(
            outcome[1].as_ref().unwrap().verdicts[scenario.submissions.len() - 1],
            Verdict::Accepted
        );
        assert_deceived(&scenario, &outcome, "malformed rows that a node covers for");
    }
}

/// The values that node 2 sees opened for one reason, with their steps, and the outcome.
fn opened_at_node_2(scenario: &Scenario, liar: &Misbehaviour, skipped: &[Check], opening: Opening) -> (Vec<(u32, Vec<Fp61>)>, Outcome) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let curious = tamper(move |observed| {
        if let Observed::Opened(step, what, values) = observed
            && what == opening
        {
            log.lock().unwrap().push((step, values.to_vec()));
        }
    });
    let world = unchecked(scenario, scenario.world(), liar, skipped);
    let outcome = scenario.run(&world.misbehave(
        2,
        Misbehaviour {
            skipped: skipped.to_vec(),
            ..curious
        },
    ));
    let seen = seen.lock().unwrap().clone();
    (seen, outcome)
}

#[test]
fn unchecked_openings_let_a_node_choose_what_another_sees() {
    // Node 0 sends node 2 the component that node 2 lacks. It adds 1 to a coin; and it makes the malformed submission look
    // well-formed when the deviation of each submission is opened.
    let scenario = Scenario::new(3, 1);
    let honest = Misbehaviour::default();
    let (coins, _) = opened_at_node_2(&scenario, &honest, &[], Opening::Coin);
    let (deviations, _) = opened_at_node_2(&scenario, &honest, &[], Opening::InputCheck);
    let of_each = deviations.iter().position(|(_, values)| values.len() > 1).unwrap();
    let malformed = deviations[of_each].1.len() - 1;
    let deviation = deviations[of_each].1[malformed];
    assert_ne!(deviation, Fp61::ZERO);
    for (step, place, error, name) in [
        (coins[0].0, 0, Fp61::ONE, Opening::Coin),
        (deviations[of_each].0, malformed, -deviation, Opening::InputCheck),
    ] {
        // Component 2 is the one that node 2 lacks.
        let liar = false_opening_by(step, 2, place, error);
        let (checked, stopped) = opened_at_node_2(&scenario, &liar, &[], name);
        let (deceived, _) = opened_at_node_2(&scenario, &liar, &[Check::Openings], name);
        let truth = if name == Opening::Coin { &coins } else { &deviations };
        let index = if name == Opening::Coin { 0 } else { of_each };
        assert!(stopped.iter().skip(1).all(Result::is_err));
        assert!(checked.len() <= index, "{name:?}: the false value was accepted");
        assert_eq!(
            deceived[index].1[place],
            truth[index].1[place] + error,
            "{name:?}: the false value was not accepted"
        );
    }
}

#[test]
fn uncompared_corrections_get_past_the_step_they_are_sent_at() {
    let scenario = Scenario::new(5, 2);
    let corrections: Vec<_> = {
        let (last, _) = *scenario.products_in(Phase::Agreement).last().unwrap();
        scenario.sent_by(0).into_iter().filter(|sent| sent.step == last).collect()
    };
    assert!(corrections.len() > 1, "several nodes receive a correction");
    let (step, to) = (corrections[0].step, corrections[0].to);
    let two_faced = move |wire: Wire<'_>| {
        if (wire.from, wire.to, wire.step.number) == (0, to, step) {
            let value = decode_vector::<Fp61>(&wire.bytes[..8], 1).unwrap()[0] + Fp61::ONE;
            wire.bytes[..8].copy_from_slice(&value.to_u64().to_le_bytes());
        }
        Fate::Deliver
    };
    // What would be opened at the end depends on the error and on secrets, so nobody may get there.
    let opened = |skipped: &[Check]| {
        let seen = Arc::new(Mutex::new(false));
        let flag = Arc::clone(&seen);
        let curious = tamper(move |observed| {
            if let Observed::Opened(_, Opening::ProductCheck, _) = observed {
                *flag.lock().unwrap() = true;
            }
        });
        let world = unchecked(&scenario, scenario.world().intercept(two_faced), &Misbehaviour::default(), skipped);
        let skipped = skipped.to_vec();
        let outcome = scenario.run(&world.misbehave(1, Misbehaviour { skipped, ..curious }));
        (*seen.lock().unwrap(), outcome)
    };
    let (seen, outcome) = opened(&[]);
    let compared = |error: &&SessionError| {
        matches!(
            error,
            SessionError::Disagreement {
                what: "a correction they both received",
                ..
            }
        )
    };
    assert!(!seen && reasons(&outcome).iter().any(compared), "{outcome:?}");
    // The comparison of opened values would stop the attack next: one step later.
    let (_, outcome) = opened(&[Check::Corrections]);
    let in_opening = |error: &&SessionError| {
        matches!(
            error,
            SessionError::Disagreement {
                what: "the check of products",
                ..
            }
        )
    };
    assert!(reasons(&outcome).iter().any(in_opening), "{outcome:?}");
    let (seen, outcome) = opened(&[Check::Corrections, Check::Openings, Check::Products]);
    assert!(seen && outcome.iter().all(Result::is_ok), "{outcome:?}");
}

#[test]
fn a_number_that_is_not_canonical_goes_unnoticed_where_it_is_reduced() {
    let scenario = Scenario::new(3, 1);
    let (step, _) = *scenario.products_in(Phase::Agreement).last().unwrap();
    let shifted = move |wire: Wire<'_>| {
        if wire.from == 0 && wire.step.number == step {
            let word = decode_vector::<Fp61>(&wire.bytes[..8], 1).unwrap()[0].to_u64() + tacit_mpc_core::field::MODULUS;
            wire.bytes[..8].copy_from_slice(&word.to_le_bytes());
        }
        Fate::Deliver
    };
    let run = |skipped: &[Check]| {
        let world = scenario.world().intercept(shifted);
        scenario.run(&unchecked(&scenario, world, &Misbehaviour::default(), skipped))
    };
    assert!(
        reasons(&run(&[]))
            .iter()
            .any(|error| matches!(error, SessionError::Malformed { peer: 0, .. }))
    );
    assert!(run(&[Check::Canonical]).iter().all(Result::is_ok));
}

#[test]
fn different_lists_are_found_where_they_are_compared_and_not_before() {
    // The coordinator gives node 2 another list. Three comparisons follow each other.
    let scenario = Scenario::new(3, 1);
    let all: Vec<usize> = (0..scenario.submissions.len()).collect();
    let fewer = |me: usize| if me == 2 { all[1..].to_vec() } else { all.clone() };
    let other = |me: usize| {
        let mut order = all.clone();
        if me == 2 {
            order.swap(0, 1);
        }
        order
    };
    let stopped = |list: &(dyn Fn(usize) -> Vec<usize> + Sync), skipped: &[Check]| -> Vec<String> {
        let world = unchecked(&scenario, scenario.world(), &Misbehaviour::default(), skipped);
        let outcome = scenario.run_with_lists(&world, list, list);
        assert!(outcome.iter().all(Result::is_err), "{skipped:?}: {outcome:?}");
        reasons(&outcome).iter().map(ToString::to_string).collect()
    };
    for list in [&fewer as &(dyn Fn(usize) -> Vec<usize> + Sync), &other] {
        assert!(stopped(list, &[])[0].contains("the list of submissions"));
    }
    assert!(stopped(&other, &[Check::Agreed])[0].contains("what the participants agreed on"));
    assert!(stopped(&other, &[Check::Agreed, Check::Session])[0].contains("a key of shared randomness"));
    let late = stopped(&other, &[Check::Agreed, Check::Session, Check::Keys]);
    // Different answers are checked: that shows when coins are opened.
    assert!(
        !late.is_empty() && late.iter().all(|reason| reason.contains("disagree about a coin")),
        "{late:?}"
    );
}
