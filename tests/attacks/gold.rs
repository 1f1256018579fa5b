//! A corrupt node that tries to make the buyer's gold answers look malformed, so that the job fails and the buyer is blamed.

use super::lies::{false_product, run_with};
use super::scenario::{CLUSTERS, Scenario, assert_stopped};
use tacit_mpc_core::network;
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::testing::Misbehaviour;
use tacit_protocol::phase::Phase;
use tacit_scoring::{GoldError, ScoringError};

/// The step of the product that decides whether gold is well-formed: the last one of the phase.
fn step_of_gold_check(scenario: &Scenario) -> u32 {
    let checks = scenario.products_in(Phase::Validate);
    assert_eq!(checks.len(), 2, "one product for all answers, one for the gold: {checks:?}");
    let (step, products) = checks[1];
    assert_eq!(products, 1);
    step
}

#[test]
fn no_node_can_make_good_gold_look_malformed() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::with_gold(nodes, threshold);
        let step = step_of_gold_check(&scenario);
        for liar in 0..nodes {
            let corrupt = [liar].into_iter().collect();
            let outcome = run_with(&scenario, corrupt, &false_product(step, 0));
            assert_stopped(&outcome, corrupt, &("gold made to look malformed", liar));
            for (node, result) in outcome.iter().enumerate().filter(|(node, _)| *node != liar) {
                let wrong = matches!(
                    result,
                    Err(ScoringError::Session(SessionError::WrongProduct {
                        phase: network::Phase::VERIFY,
                        suspects
                    })) if suspects.contains(liar)
                );
                assert!(wrong, "node {node}, {liar} lies: {result:?}");
            }
        }
    }
}

#[test]
fn the_buyer_is_blamed_where_products_are_not_checked() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::with_gold(nodes, threshold);
        let step = step_of_gold_check(&scenario);
        let unchecked = |misbehaviour: Misbehaviour| Misbehaviour {
            skipped: vec![Check::Products],
            ..misbehaviour
        };
        let misbehaviour = |node| {
            if node == 0 {
                false_product(step, 0)
            } else {
                Misbehaviour::default()
            }
        };
        let world = (0..nodes).fold(scenario.world(), |world, node| world.misbehave(node, unchecked(misbehaviour(node))));
        for result in scenario.run(&world) {
            assert_eq!(result.unwrap_err(), ScoringError::Gold(GoldError::Malformed));
        }
    }
}
