//! What a contributor shows to whoever asks what it has agreed to: the record of consent, the terms, its submissions, and what the coordinator
//! and the nodes have signed about them. Anybody checks it with the cluster file alone.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::{CertifiedReceipts, Receipt};
use tacit_protocol::cluster::Cluster;
use tacit_protocol::consent::{ConsentError, ConsentRecord};
use tacit_protocol::identity::Signed;
use tacit_protocol::job::Terms;
use tacit_protocol::receipt::{Record, RootError};
use tacit_protocol::submission::{Header, SubmissionId};
use thiserror::Error;

use crate::coordinator_receipt::{InvalidReceipt, check_receipt};

/// The file. It holds no answer; it does say which items were answered and, once the job is published, what the nodes certify to the
/// contributor, with its pay. So whom it is shown to is the contributor's choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentProof {
    /// What was agreed to, with the salt of its digest.
    pub record: ConsentRecord,
    /// The terms of the job.
    pub terms: Terms,
    /// What was sent under this consent.
    pub submissions: Vec<ShownSubmission>,
    /// What the nodes certify to the contributor; `None` until the job is published.
    pub certified: Option<CertifiedReceipts>,
    /// The paragraphs that a page has shown. Nobody has signed them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<String>,
    /// The digest of that page's files. Nobody has signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
}

/// A submission, and what the coordinator has signed when it took it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownSubmission {
    /// Its header with the contributor's signature.
    pub header: Signed<Header>,
    /// The coordinator's receipt, if there is one.
    pub receipt: Option<Receipt>,
}

/// Who but the contributor has signed that a submission with this consent was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Witness {
    /// The nodes of these names, with what they certify of the job.
    Nodes(Vec<String>),
    /// The coordinator, with its receipt.
    Coordinator,
    /// Nobody yet: the contributor alone says so.
    Nobody,
}

/// A submission that was made under the consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenSubmission {
    /// Its id.
    pub id: SubmissionId,
    /// How many answers it holds.
    pub answers: usize,
    /// Who vouches for it.
    pub witness: Witness,
}

/// Why a proof of consent is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConsentProofError {
    /// The record does not hold, or a submission does not belong to it.
    #[error(transparent)]
    Consent(#[from] ConsentError),
    /// A receipt is not the coordinator's for its submission.
    #[error(transparent)]
    Receipt(#[from] InvalidReceipt),
    /// The nodes have not signed what is called certified.
    #[error("what is called certified by the nodes is not: {0}")]
    Root(#[from] RootError),
    /// The nodes have certified a job of other terms.
    #[error("what the nodes have certified is of a job of other terms: their digest is {0}")]
    OtherTerms(Digest),
    /// A record is not under the root.
    #[error("a record does not fit the root that the nodes have signed")]
    Leaf,
}

impl ConsentProof {
    /// Checks everything in it: that the contributor has signed the record, that it is of these terms, that each submission carries its
    /// digest, and who has signed for each submission.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(&self, cluster: &Cluster) -> Result<Vec<ProvenSubmission>, ConsentProofError> {
        self.record.check(cluster, &self.terms)?;
        let nodes = self.signers(cluster)?;
        let submissions = self.submissions.iter().map(|one| {
            self.record.check_submission(&one.header)?;
            let header = &one.header.value;
            if let Some(receipt) = &one.receipt {
                check_receipt(cluster, header, receipt)?;
            }
            let witness = match (&nodes, &one.receipt) {
                (Some(nodes), _) if self.is_certified(&header.digest()) => Witness::Nodes(nodes.clone()),
                (_, Some(_)) => Witness::Coordinator,
                (_, None) => Witness::Nobody,
            };
            Ok(ProvenSubmission {
                id: header.statement.id,
                answers: header.statement.items.len(),
                witness,
            })
        });
        submissions.collect()
    }

    /// The names of the nodes that have signed what is certified, after its checks.
    fn signers(&self, cluster: &Cluster) -> Result<Option<Vec<String>>, ConsentProofError> {
        let Some(CertifiedReceipts { root, records }) = &self.certified else {
            return Ok(None);
        };
        root.verify(cluster)?;
        let statement = &root.statement;
        if statement.job != self.terms.digest() {
            return Err(ConsentProofError::OtherTerms(statement.job));
        }
        if !records.iter().all(|proof| proof.is_under(&statement.records)) {
            return Err(ConsentProofError::Leaf);
        }
        Ok(Some(statement.participants.iter().map(|node| cluster.node_name(node)).collect()))
    }

    /// Whether a record names the submission of this digest. The digest is that of the header, which holds that of the consent.
    fn is_certified(&self, submission: &Digest) -> bool {
        let records = self.certified.iter().flat_map(|certified| &certified.records);
        records.into_iter().any(|proof| match &proof.record {
            Record::Contributor(one) => one.submissions.iter().any(|one| one.digest == *submission),
            Record::Submission(one) => one.digest == *submission,
        })
    }
}

#[cfg(test)]
mod tests;
