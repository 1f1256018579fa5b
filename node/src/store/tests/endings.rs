//! How jobs end, what is left of them in the files of the store, and what becomes of keys.

use super::*;

/// All files of a store, whole.
fn files(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() {
            files(&path)
        } else {
            std::fs::read(path).unwrap()
        });
    }
    bytes
}

fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn of_a_job_that_has_ended_no_byte_is_left_and_of_an_open_one_all() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    let other = Job::sign(&cluster_digest(), "other".parse().unwrap(), job.to_signed_spec().spec, &buyer_key()).unwrap();
    let text = |n: u8, what: &str| format!("{what} of submission {n}, which is not to stay").into_bytes();
    let stored = |n: u8| NewSubmission {
        header: text(n, "header"),
        sealed: text(n, "components"),
        ..submission(n, None)
    };
    for (of, first) in [(&job, 0), (&other, 100)] {
        store.open_job(of, &spec, &Room::default()).unwrap();
        let submissions: Vec<NewSubmission> = (first..first + 50).map(stored).collect();
        assert!(store.store_submissions(of, 3, &submissions).unwrap().iter().all(Option::is_none));
    }
    let keys = [&job, &other].map(|job| *store.key(job).unwrap().to_bytes());
    let sealed_spec: Vec<u8> = store
        .read(|c| c.query_row("SELECT spec FROM spec_1", [], |row| row.get(0)))
        .unwrap();
    assert!(
        store
            .store_noise_keys(&job, b"the sealed keys of the noise of the first job", None)
            .unwrap()
    );
    let mut of_job = vec![sealed_spec, b"the sealed keys of the noise".to_vec(), keys[0].to_vec()];
    let of = |first: u8| (first..first + 50).flat_map(|n| [text(n, "header"), text(n, "components")]);
    of_job.extend(of(0));
    let before = files(folder.path());
    assert!(of_job.iter().all(|needle| has(&before, needle)));
    assert!(!has(&before, &spec), "specs are sealed, too");

    // Of what was withdrawn the signature is left, and the rest is there.
    let withdrawal = NewWithdrawal {
        digest: stored(7).digest,
        author: stored(7).author.unwrap(),
        signature: Signature::from_bytes([0x5a; 64]),
    };
    let room_taken = || store.read(|c| c.query_row("SELECT answers FROM jobs WHERE number = 1", [], |row| row.get::<_, i64>(0)));
    assert_eq!(room_taken().unwrap(), 50);
    assert_eq!(store.withdraw(&job, 3, &withdrawal, false).unwrap(), Withdrawn::Erased);
    assert_eq!(store.withdraw(&job, 3, &withdrawal, false).unwrap(), Withdrawn::Erased);
    assert_eq!(room_taken().unwrap(), 49, "its room is free, once");
    let without = files(folder.path());
    let lost: Vec<&Vec<u8>> = of_job.iter().filter(|needle| !has(&without, needle)).collect();
    assert_eq!(lost, [&text(7, "header"), &text(7, "components")]);
    assert!(has(&without, &[0x5a; 64]));
    of_job.push(vec![0x5a; 64]);

    store.end(&job, Ended::Certified(Digest::of("set", &[]))).unwrap();
    let after = files(folder.path());
    for needle in &of_job {
        assert!(!has(&after, needle), "{}", String::from_utf8_lossy(needle));
    }
    assert!(
        of(100).all(|needle| has(&after, &needle)) && has(&after, &keys[1]),
        "the other job is whole"
    );
    assert!(matches!(store.key(&job), Err(StoreError::Ended(_))));
    store.end_again(job.id()).unwrap();
    assert!(store.has_ended(job.id()).unwrap() && !store.has_ended(other.id()).unwrap());
}

#[test]
fn the_key_of_a_job_that_has_ended_is_destroyed_at_the_start_wherever_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let (job, spec) = job();
    let path = folder.path().join("job-keys").join(job.digest().to_string());
    let key;
    {
        let store = open(folder.path()).unwrap();
        store.open_job(&job, &spec, &Room::default()).unwrap();
        key = std::fs::read(&path).unwrap();
        store.end(&job, Ended::Cancelled).unwrap();
    }
    // Somebody has put a copy of the folder of keys in place.
    std::fs::write(&path, key).unwrap();
    drop(open(folder.path()).unwrap());
    assert!(!path.exists());
}

#[test]
fn an_ending_that_was_cut_off_is_finished_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (job, spec) = job();
    let key;
    {
        let store = open(folder.path()).unwrap();
        store.open_job(&job, &spec, &Room::default()).unwrap();
        store.store_submissions(&job, 3, &[submission(1, None)]).unwrap();
        key = *store.key(&job).unwrap().to_bytes();
        // It was recorded that the job has ended, and then the process was killed.
        store.alter("UPDATE jobs SET ended = 'cancelled'", &[]);
    }
    assert!(has(&files(folder.path()), &key));
    let store = open(folder.path()).unwrap();
    assert!(!has(&files(folder.path()), &key));
    assert!(matches!(store.key(&job), Err(StoreError::Ended(_))));
    assert_eq!(found(&store, &job, &submission(1, None).digest), None);
    assert_eq!(store.open_job(&job, &spec, &Room::default()).unwrap(), OpenedJob::Ended);
}

