//! The phases of a job's computation, in errors, metrics and progress.

use std::fmt;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::network;

/// A phase of a job's computation. In the order in which they first begin: `Verify` and
/// `Release` also come before labels or scores by gold are opened within a session.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The nodes agree on the accepted set of submissions.
    AcceptedSet,
    /// The nodes agree on fresh keys for shared randomness.
    Keys,
    /// The nodes check on shares that all answers are well-formed.
    Validate,
    /// The nodes decide consensus labels.
    Labels,
    /// The nodes compute agreement statistics and contributor scores.
    Agreement,
    /// The nodes verify all products.
    Verify,
    /// The nodes confirm that all verified and record the release, then sign the outputs.
    Release,
}

impl Phase {
    /// All phases in the order they run.
    pub const ALL: [Self; 7] = [
        Self::AcceptedSet,
        Self::Keys,
        Self::Validate,
        Self::Labels,
        Self::Agreement,
        Self::Verify,
        Self::Release,
    ];

    /// The name used in errors, metric labels and progress.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AcceptedSet => "accepted_set",
            Self::Keys => network::Phase::KEYS.name(),
            Self::Validate => "validate",
            Self::Labels => "labels",
            Self::Agreement => "agreement",
            Self::Verify => network::Phase::VERIFY.name(),
            Self::Release => network::Phase::RELEASE.name(),
        }
    }

    /// The phase as the engine knows it.
    pub const fn engine(self) -> network::Phase {
        network::Phase::new(self.name())
    }
}

impl From<network::Phase> for Phase {
    /// The job's phase of this name. The engine's own [`network::Phase::COMPUTE`], in which no round of a job runs, counts
    /// as [`Phase::Agreement`].
    fn from(phase: network::Phase) -> Self {
        let named = Self::ALL.into_iter().find(|one| one.name() == phase.name());
        named.unwrap_or(Self::Agreement)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_come_back_from_the_engine() {
        for phase in Phase::ALL {
            assert_eq!(Phase::from(phase.engine()), phase);
            assert_eq!(serde_json::to_value(phase).unwrap(), phase.name());
        }
    }
}
