//! What the coordinator and a node say to each other, one request to a stream.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::accepted::SubmissionEntry;
use crate::job::JobId;
use crate::phase::Phase;
use crate::reject::RejectReason;
use crate::release::Released;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

/// The largest request or reply, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// What the coordinator asks of a node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Open a job. Asked again with the same spec, the answer is the same.
    OpenJob {
        /// The job's id.
        id: JobId,
        /// The job's spec, JSON.
        #[serde(with = "serde_bytes")]
        spec: Vec<u8>,
    },
    /// Keep these submissions, in order. Asked again, the outcomes are the same.
    Deliver {
        /// The job.
        job: JobId,
        /// The submissions, each an encoded [`Delivery`](crate::submission::Delivery) with the digest the coordinator lists it by.
        #[serde(with = "crate::codec::named_byte_strings")]
        submissions: Vec<(Digest, Vec<u8>)>,
    },
    /// Compute the job on the submissions of this list, with these nodes.
    Compute {
        /// The job.
        job: JobId,
        /// Which try this is, from 1; the same number at all participants.
        attempt: u32,
        /// Who takes part.
        participants: NodeSet,
        /// The submissions in the order they came.
        list: Vec<SubmissionEntry>,
    },
    /// Forget a job and what was delivered for it.
    Cancel {
        /// The job.
        job: JobId,
    },
}

/// What a node answers. Every request has one reply, but [`Request::Compute`] has any number of
/// [`Reply::Progress`] first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The job is open, under this digest.
    Opened(Digest),
    /// What became of each delivered submission, in order: kept, or not and why.
    Delivered(Vec<Option<RejectReason>>),
    /// A computation has entered a phase.
    Progress(Phase),
    /// A computation has ended well.
    Computed(Box<Computed>),
    /// The job is forgotten.
    Cancelled,
    /// The request is refused or has failed.
    Refused(Refusal),
}

/// The end of a computation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// The merged verdicts on the list's entries, 0 for accepted, else a reason's code.
    pub verdicts: Vec<u8>,
    /// The node's signed components of the outputs.
    pub released: Released,
    /// Rounds of communication.
    pub rounds: u64,
    /// Bytes this node sent to its peers.
    pub bytes_sent: u64,
}

/// Why a node does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be read.
    #[error("the request is malformed: {0}")]
    Malformed(String),
    /// The job's spec is refused.
    #[error("the job is refused: {0}")]
    Job(String),
    /// The node's policy forbids what the job asks.
    #[error("policy rule `{rule}`: {detail}")]
    Policy {
        /// The rule.
        rule: String,
        /// What it says and what the job asks.
        detail: String,
    },
    /// A job of this id is open with another spec.
    #[error("job {0} is open with another spec")]
    OtherSpec(JobId),
    /// The node does not know the job.
    #[error("job {0} is not open at this node")]
    UnknownJob(JobId),
    /// The node has released outputs of this job for another accepted set.
    #[error("outputs of job {0} were released for another accepted set: a second set is never scored")]
    ReleasedBefore(JobId),
    /// The node is busy with this job or with as many as it runs at once.
    #[error("the node is busy: {0}")]
    Busy(String),
    /// The session failed.
    #[error("{message}")]
    Session {
        /// Where.
        phase: Option<Phase>,
        /// The nodes of which at least one is at fault.
        suspects: NodeSet,
        /// Whether it was the network, so that another try may end well; otherwise some node deviates.
        transient: bool,
        /// In words.
        message: String,
    },
    /// The node's store failed: its disk is full or broken.
    #[error("storage: {0}")]
    Storage(String),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
    /// The job has gold answers to score by, and they cannot be used.
    #[error("{0}")]
    Gold(String),
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenJob { id, spec } => write!(f, "OpenJob({id}, {} bytes)", spec.len()),
            Self::Deliver { job, submissions } => write!(f, "Deliver({job}, {} submissions)", submissions.len()),
            Self::Compute {
                job,
                attempt,
                participants,
                list,
            } => {
                write!(f, "Compute({job}, attempt {attempt}, {participants:?}, {} submissions)", list.len())
            }
            Self::Cancel { job } => write!(f, "Cancel({job})"),
        }
    }
}
