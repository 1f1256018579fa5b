//! The bodies of the coordinator's HTTP API, the same types at server and client.

mod problem;

pub use problem::{Problem, ProblemKind};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cluster::{Cluster, NodeEntry};
use crate::identity::{PublicKey, Purpose, SecretKey, Signature, Signed};
use crate::job::JobId;
use crate::phase::Phase;
use crate::receipt::{CertifiedRoot, RecordProof};
use crate::reject::RejectReason;
use crate::sealing_epoch::SignedEpoch;
use crate::submission::{Header, SubmissionId};
use crate::versions::{PROTOCOL_VERSIONS, Versions};
use crate::withdrawal::ErasureReceipt;
use tacit_mpc_core::digest::Digest;

/// The media type of an uploaded submission: [`crate::codec::encode`] of a [`crate::submission::Submission`].
pub const SUBMISSION_TYPE: &str = "application/vnd.tacit.submission";

/// What `GET /v1/cluster` answers: the cluster, its nodes and the protocol versions that the coordinator speaks.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInfo {
    /// The protocol versions the coordinator speaks. Every release answers with this field, whatever else it answers.
    pub protocol: Versions,
    /// The digest of the cluster file.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub digest: Digest,
    /// How many nodes may be corrupt.
    pub threshold: u32,
    /// The nodes, in the order of their indices.
    pub nodes: Vec<NodeInfo>,
    /// The text of the cluster file, byte for byte as every member has it.
    pub file: String,
}

/// The one field of a [`ClusterInfo`] that every release has.
#[derive(Deserialize)]
struct VersionsOnly {
    protocol: Versions,
}

/// Why an answer to `GET /v1/cluster` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClusterInfoError {
    /// It is not JSON of these fields.
    #[error("{0}")]
    Syntax(String),
    /// The coordinator speaks no protocol version that this program does.
    #[error("the coordinator speaks protocol {0}, this program {PROTOCOL_VERSIONS}")]
    Version(Versions),
}

impl ClusterInfo {
    /// Reads an answer of a coordinator.
    ///
    /// # Errors
    /// It is not one, or the coordinator speaks other protocol versions.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ClusterInfoError> {
        let unusable = |error: serde_json::Error| ClusterInfoError::Syntax(error.to_string());
        // The versions are read first: a coordinator of other versions may answer with other fields.
        let VersionsOnly { protocol: theirs } = serde_json::from_slice(bytes).map_err(unusable)?;
        if PROTOCOL_VERSIONS.common(theirs).is_none() {
            return Err(ClusterInfoError::Version(theirs));
        }
        serde_json::from_slice(bytes).map_err(unusable)
    }

    /// The answer for a cluster whose file has this text, and the newest statement of each node about its sealing key.
    pub fn new(cluster: &Cluster, file: String, sealing: Vec<Option<SignedEpoch>>) -> Self {
        Self {
            protocol: PROTOCOL_VERSIONS,
            digest: cluster.digest(),
            threshold: cluster.access().threshold() as u32,
            nodes: cluster.nodes().iter().zip(sealing).map(NodeInfo::new).collect(),
            file,
        }
    }
}

/// What `GET /v1/cluster` says of one node.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// The node's name.
    pub name: String,
    /// The organisation that runs the node.
    pub operator: String,
    /// `host:port` of the node's QUIC endpoint.
    pub address: String,
    /// The node's identity key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub identity: PublicKey,
    /// The newest key that contributors seal to: `value` has `cluster` (the digest of the cluster file), `number` of the epoch, `expires` and
    /// `opens_older_until` in Unix time, and `key` with its `suite` and `public_key` in base64; `signature` is the node's over the encoding of
    /// `value`. Null until the node was connected for the first time.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub sealing: Option<SignedEpoch>,
}

impl NodeInfo {
    /// The answer for one node.
    pub fn new((entry, sealing): (&NodeEntry, Option<SignedEpoch>)) -> Self {
        Self {
            name: entry.name.clone(),
            operator: entry.operator.clone(),
            address: entry.address.clone(),
            identity: entry.identity,
            sealing,
        }
    }
}

/// The state of a job.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The job takes submissions.
    Open,
    /// The job takes no more submissions; those it has are being delivered to the nodes.
    Closing,
    /// The nodes compute the outputs.
    Computing,
    /// The certificate was verified and is being published.
    Verified,
    /// The result can be fetched.
    Published,
    /// The buyer has cancelled the job.
    Cancelled,
    /// The job cannot be completed; `reason` says why.
    Failed,
}

impl JobState {
    /// All states; the last three are final.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Closing,
        Self::Computing,
        Self::Verified,
        Self::Published,
        Self::Cancelled,
        Self::Failed,
    ];

    /// The name used in the API, metric labels and stores.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Computing => "computing",
            Self::Verified => "verified",
            Self::Published => "published",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// The state that has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether the job stays in this state for good.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Published | Self::Cancelled | Self::Failed)
    }
}

/// A node that a job waits for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingOn {
    /// The node's name.
    pub node: String,
    /// What is wrong with the node, in words.
    pub reason: String,
    /// Whether an operator has to act, because waiting does not help: the disk is full, the cluster file is another one.
    pub needs_operator: bool,
}