#[test]
fn a_job_whose_key_is_gone_is_opened_anew_unless_something_was_released_of_it() {
    for released in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (job, spec) = job();
        {
            let store = open(folder.path()).unwrap();
            store.open_job(&job, &spec, &Room::default()).unwrap();
            store.store_submissions(&job, 3, &[submission(1, None)]).unwrap();
            if released {
                let recorded = store.record_release(&job, &Digest::of("set", &[]), &[]).unwrap();
                assert_eq!(recorded, Recorded::ThisSet);
            }
        }
        std::fs::remove_file(folder.path().join("job-keys").join(job.digest().to_string())).unwrap();
        let store = open(folder.path()).unwrap();
        assert!(store.job(job.id(), &cluster_digest()).unwrap().is_none());
        let opened = store.open_job(&job, &spec, &Room::default()).unwrap();
        let expected = if released {
            OpenedJob::Ended
        } else {
            OpenedJob::Open(job.digest())
        };
        assert_eq!(opened, expected);
        assert_eq!(found(&store, &job, &submission(1, None).digest), None);
    }
}

#[test]
fn a_key_without_a_job_stays_until_it_is_as_old_as_a_job_may_be() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    // Somebody has put an older copy of the store in place: it does not know the newest job.
    let path = folder.path().join("job-keys").join(job().0.digest().to_string());
    std::fs::write(&path, [7; 32]).unwrap();
    let store = open(folder.path()).unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(store.erase_unused_keys(hour).unwrap(), 0);
    assert!(path.exists());
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(std::time::SystemTime::now() - 2 * hour).unwrap();
    // The key of an open job is as old as it may be.
    let other = Job::sign(
        &cluster_digest(),
        "other".parse().unwrap(),
        job().0.to_signed_spec().spec,
        &buyer_key(),
    )
    .unwrap();
    store.open_job(&other, &job().1, &Room::default()).unwrap();
    assert_eq!(store.erase_unused_keys(hour).unwrap(), 1);
    assert!(!path.exists() && store.key(&other).is_ok());
}

#[test]
fn a_job_that_is_opened_again_beside_an_older_store_keeps_its_key() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()).unwrap());
    let (job, spec) = job();
    let path = folder.path().join("job-keys").join(job.digest().to_string());
    std::fs::write(&path, [7; 32]).unwrap();
    // The coordinator opens the job again by itself, before anybody has put the right store back.
    let store = open(folder.path()).unwrap();
    store.open_job(&job, &spec, &Room::default()).unwrap();
    assert_eq!(
        std::fs::read(&path).unwrap(),
        [7; 32],
        "what was sealed with it can still be opened"
    );
    assert!(store.job(job.id(), &cluster_digest()).unwrap().is_some());
}

#[test]
fn a_certificate_of_another_set_ends_the_job_and_leaves_the_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec, &Room::default()).unwrap();
    let [recorded, certified] = [b"1", b"2"].map(|set| Digest::of("set", &[set]));
    store.record_release(&job, &recorded, &[]).unwrap();
    store.end(&job, Ended::Certified(certified)).unwrap();
    assert!(store.has_ended(job.id()).unwrap() && matches!(store.key(&job), Err(StoreError::Ended(_))));
    let kept: [u8; 32] = store
        .read(|c| c.query_row("SELECT released FROM jobs", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(Digest::from_bytes(kept), recorded);
}

#[test]
fn only_a_job_that_holds_nothing_is_dropped_without_an_ending() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec, &Room::default()).unwrap();
    assert!(store.unopen(&job).unwrap());
    assert!(store.job(job.id(), &cluster_digest()).unwrap().is_none() && !store.has_ended(job.id()).unwrap());
    store.open_job(&job, &spec, &Room::default()).unwrap();
    store.store_submissions(&job, 3, &[submission(1, None)]).unwrap();
    assert!(!store.unopen(&job).unwrap());
    assert!(store.job(job.id(), &cluster_digest()).unwrap().is_some());
}

#[test]
fn jobs_grow_old() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let (job, spec) = job();
    store.open_job(&job, &spec, &Room::default()).unwrap();
    assert_eq!(store.older_than(60).unwrap(), []);
    store.alter("UPDATE jobs SET opened_at = opened_at - 61", &[]);
    assert_eq!(store.older_than(60).unwrap(), [(job.id().clone(), job.digest())]);
    store.end(&job, Ended::TooOld).unwrap();
    assert_eq!(store.older_than(60).unwrap(), []);
}
