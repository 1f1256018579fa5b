//! The floors one by one, so that a test can show what each of them prevents.

#[cfg(any(test, feature = "testing"))]
use std::sync::atomic::{AtomicU32, Ordering};
#[cfg(any(test, feature = "testing"))]
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The floors that a test skips, in the whole process: nodes in memory run on threads of their own.
#[cfg(any(test, feature = "testing"))]
static SKIPPED: AtomicU32 = AtomicU32::new(0);
#[cfg(any(test, feature = "testing"))]
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// One of the floors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// No exact scores.
    Scores,
    /// [`MIN_ANSWERS_TO_LABEL`](super::MIN_ANSWERS_TO_LABEL) in the terms.
    AnswersPerItem,
    /// [`MIN_ANSWERS_TO_LABEL`](super::MIN_ANSWERS_TO_LABEL) of the answers that count.
    AnswersToLabel,
    /// A label needs at most the smallest majority.
    Quorum,
    /// No vote weighs more than twice another.
    Weights,
    /// [`MIN_CONTRIBUTORS`](super::MIN_CONTRIBUTORS).
    Contributors,
    /// [`MIN_ANSWERS`](super::MIN_ANSWERS).
    Answers,
    /// No bonus.
    Bonus,
    /// All items show something else.
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
}

impl Floor {
    /// Whether the floor holds; always, except in tests that skip it.
    #[cfg(not(any(test, feature = "testing")))]
    pub(crate) const fn holds(self) -> bool {
        true
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn holds(self) -> bool {
        SKIPPED.load(Ordering::SeqCst) & 1 << self as u32 == 0
    }
}

/// While this lives, some floors do not hold, and no other test that uses [`skip`] runs.
#[cfg(any(test, feature = "testing"))]
#[must_use]
pub struct Skipped(#[expect(dead_code, reason = "held for its drop")] MutexGuard<'static, ()>);

/// Skips floors; none, to run alone with all of them.
#[cfg(any(test, feature = "testing"))]
pub fn skip(floors: &[Floor]) -> Skipped {
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    SKIPPED.store(floors.iter().fold(0, |all, floor| all | 1 << *floor as u32), Ordering::SeqCst);
    Skipped(alone)
}

#[cfg(any(test, feature = "testing"))]
impl Drop for Skipped {
    fn drop(&mut self) {
        SKIPPED.store(0, Ordering::SeqCst);
    }
}
