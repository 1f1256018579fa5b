//! What a computation finds in a store that somebody has altered.

use tacit_mpc_core::field::Fp61;
use tacit_protocol::sealing::AtRestKey;

use super::*;
use crate::intake::tests::{delivered, intake, job};

/// For each entry, node 0's verdict and the components that it opens; `None` where they do not open.
fn open(intake: &Intake, job: &Job, list: &[SubmissionEntry]) -> Vec<(Verdict, Option<Vec<Vec<Fp61>>>)> {
    let submissions = NodeSubmissions::look_up(intake, job, list).unwrap();
    let components = |opened: OpenedSubmission| (0..2).map(|position| opened.expand(position).to_vec()).collect();
    let open = |entry: usize| (submissions.verdicts()[entry], submissions.open(entry).map(components));
    (0..list.len()).map(open).collect()
}

fn stored_components(intake: &Intake, job: &Job, digest: &Digest) -> Vec<u8> {
    let mut at = None;
    intake
        .store
        .for_each_stored(job.id(), &[*digest], |_, found| {
            if let StoredSubmission::Accepted(_, components) = found {
                at = Some(components);
            }
        })
        .unwrap();
    intake.store.components(at.unwrap()).unwrap().unwrap()
}

#[test]
fn altered_swapped_and_foreign_rows_do_not_open() {
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
    assert!(
        good.iter()
            .all(|(verdict, components)| verdict.is_accepted() && components.is_some())
    );
    assert!(good[0] != good[1]);

    let sealed: Vec<Vec<u8>> = batch.iter().map(|(digest, _)| stored_components(&intake, &job, digest)).collect();
    let put = |number: i64, sealed: &[u8]| {
        intake
            .store
            .alter("UPDATE components SET sealed = ?2 WHERE number = ?1", &[&number, &sealed]);
    };
    let unopened = vec![(Verdict::Accepted, None), good[1].clone()];
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
    assert!(
        open(&intake, &job, &list) == [(Verdict::Accepted, None), (Verdict::Accepted, None)],
        "pointers swapped"
    );
    intake.store.alter(pointer, &[]);

    // A header that does not match its digest counts as not delivered.
    intake
        .store
        .alter("UPDATE submissions SET body = zeroblob(length(body)) WHERE components = 1", &[]);
    let lost = (Verdict::Rejected(RejectReason::NotDelivered), None);
    assert!(open(&intake, &job, &list) == [lost.clone(), good[1].clone()], "an altered header");

    // The signed header of another submission does not match either.
    let header = "UPDATE submissions SET body = (SELECT body FROM submissions WHERE digest = ?2), components = 1 WHERE digest = ?1";
    intake.store.alter(header, &[batch[0].0.as_bytes(), batch[1].0.as_bytes()]);
    assert!(
        open(&intake, &job, &list) == [lost.clone(), good[1].clone()],
        "the header of another submission"
    );

    // The rows of another node, or of this node under another key.
    intake.at_rest_key = AtRestKey::of(&tacit_protocol::sealing::UnsealingKey::generate(
        tacit_protocol::sealing::Suite::XWing,
        &mut UnwrapErr(SysRng),
    ));
    assert!(
        open(&intake, &job, &list) == [lost.clone(), (Verdict::Accepted, None)],
        "another key"
    );
    // Once that was found in a computation, the row counts as spoilt, and a repair may replace it.
    let submissions = NodeSubmissions::look_up(&intake, &job, &list).unwrap();
    submissions.note_unopened().unwrap();
    let spoilt = (Verdict::Rejected(RejectReason::Unsealable), None);
    assert!(open(&intake, &job, &list) == [lost, spoilt]);
    let lacking = NodeSubmissions::look_up(&intake, &job, &list).unwrap().lacking();
    assert_eq!(lacking, [batch[0].0, batch[1].0]);
}
