//! A node that holds back one message until it has seen later messages of others.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::scenario::{CLUSTERS, Scenario, Sent};
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::testing::Misbehaviour;
use tacit_mpc_core::testing::{Fate, Wire};
use tacit_protocol::phase::Phase;

/// Lets node 0 hold back the message `sent` until another node has sent a message of step `until`, at most for `patience`. Returns
/// the furthest step of the others at the time when the message is sent.
fn held_back(scenario: &Scenario, sent: &Sent, until: u32, skipped: &[Check], patience: Duration) -> u32 {
    let furthest = Arc::new((Mutex::new(0), Condvar::new()));
    let let_go = Arc::new(AtomicU32::new(0));
    let (seen, result) = (Arc::clone(&furthest), Arc::clone(&let_go));
    let (step, to) = (sent.step, sent.to);
    let mut world = scenario.world().intercept(move |wire: Wire<'_>| {
        let (now, changed) = &*seen;
        if (wire.from, wire.to, wire.step.number) == (0, to, step) {
            let waited = changed
                .wait_timeout_while(now.lock().unwrap(), patience, |now| *now < until)
                .unwrap();
            result.store(*waited.0, Relaxed);
        } else {
            let mut now = now.lock().unwrap();
            *now = (*now).max(wire.step.number);
            changed.notify_all();
        }
        Fate::Deliver
    });
    for node in 0..scenario.members.cluster.nodes().len() {
        let skipped = skipped.to_vec();
        world = world.misbehave(
            node,
            Misbehaviour {
                skipped,
                ..Misbehaviour::default()
            },
        );
    }
    let outcome = scenario.run(&world);
    assert!(outcome.iter().all(Result::is_ok), "{outcome:?}");
    let_go.load(Relaxed)
}

/// Whether a message says that its sender has received everything.
fn settles(sent: &Sent) -> bool {
    sent.bytes.len() % 32 == 1 && sent.bytes[0] == 1
}

/// The corrections of node 0 that are followed by a coin or an opening: those of the check of answers, of the last products of the
/// statistics, and of each level of the check of products. With the step at which nodes then say that they have received
/// everything.
fn corrections_before_coins(scenario: &Scenario) -> Vec<(Sent, u32)> {
    let steps: Vec<u32> = scenario.values_of(0).0.into_iter().map(|(step, _)| step).collect();
    let sent = scenario.sent_by(0);
    let before = |sent: &&Sent| matches!(sent.phase, Phase::Validate | Phase::Agreement | Phase::Verify);
    let settled = |correction: &Sent| {
        let next = sent.iter().find(|sent| sent.step > correction.step)?;
        settles(next).then(|| (correction.clone(), next.step))
    };
    let last_of = |step: &u32| sent.iter().rfind(|sent| sent.step == *step);
    steps.iter().filter_map(last_of).filter(before).filter_map(settled).collect()
}

#[test]
fn no_coin_is_opened_before_everyone_has_what_it_weighs() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let corrections = corrections_before_coins(&scenario);
        assert!(corrections.len() >= 4);
        for (sent, settled) in corrections {
            // Others may say that they have received everything, and nothing more.
            let reached = held_back(&scenario, &sent, settled + 1, &[], Duration::from_millis(50));
            let step = sent.step;
            assert!(reached <= settled, "N={nodes}: step {reached} while step {step} was held back");
        }
    }
}

#[test]
fn without_settling_a_coin_is_out_while_a_correction_is_still_in_hand() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        // The last products that are directly followed by a coin. Without settling there are fewer steps before them.
        let (sent, _) = corrections_before_coins(&scenario).pop().unwrap();
        let all = scenario.sent_by(0);
        let settling: BTreeSet<u32> = all
            .iter()
            .filter(|one| settles(one) && one.step < sent.step)
            .map(|one| one.step)
            .collect();
        let sent = Sent {
            step: sent.step - settling.len() as u32,
            ..sent
        };
        let reached = held_back(&scenario, &sent, sent.step + 2, &[Check::Settled], Duration::from_secs(20));
        assert!(
            reached >= sent.step + 2,
            "N={nodes}: nobody went ahead of step {}, only to {reached}",
            sent.step
        );
    }
}
