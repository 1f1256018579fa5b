//! Why a command fails, and the exit code of each cause. This is the only place that gives `tacit` exit codes.

use std::error::Error;
use std::fmt::Display;

use serde_json::json;
use tacit_client::authenticity::AuthenticityError;
use tacit_client::gold::GoldError;
use tacit_client::http::{ApiError, FailureClass};
use tacit_client::known_jobs::KnownJobError;
use tacit_client::outcome::{FetchError, OutcomeError};
use tacit_client::receipt::ReceiptError;
use tacit_client::resending::ResendError;
use tacit_client::sealing_keys::SealingKeysError;
use tacit_client::sharing::SendError;
use tacit_client::text::one_line;
use tacit_client::verify::VerifyError;
use tacit_client::withdrawals::WithdrawError;
use tacit_program::{UNWRITTEN_ERROR, failure_code};
use thiserror::Error as ThisError;

use crate::interruption::Interrupted;
use crate::local_cluster::MissingPrograms;
use crate::output::Format;

/// Why a command did not do what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// None of the others.
    Failed,
    /// The command line cannot be used.
    Usage,
    /// Programs that the command runs are not installed.
    MissingPrograms,
    /// There is no such job or submission, or none that may be read.
    NotFound,
    /// Nobody says who asks, or this one may not ask.
    Unauthorized,
    /// What is there already does not allow it.
    Conflict,
    /// The coordinator cannot be reached, or is busy.
    Unavailable,
    /// The job has failed.
    JobFailed,
    /// The job was cancelled.
    JobCancelled,
    /// A receipt: the nodes have not signed it, or for other terms.
    ReceiptNotSigned,
    /// A receipt: a record does not fit what they signed, or is somebody else's.
    ReceiptRecord,
    /// A receipt: a submission was left out.
    ReceiptLeftOut,
    /// A receipt: the numbers contradict each other.
    ReceiptNumbers,
    /// A receipt: the pay does not follow from the numbers.
    ReceiptPay,
    /// A receipt: what was withdrawn is certified.
    ReceiptWithdrawn,
    /// What was given or fetched is not what was signed.
    NotVerified,
    /// The job has no result yet.
    NotPublished,
    /// Whoever was asked did not agree, or nobody could be asked.
    NotConfirmed,
    /// The error could not be written to standard error.
    UnwrittenError,
    /// The terminal was closed: SIGHUP.
    HungUp,
    /// Somebody has pressed Ctrl-C: SIGINT.
    Interrupted,
    /// Somebody has ended the command: SIGTERM.
    Terminated,
}

impl Cause {
    /// All causes, by exit code.
    pub(crate) const ALL: [Self; 22] = [
        Self::Failed,
        Self::Usage,
        Self::MissingPrograms,
        Self::NotFound,
        Self::Unauthorized,
        Self::Conflict,
        Self::Unavailable,
        Self::JobFailed,
        Self::JobCancelled,
        Self::ReceiptNotSigned,
        Self::ReceiptRecord,
        Self::ReceiptLeftOut,
        Self::ReceiptNumbers,
        Self::ReceiptPay,
        Self::ReceiptWithdrawn,
        Self::NotVerified,
        Self::NotPublished,
        Self::NotConfirmed,
        Self::UnwrittenError,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        self.facts().0
    }

