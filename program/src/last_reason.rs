//! Repeated failures: each new reason is logged once, not once for each attempt.

/// The reason of the last failure that was logged.
#[derive(Debug)]
pub struct LastReason<R>(Option<R>);

impl<R> Default for LastReason<R> {
    fn default() -> Self {
        Self(None)
    }
}

impl<R: Clone> LastReason<R> {
    /// Remembers a reason and returns whether it differs from the last one, that is, whether it should be logged.
    pub fn is_new(&mut self, reason: &R) -> bool
    where
        R: PartialEq,
    {
        self.is_new_by(reason, R::eq)
    }

    /// The same, where `same` decides whether two reasons are to be logged as one.
    pub fn is_new_by(&mut self, reason: &R, same: impl FnOnce(&R, &R) -> bool) -> bool {
        let new = self.0.as_ref().is_none_or(|last| !same(last, reason));
        if new {
            self.0 = Some(reason.clone());
        }
        new
    }

    /// Forgets the reason after a success: if it comes again, it is new.
    pub fn clear(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_new_until_it_repeats() {
        let mut last = LastReason::default();
        assert_eq!(
            ["disk full", "disk full", "gone", "disk full"].map(|reason| last.is_new(&reason)),
            [true, false, true, true]
        );
        last.clear();
        assert!(last.is_new(&"disk full"));
        assert!(!last.is_new_by(&"disk slow", |one, other| one[..4] == other[..4]));
    }
}
