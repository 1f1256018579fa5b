//! A contributor takes a submission back before the job closes, and nodes sign that they have erased it. `docs/security/withdrawal.md` has the
//! argument.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;

use crate::check::Check;
use crate::cluster::Cluster;
use crate::codec::encode;
use crate::identity::{Purpose, SecretKey, Signature, Signed};
use crate::job::{Job, JobId};
use crate::reject::RejectReason;
use crate::submission::{Header, Role};

/// What the key that has signed a submission signs to take it back, for [`Purpose::Withdrawal`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The digest of the cluster file.
    pub cluster: Digest,
    /// The id of the job.
    pub job: JobId,
    /// The digest of the job's terms.
    pub job_digest: Digest,
    /// The digest by which the submission is listed.
    pub submission: Digest,
}

/// A withdrawal as nodes pass it on: whoever has the header of the submission can check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedWithdrawal {
    /// The digest by which the submission is listed.
    pub submission: Digest,
    /// The signature over the [`Withdrawal`], by the key that has signed the submission.
    pub signature: Signature,
}

/// How many withdrawals one reply carries at most.
pub const MAX_WITHDRAWALS: usize = 1024;

/// What a node signs when it has erased a submission, for [`Purpose::Erasure`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// The digest of the cluster file.
    pub cluster: Digest,
    /// The digest of the job's terms.
    pub job_digest: Digest,
    /// The digest by which the submission was listed.
    pub submission: Digest,
}

/// A node's receipt: it has erased the submission, and takes part in no computation on it.
pub type ErasureReceipt = Signed<Erasure>;

/// Why a withdrawal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WithdrawalError {
    /// The header is not one of a submission to this job.
    #[error("the header is not of a submission to this job: {0}")]
    Header(RejectReason),
    /// Gold answers belong to the terms of their job.
    #[error("gold answers cannot be withdrawn: cancel the job")]
    Gold,
    /// The signature is not by the key that has signed the submission.
    #[error("it is not signed by the key that has signed the submission, for this submission, job and cluster")]
    Signature,
}

impl Withdrawal {
    /// The statement that takes back the submission of this header.
    pub fn of(header: &Header) -> Self {
        let statement = &header.statement;
        Self {
            cluster: statement.cluster,
            job: statement.job.clone(),
            job_digest: statement.job_digest,
            submission: header.digest(),
        }
    }

    /// Signs it with the key that has signed the submission.
    pub fn sign(&self, key: &SecretKey) -> Signature {
        key.sign(Purpose::Withdrawal, &encode(self))
    }

    /// Checks that the key which has signed this header has signed that the submission is taken back.
    ///
    /// # Errors
    /// The header is not of this job and cluster, or the signature is not its key's.
    pub fn check(header: &Signed<Header>, signature: &Signature, cluster: &Cluster, job: &Job) -> Result<(), WithdrawalError> {
        Header::check(header, cluster, job).map_err(WithdrawalError::Header)?;
        if Role::of(job, &header.value.statement.key) == Role::Gold {
            return Err(WithdrawalError::Gold);
        }
        Self::check_signature(&header.value, signature)
    }

    /// Checks the signature alone: the header was checked before, and is not of gold answers.
    ///
    /// # Errors
    /// [`WithdrawalError::Signature`].
    pub fn check_signature(header: &Header, signature: &Signature) -> Result<(), WithdrawalError> {
        let key = &header.statement.key;
        match key.verify(Purpose::Withdrawal, &encode(&Self::of(header)), signature) {
            Err(_) if Check::Withdrawals.is_made() => Err(WithdrawalError::Signature),
            _ => Ok(()),
        }
    }
}

impl Erasure {
    /// What a node signs of the submission of this header.
    pub fn of(header: &Header) -> Self {
        Self {
            cluster: header.statement.cluster,
            job_digest: header.statement.job_digest,
            submission: header.digest(),
        }
    }

    /// The index of the node that has signed this receipt for the submission of this header; `None` if none of the cluster has.
    pub fn signer(receipt: &ErasureReceipt, cluster: &Cluster, header: &Header) -> Option<usize> {
        if receipt.value != Self::of(header) {
            return None;
        }
        let signed = |key| receipt.verify(Purpose::Erasure, key).is_ok();
        cluster.nodes().iter().position(|node| signed(&node.identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{cluster_with_keys, contributor_key, job, submission};
    use crate::job::PayRule;

    #[test]
    fn only_the_key_of_a_submission_takes_it_back_and_only_that_one() {
        let members = cluster_with_keys(3, 1);
        let job = job(4, 3, 5, PayRule::Flat);
        let [mine, other] = [7, 8].map(|c| submission(&members, &job, c, &[(0, 2)]).header);
        let check = |signature: &Signature| Withdrawal::check(&mine, signature, &members.cluster, &job);
        let good = Withdrawal::of(&mine.value);
        let (key, others) = (contributor_key(7), contributor_key(8));
        assert_eq!(check(&good.sign(&key)), Ok(()));
        assert_eq!(check(&good.sign(&others)), Err(WithdrawalError::Signature));
        // Of another submission, job or cluster; and a signature for another purpose.
        assert_eq!(check(&Withdrawal::of(&other.value).sign(&key)), Err(WithdrawalError::Signature));
        let alter: [fn(&mut Withdrawal); 3] = [
            |one| one.cluster = Digest::of("other", &[]),
            |one| one.job_digest = Digest::of("other", &[]),
            |one| one.job = "other".parse().unwrap(),
        ];
        for alter in alter {
            let mut altered = good.clone();
            alter(&mut altered);
            assert_eq!(check(&altered.sign(&key)), Err(WithdrawalError::Signature));
        }
        assert_eq!(
            check(&key.sign(Purpose::Submission, &encode(&good))),
            Err(WithdrawalError::Signature)
        );
        let another_job = crate::fixtures::job(5, 3, 5, PayRule::Flat);
        assert_eq!(
            Withdrawal::check(&mine, &good.sign(&key), &members.cluster, &another_job),
            Err(WithdrawalError::Header(RejectReason::WrongJob))
        );
    }

    #[test]
    fn a_receipt_names_its_node_and_submission() {
        let members = cluster_with_keys(3, 1);
        let job = job(4, 3, 5, PayRule::Flat);
        let [mine, other] = [7, 8].map(|c| submission(&members, &job, c, &[(0, 2)]).header.value);
        for (node, identity) in members.identities.iter().enumerate() {
            let receipt = Signed::new(Erasure::of(&mine), Purpose::Erasure, identity);
            // The last identity is the coordinator's.
            assert_eq!(Erasure::signer(&receipt, &members.cluster, &mine), (node < 3).then_some(node));
            assert_eq!(Erasure::signer(&receipt, &members.cluster, &other), None);
            let release = Signed::new(Erasure::of(&mine), Purpose::Release, identity);
            assert_eq!(Erasure::signer(&release, &members.cluster, &mine), None);
        }
    }
}
