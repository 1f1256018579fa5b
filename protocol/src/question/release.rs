//! What a job may publish. Which of it makes sense depends on the kind of question, see
//! [`AnswerType::releases`](super::AnswerType::releases).

use serde::{Deserialize, Serialize};

/// What a job may publish.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// The consensus label of each item.
    Labels,
    /// Observed agreement, κ, α, AC1.
    Agreement,
    /// How often each class was answered.
    ClassTotals,
    /// Each contributor's agreement.
    Scores,
    /// Each contributor's pay.
    Payouts,
}

impl Release {
    /// The name used in specs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Agreement => "agreement",
            Self::ClassTotals => "class_totals",
            Self::Scores => "scores",
            Self::Payouts => "payouts",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_specs() {
        for release in [
            Release::Labels,
            Release::Agreement,
            Release::ClassTotals,
            Release::Scores,
            Release::Payouts,
        ] {
            assert_eq!(serde_json::to_value(release).unwrap(), release.name());
        }
    }
}
