//! Versions of the protocol: which ones a program speaks, and which one two programs have in common.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The versions that this program speaks.
pub const PROTOCOL_VERSIONS: Versions = Versions { min: 1, max: 1 };

/// A range of protocol versions.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The oldest version of the range.
    pub min: u32,
    /// The newest version of the range.
    pub max: u32,
}

impl Versions {
    /// Whether a version is in the range.
    pub fn contains(self, version: u32) -> bool {
        (self.min..=self.max).contains(&version)
    }

    /// The newest version that is in both ranges.
    pub fn common(self, other: Self) -> Option<u32> {
        let newest = self.max.min(other.max);
        (self.contains(newest) && other.contains(newest)).then_some(newest)
    }

    /// Who has to upgrade if two ranges have no version in common: the one whose newest version is older. Returns `name` for
    /// `self` and `others` for `other`.
    pub fn who_upgrades<'a>(self, name: &'a str, other: Self, others: &'a str) -> &'a str {
        if self.max < other.max { name } else { others }
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "{}-{}", self.min, self.max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_common_version_is_spoken_or_none() {
        let range = |min, max| Versions { min, max };
        for (one, other, common) in [
            (range(1, 1), range(1, 1), Some(1)),
            (range(1, 2), range(2, 5), Some(2)),
            (range(1, 9), range(2, 5), Some(5)),
            (range(1, 2), range(3, 4), None),
            // An empty range, which no program sends, has nothing in common with any other.
            (range(1, 9), range(5, 2), None),
            (range(1, u32::MAX), range(0, 0), None),
        ] {
            assert_eq!((one.common(other), other.common(one)), (common, common), "{one} and {other}");
        }
        assert_eq!(range(1, 2).who_upgrades("we", range(3, 4), "they"), "we");
        assert_eq!(range(3, 4).who_upgrades("we", range(1, 2), "they"), "they");
        assert_eq!(
            (range(1, 1).to_string(), range(1, 2).to_string()),
            ("1".to_owned(), "1-2".to_owned())
        );
    }
}
