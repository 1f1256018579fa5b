//! Problem documents ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), of a closed list of kinds.

use serde::{Deserialize, Serialize};

/// What the `type` of every problem begins with.
const PREFIX: &str = "urn:tacit:problem:";

/// A problem document.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind of problem: `urn:tacit:problem:` and one name of a closed list.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words, the same each time.
    pub title: String,
    /// The HTTP status of the response.
    pub status: u16,
    /// What happened this time, and what to do about it.
    pub detail: String,
}

impl Problem {
    /// The document of a problem of this kind. `detail` says what happened this time.
    pub fn new(kind: ProblemKind, detail: String) -> Self {
        Self {
            kind: kind.uri(),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail,
        }
    }

    /// The kind of problem; `None` if this version does not know it: a later one may have more kinds.
    pub fn known_kind(&self) -> Option<ProblemKind> {
        let name = self.kind.strip_prefix(PREFIX)?;
        ProblemKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The kinds of problems. The `type` of each is `urn:tacit:problem:` and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The path, a header or the body cannot be read.
    InvalidRequest,
    /// The job's spec cannot be used.
    InvalidJob,
    /// A node refuses the job.
    NodeRefused,
    /// Too few nodes are connected.
    NodesUnavailable,
    /// The request has no buyer's token and no valid signature of a key.
    Unauthorized,
    /// The signature of an enrolment or of a cancellation does not verify.
    BadSignature,
    /// The coordinator enrols no new contributors.
    EnrolmentClosed,
    /// The name or the key is enrolled already.
    EnrolmentConflict,
    /// Too many contributors were enrolled in the last hour.
    EnrolmentQuota,
    /// The contributor is not enrolled under this key.
    NotEnrolled,
    /// The job belongs to another buyer.
    NotYourJob,
    /// There is no such job.
    UnknownJob,
    /// There is no such submission.
    UnknownSubmission,
    /// No job names these issuers.
    UnknownIssuers,
    /// The pool has as many revocations as one may have.
    RevocationQuota,
    /// Another job has this id.
    JobConflict,
    /// The job no longer accepts submissions.
    JobClosed,
    /// The job's submissions are fixed: none can be withdrawn.
    Frozen,
    /// The job has as many answers as it takes.
    JobFull,
    /// The job has as much of the contributor as it takes of one.
    ContributorQuota,
    /// The buyer's jobs would take more than one buyer may.
    BuyerQuota,
    /// The job has ended and cannot be cancelled, or its items are erased.
    JobEnded,
    /// The job is not published, so it has no results.
    NotPublished,
    /// What was stored of the job is removed, as its time is over.
    Purged,
    /// The submission is not valid.
    SubmissionRejected,
    /// Another submission has this id.
    SubmissionConflict,
    /// The submission is sealed to a key whose time is over.
    SealingKeyExpired,
    /// The body is too large.
    TooLarge,
    /// The body did not arrive in time.
    TooSlow,
    /// The body has another media type.
    UnsupportedMediaType,
    /// The path is unknown.
    NotFound,
    /// The path does not support this method.
    MethodNotAllowed,
    /// Too much is being read.
    Busy,
    /// The disk of the store is full.
    StoreFull,
    /// The store failed.
    StoreFailed,
    /// The coordinator is shutting down.
    ShuttingDown,
}

impl ProblemKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 36] = [
        Self::InvalidRequest,
        Self::InvalidJob,
        Self::NodeRefused,
        Self::NodesUnavailable,
        Self::Unauthorized,
        Self::BadSignature,
        Self::EnrolmentClosed,
        Self::EnrolmentConflict,
        Self::EnrolmentQuota,
        Self::NotEnrolled,
        Self::NotYourJob,
        Self::UnknownJob,
        Self::UnknownSubmission,
        Self::UnknownIssuers,
        Self::RevocationQuota,
        Self::JobConflict,
        Self::JobClosed,
        Self::Frozen,
        Self::JobFull,
        Self::ContributorQuota,
        Self::BuyerQuota,
        Self::JobEnded,
        Self::NotPublished,
        Self::Purged,
        Self::SubmissionRejected,
        Self::SubmissionConflict,
        Self::SealingKeyExpired,
        Self::TooLarge,
        Self::TooSlow,
        Self::UnsupportedMediaType,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Busy,
        Self::StoreFull,
        Self::StoreFailed,
        Self::ShuttingDown,
    ];

    /// The name in the `type`.
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// The kind in words.
    pub fn title(self) -> &'static str {
        self.facts().1
    }

    /// The HTTP status of the response.
    pub fn status(self) -> u16 {
        self.facts().2
    }

    /// The `type` of the document.
    pub fn uri(self) -> String {
        format!("{PREFIX}{}", self.name())
    }

    /// The name, the title and the HTTP status.
    fn facts(self) -> (&'static str, &'static str, u16) {
        match self {
            Self::InvalidRequest => ("invalid_request", "The request cannot be read", 400),
            Self::InvalidJob => ("invalid_job", "The job's spec cannot be used", 422),
            Self::NodeRefused => ("node_refused", "A node refuses the job", 422),
            Self::NodesUnavailable => ("nodes_unavailable", "Too few nodes can be reached", 503),
            Self::Unauthorized => ("unauthorized", "A token or a signature is needed", 401),
            Self::BadSignature => ("bad_signature", "The signature does not verify", 400),
            Self::EnrolmentClosed => ("enrolment_closed", "No new contributors are enrolled", 403),
            Self::EnrolmentConflict => ("enrolment_conflict", "The name or the key is taken", 409),
            Self::EnrolmentQuota => ("enrolment_quota", "Too many contributors were enrolled", 429),
            Self::NotYourJob => ("not_your_job", "The job belongs to another buyer", 403),
            Self::NotEnrolled => ("not_enrolled", "The contributor is not enrolled", 403),
            Self::UnknownJob => ("unknown_job", "There is no such job", 404),
            Self::UnknownSubmission => ("unknown_submission", "There is no such submission", 404),
            Self::UnknownIssuers => ("unknown_issuers", "No job names these issuers", 404),
            Self::RevocationQuota => ("revocation_quota", "The pool has too many revocations", 429),
            Self::JobConflict => ("job_conflict", "Another job has this id", 409),
            Self::JobClosed => ("job_closed", "The job no longer accepts submissions", 409),
            Self::Frozen => ("frozen", "Nothing can be withdrawn any more", 409),
            Self::JobFull => ("job_full", "The job has as many answers as it takes", 409),
            Self::ContributorQuota => ("contributor_quota", "The job takes no more of this contributor", 429),
            Self::BuyerQuota => ("buyer_quota", "The buyer has too much open", 429),
            Self::JobEnded => ("job_ended", "The job has ended", 409),
            Self::NotPublished => ("not_published", "The job is not published", 409),
            Self::Purged => ("purged", "What was stored of the job is removed", 410),
            Self::SubmissionRejected => ("submission_rejected", "The submission is not valid", 422),
            Self::SubmissionConflict => ("submission_conflict", "Another submission has this id", 409),
            Self::SealingKeyExpired => ("sealing_key_expired", "The answers are sealed to a key whose time is over", 409),
            Self::TooLarge => ("too_large", "The body is too large", 413),
            Self::TooSlow => ("too_slow", "The body did not arrive in time", 408),
            Self::UnsupportedMediaType => ("unsupported_media_type", "The body has another media type", 415),
            Self::NotFound => ("not_found", "The path is unknown", 404),
            Self::MethodNotAllowed => ("method_not_allowed", "The path does not support this method", 405),
            Self::Busy => ("busy", "The coordinator is reading or sending too much", 503),
            Self::StoreFull => ("store_full", "The coordinator's store is full", 507),
            Self::StoreFailed => ("store_failed", "The coordinator's store failed", 500),
            Self::ShuttingDown => ("shutting_down", "The coordinator is shutting down", 503),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back_and_others_are_not_known() {
        for kind in ProblemKind::ALL {
            let problem = Problem::new(kind, "what to do".to_owned());
            assert_eq!(problem.known_kind(), Some(kind));
            assert!((400..600).contains(&problem.status) && !problem.title.is_empty());
        }
        let mut later = Problem::new(ProblemKind::Busy, String::new());
        later.kind = "urn:tacit:problem:of_a_later_version".to_owned();
        assert_eq!(later.known_kind(), None);
        later.kind = ProblemKind::Busy.name().to_owned();
        assert_eq!(later.known_kind(), None, "without the prefix");
    }
}
