//! Merging verdicts, disputes, and participants that lie about what everybody can check.

use super::*;
use crate::testing::asked;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::testing::Misbehaviour;
use tacit_mpc_core::testing::sessions::world;
use tacit_protocol::accepted::SubmissionEntry;

fn list(entries: usize) -> Vec<SubmissionEntry> {
    let entry = |index: usize| SubmissionEntry {
        submission: Digest::of("test", &[&index.to_le_bytes()]),
        answers: 1,
    };
    (0..entries).map(entry).collect()
}

fn set(nodes: &[usize]) -> NodeSet {
    nodes.iter().copied().collect()
}

/// What each node gets if node `i` says `said[i]`, as codes; nobody performs the checks in `skipped`.
fn merged(nodes: usize, threshold: usize, said: &[&[u8]], skipped: &[Check]) -> Vec<Result<Vec<Verdict>, ScoringError>> {
    let misbehave = |world: tacit_mpc_core::testing::World, node: usize| {
        let skipped = skipped.to_vec();
        world.misbehave(
            node,
            Misbehaviour {
                skipped,
                ..Misbehaviour::default()
            },
        )
    };
    let world = (0..nodes).fold(world(nodes, threshold, 4), misbehave);
    world.run(|party, network, _| {
        let own: Vec<Verdict> = said[party.me()].iter().map(|code| RejectReason::from_code(*code).into()).collect();
        merge_verdicts(&mut Setup::new(party.clone(), network), &party, asked(&list(own.len())), &own)
    })
}

const WRONG_JOB: u8 = 2;
const UNSEALABLE: u8 = 5;
const MISMATCH: u8 = 6;
const UNDELIVERED: u8 = 9;

#[test]
fn codes_are_those_of_the_reasons() {
    let reasons = [WRONG_JOB, UNSEALABLE, MISMATCH, UNDELIVERED].map(|code| RejectReason::from_code(code).unwrap());
    use RejectReason::{DigestMismatch, NotDelivered, Unsealable, WrongJob};
    assert_eq!(reasons, [WrongJob, Unsealable, DigestMismatch, NotDelivered]);
}

#[test]
fn what_more_than_t_refuse_does_not_count_and_says_who() {
    let said: [&[u8]; 3] = [
        &[0, UNDELIVERED, WRONG_JOB, UNDELIVERED],
        &[0, MISMATCH, WRONG_JOB, WRONG_JOB],
        &[0, 0, WRONG_JOB, UNDELIVERED],
    ];
    for result in merged(3, 1, &said, &[]) {
        let due = [
            Verdict::Accepted,
            Verdict::Refused(RejectReason::DigestMismatch, set(&[0, 1])),
            Verdict::Rejected(RejectReason::WrongJob),
            // One that names a reason of the header is not believed by those that do not have the header.
            Verdict::Refused(RejectReason::NotDelivered, set(&[0, 1, 2])),
        ];
        assert_eq!(result.unwrap(), due);
    }
}

#[test]
fn what_one_to_t_refuse_ends_the_session_and_names_them() {
    for (nodes, threshold) in [(3, 1), (4, 1), (5, 2), (7, 3)] {
        for count in 1..=threshold + 1 {
            let refusing: Vec<usize> = (nodes - count..nodes).collect();
            let said: Vec<&[u8]> = (0..nodes)
                .map(|node| -> &[u8] {
                    if node < nodes - count {
                        &[0, 0, 0]
                    } else {
                        &[0, UNSEALABLE, UNDELIVERED]
                    }
                })
                .collect();
            for (me, result) in merged(nodes, threshold, &said, &[]).into_iter().enumerate() {
                if count > threshold {
                    let by = set(&refusing);
                    let due = [
                        Verdict::Accepted,
                        Verdict::Refused(RejectReason::Unsealable, by),
                        Verdict::Refused(RejectReason::NotDelivered, by),
                    ];
                    assert_eq!(result.unwrap(), due);
                    continue;
                }
                let Err(ScoringError::Disputed(dispute)) = result else {
                    panic!("{result:?}")
                };
                assert_eq!((dispute.refusing, dispute.submissions), (set(&refusing), 2));
                let holding: Vec<usize> = (0..nodes - count).collect();
                let due = if refusing.contains(&me) { set(&holding) } else { set(&refusing) };
                assert_eq!(dispute.suspects, due, "node {me}");
            }
            // Without the check the submissions of which one node says that it cannot use them are gone.
            for result in merged(nodes, threshold, &said, &[Check::Refusals]) {
                assert_eq!(result.unwrap()[1], Verdict::Refused(RejectReason::Unsealable, set(&refusing)));
            }
        }
    }
}