/// What `GET /v1/jobs/{id}` answers: how far the job has come, and what it waits for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The job's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: JobId,
    /// The job's name, for people.
    pub name: String,
    /// The digest of the job's terms.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub digest: Digest,
    /// The state of the job.
    pub state: JobState,
    /// Why the job failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the job was opened, in Unix time.
    pub created_at: u64,
    /// When the job stopped taking submissions, in Unix time; missing while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<u64>,
    /// When the result was published, in Unix time; missing until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<u64>,
    /// How many items the job has.
    pub items: u64,
    /// How many answers each item gets.
    pub answers_per_item: u32,
    /// How many submissions were received.
    pub submissions: u64,
    /// How many answers the received submissions hold.
    pub answers: u64,
    /// How many of the received submissions every node has.
    pub delivered: u64,
    /// How many items have all their answers, as far as the coordinator can tell from the submissions that enough nodes have. For the job's buyer
    /// only, as others could watch which answers come from one person; missing also of a job that ended without a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_items: Option<u64>,
    /// How many contributors have sent answers, without the buyer's gold answers. For the job's buyer only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contributors: Option<u64>,
    /// Whether two contributors have answered the same item, so that there is something to compare; received answers count, delivered or not.
    /// For the job's buyer only, while the job is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparable: Option<bool>,
    /// The number of the current or last computation, from 1; 0 before the first.
    pub attempt: u32,
    /// The phase of the slowest node, while the nodes compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The nodes that the job waits for.
    pub waiting_on: Vec<WaitingOn>,
}

/// What `GET /v1/jobs` answers: the buyer's jobs.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobList {
    /// The jobs, newest first.
    pub jobs: Vec<JobStatus>,
}

/// `POST /v1/contributors`: a contributor asks to be enrolled under a name.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The name under which payouts will list the contributor.
    pub contributor: String,
    /// The contributor's key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
    /// The key's signature over [`enrolment_statement`].
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Signature,
}

impl Enrolment {
    /// The request of a contributor's key to be enrolled under a name, in the cluster of this digest.
    pub fn new(cluster: &Digest, contributor: &str, key: &SecretKey) -> Self {
        Self {
            contributor: contributor.to_owned(),
            key: key.public(),
            signature: key.sign(Purpose::Enrolment, &enrolment_statement(cluster, contributor)),
        }
    }
}

/// The bytes that a contributor signs to be enrolled under a name in the cluster of this digest.
pub fn enrolment_statement(cluster: &Digest, contributor: &str) -> Vec<u8> {
    crate::codec::encode(&(cluster, contributor))
}

/// What a receipt states: the coordinator has this submission, at this place among the job's submissions.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptStatement {
    /// The digest of the cluster file.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cluster: Digest,
    /// The id of the job.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub job: JobId,
    /// The digest of the job's terms.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub job_digest: Digest,
    /// The submission's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub submission: SubmissionId,
    /// The digest of the submission's header.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub digest: Digest,
    /// How many answers the submission holds.
    pub answers: u32,
    /// The place of the submission among the job's submissions, from 0.
    pub sequence: u64,
}

/// A receipt: [`crate::identity::Signed`] by the coordinator for [`crate::identity::Purpose::Receipt`].
pub type Receipt = Signed<ReceiptStatement>;

/// What `GET /v1/jobs/{id}/submissions/{sid}` answers: the receipt of a submission, and which of its answers count.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionStatus {
    /// The receipt that was given at upload.
    pub receipt: Receipt,
    /// Which of its answers count; null until the job is published.
    pub outcome: Option<SubmissionOutcome>,
}

/// What `GET /v1/jobs/{id}/receipts` answers to a contributor's key: what it has sent, and what the nodes certify to it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContributorReceipts {
    /// The state of the job.
    pub state: JobState,
    /// What the key has sent to the job and not taken back, in the order of arrival. It is there as soon as it is sent, so that another machine
    /// with the same key knows what is left to send.
    pub submissions: Vec<SentSubmission>,
    /// The certified records; null until the job is published.
    pub certified: Option<CertifiedReceipts>,
}

/// A submission that the coordinator has of a key.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentSubmission {
    /// The receipt that was given at upload: it names the submission and says how many answers it holds.
    pub receipt: Receipt,
    /// The submission's public part as the key has signed it. It names the answered items, by their place in the job's list of items, from 0:
    /// nobody else can say which items the key has answered.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub header: Signed<Header>,
}

/// Certified records of one contributor.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertifiedReceipts {
    /// The root of all records, with the signatures of all nodes that took part.
    pub root: CertifiedRoot,
    /// The contributor's own records: one of all its accepted submissions, and one of each that counts for nobody.
    pub records: Vec<RecordProof>,
}

/// `DELETE /v1/jobs/{id}/submissions/{sid}`: the contributor takes a submission back.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalRequest {
    /// The signature over the withdrawal, by the key that has signed the submission.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Signature,
}

/// How far a submission that was taken back is erased.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawalStatus {
    /// The receipts of the nodes that have erased it, in the order of the nodes: `value` has `cluster`, `job_digest` and `submission`, and
    /// `signature` is the node's over its encoding.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Object>))]
    pub erasures: Vec<ErasureReceipt>,
    /// The names of the nodes that have not answered yet.
    pub waiting_on: Vec<String>,
}

/// Which answers of a submission count.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionOutcome {
    /// How many answers count.
    pub accepted: u64,
    /// The answers that do not count.
    pub rejected: Vec<RejectedAnswer>,
    /// The names of the nodes that could not use their part of the submission, if it does not count because of that. The
    /// certificate says of each such set of nodes how many submissions it refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_by: Vec<String>,
}

/// An answer that does not count. If a whole submission does not count, all its answers have the same reason.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedAnswer {
    /// The id of the answered item.
    pub item: String,
    /// Why the answer does not count.
    pub reason: RejectReason,
}

/// What `POST /v1/issuers/revocations` answers.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// The name of the pool.
    pub pool: String,
    /// How many of its numbers are revoked now.
    pub numbers: u64,
}
