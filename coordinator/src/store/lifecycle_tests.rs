//! A job in the store from its opening to its end, with restarts of the process in between.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::{JobState, RejectedAnswer, SubmissionOutcome};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::JobId;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Subject;
use tacit_protocol::submission::SubmissionId;
use tacit_protocol::submission::quota::{NoRoom, Used};

use super::jobs::tests::new_job;
use super::{Conclusion, Ending, NewSubmission, Part, Purged, Receipts, Store, StoredText, UploadOutcome};
use crate::testing::cancellation;

fn text(text: &str) -> StoredText {
    StoredText::written(|to| to.write_all(text.as_bytes())).unwrap()
}

fn submission(id: &JobId, byte: u8) -> NewSubmission {
    NewSubmission {
        job: id.clone(),
        submission_id: SubmissionId::from_bytes([byte; SubmissionId::LEN]),
        upload: Digest::of("upload", &[&[byte]]),
        digest: Digest::of("header", &[&[byte]]),
        answers: 2,
        author: PublicKey::from_bytes([byte; 32]),
        subject: Subject::Key(PublicKey::from_bytes([byte; 32])),
        gold: false,
        header: vec![byte; 10],
        envelopes: (0..3).map(|node| vec![byte, node]).collect(),
    }
}

#[tokio::test]
async fn submissions_are_stored_once_in_order_and_only_while_open() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    let id: JobId = "signs".parse().unwrap();
    let keep = |byte| store.store_submission(submission(&id, byte), |_, _| Ok(()), |sequence| Ok(format!("receipt {sequence}")));
    assert_eq!(keep(1).await.unwrap(), UploadOutcome::NotOpen);
    store.add_job(new_job(&id, 3)).await;
    assert!(matches!(keep(1).await.unwrap(), UploadOutcome::New(known) if known.receipt == "receipt 0"));
    assert!(matches!(keep(2).await.unwrap(), UploadOutcome::New(known) if known.receipt == "receipt 1"));
    let UploadOutcome::Before(known) = keep(1).await.unwrap() else {
        panic!("kept twice")
    };
    assert_eq!((known.sequence, known.receipt.as_str()), (0, "receipt 0"));

    store.close_job(&id).await.unwrap();
    assert_eq!(keep(3).await.unwrap(), UploadOutcome::NotOpen);
    assert!(matches!(keep(2).await.unwrap(), UploadOutcome::Before(_)));
    let list = store.list(&id).await.unwrap();
    assert_eq!(
        list.iter().map(|l| l.submission).collect::<Vec<_>>(),
        [Digest::of("header", &[&[1]]), Digest::of("header", &[&[2]])]
    );
}

#[tokio::test]
async fn deliveries_continue_where_they_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let id: JobId = "signs".parse().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    store.add_job(new_job(&id, 3)).await;
    for byte in 0..5 {
        store
            .store_submission(submission(&id, byte), |_, _| Ok(()), |_| Ok(String::new()))
            .await
            .unwrap();
    }
    let first = store.pending(&id, 1, 0, 2, 1 << 20).await.unwrap();
    assert_eq!(
        first.iter().map(|p| (p.sequence, p.delivery.clone())).collect::<Vec<_>>(),
        [0u8, 1].map(|byte| {
            let header = submission(&id, byte).header;
            (u64::from(byte), [header.as_slice(), &2u64.to_le_bytes(), &[byte, 1]].concat())
        })
    );
    assert_eq!(store.pending(&id, 1, 0, 9, 1).await.unwrap().len(), 1);
    store.delivered(&id, 1, 2, vec![(1, RejectReason::Unsealable)]).await.unwrap();
    drop(store);

    let store = Store::open_unwatched(folder.path()).unwrap();
    assert_eq!(store.deliveries(&id).await.unwrap(), [(true, 0), (true, 2), (true, 0)]);
    assert_eq!(store.refused(&id).await.unwrap(), [(1, 1)]);
    for node in [0, 2] {
        store.delivered(&id, node, 5, Vec::new()).await.unwrap();
    }
    assert_eq!(store.job(&id).await.unwrap().unwrap().delivered, 2);
    store.set_opened(&id, 1, false).await.unwrap();
    assert_eq!(store.deliveries(&id).await.unwrap()[1], (false, 0));

    store.cancel_job(&id, cancellation()).await.unwrap();
    assert_eq!(store.to_forget(0).await.unwrap(), std::slice::from_ref(&id));
    assert_eq!(store.to_forget(1).await.unwrap(), []);
    store.forgotten(&id, 0).await.unwrap();
    assert_eq!(store.to_forget(0).await.unwrap(), []);
    assert_eq!(store.deliveries(&id).await.unwrap()[0], (false, 5));
}

