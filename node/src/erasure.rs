//! When a node erases a job: once its outputs are certified, once its buyer has cancelled it, or once it is older than the policy allows.
//! The node checks each reason itself, so a coordinator cannot make it lose what contributors have been acknowledged.

use std::time::Duration;

use tacit_protocol::certificate::Certificate;
use tacit_protocol::control::{Refusal, Reply};
use tacit_protocol::identity::Signature;
use tacit_protocol::job::{Cancellation, JobId};
use tracing::{info, warn};

use crate::intake::Intake;
use crate::store::{Ended, StoreError};

/// Erases a job of which this is the text of the certificate.
///
/// # Errors
/// The certificate is not one of the job, or does not verify.
pub(crate) fn certified(intake: &Intake, id: &JobId, certificate: &[u8]) -> Result<Reply, Refusal> {
    let job = match intake.known_job(id) {
        Ok(job) => job,
        Err(refusal) => return ended_before(intake, id, refusal),
    };
    let refused = |why: String| Refusal::Malformed(format!("the certificate of job {id}: {why}"));
    let certificate = Certificate::from_json(certificate).map_err(|error| refused(error.to_string()))?;
    if certificate.subject.job != job.digest() {
        return Err(refused("it is of other terms than were opened here".to_owned()));
    }
    certificate.verify(&intake.cluster).map_err(|error| refused(error.to_string()))?;
    let ended = intake.store.end(&job, Ended::Certified(certificate.accepted()));
    ended.map_err(StoreError::into_refusal)?;
    info!(job = %id, "the job is certified: its shares are erased");
    Ok(Reply::Erased)
}

/// Erases a job that its buyer has cancelled. Without the buyer's signature only a job that holds nothing is dropped.
///
/// # Errors
/// The buyer has not signed it.
pub(crate) fn cancelled(intake: &Intake, id: &JobId, signature: Option<&Signature>) -> Result<Reply, Refusal> {
    let job = match intake.known_job(id) {
        Ok(job) => job,
        Err(refusal) => return ended_before(intake, id, refusal),
    };
    let Some(signature) = signature else {
        return if intake.store.unopen(&job).map_err(StoreError::into_refusal)? {
            Ok(Reply::Erased)
        } else {
            Err(Refusal::NotCancelled(id.clone()))
        };
    };
    let cancellation = Cancellation {
        cluster: &intake.cluster.digest(),
        job: id,
        terms: &job.digest(),
    };
    cancellation
        .verify(&job.terms().buyer, signature)
        .map_err(|_| Refusal::NotCancelled(id.clone()))?;
    intake.store.end(&job, Ended::Cancelled).map_err(StoreError::into_refusal)?;
    info!(job = %id, "its buyer has cancelled the job: its shares are erased");
    Ok(Reply::Erased)
}

/// Erases the jobs that are open for longer than the policy lets any job be, and keys of as old jobs that the store does not know. Returns the ids
/// of the erased jobs. One that cannot be erased does not keep the others from it; it is tried again the next time.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn too_old(intake: &Intake) -> Result<Vec<JobId>, StoreError> {
    let age = intake.policy.max_job_age();
    let mut erased = Vec::new();
    for (id, digest) in intake.store.older_than(age)? {
        match intake.store.end_by_digest(&id, &digest, Ended::TooOld) {
            Ok(()) => {
                info!(job = %id, "the job is older than the policy allows: its shares are erased");
                erased.push(id);
            }
            Err(error) => warn!(job = %id, %error, "a job that is older than the policy allows is not erased yet"),
        }
    }
    let keys = intake.store.erase_unused_keys(Duration::from_secs(age))?;
    if keys > 0 {
        info!(
            keys,
            "keys of jobs that this store does not know are destroyed: they are older than the policy allows"
        );
    }
    Ok(erased)
}

