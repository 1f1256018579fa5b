//! The coordinator's HTTP API: what its bodies hold, the same at server and client.

use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, NodeEntry};
use crate::identity::{PublicKey, Signature};
use crate::job::JobId;
use crate::phase::Phase;
use crate::reject::RejectReason;
use crate::sealing::Suite;
use crate::submission::SubmissionId;
use crate::versions::{PROTOCOL_VERSIONS, Versions};
use tacit_mpc_core::digest::Digest;

/// The media type of an uploaded submission: the crate's binary encoding of
/// [`crate::submission::Submission`].
pub const SUBMISSION_TYPE: &str = "application/vnd.tacit.submission";

/// `GET /v1/cluster`.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterInfo {
    /// The protocol versions the coordinator speaks. Stands in the answer of every release, whatever else is in it.
    pub protocol: Versions,
    /// The digest of the cluster file.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub digest: Digest,
    /// How many nodes may be corrupt.
    pub threshold: u32,
    /// The nodes, in the order of their indices.
    pub nodes: Vec<NodeInfo>,
    /// The cluster file, as every member has it.
    pub file: String,
}

impl ClusterInfo {
    /// What is said of a cluster whose file has this text.
    pub fn new(cluster: &Cluster, file: String) -> Self {
        Self {
            protocol: PROTOCOL_VERSIONS,
            digest: cluster.digest(),
            threshold: cluster.access().threshold() as u32,
            nodes: cluster.nodes().iter().map(NodeInfo::new).collect(),
            file,
        }
    }
}

/// What `GET /v1/cluster` says of one node.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub operator: String,
    /// `host:port` of its QUIC endpoint.
    pub address: String,
    /// Its identity key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub identity: PublicKey,
    /// The suite of the key that contributors seal to.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sealing_suite: Suite,
    /// The digest of that key, to pin it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub sealing_digest: Digest,
}

impl NodeInfo {
    /// What is said of a node.
    pub fn new(entry: &NodeEntry) -> Self {
        Self {
            name: entry.name.clone(),
            operator: entry.operator.clone(),
            address: entry.address.clone(),
            identity: entry.identity,
            sealing_suite: entry.sealing.suite,
            sealing_digest: Digest::of("tacit/v1 sealing key", &[&entry.sealing.public_key]),
        }
    }
}

/// Where a job stands.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Takes submissions.
    Open,
    /// Takes no more; what came is being delivered to the nodes.
    Closing,
    /// The nodes compute.
    Computing,
    /// The certificate verified; being published.
    Verified,
    /// The result can be fetched.
    Published,
    /// The buyer has given the job up.
    Cancelled,
    /// It cannot be completed; the reason says why.
    Failed,
}

impl JobState {
    /// All states.
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

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Published | Self::Cancelled | Self::Failed)
    }
}

/// A node a job waits for.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingOn {
    /// The node's name.
    pub node: String,
    /// What is wrong, in words.
    pub reason: String,
    /// Whether waiting alone will not help: an operator has to act (a full disk, another cluster file).
    pub needs_operator: bool,
}

/// `GET /v1/jobs/{id}`.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStatus {
    /// The job's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub id: JobId,
    /// Its name.
    pub name: String,
    /// Its digest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub digest: Digest,
    /// Where it stands.
    pub state: JobState,
    /// Why it failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Items of the job.
    pub items: u64,
    /// Answers each item gets.
    pub answers_per_item: u32,
    /// Submissions received.
    pub submissions: u64,
    /// Answers in them.
    pub answers: u64,
    /// Submissions that every node has (of those received).
    pub delivered: u64,
    /// Which computation this is, from 1; 0 before the first.
    pub attempt: u32,
    /// The phase the slowest node is in, while computing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// The nodes it waits for.
    pub waiting_on: Vec<WaitingOn>,
}

/// `GET /v1/jobs`.
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
    /// The name, as payouts will list it.
    pub contributor: String,
    /// The contributor's key.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
    /// The key's signature over [`enrolment_statement`].
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Signature,
}

/// What a contributor signs to be enrolled.
pub fn enrolment_statement(cluster: &Digest, contributor: &str) -> Vec<u8> {
    crate::codec::encode(&(cluster, contributor))
}

/// What a receipt says: the coordinator has this submission, and in which place.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptStatement {
    /// The cluster's digest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cluster: Digest,
    /// The job.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub job: JobId,
    /// The job's digest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub job_digest: Digest,
    /// The submission's id.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub submission: SubmissionId,
    /// The digest of its header.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub digest: Digest,
    /// How many answers it holds.
    pub answers: u32,
    /// Its place among the job's submissions, from 0.
    pub sequence: u64,
}

/// A receipt: [`crate::identity::Signed`] by the coordinator for [`crate::identity::Purpose::Receipt`].
pub type Receipt = crate::identity::Signed<ReceiptStatement>;

/// `GET /v1/jobs/{id}/submissions/{sid}`.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionStatus {
    /// The receipt, as it was given at upload.
    pub receipt: Receipt,
    /// What became of the answers; null until the job is published.
    pub outcome: Option<SubmissionOutcome>,
}

/// What became of the answers of a submission.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubmissionOutcome {
    /// How many count.
    pub accepted: u64,
    /// Those that do not.
    pub rejected: Vec<RejectedAnswer>,
}

/// An answer that does not count. When a whole submission does not, all its answers have one reason.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedAnswer {
    /// The id of its item.
    pub item: String,
    /// Why it does not count.
    pub reason: RejectReason,
}

/// An RFC 9457 problem document.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind, `urn:tacit:problem:` and one of a closed list.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time, and what to do.
    pub detail: String,
}
