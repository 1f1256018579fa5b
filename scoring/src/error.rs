//! Why a job's computation ends without outputs.

use tacit_mpc_core::session::SessionError;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::AcceptedSetError;
use tacit_protocol::certificate::CertificateError;
use tacit_protocol::release::OutputName;
use thiserror::Error;

/// Why a computation ends without outputs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScoringError {
    /// The session failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The list does not fit the submissions.
    #[error(transparent)]
    AcceptedSet(#[from] AcceptedSetError),
    /// The job has gold answers to score by, and they cannot be used.
    #[error(transparent)]
    Gold(#[from] GoldError),
    /// A few participants refuse what the others hold.
    #[error(transparent)]
    Disputed(#[from] Dispute),
    /// An accepted submission does not open any more.
    #[error("entry {0} of the list of submissions was accepted but does not open any more: the store or the sealing key was changed")]
    Unopened(usize),
    /// The node's policy forbids to release a job with so few answers or contributors.
    #[error("the policy of this node forbids to release the job: too few answers or contributors count")]
    NotPermitted,
    /// The node has released the job for another accepted set, or cannot record this one.
    #[error("this accepted set could not be recorded: the node has recorded another one for the job, or its store failed")]
    NotRecorded,
    /// The job opens an output that no statistic computes: a defect of the program.
    #[error("no statistic computes the output `{0}`, which the job opens: this is a defect, report it with the job's terms")]
    NotComputed(OutputName),
    /// An opened number is none that answers give, although all products were verified: a defect of the program.
    #[error("no pay follows from what was opened: {0}; this is a defect, report it with the job's terms")]
    Records(CertificateError),
}

/// Participants that refuse submissions which all others hold. There are no more of them than may be corrupt, so that there may be no
/// honest node among them: if their word counted, they would choose whose answers are published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("nodes {refusing:?} refuse {submissions} submissions that all other participants hold: there are no outputs while they do")]
pub struct Dispute {
    /// The participants that refuse.
    pub refusing: NodeSet,
    /// How many submissions exactly these refuse.
    pub submissions: u64,
    /// Nodes of which at least one is at fault, as this node sees it: those that refuse; or, if it refuses itself, the others,
    /// of which one holds what this node lacks and did not supply it.
    pub suspects: NodeSet,
}

/// Why a job with gold answers cannot be scored. To go on without them would change everyone's pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GoldError {
    /// A part did not come, or some node cannot use it.
    #[error(
        "the buyer's gold answers are not complete: part {part} of {parts} did not come before the job closed, or a node could not use it; \
         open the job again under another id"
    )]
    Missing {
        /// The first such part, from 1.
        part: usize,
        /// How many there are.
        parts: usize,
    },
    /// Some row is not of one class or none.
    #[error(
        "the buyer's gold answers are malformed: the row of some item is neither one answer nor empty (the nodes found this without seeing it); \
         open the job again under another id"
    )]
    Malformed,
}
