//! Folders of a first run, of later ones, and of answers that are sealed again.

use tacit_mpc_core::digest::Digest;

use super::*;

fn plan(contributor: &str, answers: u8) -> Plan {
    let digest = Digest::of("test", &[]);
    let answers = Digest::of("test", &[&[answers]]);
    Plan {
        cluster: digest,
        job: "j-1".parse().unwrap(),
        job_digest: digest,
        contributor: contributor.into(),
        answers,
        first: 0,
        submissions: 2,
        replaced: Vec::new(),
    }
}

fn current(state: &State) -> Vec<usize> {
    state.plan().current().collect()
}

#[test]
fn a_second_run_goes_on_only_with_the_same_plan() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("me.key");
    let state = State::open(&key, plan("me", 1)).unwrap();
    let place = folder.path().join("me.key.j-1.d");
    assert_eq!(state.folder(), place);
    assert_eq!(State::open(&key, plan("me", 1)).unwrap_err(), StateError::Running(place.clone()));
    drop(state);
    let state = State::stored(&key, &"j-1".parse().unwrap()).unwrap().unwrap();
    assert_eq!((state.plan().contributor(), current(&state)), ("me", vec![0, 1]));
    drop(state);
    assert!(State::stored(&key, &"j-2".parse().unwrap()).unwrap().is_none());
    assert!(!folder.path().join("me.key.j-2.d").exists());
    assert!(State::open(&key, plan("me", 1)).is_ok());
    assert_eq!(
        State::open(&key, plan("me", 2)).unwrap_err(),
        StateError::OtherAnswers(place.clone())
    );
    let other = StateError::OtherContributor {
        folder: place.clone(),
        contributor: "me".into(),
    };
    assert_eq!(State::open(&key, plan("you", 1)).unwrap_err(), other);
    let other = Plan {
        job_digest: Digest::of("other", &[]),
        ..plan("me", 1)
    };
    assert_eq!(State::open(&key, other).unwrap_err(), StateError::OtherJob(place.clone()));

    let state = State::open(&key, plan("me", 1)).unwrap();
    assert_eq!(state.submission(0), Ok(None));
    assert_eq!(state.receipt(0), Ok(None));
    std::fs::write(place.join("0001.submission"), b"half").unwrap();
    assert_eq!(state.submission(0), Err(StateError::Damaged(place.join("0001.submission"))));
}

#[test]
fn other_answers_are_taken_once_everything_that_was_made_is_withdrawn() {
    use tacit_protocol::fixtures::{cluster_with_keys, job, submission};
    use tacit_protocol::job::PayRule;
    let (members, job) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("me.key");
    let state = State::open(&key, plan("me", 1)).unwrap();
    state.store_submission(0, &submission(&members, &job, 0, &[(0, 1)])).unwrap();
    state.store_submission(1, &submission(&members, &job, 0, &[(1, 1)])).unwrap();
    state.store_withdrawal(0, &StoredWithdrawal::default()).unwrap();
    drop(state);
    let place = folder.path().join("me.key.j-1.d");
    assert_eq!(State::open(&key, plan("me", 2)).unwrap_err(), StateError::OtherAnswers(place));
    let state = State::open(&key, plan("me", 1)).unwrap();
    state.store_withdrawal(1, &StoredWithdrawal::default()).unwrap();
    drop(state);
    let state = State::open(&key, plan("me", 2)).unwrap();
    assert_eq!((current(&state), state.plan().all()), (vec![2, 3], 0..4));
    assert_eq!(state.submission(2), Ok(None));
    drop(state);
    // Nothing of the new answers is made yet: they go on as they are.
    let state = State::open(&key, plan("me", 2)).unwrap();
    assert_eq!(current(&state), [2, 3]);
}

#[test]
fn answers_that_are_sealed_again_get_other_indices_and_are_taken_back_together() {
    use tacit_protocol::fixtures::{cluster_with_keys, job, submission};
    use tacit_protocol::job::PayRule;
    let (members, job) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("me.key");
    let mut state = State::open(&key, plan("me", 1)).unwrap();
    state.replace([1]).unwrap();
    state.replace([]).unwrap();
    state.replace([2, 0]).unwrap();
    drop(state);
    let mut state = State::open(&key, plan("me", 1)).unwrap();
    assert_eq!((current(&state), state.plan().all()), (vec![4, 3], 0..5));
    assert_eq!(state.plan().replacements(1).collect::<Vec<_>>(), [2, 3]);
    let is_current: Vec<bool> = (0..6).map(|index| state.plan().is_current(index)).collect();
    assert_eq!(is_current, [false, false, false, true, true, false]);
    for index in state.plan().all() {
        state.store_submission(index, &submission(&members, &job, 0, &[(0, 1)])).unwrap();
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
    // Other answers are taken once the replaced submissions are withdrawn, too.
    for index in [1, 3, 4] {
        state.store_withdrawal(index, &StoredWithdrawal::default()).unwrap();
    }
    assert_eq!(state.is_withdrawn(), Ok(false));
    state.store_withdrawal(0, &StoredWithdrawal::default()).unwrap();
    drop(state);
    state = State::open(&key, plan("me", 2)).unwrap();
    assert_eq!((current(&state), state.plan().all()), (vec![5, 6], 0..7));
    drop(state);

    // A damaged plan does not send the client round in circles.
    let plan = Plan {
        replaced: vec![2, 3, 2, 0],
        ..plan("me", 1)
    };
    assert_eq!(plan.current().collect::<Vec<_>>(), [5, 1]);
}

#[cfg(unix)]
#[test]
fn the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("k"), plan("me", 1)).unwrap();
    assert_eq!(std::fs::metadata(state.folder()).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(
        std::fs::metadata(state.folder().join("plan.json")).unwrap().permissions().mode() & 0o777,
        0o600
    );
}