#[tokio::test]
async fn a_job_is_published_once_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let id: JobId = "signs".parse().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    store.add_job(new_job(&id, 3)).await;
    store
        .store_submission(submission(&id, 1), |_, _| Ok(()), |_| Ok(String::new()))
        .await
        .unwrap();
    let outcome = SubmissionOutcome {
        accepted: 1,
        rejected: vec![RejectedAnswer {
            item: "item-1".to_owned(),
            reason: RejectReason::ItemFull,
        }],
        refused_by: vec!["node-1".to_owned()],
    };
    let [mine, theirs] = [1, 2].map(|byte| PublicKey::from_bytes([byte; 32]));
    let conclusion = Conclusion {
        certificate: text("certificate"),
        outcomes: vec![outcome.clone()],
        receipts: Receipts {
            root: b"root".to_vec(),
            records: vec![(mine, b"one".to_vec()), (theirs, b"two".to_vec()), (mine, b"three".to_vec())],
        },
    };
    assert!(!store.conclude(&id, conclusion.clone(), 2).await.unwrap());
    store.close_job(&id).await.unwrap();
    store.begin_attempt(&id).await.unwrap();
    assert!(store.conclude(&id, conclusion.clone(), 2).await.unwrap());
    assert!(!store.conclude(&id, conclusion, 2).await.unwrap());
    assert_eq!(store.outcome(&id, 0).await.unwrap(), None);
    assert_eq!(store.published(&id, Part::Certificate).await.unwrap(), None);
    assert_eq!(store.receipts(&id, mine).await.unwrap(), None);
    drop(store);

    let store = Store::open_unwatched(folder.path()).unwrap();
    assert_eq!(store.certificate(&id).await.unwrap().unwrap(), b"certificate");
    assert!(store.publish(&id, text("result"), text("payouts")).await.unwrap());
    assert!(!store.publish(&id, text("other"), text("other")).await.unwrap());
    let of = |records: &[&[u8]]| Some((b"root".to_vec(), records.iter().map(|one| one.to_vec()).collect()));
    assert_eq!(store.receipts(&id, mine).await.unwrap(), of(&[b"one", b"three"]));
    assert_eq!(store.receipts(&id, theirs).await.unwrap(), of(&[b"two"]));
    assert_eq!(store.receipts(&id, PublicKey::from_bytes([3; 32])).await.unwrap(), of(&[]));
    assert!(!store.cancel_job(&id, cancellation()).await.unwrap());
    for (part, bytes) in [
        (Part::Result, "result"),
        (Part::Payouts, "payouts"),
        (Part::Certificate, "certificate"),
    ] {
        assert_eq!(store.published(&id, part).await.unwrap().unwrap(), bytes.as_bytes());
    }
    assert_eq!(store.outcome(&id, 0).await.unwrap(), Some(outcome));
}

#[tokio::test]
async fn envelopes_are_dropped_when_a_job_has_ended_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    let ids: [JobId; 3] = ["one", "two", "three"].map(|id| id.parse().unwrap());
    for id in &ids {
        store.add_job(new_job(id, 3)).await;
        for byte in 0..100 {
            store
                .store_submission(submission(id, byte), |_, _| Ok(()), |_| Ok("receipt".to_owned()))
                .await
                .unwrap();
        }
    }
    let [one, two, three] = ids;
    assert!(!store.drop_envelopes(&one).await.unwrap());
    assert_eq!(store.pending(&one, 0, 0, 100, 1 << 20).await.unwrap().len(), 100);
    store.cancel_job(&one, cancellation()).await.unwrap();
    store.fail_job(&two, "broken".to_owned()).await.unwrap();
    assert_eq!(store.ended_jobs_with_leftovers().await.unwrap(), [one.clone(), two.clone()]);
    for id in [&one, &two] {
        while store.drop_envelopes(id).await.unwrap() {}
        assert_eq!(store.pending(id, 0, 0, 100, 1 << 20).await.unwrap(), []);
        assert_eq!(store.headers(id).await.unwrap().len(), 100);
        assert_eq!(store.spec(id).await.unwrap(), None, "its items are gone, too");
    }
    // Nodes erase a job for the buyer's signature, and not because it failed.
    assert_eq!(store.to_forget(2).await.unwrap(), std::slice::from_ref(&one));
    assert_eq!(store.ending(&one).await.unwrap(), Some(Ending::Cancelled(cancellation())));
    assert_eq!(store.ending(&two).await.unwrap(), None);
    assert!(!store.cancel_job(&two, cancellation()).await.unwrap());
    assert_eq!(store.to_forget(2).await.unwrap(), [one.clone(), two.clone()]);
    assert_eq!(store.job(&two).await.unwrap().unwrap().state, JobState::Failed);
    assert_eq!(store.ended_jobs_with_leftovers().await.unwrap(), []);
    assert_eq!(store.pending(&three, 0, 0, 100, 1 << 20).await.unwrap().len(), 100);
}

