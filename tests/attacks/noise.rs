//! Noise that is drawn once cannot be averaged; noise that is drawn for every run can.

use tacit_mpc_core::probe::Check;
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::{Misbehaviour, World};
use tacit_protocol::fixtures::{cluster_with_keys, issuers, job_of, spec, submission};
use tacit_protocol::job::PayRule;
use tacit_protocol::question::Release;
use tacit_protocol::release::OutputName;
use tacit_protocol::submission::Submission;
use tacit_scoring::testing::{TestRecord, publish, run_recording};

/// How often the job is computed.
const RUNS: u64 = 300;
/// How often ten people together answer each class, to twelve items.
const TOTALS: [u64; 3] = [40, 40, 40];

/// The sum over all classes of the squared difference between the mean of the noisy totals of all runs and the true total.
/// The nodes skip these checks.
fn squared_error_of_the_mean(skipped: &[Check]) -> f64 {
    let members = cluster_with_keys(3, 1);
    let mut spec = spec(12, 3, 10, PayRule::Flat);
    (spec.sensitive, spec.payout, spec.release) = (true, None, [Release::ClassTotals].into());
    spec.issuers = Some(issuers(1));
    let job = job_of("averaged", spec).unwrap();
    let answers = |c: u32| (0..12).map(|item| (item, (item + c) % 3)).collect::<Vec<_>>();
    let submissions: Vec<Submission> = (0..10).map(|c| submission(&members, &job, c, &answers(c))).collect();
    let records: Vec<TestRecord> = (0..3).map(|_| TestRecord::default()).collect();
    let mut sums = [0i64; 3];
    for seed in 0..RUNS {
        let node = Misbehaviour {
            skipped: skipped.to_vec(),
            ..Misbehaviour::default()
        };
        let world = World::new(members.cluster.access().clone(), seed);
        let world = (0..3).fold(world, |world, me| world.misbehave(me, node.clone()));
        if !skipped.is_empty() {
            // Stores refuse other keys beside a record, too: a second check.
            records.iter().for_each(TestRecord::unrecord);
        }
        let results = run_recording(&world, &members, &job, &submissions, &records);
        let (certificate, _) = publish(&members, NodeSet::all(3), &job, &submissions, results).unwrap();
        let opened = certificate.verify(&members.cluster).unwrap();
        for (sum, total) in sums.iter_mut().zip(opened.get(OutputName::ClassTotals).unwrap()) {
            let word = total.to_u64() as i64;
            *sum += if word > 1 << 60 { word - ((1 << 61) - 1) } else { word };
        }
    }
    let error = |(sum, total): (&i64, &u64)| (*sum as f64 / RUNS as f64 - *total as f64).powi(2);
    sums.iter().zip(&TOTALS).map(error).sum()
}

#[test]
fn without_the_comparison_of_records_the_mean_of_many_runs_tells_the_truth() {
    // Each of three totals has noise of variance 48: the mean of 300 independent ones has 0.16.
    let averaged = squared_error_of_the_mean(&[Check::StoredKeys]);
    assert!(averaged < 3.0, "{averaged}");
    let once = squared_error_of_the_mean(&[]);
    assert!(once > 15.0, "{once}: the noise of the first run stays in every later one");
}
