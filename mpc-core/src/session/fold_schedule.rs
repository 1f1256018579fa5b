//! Into how many blocks claims are split while they are checked. All nodes must split alike: this is a part of the protocol.

use std::ops::Range;

/// Into how many blocks the longest claims are cut. The values of h for that are worked out along with
/// the products themselves, while the factors are in cache.
pub(super) const AHEAD: usize = 4;

/// Lengths, in terms.
#[derive(Debug, Clone, Copy)]
pub struct FoldSchedule {
    /// Claims of at most so many terms are checked in the open.
    pub short: usize,
    /// Segments of fewer terms are scaled and make one run with their neighbours.
    pub long: usize,
    /// Folded factors of fewer terms are put together.
    pub small: usize,
    /// Claims from here on are cut into 16 blocks, shorter ones into 32.
    pub sixteen: usize,
    /// Claims from here on are cut into 4 blocks.
    pub four: usize,
}

impl FoldSchedule {
    /// Few blocks while claims are long, for less arithmetic; more later, for fewer rounds.
    pub const DEFAULT: Self = Self {
        short: 32,
        long: 256,
        small: 1 << 14,
        sixteen: 1 << 18,
        four: 1 << 19,
    };

    /// Into how many blocks a claim is cut.
    pub(super) fn blocks(&self, len: usize) -> usize {
        if len >= self.four {
            AHEAD
        } else if len >= self.sixteen {
            16
        } else {
            32
        }
    }

    /// Whether a segment is a run of its own.
    pub(super) fn is_long(&self, segment: &Range<usize>) -> bool {
        segment.len() >= self.long
    }

    /// Whether factors are so long that the check's first level is worked out with their products.
    pub(super) fn is_ahead(&self, factors: usize) -> bool {
        factors >= self.four
    }
}
