//! The receipt that the coordinator signs for a submission when it takes it, and what it says that a key has sent.

use tacit_protocol::api::{Receipt, ReceiptStatement, SentSubmission};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::{PublicKey, Purpose};
use tacit_protocol::job::JobId;
use tacit_protocol::submission::{Header, Statement};
use thiserror::Error;

/// A receipt is not signed by the coordinator, or is for something else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the receipt for submission {submission} is not valid: {reason}; do not rely on it, and tell the operators")]
pub struct InvalidReceipt {
    /// The submission's id.
    pub submission: String,
    /// What is wrong with the receipt.
    pub reason: &'static str,
}

/// Checks that a receipt is signed by the coordinator and is for this submission.
///
/// # Errors
/// What is wrong with it.
pub fn check_receipt(cluster: &Cluster, header: &Header, receipt: &Receipt) -> Result<(), InvalidReceipt> {
    let statement = &header.statement;
    let wrong = |reason| InvalidReceipt {
        submission: statement.id.to_string(),
        reason,
    };
    let signed = receipt
        .verify(Purpose::Receipt, &cluster.file().coordinator.identity)
        .map_err(|_| wrong("it is not signed with the coordinator's key in the cluster file"))?;
    let due = ReceiptStatement {
        cluster: statement.cluster,
        job: statement.job.clone(),
        job_digest: statement.job_digest,
        submission: statement.id,
        digest: header.digest(),
        answers: statement.items.len() as u32,
        // The coordinator chooses the sequence number.
        sequence: signed.sequence,
    };
    if *signed == due {
        Ok(())
    } else {
        Err(wrong("it is for something else"))
    }
}

/// The public part of a submission that the coordinator says this key has sent to a job; `None` if the key has not signed it for this job, or the
/// receipt beside it is for something else. Whoever believed the coordinator would leave out answers that were never sent.
pub fn check_sent<'a>(cluster: &Cluster, job: &JobId, key: &PublicKey, sent: &'a SentSubmission) -> Option<&'a Header> {
    let header = sent.header.verify(Purpose::Submission, key).ok()?;
    let Statement {
        cluster: of,
        job: to,
        key: by,
        ..
    } = &header.statement;
    let is_mine = (of, to, by) == (&cluster.digest(), job, key);
    (is_mine && check_receipt(cluster, header, &sent.receipt).is_ok()).then_some(header)
}

#[cfg(test)]
mod tests {
    use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, contributor_key, job, submission};
    use tacit_protocol::identity::Signed;
    use tacit_protocol::job::PayRule;

    use super::*;

    /// What the coordinator says about this header, with a receipt that fits it.
    fn sent(members: &ClusterWithKeys, header: Signed<Header>) -> SentSubmission {
        let statement = &header.value.statement;
        let receipt = ReceiptStatement {
            cluster: statement.cluster,
            job: statement.job.clone(),
            job_digest: statement.job_digest,
            submission: statement.id,
            digest: header.value.digest(),
            answers: statement.items.len() as u32,
            sequence: 0,
        };
        SentSubmission {
            receipt: Signed::new(receipt, Purpose::Receipt, members.identities.last().unwrap()),
            header,
        }
    }

    #[test]
    fn only_what_the_key_has_signed_for_the_job_is_what_it_has_sent() {
        let members = cluster_with_keys(3, 1);
        let here = job(4, 2, 3, PayRule::Flat);
        let key = contributor_key(1).public();
        let check =
            |sent: &SentSubmission| check_sent(&members.cluster, here.id(), &key, sent).map(|header| header.statement.items.clone());
        let mine = sent(&members, submission(&members, &here, 1, &[(0, 1), (2, 0)]).header);
        assert_eq!(check(&mine), Some(vec![0, 2]));
        // The coordinator has the receipt's key, and claims one more item.
        let mut claimed = mine.header.clone();
        claimed.value.statement.items.push(3);
        assert_eq!(check(&sent(&members, claimed)), None);
        // Items that another key has answered.
        assert_eq!(check(&sent(&members, submission(&members, &here, 2, &[(1, 0)]).header)), None);
        assert_eq!(
            check_sent(&members.cluster, &"other".parse().unwrap(), &key, &mine),
            None,
            "another job"
        );
        // A receipt of something else.
        let second = sent(&members, submission(&members, &here, 1, &[(1, 0)]).header);
        assert_eq!(
            check(&SentSubmission {
                receipt: second.receipt,
                ..mine
            }),
            None
        );
    }
}
