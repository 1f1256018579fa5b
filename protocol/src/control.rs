//! The messages between the coordinator and a node. Each request has a QUIC stream of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::accepted::SubmissionEntry;
use crate::credential::Revocation;
use crate::identity::Signature;
use crate::job::JobId;
use crate::phase::Phase;
use crate::receipt::SaltSeed;
use crate::reject::RejectReason;
use crate::release::Released;
use crate::sealing_epoch::SignedEpoch;
use crate::verdict::Verdict;
use crate::withdrawal::{ErasureReceipt, SignedWithdrawal};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

/// The largest request or reply, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 256 << 20;

/// A request of the coordinator to a node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Open a job. Asked again with the same spec, the node answers the same.
    OpenJob {
        /// The job's id.
        id: JobId,
        /// The job's spec with the buyer's signature, JSON: a [`SignedSpec`](crate::job::SignedSpec).
        #[serde(with = "serde_bytes")]
        spec: Vec<u8>,
    },
    /// Store these submissions, in this order. Asked again, the node answers the same.
    Deliver {
        /// The id of the job.
        job: JobId,
        /// The submissions: the digest by which the coordinator lists each, and an encoded
        /// [`Delivery`](crate::submission::Delivery).
        #[serde(with = "crate::codec::byte_strings::with_digest")]
        submissions: Vec<(Digest, Vec<u8>)>,
    },
    /// Compute the outputs of a job from the submissions of this list, together with these nodes.
    Compute {
        /// The id of the job.
        job: JobId,
        /// The number of this attempt, from 1; the same at all participants.
        attempt: u32,
        /// The nodes that take part.
        participants: NodeSet,
        /// The submissions in the order in which the coordinator received them.
        list: Vec<SubmissionEntry>,
        /// What the salts of contributors' records follow from; the same at all participants.
        salts: SaltSeed,
    },
    /// Erase a job that its buyer has cancelled.
    Cancel {
        /// The id of the job.
        job: JobId,
        /// The buyer's signature over its [`Cancellation`](crate::job::Cancellation). Without it a node erases only a job of which
        /// it has no submission, because opening it failed at other nodes.
        signature: Option<Signature>,
    },
    /// Take no further answers of these people of a pool, in any job that names its issuers.
    Revoke(Revocation),
    /// Erase a job whose outputs are certified: nothing of it is computed any more.
    Certified {
        /// The id of the job.
        job: JobId,
        /// The text of its [`Certificate`](crate::certificate::Certificate), which the node verifies.
        #[serde(with = "serde_bytes")]
        certificate: Vec<u8>,
    },
    /// Give the newest key that contributors seal to.
    SealingKey,
    /// Erase a submission that its contributor has taken back, and take it never again.
    Withdraw {
        /// The id of the job.
        job: JobId,
        /// The encoded signed header of the submission: a node that was not delivered it learns from it whose it is.
        #[serde(with = "serde_bytes")]
        header: Vec<u8>,
        /// The contributor's signature over its [`Withdrawal`](crate::withdrawal::Withdrawal).
        signature: Signature,
    },
}

/// A node's reply. Every request has one; before the reply to [`Request::Compute`] come any number of
/// [`Reply::Progress`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The job is open; this is the digest of its terms.
    Opened(Digest),
    /// For each delivered submission, in order: `None` if it is accepted, else why not.
    Delivered(Vec<Option<RejectReason>>),
    /// The computation has entered this phase.
    Progress(Phase),
    /// The computation has ended well.
    Computed(Box<Computed>),
    /// Nothing is left of the job but that it was here.
    Erased,
    /// The request was refused or has failed.
    Refused(Refusal),
    /// The node has stored the revocation.
    Revoked,
    /// The node's newest sealing key.
    SealingKey(Box<SignedEpoch>),
    /// The submission is erased.
    Withdrawn(Box<ErasureReceipt>),
}

/// The result of a computation at one node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computed {
    /// The final verdict on each entry of the list.
    pub verdicts: Vec<Verdict>,
    /// What the node releases of the outputs, signed.
    pub released: Released,
    /// How many rounds of communication the computation took.
    pub rounds: u64,
    /// How many bytes this node sent to its peers.
    pub bytes_sent: u64,
}

