//! The checks of what is certified, by name, so that a test can show what each of them prevents.

/// A check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// All participants have signed the root.
    Signatures,
    /// The job is the one of the terms that were answered.
    Terms,
    /// Every record is under the root.
    Paths,
    /// Every record is the contributor's own.
    Owner,
    /// Every submission that has a receipt has a record.
    Complete,
    /// No submission that was withdrawn has a record.
    Withdrawn,
    /// The numbers fit each other and what was sent.
    Sums,
    /// The pay follows from the numbers by the terms.
    Pay,
    /// What the coordinator says of a submission counts and leaves out as many answers, for the same reasons, as its record.
    Reasons,
    /// What the coordinator says of a submission names those nodes as refusing it that its record names.
    Refusers,
}

impl Check {
    /// Whether the check is made: always, except where a test of this crate leaves one out.
    #[cfg(not(test))]
    pub(super) const fn is_made(self) -> bool {
        true
    }

    #[cfg(test)]
    pub(super) fn is_made(self) -> bool {
        SKIPPED.get() != Some(self)
    }

    /// Calls `f` without this check.
    #[cfg(test)]
    pub(super) fn without<T>(self, f: impl FnOnce() -> T) -> T {
        SKIPPED.set(Some(self));
        let value = f();
        SKIPPED.set(None);
        value
    }
}

#[cfg(test)]
thread_local! {
    static SKIPPED: std::cell::Cell<Option<Check>> = const { std::cell::Cell::new(None) };
}
