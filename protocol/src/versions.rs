//! Which versions of the protocol a program speaks.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The versions this build speaks.
pub const PROTOCOL_VERSIONS: Versions = Versions { min: 1, max: 1 };

/// A range of protocol versions.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

impl Versions {
    /// Whether a version is among them.
    pub fn contains(self, version: u32) -> bool {
        (self.min..=self.max).contains(&version)
    }

    /// The newest version of both.
    pub fn common(self, other: Self) -> Option<u32> {
        let newest = self.max.min(other.max);
        (self.contains(newest) && other.contains(newest)).then_some(newest)
    }

    /// Who has to upgrade where two have no version in common: whoever stops at the older one.
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
            // What no program says: no version is in such a range.
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
