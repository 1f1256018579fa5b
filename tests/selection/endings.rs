//! One attack for each check of who makes nodes erase answers. What nodes do once a check has passed is tested with them:
//! `node/src/withdraw.rs`, `node/src/erasure.rs`.

use tacit_protocol::check::{Check, skip};
use tacit_protocol::fixtures::{contributor_key, submission};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Cancellation, PayRule};
use tacit_protocol::withdrawal::{Withdrawal, WithdrawalError};

use super::crowd::{job, members};

#[test]
fn a_coordinator_would_have_an_unwelcome_answer_erased_by_every_node() {
    let members = members();
    let job = job(12, 12, PayRule::Flat, |_| ()).unwrap();
    let victim = submission(&members, &job, 1, &[(0, 1)]);
    // The coordinator has the header, and keys of its own. It has seen withdrawals of others.
    let other = submission(&members, &job, 2, &[(0, 1)]);
    let by_itself = Withdrawal::of(&victim.header.value).sign(&SecretKey::from_bytes(&[77; 32]));
    let replayed = Withdrawal::of(&other.header.value).sign(&contributor_key(2));
    for signature in [by_itself, replayed] {
        let check = || Withdrawal::check(&victim.header, &signature, &members.cluster, &job);
        {
            let _all = skip(&[]);
            assert_eq!(check(), Err(WithdrawalError::Signature));
        }
        let _skipped = skip(&[Check::Withdrawals]);
        assert_eq!(check(), Ok(()), "every node would erase the answers, and sign that it has");
    }
}

#[test]
fn a_coordinator_would_have_a_job_erased_by_every_node() {
    let members = members();
    let job = job(12, 12, PayRule::Flat, |_| ()).unwrap();
    let (cluster, terms) = (members.cluster.digest(), job.digest());
    let cancellation = Cancellation {
        cluster: &cluster,
        job: job.id(),
        terms: &terms,
    };
    let forged = cancellation.sign(&SecretKey::from_bytes(&[77; 32]));
    let check = || cancellation.verify(&job.terms().buyer, &forged).is_ok();
    {
        let _all = skip(&[]);
        assert!(!check());
    }
    let _skipped = skip(&[Check::Cancellations]);
    assert!(check(), "every node would erase the job");
}