/// Why a node does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be decoded or does not fit the job.
    #[error("the request is malformed: {0}")]
    Malformed(String),
    /// The job's spec is refused.
    #[error("the job is refused: {0}")]
    Job(String),
    /// The node's policy forbids what the job asks.
    #[error("policy rule `{rule}`: {detail}")]
    Policy {
        /// The name of the rule in the node's configuration.
        rule: String,
        /// What the rule says and what the job asks.
        detail: String,
    },
    /// A job of this id is open with another spec.
    #[error("job {0} is open with another spec")]
    OtherSpec(JobId),
    /// No job of this id is open at the node.
    #[error("job {0} is not open at this node")]
    UnknownJob(JobId),
    /// The node has released outputs of this job for another accepted set, or with other noise. Releasing a second result would reveal the
    /// answers in which the two differ.
    #[error("outputs of job {0} were released before, for another accepted set or with other noise: a second result is never released")]
    ReleasedBefore(JobId),
    /// The node computes this job already, or as many jobs as it computes at once.
    #[error("the node is busy: {0}")]
    Busy(String),
    /// The computation failed.
    #[error("{message}")]
    Session {
        /// The phase in which it failed, if the failure belongs to one.
        phase: Option<Phase>,
        /// Nodes of which at least one is at fault.
        suspects: NodeSet,
        /// Whether the network failed, so that another attempt may end well; otherwise some node deviates.
        transient: bool,
        /// What happened, in words.
        message: String,
    },
    /// The node's store failed, for example because its disk is full.
    #[error("storage: {0}")]
    Storage(String),
    /// The node is shutting down.
    #[error("the node is shutting down")]
    ShuttingDown,
    /// The job is computed: nothing of it can be taken back.
    #[error("job {0} is computed at this node: no submission can be withdrawn any more")]
    Frozen(JobId),
    /// The job has gold answers to score by, and they cannot be used.
    #[error("{0}")]
    Gold(String),
    /// A few nodes, no more than may be corrupt, refuse submissions that the others hold. There are no outputs while they do.
    #[error("{message}")]
    Disputed {
        /// The nodes that refuse.
        refusing: NodeSet,
        /// Nodes of which at least one is at fault, as the answering node sees it: those that refuse; or, if it refuses
        /// itself, those that hold what they did not supply.
        suspects: NodeSet,
        /// What happened, in words.
        message: String,
    },
    /// The job has ended at this node, and all that the node had of it is erased. It is never opened again.
    #[error("job {0} has ended at this node, which has erased its shares: it is never opened or computed again")]
    Ended(JobId),
    /// The coordinator says that the job is cancelled, and the buyer has not signed that.
    #[error("job {0} is not erased: its buyer has not signed that it is cancelled")]
    NotCancelled(JobId),
    /// The list of a computation names these submissions, at least one and at most [`MAX_WITHDRAWALS`](crate::withdrawal::MAX_WITHDRAWALS), which
    /// their contributors have withdrawn. Nothing is computed on it.
    #[error("the list names {} submissions that their contributors have withdrawn: leave them out", .0.len())]
    Withdrawn(Vec<SignedWithdrawal>),
    /// The node's policy was tightened after the job was opened. The node computes nothing of it as long as the policy is as it is; the job
    /// waits, since a policy can be corrected.
    #[error("policy rule `{rule}`, which was changed after the job was opened: {detail}")]
    PolicyChanged {
        /// The name of the rule in the node's configuration.
        rule: String,
        /// What the rule says and what the job asks.
        detail: String,
    },
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
                ..
            } => {
                write!(f, "Compute({job}, attempt {attempt}, {participants:?}, {} submissions)", list.len())
            }
            Self::Cancel { job, signature } => write!(f, "Cancel({job}, signed: {})", signature.is_some()),
            Self::Certified { job, certificate } => write!(f, "Certified({job}, {} bytes)", certificate.len()),
            Self::Revoke(revocation) => write!(f, "Revoke({}, {} numbers)", revocation.issuers.pool, revocation.serials.len()),
            Self::SealingKey => write!(f, "SealingKey"),
            Self::Withdraw { job, header, .. } => write!(f, "Withdraw({job}, header of {} bytes)", header.len()),
        }
    }
}