#[test]
fn nobody_is_believed_who_names_a_reason_that_is_not_in_the_header() {
    // Node 2 lies about entry 0, whose header the others know: it calls it bad, or it accepts what is bad.
    for (honest, lie) in [(0, WRONG_JOB), (0, 1), (WRONG_JOB, 0), (WRONG_JOB, 1)] {
        let (honest, lie): ([u8; 1], [u8; 1]) = ([honest], [lie]);
        let said: [&[u8]; 3] = [&honest, &honest, &lie];
        for result in &merged(3, 1, &said, &[])[..2] {
            let Err(ScoringError::Session(error)) = result else {
                panic!("{result:?}")
            };
            assert_eq!(error.suspects(), set(&[2]));
            assert!(error.to_string().contains("everybody can check"), "{error}");
        }
        // Where it is believed, it comes as far as a dispute, or decides by its own word alone.
        for result in &merged(3, 1, &said, &[Check::PublicReasons])[..2] {
            let disputed = matches!(result, Err(ScoringError::Disputed(dispute)) if dispute.refusing == set(&[2]));
            let passed = matches!(result, Ok(verdicts) if honest == [WRONG_JOB] && !verdicts[0].is_accepted());
            assert!(disputed || passed, "{result:?}");
        }
    }
    let said: [&[u8]; 3] = [&[0], &[0], &[WRONG_JOB]];
    for result in merged(3, 1, &said, &[Check::PublicReasons, Check::Refusals]) {
        assert_eq!(result.unwrap(), [Verdict::Rejected(RejectReason::WrongJob)]);
    }
}

#[test]
fn a_node_cannot_say_what_only_all_can_find_out() {
    use RejectReason::{BadSignature, DuplicateSubmission, JobClosed, KeyConflict, MalformedAnswer};
    let of_all = [BadSignature, DuplicateSubmission, JobClosed, KeyConflict, MalformedAnswer].map(RejectReason::code);
    for code in of_all.into_iter().chain([200]) {
        let results = world(3, 1, 4).run(|party, network, _| {
            let mut setup = Setup::new(party.clone(), network);
            if party.me() == 2 {
                let phase = Phase::AcceptedSet.engine();
                setup.agree(phase, "the list of submissions", asked(&list(1)).digest().as_bytes())?;
                setup.broadcast(phase, vec![code], 1)?;
                return Ok(Vec::new());
            }
            merge_verdicts(&mut setup, &party, asked(&list(1)), &[Verdict::Accepted])
        });
        for result in &results[..2] {
            assert!(matches!(
                result,
                Err(ScoringError::Session(SessionError::Malformed { peer: 2, .. }))
            ));
        }
    }
}

#[test]
fn different_lists_are_caught() {
    let results = world(3, 1, 4).run(|party, network, _| {
        let mut list = list(1);
        list[0].answers += u32::from(party.me() == 0);
        merge_verdicts(&mut Setup::new(party.clone(), network), &party, asked(&list), &[Verdict::Accepted])
    });
    assert!(results.iter().all(|result| matches!(
        result,
        Err(ScoringError::Session(SessionError::Disagreement {
            what: "the list of submissions",
            ..
        }))
    )));
}
