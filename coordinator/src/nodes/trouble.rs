//! Why a node does not do what it is asked.

use std::time::Duration;

use tacit_link::LinkError;
use tacit_protocol::control::Refusal;
use thiserror::Error;

/// Why a node does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// No connection was tried so far.
    #[error("not connected yet")]
    NotConnected,
    /// The connection fails.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It refuses.
    #[error("{0}")]
    Refused(Refusal),
    /// It does not answer in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
    /// Its answer does not fit what it was asked.
    #[error("it answered something else than it was asked: {0}")]
    Odd(&'static str),
    /// The coordinator's own store does not give what the node needs.
    #[error("the coordinator's store failed: {0}")]
    Store(String),
}

impl Trouble {
    /// Whether waiting alone will not help.
    pub fn needs_operator(&self) -> bool {
        match self {
            Self::Link(error) => error.needs_operator(),
            Self::Refused(refusal) => !matches!(
                refusal,
                Refusal::Busy(_) | Refusal::ShuttingDown | Refusal::Session { .. } | Refusal::UnknownJob(_) | Refusal::Gold(_)
            ),
            Self::NotConnected | Self::Silent(_) => false,
            Self::Odd(_) | Self::Store(_) => true,
        }
    }

    /// Whether the same will be answered for as long as the job lives.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(Refusal::ReleasedBefore(_) | Refusal::Policy { .. }))
    }

    /// What is wrong with the buyer's gold answers, if that is why.
    pub fn about_gold(&self) -> Option<&str> {
        match self {
            Self::Refused(Refusal::Gold(reason)) => Some(reason),
            _ => None,
        }
    }

    /// Whether the node is busy with other jobs.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Refused(Refusal::Busy(_)))
    }

    /// Whether the node itself cannot compute for now, whoever else takes part.
    pub fn is_unable(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal, Refusal::Storage(_) | Refusal::ShuttingDown),
            Self::Link(_) | Self::Silent(_) | Self::Odd(_) => true,
            Self::NotConnected | Self::Store(_) => false,
        }
    }

    /// Whether some node did what the protocol does not allow. Everything else, lost links, full disks and
    /// restarts, passes with time or with an operator's help, and costs a job nothing but time.
    pub fn is_deviation(&self) -> bool {
        match self {
            Self::Refused(refusal) => match refusal {
                Refusal::Session { transient, .. } => !transient,
                Refusal::Malformed(_) | Refusal::Job(_) | Refusal::OtherSpec(_) | Refusal::Gold(_) => true,
                Refusal::Policy { .. }
                | Refusal::ReleasedBefore(_)
                | Refusal::UnknownJob(_)
                | Refusal::Busy(_)
                | Refusal::Storage(_)
                | Refusal::ShuttingDown => false,
            },
            Self::Odd(_) => true,
            Self::NotConnected | Self::Link(_) | Self::Silent(_) | Self::Store(_) => false,
        }
    }

    /// Whether it is the same in kind: the time waited does not make it another.
    pub fn is_like(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Silent(_), Self::Silent(_))) || self == other
    }

    /// Whether the node says no to the job as such, rather than being unable to take it now.
    pub fn is_about_the_job(&self) -> bool {
        match self {
            Self::Refused(refusal) => !matches!(
                refusal,
                Refusal::Busy(_) | Refusal::ShuttingDown | Refusal::Storage(_) | Refusal::Session { .. }
            ),
            Self::Odd(_) => true,
            Self::NotConnected | Self::Link(_) | Self::Silent(_) | Self::Store(_) => false,
        }
    }
}
