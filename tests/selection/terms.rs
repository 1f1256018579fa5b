//! Other terms under the id of a buyer's job: nodes certify what they computed of the terms that they were given, and an id does not say
//! whose terms these are.

use tacit_client::known_jobs::{KnownJob, KnownJobError};
use tacit_client::verify::{CERTIFICATE, Files, PAYOUTS, RESULT, check};
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::check::{Check, skip};
use tacit_protocol::job::PayRule;
use tacit_scoring::testing::run_to_certificate;

use super::crowd::{crowd, job, members};

/// Whether the buyer's client takes for its own what the coordinator has had computed of other terms under the same id. Everything else
/// about that result verifies.
fn passed_off() -> Result<bool, KnownJobError> {
    let members = members();
    let own = job(12, 12, PayRule::Flat, |_| ()).unwrap();
    let known = KnownJob::of(&own, members.cluster.digest());
    assert_eq!(known.is_this("the result", &own.digest()), Ok(true));
    let other = job(12, 13, PayRule::Flat, |spec| spec.name = "other terms".to_owned()).unwrap();
    assert_eq!(other.id(), own.id());
    let submissions = crowd(&members, &other, 12, |_| (0..12).collect());
    let (certificate, report) = run_to_certificate(&members, NodeSet::all(3), &other, &submissions);
    let files = Files {
        certificate: (CERTIFICATE.into(), certificate.to_json()),
        result: Some((RESULT.into(), report.to_json())),
        payouts: Some((PAYOUTS.into(), report.payouts_csv())),
    };
    let verified = check(&files, members.cluster).unwrap();
    assert_eq!(verified.report.job.id, own.id().as_str());
    known.is_this("the result", &verified.certificate.subject.job)
}

#[test]
fn a_coordinator_would_pass_the_result_of_other_terms_off_as_the_buyers() {
    {
        let _all = skip(&[]);
        let refused = passed_off().unwrap_err();
        assert!(matches!(refused, KnownJobError::OtherTerms { .. }), "{refused}");
    }
    let _skipped = skip(&[Check::KnownTerms]);
    assert_eq!(
        passed_off(),
        Ok(true),
        "the buyer would pay, and use labels, by terms that are not its own"
    );
}
