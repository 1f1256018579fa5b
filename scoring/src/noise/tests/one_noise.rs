//! One noise for a job, however often and by whomever it is computed.

use super::*;
use crate::error::ScoringError;
use crate::run::Scored;
use crate::testing::run_nodes;
use tacit_mpc_core::network::Phase;
use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::testing::{Fate, Misbehaviour, Wire};
use tacit_protocol::certificate::CertificateError;

/// What a computation opened about all answers.
fn numbers(opened: &OpenedOutputs) -> Vec<Vec<Fp61>> {
    let names = [OutputName::ClassTotals, OutputName::Agreement];
    names.iter().map(|name| opened.get(*name).unwrap().to_vec()).collect()
}

fn nodes(nodes: &[usize]) -> NodeSet {
    nodes.iter().copied().collect()
}

#[test]
fn a_job_has_one_noise_whoever_computes_it_again() {
    for release in [&[Release::Agreement][..], &[Release::Agreement, Release::Labels]] {
        let members = cluster_with_keys(4, 1);
        let (job, answers) = (job(3, release), crowd(3, true));
        let records = records(4);
        let first = compute(&world(&members, 1), &members, &job, &answers, nodes(&[0, 1, 2]), &records).2;
        // Other sessions have other keys; node 3 is new to the job.
        for (seed, present) in [(2, [0, 1, 2]), (3, [1, 2, 3]), (4, [0, 2, 3])] {
            let again = compute(&world(&members, seed), &members, &job, &answers, nodes(&present), &records).2;
            assert_eq!(numbers(&again), numbers(&first), "{present:?}");
        }
        let other = compute(&world(&members, 2), &members, &job, &answers, NodeSet::all(4), &super::records(4)).2;
        assert_ne!(numbers(&other), numbers(&first), "another job draws another noise");
    }
}

/// A computation at which no message arrives from the round on at which `cut` says so.
fn cut_off(
    members: &ClusterWithKeys,
    job: &Job,
    submissions: &[Submission],
    records: &[TestRecord],
    cut: impl Fn(&Wire<'_>) -> bool + Send + Sync + 'static,
) -> Vec<Result<Scored, ScoringError>> {
    let world = world(members, 8)
        .present(nodes(&[0, 1, 2]))
        .deadline(std::time::Duration::from_millis(300))
        .intercept(move |wire: Wire<'_>| if cut(&wire) { Fate::Drop } else { Fate::Deliver });
    run_recording(&world, members, job, submissions, records)
}

#[test]
fn a_computation_that_was_cut_off_goes_on_with_its_noise() {
    let members = cluster_with_keys(4, 1);
    let (job, answers) = (job(3, &[Release::Agreement, Release::Labels]), crowd(3, false));
    let submissions = submissions(&members, &job, &answers);
    // The rounds of the release, in order: statements, confirmation, record, then, after labels were opened, further records.
    let steps = std::sync::Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let log = std::sync::Arc::clone(&steps);
    let listener = move |wire: Wire<'_>| {
        if wire.step.phase == Phase::RELEASE {
            log.lock().unwrap().insert(wire.step.number);
        }
        Fate::Deliver
    };
    let world_of_all = world(&members, 8).present(nodes(&[0, 1, 2])).intercept(listener);
    assert!(run_nodes(&world_of_all, &members, &job, &submissions).iter().all(Result::is_ok));
    let steps: Vec<u32> = steps.lock().unwrap().iter().copied().collect();
    assert!(steps.len() >= 5, "{steps:?}");
    for (round, step) in steps.into_iter().enumerate() {
        // Node 0 alone hears nothing any more, or nobody does.
        for only in [Some(0), None] {
            let records = records(4);
            let results = cut_off(&members, &job, &submissions, &records, move |wire| {
                wire.step.number >= step && only.is_none_or(|to| wire.to == to)
            });
            assert!(results.iter().any(Result::is_err), "round {round}");
            let keys_before: Vec<_> = (0..3)
                .map(|me| records[me].keys(members.cluster.access(), me).map(|keys| keys.digest()))
                .collect();
            let opened: Vec<_> = [(5, [0, 1, 2]), (6, [0, 1, 3]), (7, [1, 2, 3])]
                .into_iter()
                .map(|(seed, present)| compute(&world(&members, seed), &members, &job, &answers, nodes(&present), &records).2)
                .collect();
            assert!(
                opened.windows(2).all(|pair| numbers(&pair[0]) == numbers(&pair[1])),
                "round {round}"
            );
            // Whatever was stored by all three stays.
            if keys_before.iter().all(Option::is_some) {
                let after = records[0].keys(members.cluster.access(), 0).map(|keys| keys.digest());
                assert_eq!(after, keys_before[0], "round {round}");
            }
        }
    }
}

#[test]
fn records_that_differ_open_nothing_and_the_job_says_so() {
    let members = cluster_with_keys(4, 1);
    for release in [&[Release::Agreement][..], &[Release::Agreement, Release::Labels]] {
        let (job, answers) = (job(3, release), crowd(3, false));
        let (one, two) = (records(4), records(4));
        compute(&world(&members, 1), &members, &job, &answers, nodes(&[0, 1, 2]), &one);
        compute(&world(&members, 2), &members, &job, &answers, nodes(&[1, 2, 3]), &two);
        let mixed: Vec<TestRecord> = one.into_iter().take(3).chain(two.into_iter().skip(3)).collect();
        let opened = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = std::sync::Arc::clone(&opened);
        let listener = Misbehaviour {
            tamper: Some(std::sync::Arc::new(move |observed| {
                if let tacit_mpc_core::testing::Observed::OpenedWords(_, tacit_mpc_core::session::Opening::Result, _) = observed {
                    log.lock().unwrap().push(());
                }
            })),
            ..Misbehaviour::default()
        };
        let world = world(&members, 3).present(nodes(&[0, 1, 3])).misbehave(0, listener);
        for result in run_recording(&world, &members, &job, &submissions(&members, &job, &answers), &mixed) {
            let Err(ScoringError::Session(error @ SessionError::RecordsDiffer { nodes: named, .. })) = &result else {
                panic!("{result:?}")
            };
            assert_eq!(*named, nodes(&[0, 1, 3]));
            assert!(error.to_string().contains("the keys of the noise of this job"), "{error}");
        }
        assert!(opened.lock().unwrap().is_empty(), "labels were opened");
    }
}

#[test]
fn other_noise_is_caught_by_the_comparison_of_copies() {
    // Class totals need no product, so without noise all computations would have the same components.
    let members = cluster_with_keys(3, 1);
    let (job, answers) = (job(3, &[Release::ClassTotals]), crowd(3, false));
    let submissions = submissions(&members, &job, &answers);
    let run = |seed: u64| run_recording(&world(&members, seed), &members, &job, &submissions, &records(3));
    let mut results = run(1);
    // Node 2 adds the noise of other keys.
    results[2] = run(2).pop().unwrap();
    let refused = publish(&members, NodeSet::all(3), &job, &submissions, results);
    let Err(CertificateError::Copies { second, output, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!((second.as_str(), output), ("node-2", OutputName::ClassTotals));
}