/// If the job has ended before, erases what may be left of it.
fn ended_before(intake: &Intake, id: &JobId, refusal: Refusal) -> Result<Reply, Refusal> {
    match refusal {
        Refusal::Ended(_) => {
            intake.store.end_again(id).map_err(StoreError::into_refusal)?;
            Ok(Reply::Erased)
        }
        refusal => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use tacit_protocol::check::{Check, skip};
    use tacit_protocol::fixtures::buyer_key;
    use tacit_protocol::identity::SecretKey;
    use tacit_protocol::job::Job;

    use super::*;
    use crate::store::Room;
    use crate::testing::{delivered, intake, job};

    #[test]
    fn a_job_is_erased_when_its_time_is_over_whatever_the_coordinator_says() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = job(2);
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
        assert_eq!(intake.deliver(&job, &[delivered(&intake, &job, 0)]).unwrap(), [None]);
        assert_eq!(too_old(&intake).unwrap(), []);
        let age = |days: i64| {
            let seconds = days * 24 * 60 * 60;
            intake.store.alter("UPDATE jobs SET opened_at = unixepoch() - ?1", &[&seconds]);
        };
        age(89);
        assert_eq!(too_old(&intake).unwrap(), []);
        age(91);
        assert_eq!(too_old(&intake).unwrap(), [job.id().clone()]);
        assert_eq!(intake.known_job(job.id()), Err(Refusal::Ended(job.id().clone())));
        assert_eq!(too_old(&intake).unwrap(), []);
    }

    #[test]
    fn a_job_whose_spec_does_not_open_grows_too_old_like_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (first, spec) = job(2);
        let second = Job::sign(
            &intake.cluster.digest(),
            "second".parse().unwrap(),
            first.to_signed_spec().spec,
            &buyer_key(),
        )
        .unwrap();
        for job in [&first, &second] {
            intake.store.open_job(job, &spec, &Room::default()).unwrap();
        }
        intake.store.alter("UPDATE spec_1 SET spec = zeroblob(100)", &[]);
        intake.store.alter("UPDATE jobs SET opened_at = 0", &[]);
        assert!(matches!(intake.known_job(first.id()), Err(Refusal::Storage(_))));
        assert_eq!(too_old(&intake).unwrap(), [first.id().clone(), second.id().clone()]);
        assert_eq!(std::fs::read_dir(folder.path().join("job-keys")).unwrap().count(), 0);
    }

    #[test]
    fn only_the_buyers_signature_cancels_a_job_that_holds_something() {
        let folder = tempfile::tempdir().unwrap();
        let intake = intake(folder.path());
        let (job, spec) = job(2);
        let cancellation = |key: &SecretKey| {
            let cancellation = Cancellation {
                cluster: &intake.cluster.digest(),
                job: job.id(),
                terms: &job.digest(),
            };
            cancellation.sign(key)
        };
        let unknown = Refusal::UnknownJob(job.id().clone());
        let all_checks = skip(&[]);
        assert_eq!(cancelled(&intake, job.id(), None), Err(unknown.clone()));
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
        assert_eq!(cancelled(&intake, job.id(), None), Ok(Reply::Erased), "it holds nothing");
        assert_eq!(intake.known_job(job.id()), Err(unknown));
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
        let one = delivered(&intake, &job, 0);
        assert_eq!(intake.deliver(&job, std::slice::from_ref(&one)).unwrap(), [None]);
        let stranger = cancellation(&SecretKey::from_bytes(&[77; 32]));
        for signature in [None, Some(stranger), Some(*job.signature())] {
            let refused = cancelled(&intake, job.id(), signature.as_ref());
            assert_eq!(refused, Err(Refusal::NotCancelled(job.id().clone())));
        }
        assert_eq!(intake.deliver(&job, &[one]).unwrap(), [None], "it is still there");
        for _ in 0..2 {
            assert_eq!(cancelled(&intake, job.id(), Some(&cancellation(&buyer_key()))), Ok(Reply::Erased));
        }
        assert_eq!(intake.known_job(job.id()), Err(Refusal::Ended(job.id().clone())));
        // Without the check, the node erases a job for anybody's signature.
        drop(all_checks);
        let _skipped = skip(&[Check::Cancellations]);
        let folder = tempfile::tempdir().unwrap();
        let intake = self::intake(folder.path());
        intake.store.open_job(&job, &spec, &Room::default()).unwrap();
        assert_eq!(intake.deliver(&job, &[delivered(&intake, &job, 0)]).unwrap(), [None]);
        assert_eq!(cancelled(&intake, job.id(), Some(&stranger)), Ok(Reply::Erased));
        assert_eq!(intake.known_job(job.id()), Err(Refusal::Ended(job.id().clone())));
    }
}
