//! Nodes that compute or open false values and continue as if they were right, so that all their messages are consistent. Alone,
//! and `t` of them together.

use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::scenario::{CLUSTERS, Outcome, Scenario, assert_stopped, sample_indices, tamper};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61, encode_vector};
use tacit_mpc_core::network;
use tacit_mpc_core::session::{Opening, SessionError};
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::phase::Phase;
use tacit_scoring::ScoringError;

/// The sets of corrupt nodes: each node alone, and every t of them together.
pub fn coalitions(nodes: usize, threshold: usize) -> Vec<NodeSet> {
    let together = (0..nodes).map(|first| (0..threshold).map(|i| (first + i) % nodes).collect());
    let mut all: Vec<NodeSet> = (0..nodes).map(|one| [one].into_iter().collect()).chain(together).collect();
    all.dedup();
    all
}

/// Runs the computation with the same misbehaviour at every node of `corrupt`.
pub fn run_with(scenario: &Scenario, corrupt: NodeSet, misbehaviour: &Misbehaviour) -> Outcome {
    let world = corrupt
        .iter()
        .fold(scenario.world(), |world, node| world.misbehave(node, misbehaviour.clone()));
    scenario.run(&world)
}

/// Adds 1 to the product at `place` of a step.
pub fn false_product(step: u32, place: usize) -> Misbehaviour {
    tamper(move |observed| {
        if let Observed::Products(at, values) = observed
            && at == step
            && let Some(value) = values.get_mut(place)
        {
            *value += Fp61::ONE;
        }
    })
}

/// Adds 1 to the value at `place` of a component that is opened at a step.
pub fn false_opening(step: u32, component: usize, place: usize) -> Misbehaviour {
    false_opening_by(step, component, place, Fp61::ONE)
}

/// Adds `error` to the value at `place` of a component that is opened at a step.
pub fn false_opening_by(step: u32, component: usize, place: usize, error: Fp61) -> Misbehaviour {
    tamper(move |observed| {
        if let Observed::Opening(at, of, values) = observed
            && (at, of) == (step, component)
        {
            values[place] += error;
        }
    })
}

#[test]
fn a_false_product_is_found_by_every_honest_node() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        for liar in 0..nodes {
            let (products, _) = scenario.values_of(liar);
            assert!(products.len() >= 5, "{products:?}");
            for (step, len) in products {
                for place in sample_indices(len) {
                    let corrupt = [liar].into_iter().collect();
                    let outcome = run_with(&scenario, corrupt, &false_product(step, place));
                    assert_stopped(&outcome, corrupt, &("false product", liar, step, place));
                    for result in &outcome {
                        let wrong = |error: &SessionError| {
                            matches!(
                                error,
                                SessionError::WrongProduct {
                                    phase: network::Phase::VERIFY,
                                    ..
                                }
                            )
                        };
                        assert!(
                            matches!(result, Err(ScoringError::Session(error)) if wrong(error)),
                            "{liar} {step} {place}: {result:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_false_opening_is_found_even_if_all_corrupt_holders_vouch_for_it() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let openings: Vec<_> = (0..nodes).map(|liar| scenario.values_of(liar).1).collect();
        for corrupt in coalitions(nodes, threshold) {
            let liar = corrupt.iter().next().unwrap();
            assert!(openings[liar].len() >= 3, "{openings:?}");
            for (step, component, len) in openings[liar].clone() {
                for place in sample_indices(len) {
                    let outcome = run_with(&scenario, corrupt, &false_opening(step, component, place));
                    assert_stopped(&outcome, corrupt, &("false opening", corrupt, step, component, place));
                }
            }
        }
    }
}

/// A node that knows the malformed submission of an accomplice: two votes for one class and minus one for the other, which add up
/// to one vote. It cannot foresee the coin. Once the weights are known, it subtracts what the submission adds to the check.
pub fn cover_for_malformed_rows(scenario: &Scenario) -> Misbehaviour {
    let session = scenario.run(&scenario.world())[0].as_ref().unwrap().subject.session;
    let (first_check, _) = scenario.products_in(Phase::Validate)[0];
    let before = 3 * (scenario.submissions.len() - 1);
    let coin = Arc::new(Mutex::new(Vec::new()));
    tamper(move |observed| match observed {
        Observed::Opened(step, Opening::Coin, values) if step < first_check => {
            let seed = Digest::of("tacit/v1 coin", &[session.as_bytes(), &encode_vector(values)]);
            // r has an element for each of the two classes; then a weight for each row.
            let drawn = |stream, count| -> Vec<Fp61> {
                let mut rng = ChaCha20Rng::from_seed(*seed.as_bytes());
                rng.set_stream(stream);
                (0..count).map(|_| Fp61::random(&mut rng)).collect()
            };
            *coin.lock().unwrap() = [drawn(0, 2), drawn(1, before + 1)].concat();
        }
        Observed::Products(step, values) if step == first_check => {
            // For x = (2, -1): <r, x>² - Σ r_k² x_k = (2r_0 - r_1)² - 2r_0² + r_1².
            let coin = coin.lock().unwrap();
            let (a, b, weight) = (coin[0], coin[1], coin[2 + before]);
            let value = a + a - b;
            values[0] -= weight * (value * value - a * a - a * a + b * b);
        }
        _ => {}
    })
}

#[test]
fn nobody_can_save_a_malformed_submission() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::with_malformed_rows(nodes, threshold, [2, -1, 0, 1]);
        let corrupt = [0].into_iter().collect();
        let outcome = run_with(&scenario, corrupt, &cover_for_malformed_rows(&scenario));
        assert_stopped(&outcome, corrupt, &"malformed rows that a node covers for");
        let found = |result: &Result<_, _>| matches!(result, Err(ScoringError::Session(SessionError::WrongProduct { .. })));
        assert!(outcome.iter().all(found), "{outcome:?}");
    }
}

#[test]
fn nobody_can_frame_an_honest_contributor() {
    // Errors in the check of single submissions make an honest one look malformed.
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let submissions = scenario.submissions.len();
        let (step, _) = *scenario
            .products_in(Phase::Validate)
            .iter()
            .find(|(_, len)| *len == submissions)
            .unwrap();
        for place in 0..submissions {
            let corrupt = [0].into_iter().collect();
            let outcome = run_with(&scenario, corrupt, &false_product(step, place));
            assert_stopped(&outcome, corrupt, &("framed", place));
        }
    }
}

