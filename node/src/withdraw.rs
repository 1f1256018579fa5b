//! A contributor takes a submission back: this node erases its components at once, and signs that it has.

use tacit_protocol::codec::decode;
use tacit_protocol::control::{Refusal, Reply};
use tacit_protocol::identity::{Purpose, SecretKey, Signature, Signed};
use tacit_protocol::job::Job;
use tacit_protocol::submission::Header;
use tacit_protocol::withdrawal::{Erasure, Withdrawal};
use tracing::info;

use crate::intake::Intake;
use crate::store::{Author, NewWithdrawal, StoreError, Withdrawn};

/// Erases the submission of this encoded signed header, if the key that has signed it has signed the withdrawal, too. `computed` says that the
/// job is being computed. Repeating the request gives the same receipt. Blocks on the disk.
///
/// # Errors
/// The withdrawal is not signed, the job is computed, there is no room to note it, or the store fails.
pub(crate) fn withdraw(
    intake: &Intake,
    key: &SecretKey,
    job: &Job,
    (header, signature): (&[u8], &Signature),
    computed: bool,
) -> Result<Reply, Refusal> {
    let malformed = |error: &dyn std::fmt::Display| Refusal::Malformed(format!("the withdrawal: {error}"));
    let header: Signed<Header> = decode(header, "a header").map_err(|error| malformed(&error))?;
    Withdrawal::check(&header, signature, &intake.cluster, job).map_err(|error| malformed(&error))?;
    let erasure = Erasure::of(&header.value);
    // The record is checked here; the store looks again when it erases.
    intake.store.released(job).map_err(StoreError::into_refusal)?;
    let withdrawal = NewWithdrawal {
        digest: erasure.submission,
        author: Author::of(job, &header.value.statement),
        signature: *signature,
    };
    let nodes = intake.cluster.nodes().len();
    let withdrawn = intake.store.withdraw(job, nodes, &withdrawal, computed);
    match withdrawn.map_err(StoreError::into_refusal)? {
        Withdrawn::Erased => {}
        Withdrawn::Frozen => return Err(Refusal::Frozen(job.id().clone())),
        Withdrawn::NotOpen => return Err(Refusal::UnknownJob(job.id().clone())),
        Withdrawn::Full => {
            return Err(Refusal::Policy {
                rule: "quota".to_owned(),
                detail: "more submissions of this contributor, or of this job, are withdrawn that never came here than a node notes"
                    .to_owned(),
            });
        }
    }
    info!(job = %job.id(), submission = %erasure.submission, "a submission was withdrawn and is erased");
    Ok(Reply::Withdrawn(Box::new(Signed::new(erasure, Purpose::Erasure, key))))
}

#[cfg(test)]
mod tests {
    use rand::rand_core::UnwrapErr;
    use rand::rngs::SysRng;
    use tacit_mpc_core::digest::Digest;
    use tacit_protocol::accepted::SubmissionEntry;
    use tacit_protocol::check::{Check, skip};
    use tacit_protocol::codec::encode;
    use tacit_protocol::fixtures::{cluster_with_keys, contributor_key, share};
    use tacit_protocol::peer::{Answer, Question, Wanted};
    use tacit_protocol::question::Answer as Given;
    use tacit_protocol::reject::RejectReason;
    use tacit_protocol::submission::Submission;

    use super::*;
    use crate::repair::{Need, Peers, repair};
    use crate::store::{Recorded, Room, StoredSubmission};
    use crate::supply::supply;
    use crate::testing::{intake, job};

    struct Bench {
        intake: Intake,
        job: std::sync::Arc<Job>,
        node: SecretKey,
        _folder: tempfile::TempDir,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let intake = intake(folder.path());
            let (job, spec) = job(3);
            intake.store.open_job(&job, &spec, &Room::default()).unwrap();
            Self {
                job: intake.store.job(job.id(), &intake.cluster.digest()).unwrap().unwrap(),
                intake,
                node: cluster_with_keys(3, 1).identities[0].clone(),
                _folder: folder,
            }
        }

