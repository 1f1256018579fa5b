//! Why a request to the coordinator failed.

use reqwest::StatusCode;
use tacit_protocol::api::{Problem, ProblemKind};
use tacit_protocol::versions::Versions;
use thiserror::Error;

use crate::text::one_line;

/// Why a request to the coordinator failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ApiError {
    /// The URL is not valid.
    #[error("`{url}` is not the URL of a coordinator: {reason}")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing can be sent from this machine.
    #[error("no HTTPS connection can be made from this machine: {0}; are the system's root certificates installed?")]
    Client(String),
    /// The URL is plain HTTP to another machine.
    #[error(
        "{url} has no TLS: whoever is on the way would read the token and change what you see. Use https://, or --insecure where nobody can be on the way"
    )]
    Insecure {
        /// The URL as given.
        url: String,
    },
    /// The token contains characters that cannot be in a header.
    #[error("the buyer's token has characters that cannot be sent: it must be one line of plain letters, digits and signs")]
    Token,
    /// The coordinator cannot be connected to, or the connection broke.
    #[error("the coordinator at {url} cannot be reached: {reason}; check the address and the network, or try again later")]
    Unreachable {
        /// The address of the coordinator.
        url: String,
        /// The error of the network.
        reason: String,
    },
    /// The coordinator speaks no protocol version that this program does.
    #[error("the coordinator at {url} speaks protocol {theirs}, this program {ours}: {}", theirs.who_upgrades("its operator has to upgrade it", *ours, "upgrade this program"))]
    Version {
        /// The address of the coordinator.
        url: String,
        /// The versions it speaks.
        theirs: Versions,
        /// The versions this program speaks.
        ours: Versions,
    },
    /// The request was refused.
    #[error("the coordinator at {url} answered {} to {request}: {}: {}", problem.status, problem.title, problem.detail)]
    Refused {
        /// The address of the coordinator.
        url: String,
        /// Method and path.
        request: String,
        /// The coordinator's problem document.
        problem: Box<Problem>,
    },
    /// The response is not what the API specifies.
    #[error("the coordinator at {url} gave no valid answer to {request}: {reason}")]
    Answer {
        /// The address of the coordinator.
        url: String,
        /// Method and path.
        request: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl ApiError {
    /// The kind of problem that the coordinator has answered; `None` if it has not, or with a kind that this version does not know.
    pub fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused { problem, .. } => problem.known_kind(),
            _ => None,
        }
    }

    /// Whether the coordinator has answered that there is no such thing, or none that may be read.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Refused { problem, .. } if problem.status == StatusCode::NOT_FOUND.as_u16())
    }
}

/// An error with its causes: the outermost error alone says little.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    one_line(&text)
}
