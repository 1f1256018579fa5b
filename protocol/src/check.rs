//! The checks that a dishonest party would like to be left out, one by one, so that a test can switch one off and show what it prevents.
//!
//! Only debug builds with the feature `testing` can switch a check off. In a release build every check is made, whatever its features.

#[cfg(any(test, feature = "testing"))]
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(any(test, feature = "testing"))]
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The checks that a test skips, in the whole process: nodes in memory run on threads of their own.
#[cfg(any(test, feature = "testing"))]
static SKIPPED: AtomicU32 = AtomicU32::new(0);
#[cfg(any(test, feature = "testing"))]
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// One of the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The buyer has signed the terms.
    Buyer,
    /// Answers count for the terms that they were given to, and for no others under the same id.
    Terms,
    /// No exact scores in the terms of a sensitive job.
    Scores,
    /// [`MIN_ANSWERS_TO_LABEL`](crate::job::MIN_ANSWERS_TO_LABEL) in the terms.
    AnswersPerItem,
    /// [`MIN_ANSWERS_TO_LABEL`](crate::job::MIN_ANSWERS_TO_LABEL) of the answers that count.
    AnswersToLabel,
    /// A label needs at most the smallest majority of the answers that the terms ask for.
    Quorum,
    /// A label needs at most the smallest majority of the answers that count.
    QuorumOfCounted,
    /// A sensitive job with weights has no quorum.
    QuorumOfWeights,
    /// No vote weighs more than twice another.
    Weights,
    /// [`MIN_CONTRIBUTORS`](crate::job::MIN_CONTRIBUTORS).
    Contributors,
    /// [`MIN_ANSWERS`](crate::job::MIN_ANSWERS).
    Answers,
    /// Numbers about all answers carry noise.
    Noise,
    /// Pay does not depend on the answers of others.
    Bonus,
    /// No two items of a sensitive job show the same.
    Items,
    /// Somebody vouches for the contributors.
    Issuers,
    /// Nobody answers without a credential of the issuers that a job names.
    Credentials,
    /// A sealing key is signed by its node.
    SealingSignature,
    /// Nothing is sealed to a key whose time is over.
    SealingExpiry,
    /// Nothing is sealed to an older key than one that was seen.
    SealingOrder,
    /// No two contributors of a job look alike.
    Looks,
    /// Nobody takes back what somebody else has sent.
    Withdrawals,
    /// Nobody but the buyer ends a job that is not certified.
    Cancellations,
    /// A node releases nothing of a job if a peer shows its own notice of another release.
    Reminders,
    /// A buyer takes nothing of other terms for its own job of the same id.
    KnownTerms,
    /// Every contributor's submission carries the digest of a record of consent, and no gold answers do.
    Consent,
    /// A record of consent is of the terms that it is shown for, and says what they say.
    ConsentTerms,
    /// A submission carries the digest of the record of consent that it is shown with.
    ConsentDigest,
}

impl Check {
    /// Whether the check is made; always, except in tests that skip it.
    #[cfg(not(all(debug_assertions, any(test, feature = "testing"))))]
    pub const fn is_made(self) -> bool {
        true
    }

    /// Whether the check is made; always, except in tests that skip it.
    #[cfg(all(debug_assertions, any(test, feature = "testing")))]
    pub fn is_made(self) -> bool {
        SKIPPED.load(Ordering::SeqCst) & 1 << self as u32 == 0
    }
}

/// While this lives, some checks are not made, and no other test that uses [`skip`] runs.
#[cfg(any(test, feature = "testing"))]
#[must_use]
pub struct Skipped(#[expect(dead_code, reason = "held for its drop")] MutexGuard<'static, ()>);

/// Skips checks; none, to run alone with all of them.
///
/// # Panics
/// The build is a release build, in which no check can be skipped.
#[cfg(any(test, feature = "testing"))]
pub fn skip(checks: &[Check]) -> Skipped {
    assert!(cfg!(debug_assertions) || checks.is_empty(), "a release build makes all checks");
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    SKIPPED.store(checks.iter().fold(0, |all, check| all | 1 << *check as u32), Ordering::SeqCst);
    Skipped(alone)
}

#[cfg(any(test, feature = "testing"))]
impl Drop for Skipped {
    fn drop(&mut self) {
        SKIPPED.store(0, Ordering::SeqCst);
    }
}