        fn submission(&self, contributor: u32) -> Submission {
            let answers = [(0, Given::Class(1)), (2, Given::Class(0))];
            let (name, key) = (format!("c{contributor}"), contributor_key(contributor));
            share(&self.intake.cluster, &self.job, &name, &key, &answers, &mut UnwrapErr(SysRng)).unwrap()
        }

        fn deliver(&self, submission: &Submission) -> Option<RejectReason> {
            let delivery = submission.delivery(0).unwrap();
            let digest = delivery.header.value.digest();
            self.intake.deliver(&self.job, &[(digest, encode(&delivery))]).unwrap()[0]
        }

        fn withdraw(&self, submission: &Submission, by: u32, frozen: bool) -> Result<Reply, Refusal> {
            let signature = Withdrawal::of(&submission.header.value).sign(&contributor_key(by));
            let header = encode(&submission.header);
            withdraw(&self.intake, &self.node, &self.job, (&header, &signature), frozen)
        }

        fn supplied(&self, submission: &Submission) -> Answer {
            let question = Question {
                job: self.job.id().clone(),
                terms: self.job.digest(),
                wanted: vec![Wanted {
                    submission: submission.header.value.digest(),
                    header: true,
                    components: vec![2],
                }],
            };
            supply(&self.intake, 1, &question)
        }
    }

    /// A peer that supplies all of one submission, as another node that holds it would.
    struct Holder<'a>(&'a Intake);

    impl Peers for Holder<'_> {
        fn ask(&self, _: usize, question: &Question) -> Option<Answer> {
            Some(supply(self.0, 0, question))
        }
    }

    #[test]
    fn what_is_withdrawn_is_erased_and_never_taken_again() {
        let bench = Bench::new();
        let [mine, other] = [1, 2].map(|c| bench.submission(c));
        assert_eq!([bench.deliver(&mine), bench.deliver(&other)], [None, None]);
        let Ok(Reply::Withdrawn(receipt)) = bench.withdraw(&mine, 1, false) else {
            panic!("no receipt")
        };
        assert_eq!(Erasure::signer(&receipt, &bench.intake.cluster, &mine.header.value), Some(0));
        assert_eq!(bench.deliver(&mine), Some(RejectReason::Withdrawn));
        let digest = mine.header.value.digest();
        let mut found = None;
        let each = |_, one: StoredSubmission<'_>| found = Some(matches!(one, StoredSubmission::Rejected(RejectReason::Withdrawn)));
        bench.intake.store.for_each_stored(bench.job.id(), &[digest], each).unwrap();
        assert_eq!(found, Some(true));
        let Answer::Parts(parts) = bench.supplied(&mine) else {
            panic!("no parts")
        };
        assert!(parts[0].header.is_empty() && parts[0].payloads.iter().all(Vec::is_empty));
        let Answer::Parts(parts) = bench.supplied(&other) else {
            panic!("no parts")
        };
        assert!(!parts[0].header.is_empty(), "what others have sent is there");
        // Also when the job is computed, it answers the same again.
        assert_eq!(bench.withdraw(&mine, 1, true), Ok(Reply::Withdrawn(receipt)));
        // A node that was not delivered it takes it back all the same, and no peer brings it.
        let late = Bench::new();
        assert!(matches!(late.withdraw(&other, 2, false), Ok(Reply::Withdrawn(_))));
        let digest = other.header.value.digest();
        let repaired = repair(&late.intake, &late.job, &[digest], Need::Listed, &Holder(&bench.intake)).unwrap();
        assert_eq!(repaired.repaired, 0);
        assert_eq!(late.deliver(&other), Some(RejectReason::Withdrawn));
    }

    #[test]
    fn what_somebody_else_signs_or_comes_too_late_changes_nothing() {
        let all_checks = skip(&[]);
        let bench = Bench::new();
        let [mine, other] = [1, 2].map(|c| bench.submission(c));
        bench.deliver(&mine);
        assert!(matches!(bench.withdraw(&mine, 2, false), Err(Refusal::Malformed(_))));
        // The withdrawal of one submission is none of another.
        let signature = Withdrawal::of(&other.header.value).sign(&contributor_key(1));
        let replayed = withdraw(&bench.intake, &bench.node, &bench.job, (&encode(&mine.header), &signature), false);
        assert!(matches!(replayed, Err(Refusal::Malformed(_))));
        assert_eq!(bench.withdraw(&mine, 1, true), Err(Refusal::Frozen(bench.job.id().clone())));
        assert_eq!(bench.deliver(&mine), None);
        // Without the check, the node erases what somebody else takes back.
        drop(all_checks);
        let _skipped = skip(&[Check::Withdrawals]);
        assert!(matches!(bench.withdraw(&mine, 2, false), Ok(Reply::Withdrawn(_))));
        assert_eq!(bench.deliver(&mine), Some(RejectReason::Withdrawn));
    }

    #[test]
    fn a_release_is_recorded_before_a_withdrawal_or_after_it_and_never_with_it() {
        let bench = Bench::new();
        let [mine, other] = [1, 2].map(|c| bench.submission(c));
        assert_eq!([bench.deliver(&mine), bench.deliver(&other)], [None, None]);
        let entry = |one: &Submission| SubmissionEntry {
            submission: one.header.value.digest(),
            answers: 2,
        };
        let record = |set: &[u8], list: &[SubmissionEntry]| {
            let store = &bench.intake.store;
            store.record_release(&bench.job, &Digest::of("set", &[set]), list).unwrap()
        };
        // A computation that nobody has noted has opened both submissions by now: its record is what stops it.
        assert!(matches!(bench.withdraw(&mine, 1, false), Ok(Reply::Withdrawn(_))));
        assert_eq!(record(b"both", &[entry(&other), entry(&mine)]), Recorded::Withdrawn);
        assert_eq!(bench.intake.store.released(&bench.job).unwrap(), None);
        assert_eq!(record(b"one", &[entry(&other)]), Recorded::ThisSet);
        // The other way round, the withdrawal comes too late, whether or not somebody has noted a computation.
        assert_eq!(bench.withdraw(&other, 2, false), Err(Refusal::Frozen(bench.job.id().clone())));
        assert_eq!(bench.deliver(&other), Some(RejectReason::JobClosed));
        assert_eq!(record(b"one", &[entry(&other)]), Recorded::ThisSet);
        // With no list to compare, a release with the withdrawn submission is recorded after the receipt was signed.
        let unchecked = Bench::new();
        unchecked.deliver(&mine);
        assert!(matches!(unchecked.withdraw(&mine, 1, false), Ok(Reply::Withdrawn(_))));
        let recorded = unchecked.intake.store.record_release(&unchecked.job, &Digest::of("set", &[]), &[]);
        assert_eq!(recorded.unwrap(), Recorded::ThisSet);
    }

    #[test]
    fn withdrawals_count_against_the_quota() {
        let bench = Bench::new();
        let most = tacit_protocol::submission::quota::of_subject(&bench.job).answers / 2;
        for _ in 0..most {
            let submission = bench.submission(1);
            assert_eq!(bench.deliver(&submission), None);
            assert!(bench.withdraw(&submission, 1, false).is_ok());
        }
        assert_eq!(bench.deliver(&bench.submission(1)), Some(RejectReason::JobFull));
        // What never came here can be withdrawn as often as all nodes together take of a contributor.
        for _ in most..3 * most {
            assert!(bench.withdraw(&bench.submission(1), 1, false).is_ok());
        }
        let one_more = bench.submission(1);
        for _ in 0..2 {
            let refused = bench.withdraw(&one_more, 1, false);
            assert!(matches!(refused, Err(Refusal::Policy { .. })), "{refused:?}");
        }
        let stored = bench
            .intake
            .store
            .outcomes(bench.job.id(), &[one_more.header.value.digest()])
            .unwrap();
        assert!(stored.is_empty(), "no trace is left");
        // It says nothing of others.
        assert!(bench.withdraw(&bench.submission(2), 2, false).is_ok());
    }
}