    /// The name with `--json`.
    pub(crate) fn name(self) -> &'static str {
        self.facts().1
    }

    /// The cause in words.
    pub(crate) fn meaning(self) -> &'static str {
        self.facts().2
    }

    /// The exit code, the name and the meaning.
    fn facts(self) -> (u8, &'static str, &'static str) {
        match self {
            Self::Failed => (1, "failed", "any other failure"),
            Self::Usage => (2, "usage", "the command line cannot be used as it stands"),
            Self::MissingPrograms => (
                3,
                "missing_programs",
                "`tacit-node` or `tacit-coordinator` is not installed beside `tacit`",
            ),
            Self::NotFound => (4, "not_found", "there is no such job or submission, or none that you may read"),
            Self::Unauthorized => (5, "unauthorized", "a token or key is missing, or may not do this"),
            Self::Conflict => (
                6,
                "conflict",
                "what is there already does not allow it: the id is taken, the job has ended or is full, a quota is used up",
            ),
            Self::Unavailable => (
                7,
                "unavailable",
                "the coordinator cannot be reached, gives no usable answer or is busy: try again later",
            ),
            Self::JobFailed => (8, "job_failed", "the job has failed"),
            Self::JobCancelled => (9, "job_cancelled", "the job was cancelled"),
            Self::ReceiptNotSigned => (
                10,
                "receipt_not_signed",
                "receipt: the nodes have not signed this, or for other terms",
            ),
            Self::ReceiptRecord => (
                11,
                "receipt_record",
                "receipt: a record, or whom it says has refused a submission, does not fit what the nodes signed, or is somebody else's",
            ),
            Self::ReceiptLeftOut => (12, "receipt_left_out", "receipt: a submission was left out"),
            Self::ReceiptNumbers => (13, "receipt_numbers", "receipt: the numbers contradict each other"),
            Self::ReceiptPay => (14, "receipt_pay", "receipt: the pay does not follow from the numbers"),
            Self::ReceiptWithdrawn => (15, "receipt_withdrawn", "receipt: a submission that was withdrawn is certified"),
            Self::NotVerified => (
                16,
                "not_verified",
                "a result, job or receipt is not what was signed, or is of another job or cluster",
            ),
            Self::NotPublished => (17, "not_published", "the job has no result yet"),
            Self::NotConfirmed => (18, "not_confirmed", "you did not agree, or could not be asked: nothing was done"),
            Self::UnwrittenError => (
                UNWRITTEN_ERROR,
                "unwritten_error",
                "the error could not be written to standard error",
            ),
            Self::HungUp => (129, "hung_up", "the terminal was closed (SIGHUP)"),
            Self::Interrupted => (130, "interrupted", "Ctrl-C (SIGINT)"),
            Self::Terminated => (143, "terminated", "somebody has ended the command (SIGTERM)"),
        }
    }

    /// An error of this cause.
    pub(crate) fn error(self, text: impl Into<String>) -> anyhow::Error {
        Failure {
            cause: self,
            text: text.into(),
        }
        .into()
    }

    /// The cause of an error: that of the first error in its chain which has one.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(of_one).unwrap_or(Self::Failed)
    }

    /// Whether a signal is the cause.
    fn is_signal(self) -> bool {
        matches!(self, Self::HungUp | Self::Interrupted | Self::Terminated)
    }

    fn of_class(class: FailureClass) -> Self {
        match class {
            FailureClass::NotFound => Self::NotFound,
            FailureClass::NotAllowed => Self::Unauthorized,
            FailureClass::Conflict => Self::Conflict,
            FailureClass::NotPublished => Self::NotPublished,
            FailureClass::TryLater => Self::Unavailable,
            FailureClass::Other => Self::Failed,
        }
    }

    fn of_receipt(error: &ReceiptError) -> Self {
        match error {
            ReceiptError::Root(_) | ReceiptError::OtherTerms { .. } => Self::ReceiptNotSigned,
            ReceiptError::Leaf | ReceiptError::NotYours(_) | ReceiptError::Refusers { .. } => Self::ReceiptRecord,
            ReceiptError::LeftOut { .. } => Self::ReceiptLeftOut,
            ReceiptError::Sum(_) => Self::ReceiptNumbers,
            ReceiptError::Pay { .. } | ReceiptError::Scores(_) => Self::ReceiptPay,
            ReceiptError::Withdrawn { .. } => Self::ReceiptWithdrawn,
        }
    }
}

/// An error of the commands themselves that has a cause.
#[derive(Debug, ThisError)]
#[error("{text}")]
struct Failure {
    cause: Cause,
    text: String,
}

/// What `--help` and the manual page say about exit codes.
pub(crate) fn help() -> String {
    let line = |cause: Cause| format!("  {:>3}  {}\n", cause.code(), cause.meaning());
    let causes: String = Cause::ALL.into_iter().map(line).collect();
    format!(
        "Exit codes:\n    0  the command did what it says\n{causes}\
         With --json the last line on standard error is then {{\"error\": TEXT, \"cause\": NAME, \"exit_code\": NUMBER}}; \
         docs/command-line.md has the names."
    )
}

