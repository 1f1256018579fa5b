//! Why a node does not do what the coordinator asks, and what follows from it.

use std::time::Duration;

use tacit_link::LinkError;
use tacit_protocol::control::Refusal;
use thiserror::Error;

use crate::store::StoreError;

/// Why a node does not do what the coordinator asks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NodeError {
    /// The coordinator has just started.
    #[error("not connected yet")]
    NotConnected,
    /// The connection failed.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The node refused the request.
    #[error("{0}")]
    Refused(Refusal),
    /// The node did not answer in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// The node's answer does not fit the request.
    #[error("its answer does not fit the request: {0}")]
    UnexpectedReply(&'static str),
    /// The coordinator's own store does not provide what the node needs.
    #[error("the coordinator's store failed: {0}")]
    Store(String),
}

impl NodeError {
    /// Whether an operator has to act, because waiting alone does not help.
    pub(crate) fn needs_operator(&self) -> bool {
        match self {
            Self::Link(error) => error.needs_operator(),
            Self::Refused(refusal) => !matches!(
                refusal,
                Refusal::Busy(_)
                    | Refusal::ShuttingDown
                    | Refusal::Session { .. }
                    | Refusal::Disputed { .. }
                    | Refusal::UnknownJob(_)
                    | Refusal::Gold(_)
            ),
            Self::NotConnected | Self::Silent(_) => false,
            Self::UnexpectedReply(_) | Self::Store(_) => true,
        }
    }

    /// Whether the node will give the same answer for as long as the job exists.
    pub(crate) fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Refused(Refusal::ReleasedBefore(_) | Refusal::Ended(_) | Refusal::Policy { .. })
        )
    }

    /// What is wrong with the buyer's gold answers, if they are the reason.
    pub(crate) fn about_gold(&self) -> Option<&str> {
        match self {
            Self::Refused(Refusal::Gold(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Whether the node computes too many other jobs.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Refused(Refusal::Busy(_)))
    }

    /// Whether the node cannot compute for now, whichever other nodes take part.
    pub(crate) fn is_unable(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(
                refusal,
                Refusal::Storage(_) | Refusal::ShuttingDown | Refusal::Withdrawn(_) | Refusal::PolicyChanged { .. }
            ),
            Self::Link(_) | Self::Silent(_) | Self::UnexpectedReply(_) => true,
            Self::NotConnected | Self::Store(_) => false,
        }
    }

    /// Whether some node did what the protocol does not allow. All other errors, such as lost connections, full disks and restarts, pass
    /// with time or with an operator's help, and do not count as attempts of a job.
    pub(crate) fn is_deviation(&self) -> bool {
        match self {
            Self::Refused(refusal) => match refusal {
                Refusal::Session { transient, .. } => !transient,
                Refusal::Malformed(_) | Refusal::Job(_) | Refusal::OtherSpec(_) | Refusal::Gold(_) => true,
                Refusal::Policy { .. }
                | Refusal::PolicyChanged { .. }
                | Refusal::ReleasedBefore(_)
                | Refusal::Ended(_)
                | Refusal::Frozen(_)
                | Refusal::NotCancelled(_)
                // The job waits until the nodes accept what the others hold, however long that takes.
                | Refusal::Disputed { .. }
                // The job waits until a quorum has erased what was withdrawn, or goes on without the node.
                | Refusal::Withdrawn(_)
                | Refusal::UnknownJob(_)
                | Refusal::Busy(_)
                | Refusal::Storage(_)
                | Refusal::ShuttingDown => false,
            },
            Self::UnexpectedReply(_) => true,
            Self::NotConnected | Self::Link(_) | Self::Silent(_) | Self::Store(_) => false,
        }
    }

    /// Whether both errors are to be logged as one: they are equal, except for the time that was waited.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Silent(_), Self::Silent(_))) || self == other
    }

    /// Whether the node refuses the job itself, and is not only unable to open it now.
    pub(crate) fn is_about_the_job(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(
                refusal,
                Refusal::Busy(_) | Refusal::ShuttingDown | Refusal::Storage(_) | Refusal::Session { .. } | Refusal::Disputed { .. }
            ),
            Self::UnexpectedReply(_) => true,
            Self::NotConnected | Self::Link(_) | Self::Silent(_) | Self::Store(_) => false,
        }
    }
}

impl From<StoreError> for NodeError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}
