//! What a computation finds in a store that somebody has altered, or that an earlier release has written.

use tacit_mpc_core::field::Fp61;
use tacit_protocol::sealing::AtRestKey;

use super::*;
use crate::intake::tests::{delivered, intake, job};

/// What node 0 opens of the list, component by component; none where it does not open.
fn open(intake: &Intake, job: &Job, list: &[SubmissionEntry]) -> Vec<(u8, Option<Vec<Vec<Fp61>>>)> {
    let kept = Kept::look_up(intake, job, list).unwrap();
    let components = |opened: OpenedSubmission| (0..2).map(|position| opened.expand(position).to_vec()).collect();
    let open = |entry: usize| (kept.verdicts()[entry], kept.open(entry).map(components));
    (0..list.len()).map(open).collect()
}

#[test]
fn altered_swapped_and_foreign_rows_do_not_open_and_those_of_earlier_releases_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut intake = intake(folder.path());
    let (job, spec) = job(2);
    intake.store.open_job(&job, &spec).unwrap();
    let batch = [delivered(&intake, &job, 0), delivered(&intake, &job, 0)];
    assert_eq!(intake.deliver(&job, &batch).unwrap(), [None, None]);
    let listed = |(digest, _): &(Digest, Vec<u8>)| SubmissionEntry {
        submission: *digest,
        answers: 1,
    };
    let list = [listed(&batch[0]), listed(&batch[1])];
    let good = open(&intake, &job, &list);
    assert!(good.iter().all(|(verdict, components)| *verdict == 0 && components.is_some()));
    assert!(good[0] != good[1]);

    let sealed: Vec<Vec<u8>> = (1..=2).map(|number| intake.store.components(number).unwrap().unwrap()).collect();
    let put = |number: i64, sealed: &[u8]| {
        intake
            .store
            .alter("UPDATE components SET sealed = ?2 WHERE number = ?1", &[&number, &sealed])
    };
    let unopened = vec![(0, None), good[1].clone()];
    for position in [0, sealed[0].len() / 2, sealed[0].len() - 1] {
        let mut altered = sealed[0].clone();
        altered[position] ^= 1;
        put(1, &altered);
        assert!(open(&intake, &job, &list) == unopened, "byte {position}");
    }
    put(1, &sealed[0][..sealed[0].len() - 1]);
    assert!(open(&intake, &job, &list) == unopened, "cut short");
    put(1, &sealed[1]);
    assert!(open(&intake, &job, &list) == unopened, "the row of another submission");
    put(1, &sealed[0]);
    assert!(open(&intake, &job, &list) == good, "put back");
    let pointer = "UPDATE submissions SET components = 3 - components";
    intake.store.alter(pointer, &[]);
    assert!(open(&intake, &job, &list) == [(0, None), (0, None)], "pointers swapped");
    intake.store.alter(pointer, &[]);

    // A header that is not the one of its digest is as good as none.
    intake
        .store
        .alter("UPDATE submissions SET body = zeroblob(length(body)) WHERE components = 1", &[]);
    let lost = (RejectReason::NotDelivered.code(), None);
    assert!(open(&intake, &job, &list) == [lost, good[1].clone()], "an altered header");

    // As a release before this one kept it: the whole delivery, opened with the key for envelopes.
    let whole = "UPDATE submissions SET body = ?2, components = NULL WHERE digest = ?1";
    intake.store.alter(whole, &[batch[0].0.as_bytes(), &batch[0].1]);
    assert!(open(&intake, &job, &list) == good, "a delivery kept whole");
    intake.store.alter(whole, &[batch[0].0.as_bytes(), &batch[1].1]);
    let replaced = &open(&intake, &job, &list)[0];
    assert_eq!(replaced.0, RejectReason::NotDelivered.code(), "another delivery kept in its place");
    assert!(replaced.1.is_none());
    intake.store.alter(whole, &[batch[0].0.as_bytes(), &batch[0].1]);

    // Another node's rows, or this node's under another key.
    intake.resting = AtRestKey::of(&tacit_protocol::sealing::UnsealingKey::generate(
        tacit_protocol::sealing::Suite::XWing,
        &mut UnwrapErr(SysRng),
    ));
    assert!(open(&intake, &job, &list) == [good[0].clone(), (0, None)], "another key");
}