/// Writes the error that ends the command to standard error. Returns the exit code.
pub(crate) fn report(error: &dyn Display, cause: Cause, format: Format) -> u8 {
    let text = one_line(&error.to_string());
    let code = match format {
        Format::Text => failure_code(&format_args!("tacit: {text}"), cause.code()),
        Format::Json => failure_code(
            &json!({ "error": text, "cause": cause.name(), "exit_code": cause.code() }),
            cause.code(),
        ),
    };
    // The exit code says all there is to say, also where the terminal that would show the line is closed.
    if cause.is_signal() { cause.code() } else { code }
}

/// The cause that one error of a chain has by itself. An error that only passes another one on has no source of its own, so those that do
/// are looked into.
fn of_one(error: &(dyn Error + 'static)) -> Option<Cause> {
    let of_api = |error: &ApiError| Cause::of_class(error.class());
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.cause);
    }
    if error.is::<clap::Error>() {
        return Some(Cause::Usage);
    }
    if error.is::<MissingPrograms>() {
        return Some(Cause::MissingPrograms);
    }
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        return Some(interrupted.cause());
    }
    if let Some(error) = error.downcast_ref::<ReceiptError>() {
        return Some(Cause::of_receipt(error));
    }
    if let Some(error) = error.downcast_ref::<ApiError>() {
        return Some(of_api(error));
    }
    if let Some(error) = error.downcast_ref::<AuthenticityError>() {
        return of_authenticity(error);
    }
    if let Some(error) = error.downcast_ref::<VerifyError>() {
        return match error {
            VerifyError::Cluster(_) | VerifyError::File(_) | VerifyError::Missing { .. } => None,
            VerifyError::Syntax { .. } | VerifyError::Certificate { .. } | VerifyError::Differs { .. } => Some(Cause::NotVerified),
        };
    }
    if let Some(error) = error.downcast_ref::<KnownJobError>() {
        return match error {
            KnownJobError::File(_) | KnownJobError::Damaged(_) => None,
            KnownJobError::IdTaken { .. } => Some(Cause::Conflict),
            KnownJobError::OtherCluster { .. } | KnownJobError::OtherTerms { .. } | KnownJobError::Another { .. } => {
                Some(Cause::NotVerified)
            }
        };
    }
    if let Some(error) = error.downcast_ref::<FetchError>() {
        return match error {
            FetchError::Api(error) => Some(of_api(error)),
            FetchError::Outcome(error) => of_one(error),
        };
    }
    if error.is::<OutcomeError>() {
        return Some(Cause::NotVerified);
    }
    if let Some(error) = error.downcast_ref::<SendError>() {
        return match error {
            SendError::Api(error) => Some(of_api(error)),
            SendError::Receipt { .. } => Some(Cause::NotVerified),
        };
    }
    if let Some(error) = error.downcast_ref::<SealingKeysError>() {
        return match error {
            SealingKeysError::Api(error) => Some(of_api(error)),
            SealingKeysError::Node(_) => Some(Cause::NotVerified),
            SealingKeysError::File(_) | SealingKeysError::Damaged(_) => None,
        };
    }
    if let Some(error) = error.downcast_ref::<ResendError>() {
        return match error {
            ResendError::Api(error) | ResendError::NotYet { error, .. } => Some(of_api(error)),
            ResendError::Send(error) => of_one(error),
            ResendError::State(_) => None,
        };
    }
    if let Some(WithdrawError::Api(error)) = error.downcast_ref::<WithdrawError>() {
        return Some(of_api(error));
    }
    match error.downcast_ref::<GoldError>() {
        Some(GoldError::SealingKeys(error)) => of_one(error),
        Some(GoldError::Sending(error)) => of_one(error),
        Some(GoldError::Resending(error)) => of_one(error),
        Some(GoldError::Lost { error, .. }) => Some(of_api(error)),
        _ => None,
    }
}

fn of_authenticity(error: &AuthenticityError) -> Option<Cause> {
    match error {
        AuthenticityError::Api(error) => Some(Cause::of_class(error.class())),
        AuthenticityError::OtherCluster { .. } | AuthenticityError::Job { .. } | AuthenticityError::OtherSpec { .. } => {
            Some(Cause::NotVerified)
        }
    }
}

#[cfg(test)]
mod tests;