#[tokio::test]
async fn nothing_is_stored_on_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let id: JobId = "signs".parse().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    store.add_job(new_job(&id, 3)).await;
    store.limit_pages(1).await;
    let mut big = submission(&id, 1);
    big.envelopes[0] = vec![0; 1 << 20];
    assert!(matches!(
        store.store_submission(big.clone(), |_, _| Ok(()), |_| Ok(String::new())).await,
        Err(super::StoreError::Database(super::DatabaseError::Full { .. }))
    ));
    store.limit_pages(0).await;
    assert_eq!(store.job(&id).await.unwrap().unwrap().submissions, 0);
    assert!(matches!(
        store
            .store_submission(big, |_, _| Ok(()), |_| Ok("receipt".to_owned()))
            .await
            .unwrap(),
        UploadOutcome::New(_)
    ));
}

#[tokio::test]
async fn what_is_admitted_is_decided_with_what_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    let id: JobId = "signs".parse().unwrap();
    store.add_job(new_job(&id, 3)).await;
    let sent = |byte: u8, subject: u8, gold: bool| NewSubmission {
        subject: Subject::Key(PublicKey::from_bytes([subject; 32])),
        gold,
        ..submission(&id, byte)
    };
    let used = |submissions, answers| Used { submissions, answers };
    for (byte, subject, gold, before) in [
        (1, 1, false, (used(0, 0), 0)),
        (2, 1, false, (used(1, 2), 2)),
        (3, 2, false, (used(0, 0), 4)),
        (4, 3, true, (used(0, 0), 6)),
        (5, 1, false, (used(2, 4), 6)),
    ] {
        let refused = store
            .store_submission(
                sent(byte, subject, gold),
                move |by_subject, in_job| {
                    assert_eq!((by_subject, in_job), before);
                    Err(NoRoom::Job)
                },
                |_| Ok(String::new()),
            )
            .await;
        assert_eq!(refused.unwrap(), UploadOutcome::NoRoom(NoRoom::Job));
        let stored = store.store_submission(sent(byte, subject, gold), |_, _| Ok(()), |_| Ok(String::new()));
        assert!(
            matches!(stored.await.unwrap(), UploadOutcome::New(_)),
            "what was refused left nothing"
        );
    }
}

/// How many files of a store hold these bytes.
fn files_with(folder: &std::path::Path, needle: &[u8]) -> usize {
    let files = std::fs::read_dir(folder).unwrap();
    let bytes = files.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    bytes
        .filter(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
        .count()
}

#[tokio::test]
async fn a_job_that_has_ended_is_purged_at_once_or_after_its_time_and_no_byte_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_unwatched(folder.path()).unwrap();
    let ids: [JobId; 2] = ["one", "two"].map(|id| id.parse().unwrap());
    for id in &ids {
        let mut job = new_job(id, 2);
        job.spec = format!("the items of job {id}").into_bytes();
        store.add_job(job).await;
        let mut one = submission(id, 1);
        one.header = format!("the contributor of job {id}").into_bytes();
        one.envelopes[0] = format!("the envelope of job {id}").into_bytes();
        let receipt = format!("the receipt of job {id}");
        store.store_submission(one, |_, _| Ok(()), move |_| Ok(receipt)).await.unwrap();
    }
    let [one, two] = ids;
    let of = |id: &JobId, what: &str| files_with(folder.path(), format!("the {what} of job {id}").as_bytes());
    let parts = ["items", "envelope", "contributor", "receipt"];
    for part in parts {
        assert!(of(&one, part) > 0 && of(&two, part) > 0, "{part}");
    }
    assert_eq!(store.purge(&one).await.unwrap(), Purged::NotEnded);
    assert_eq!(store.purge(&"none".parse().unwrap()).await.unwrap(), Purged::Unknown);
    store.cancel_job(&one, cancellation()).await.unwrap();
    while store.drop_envelopes(&one).await.unwrap() {}
    store.empty_log().await.unwrap();
    assert_eq!(parts.map(|part| of(&one, part) > 0), [false, false, true, true]);
    store.forgotten(&one, 0).await.unwrap();

    assert_eq!(store.to_purge(60).await.unwrap(), []);
    let backdate = "UPDATE jobs SET changed_at = changed_at - 61 WHERE id = 'one'";
    store.write(move |db| Ok(db.execute(backdate, [])?)).await.unwrap();
    assert_eq!(store.to_purge(60).await.unwrap(), std::slice::from_ref(&one));
    // By another process, while this one runs.
    assert_eq!(Store::purge_in(folder.path(), &one).unwrap(), Purged::Done(vec![1]));
    assert_eq!(parts.map(|part| of(&one, part)), [0; 4]);
    assert_eq!(store.to_purge(60).await.unwrap(), []);
    assert_eq!(store.headers(&one).await.unwrap(), []);
    assert!(!store.add_job(new_job(&one, 2)).await, "its id is used up");
    for part in parts {
        assert!(of(&two, part) > 0, "{part} of the job that is open");
    }
}
