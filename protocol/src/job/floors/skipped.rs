//! Floors that a test skips, in the whole process: nodes in memory run on threads of their own.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Floor;

static SKIPPED: AtomicU32 = AtomicU32::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// While this lives, these floors do not hold, and no other test that uses [`skip`] runs.
#[must_use]
pub struct Skipped(#[expect(dead_code, reason = "held for its drop")] MutexGuard<'static, ()>);

/// Skips floors; none, to run alone with all of them.
pub fn skip(floors: &[Floor]) -> Skipped {
    let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    SKIPPED.store(floors.iter().fold(0, |all, floor| all | 1 << *floor as u32), Ordering::SeqCst);
    Skipped(alone)
}

pub(super) fn is_skipped(floor: Floor) -> bool {
    SKIPPED.load(Ordering::SeqCst) & 1 << floor as u32 != 0
}

impl Drop for Skipped {
    fn drop(&mut self) {
        SKIPPED.store(0, Ordering::SeqCst);
    }
}
