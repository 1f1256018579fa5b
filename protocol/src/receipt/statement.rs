//! What each participant signs about the records of a job. It is short and names no output, so that a contributor can check it with the
//! cluster file alone.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;
use thiserror::Error;

use super::RecordTree;
use crate::cluster::Cluster;
use crate::identity::{Purpose, SecretKey, Signature};
use crate::release::subject::{NodeSignature, Subject};

/// The tree of a job's records in short.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRoot {
    /// How many contributors have an answer that counts.
    pub contributors: u64,
    /// How many records the tree has.
    pub leaves: u64,
    /// Its root.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub root: Digest,
}

/// What each participant signs: of which computation the records are, and their root.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootStatement {
    /// The protocol version.
    pub protocol: u32,
    /// The digest of the cluster file.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cluster: Digest,
    /// The digest of the job's terms.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub job: Digest,
    /// The digest of the accepted set.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub accepted: Digest,
    /// The id of the session.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub session: Digest,
    /// The nodes that took part, by index.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u8>))]
    pub participants: NodeSet,
    /// The tree of the records.
    pub records: ReceiptRoot,
}

/// A root with the signatures of all participants.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedRoot {
    /// What the participants have signed.
    pub statement: RootStatement,
    /// One signature of each participant, by node.
    pub signatures: Vec<NodeSignature>,
}

/// Why a certified root is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RootError {
    /// It is for another protocol version or another cluster.
    #[error("it is for {0} than that of the cluster file")]
    Elsewhere(&'static str),
    /// The set of participants or of signatures is not one that can certify.
    #[error("{0}")]
    Participants(String),
    /// The signature of the node of this name does not verify.
    #[error("the signature of node `{0}` does not verify")]
    Signature(String),
}

impl ReceiptRoot {
    /// The root of a tree.
    pub fn new(tree: &RecordTree, contributors: usize) -> Self {
        Self {
            contributors: contributors as u64,
            leaves: tree.leaves(),
            root: tree.root(),
        }
    }
}

impl RootStatement {
    /// The statement about the records of a computation.
    pub fn new(subject: &Subject, records: ReceiptRoot) -> Self {
        Self {
            protocol: subject.protocol,
            cluster: subject.cluster,
            job: subject.job,
            accepted: subject.accepted,
            session: subject.session,
            participants: subject.participants,
            records,
        }
    }

    /// Signs it.
    pub fn sign(&self, key: &SecretKey) -> Signature {
        key.sign(Purpose::ReceiptRoot, &crate::codec::encode(self))
    }
}

impl CertifiedRoot {
    /// Checks that the statement is of this cluster, and that all participants have signed it, of whom there are enough to certify.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(&self, cluster: &Cluster) -> Result<(), RootError> {
        let Self { statement, signatures } = self;
        if statement.protocol != cluster.file().protocol {
            return Err(RootError::Elsewhere("another protocol version"));
        }
        if statement.cluster != cluster.digest() {
            return Err(RootError::Elsewhere("another cluster file"));
        }
        let access = cluster.access();
        let participants = statement.participants;
        if participants.len() < access.quorum() || participants.iter().any(|node| node >= access.nodes()) {
            let text = format!("nodes {participants:?} cannot certify for this cluster");
            return Err(RootError::Participants(text));
        }
        if !signatures.iter().map(|one| usize::from(one.node)).eq(participants.iter()) {
            let text = "there is not exactly one signature of each participant";
            return Err(RootError::Participants(text.to_owned()));
        }
        let message = crate::codec::encode(statement);
        for NodeSignature { node, signature } in signatures {
            let entry = &cluster.nodes()[usize::from(*node)];
            let verified = entry.identity.verify(Purpose::ReceiptRoot, &message, signature);
            verified.map_err(|_| RootError::Signature(entry.name.clone()))?;
        }
        Ok(())
    }
}
