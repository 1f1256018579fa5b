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

/// What a failed request means for whoever has sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureClass {
    /// There is no such thing, none that this request may read, or none any more.
    NotFound,
    /// The request says not who it is from, or this one may not do it.
    NotAllowed,
    /// What is there already does not allow it: the id is taken, the job has ended or is full, a quota is used up.
    Conflict,
    /// The job has no results yet.
    NotPublished,
    /// The same request may succeed later: nobody answers, or who answers is busy.
    TryLater,
    /// The request itself is wrong, or cannot be sent.
    Other,
}

impl ApiError {
    /// What the failure means for whoever has sent the request.
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable { .. } | Self::Answer { .. } => FailureClass::TryLater,
            Self::Refused { problem, .. } => match problem.known_kind() {
                Some(kind) => class_of_kind(kind),
                None => class_of_status(problem.status),
            },
            Self::Url { .. } | Self::Client(_) | Self::Insecure { .. } | Self::Token | Self::Version { .. } => FailureClass::Other,
        }
    }

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

fn class_of_kind(kind: ProblemKind) -> FailureClass {
    use ProblemKind as Kind;
    match kind {
        Kind::UnknownJob | Kind::UnknownSubmission | Kind::UnknownIssuers | Kind::NotFound | Kind::Purged => FailureClass::NotFound,
        Kind::Unauthorized | Kind::NotYourJob | Kind::NotEnrolled | Kind::EnrolmentClosed | Kind::BadSignature => FailureClass::NotAllowed,
        Kind::EnrolmentConflict
        | Kind::RevocationQuota
        | Kind::JobConflict
        | Kind::JobClosed
        | Kind::Frozen
        | Kind::JobFull
        | Kind::ContributorQuota
        | Kind::BuyerQuota
        | Kind::JobEnded
        | Kind::SubmissionConflict
        | Kind::SealingKeyExpired => FailureClass::Conflict,
        Kind::NotPublished => FailureClass::NotPublished,
        Kind::NodesUnavailable
        | Kind::EnrolmentQuota
        | Kind::TooSlow
        | Kind::Busy
        | Kind::StoreFull
        | Kind::StoreFailed
        | Kind::ShuttingDown => FailureClass::TryLater,
        Kind::InvalidRequest
        | Kind::InvalidJob
        | Kind::NodeRefused
        | Kind::SubmissionRejected
        | Kind::TooLarge
        | Kind::UnsupportedMediaType
        | Kind::MethodNotAllowed => FailureClass::Other,
    }
}

/// Of a status without a kind that this version knows: from a proxy, or from a later coordinator.
fn class_of_status(status: u16) -> FailureClass {
    match status {
        401 | 403 => FailureClass::NotAllowed,
        404 | 410 => FailureClass::NotFound,
        409 => FailureClass::Conflict,
        408 | 429 | 500.. => FailureClass::TryLater,
        _ => FailureClass::Other,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: &str, status: u16) -> ApiError {
        let problem = Problem {
            kind: kind.to_owned(),
            title: String::new(),
            status,
            detail: String::new(),
        };
        ApiError::Refused {
            url: String::new(),
            request: String::new(),
            problem: Box::new(problem),
        }
    }

    #[test]
    fn kinds_and_statuses_mean_the_same_but_where_the_kind_says_more() {
        let more = [
            (ProblemKind::NotPublished, FailureClass::NotPublished),
            (ProblemKind::RevocationQuota, FailureClass::Conflict),
            (ProblemKind::ContributorQuota, FailureClass::Conflict),
            (ProblemKind::BuyerQuota, FailureClass::Conflict),
            (ProblemKind::BadSignature, FailureClass::NotAllowed),
        ];
        for kind in ProblemKind::ALL {
            let by_status = refused("about:blank", kind.status()).class();
            let due = more.iter().find(|(known, _)| *known == kind).map_or(by_status, |(_, class)| *class);
            assert_eq!(refused(&kind.uri(), kind.status()).class(), due, "{kind:?}");
        }
    }

    #[test]
    fn a_proxy_that_finds_nobody_is_tried_later() {
        for status in [408, 429, 500, 502, 503, 504] {
            assert_eq!(refused("about:blank", status).class(), FailureClass::TryLater, "{status}");
        }
        let unreachable = ApiError::Unreachable {
            url: String::new(),
            reason: String::new(),
        };
        assert_eq!(unreachable.class(), FailureClass::TryLater);
        assert_eq!(ApiError::Token.class(), FailureClass::Other);
    }
}