#[test]
fn nobody_can_make_the_others_look_for_culprits_again_and_again() {
    // Each time node 0 spoils the check of all submissions together, and then that of the first submission, or of another one each
    // time. Nobody is malformed, and every round succeeds.
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::honest(nodes, threshold);
        let (first_check, _) = scenario.products_in(Phase::Validate)[0];
        for moving in [false, true] {
            let looks = Arc::new(Mutex::new(0));
            let seen = Arc::clone(&looks);
            let liar = tamper(move |observed| {
                if let Observed::Products(step, values) = observed
                    && step >= first_check
                {
                    let mut looks = seen.lock().unwrap();
                    *looks += 1;
                    assert!(*looks < 100, "the others repeat the check without end");
                    let place = if moving { *looks / 2 % values.len() } else { 0 };
                    values[place] += Fp61::ONE;
                }
            });
            let corrupt = [0].into_iter().collect();
            let outcome = run_with(&scenario, corrupt, &liar);
            assert_stopped(&outcome, corrupt, &("endless looks", moving));
            let found = |result: &Result<_, _>| matches!(result, Err(ScoringError::Session(SessionError::WrongProduct { .. })));
            assert!(outcome.iter().skip(1).all(found), "{outcome:?}");
        }
    }
}

#[test]
fn t_nodes_that_lie_at_different_steps_do_not_hide_each_other() {
    let (nodes, threshold) = (5, 2);
    let scenario = Scenario::new(nodes, threshold);
    let (first, second) = (scenario.values_of(0).0, scenario.values_of(1).0);
    for (a, _) in &first {
        for (b, _) in &second {
            let minus_one = tamper({
                let b = *b;
                move |observed| {
                    if let Observed::Products(at, values) = observed
                        && at == b
                        && let Some(value) = values.first_mut()
                    {
                        *value -= Fp61::ONE;
                    }
                }
            });
            let world = scenario.world().misbehave(0, false_product(*a, 0)).misbehave(1, minus_one);
            let outcome = scenario.run(&world);
            if a == b {
                // Two errors in one product that cancel are no error.
                assert!(outcome.iter().all(Result::is_ok), "{outcome:?}");
            } else {
                assert_stopped(&outcome, [0, 1].into_iter().collect(), &(a, b));
            }
        }
    }
}
