//! Folders of a first run, of later ones, and of answers that are sealed again.

use std::collections::BTreeMap;

use tacit_mpc_core::digest::Digest;
use tacit_protocol::fixtures::{cluster_with_keys, job, submission};
use tacit_protocol::job::PayRule;

use super::*;

fn plan(contributor: &str) -> Plan {
    let digest = Digest::of("test", &[]);
    Plan {
        cluster: digest,
        job: "j-1".parse().unwrap(),
        job_digest: digest,
        contributor: contributor.into(),
        gold: None,
        submissions: 0,
        replaced: BTreeMap::new(),
    }
}

fn gold(answers: u8) -> Plan {
    Plan {
        gold: Some(Digest::of("test", &[&[answers]])),
        submissions: 2,
        ..plan("gold")
    }
}

fn current(state: &State) -> Vec<usize> {
    state.plan().current().collect()
}

/// Makes submission `index`, of one answer to item `item`.
fn make(state: &State, index: usize, item: u32) {
    let (members, job) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat));
    state.store_submission(index, &submission(&members, &job, 0, &[(item, 1)])).unwrap();
}

#[test]
fn a_second_run_goes_on_with_the_same_job_whoever_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("me.key");
    let state = State::open(&key, plan("me")).unwrap();
    let place = folder.path().join("me.key.j-1.d");
    assert_eq!(state.folder(), place);
    assert_eq!(State::open(&key, plan("me")).unwrap_err(), StateError::Running(place.clone()));
    drop(state);
    let state = State::stored(&key, &"j-1".parse().unwrap()).unwrap().unwrap();
    assert_eq!(state.plan().contributor(), "me");
    assert_eq!(state.made_as(), Ok(None));
    drop(state);
    assert!(State::stored(&key, &"j-2".parse().unwrap()).unwrap().is_none());
    assert!(!folder.path().join("me.key.j-2.d").exists());
    // Nothing that was sent bears the name, so nothing keeps it.
    drop(State::open(&key, plan("you")).unwrap());
    let state = State::stored(&key, &"j-1".parse().unwrap()).unwrap().unwrap();
    assert_eq!(state.plan().contributor(), "you");
    drop(state);
    let other = Plan {
        job_digest: Digest::of("other", &[]),
        ..plan("me")
    };
    assert_eq!(State::open(&key, other).unwrap_err(), StateError::OtherJob(place.clone()));

    let state = State::open(&key, plan("me")).unwrap();
    assert_eq!(state.submission(0), Ok(None));
    assert_eq!(state.receipt(0), Ok(None));
    let missing = place.join("0001.digests.json");
    assert_eq!(state.answer_digests(0), Err(StateError::Damaged(missing)));
    let digests = [Digest::of("one", &[]), Digest::of("two", &[])];
    state.store_answer_digests(0, &digests).unwrap();
    assert_eq!(state.answer_digests(0), Ok(digests.to_vec()));
    std::fs::write(place.join("0001.submission"), b"half").unwrap();
    assert_eq!(state.submission(0), Err(StateError::Damaged(place.join("0001.submission"))));
}

#[test]
fn every_sitting_adds_submissions_and_an_index_without_one_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("me.key");
    let mut state = State::open(&key, plan("me")).unwrap();
    assert_eq!(state.add(2), Ok(0..2));
    make(&state, 0, 0);
    drop(state);
    // The run ended before it made the second one.
    let mut state = State::open(&key, plan("me")).unwrap();
    assert_eq!((current(&state), state.plan().all()), (vec![0, 1], 0..2));
    assert_eq!(state.add(1), Ok(1..2));
    make(&state, 1, 1);
    assert_eq!(state.add(0), Ok(2..2));
    state.add(3).unwrap();
    drop(state);
    let mut state = State::open(&key, plan("me")).unwrap();
    assert_eq!(state.plan().all(), 0..5);
    state.add(0).unwrap();
    drop(state);
    let state = State::stored(&key, &"j-1".parse().unwrap()).unwrap().unwrap();
    assert_eq!(state.plan().all(), 0..2);
    assert!(state.made_as().unwrap().is_some());
}

#[test]
fn gold_answers_never_change_and_keep_their_indices() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("gold.key");
    let mut state = State::open(&key, gold(1)).unwrap();
    assert_eq!(current(&state), [0, 1]);
    make(&state, 0, 0);
    state.replace([0]).unwrap();
    assert_eq!((current(&state), state.plan().all()), (vec![2, 1], 0..3));
    drop(state);
    let place = folder.path().join("gold.key.j-1.d");
    assert_eq!(State::open(&key, gold(2)).unwrap_err(), StateError::OtherGold(place.clone()));
    assert_eq!(State::open(&key, plan("gold")).unwrap_err(), StateError::OtherGold(place));
    assert_eq!(current(&State::open(&key, gold(1)).unwrap()), [2, 1]);
}

#[test]
fn answers_that_are_sealed_again_get_other_indices_and_are_taken_back_together() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("me.key");
    let mut state = State::open(&key, plan("me")).unwrap();
    state.add(2).unwrap();
    make(&state, 0, 0);
    make(&state, 1, 1);
    state.replace([1]).unwrap();
    state.replace([]).unwrap();
    state.replace([2, 0]).unwrap();
    drop(state);
    let state = State::open(&key, plan("me")).unwrap();
    assert_eq!((current(&state), state.plan().all()), (vec![4, 3], 0..5));
    assert_eq!(state.plan().replacements(1).collect::<Vec<_>>(), [2, 3]);
    let is_current: Vec<bool> = (0..6).map(|index| state.plan().is_current(index)).collect();
    assert_eq!(is_current, [false, false, false, true, true, false]);
    let is_original: Vec<bool> = state.plan().all().map(|index| state.plan().is_original(index)).collect();
    assert_eq!(is_original, [true, true, false, false, false]);
    for index in state.plan().all() {
        make(&state, index, 0);
    }
    let taken_back = |state: &State| {
        state
            .plan()
            .all()
            .map(|index| state.is_taken_back(index).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(taken_back(&state), [false; 5]);
    state.store_withdrawal(2, &StoredWithdrawal::default()).unwrap();
    assert_eq!(taken_back(&state), [false, true, true, true, false]);

    // A damaged plan does not send the client round in circles.
    let plan = Plan {
        submissions: 4,
        replaced: [(0, 2), (2, 0), (1, 1)].into(),
        ..plan("me")
    };
    assert_eq!(plan.current().collect::<Vec<_>>(), [3]);
    assert_eq!(plan.same_answers(0).collect::<Vec<_>>(), [0, 2]);
    assert_eq!(plan.same_answers(2).collect::<Vec<_>>(), [2, 0]);
}

#[cfg(unix)]
#[test]
fn the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("k"), plan("me")).unwrap();
    assert_eq!(std::fs::metadata(state.folder()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(
        std::fs::metadata(state.folder().join("plan.json")).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
