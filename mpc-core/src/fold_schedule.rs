//! Into how many blocks claims are split while they are verified.
//!
//! All nodes must use the same schedule: it is part of the protocol. This module is below the session because a test's
//! [`Probe`](crate::probe::Probe) can set it.

use std::ops::Range;

/// Number of blocks into which the longest claims are split at the first level of the check.
///
/// The values of `h` for that level are computed together with the products themselves, while the factors are in cache.
pub(crate) const FIRST_FANOUT: usize = 4;

/// Lengths, in terms of an inner product, at which the check of claims changes how it splits them.
#[derive(Debug, Clone, Copy)]
pub struct FoldSchedule {
    /// A claim of at most this many terms is not folded further: its two factors are opened at a random point.
    pub open_at_most: usize,
    /// A segment of fewer terms is multiplied by its weight in place and folded together with its neighbours.
    pub fold_alone_from: usize,
    /// Claims that folding has made shorter than this are concatenated into one.
    pub merge_below: usize,
    /// A claim of at least this many terms is split into 16 blocks, a shorter one into 32.
    pub split_16_from: usize,
    /// A claim of at least this many terms is split into 4 blocks.
    pub split_4_from: usize,
}

impl FoldSchedule {
    /// The schedule of every production node: few blocks while claims are long, which takes less arithmetic, and more
    /// blocks later, which takes fewer rounds.
    pub const DEFAULT: Self = Self {
        open_at_most: 32,
        fold_alone_from: 256,
        merge_below: 1 << 14,
        split_16_from: 1 << 18,
        split_4_from: 1 << 19,
    };

    /// Number of blocks into which a claim of `len` terms is split.
    pub(crate) fn blocks(&self, len: usize) -> usize {
        if len >= self.split_4_from {
            FIRST_FANOUT
        } else if len >= self.split_16_from {
            16
        } else {
            32
        }
    }

    /// Whether a segment is folded by itself rather than together with its neighbours.
    pub(crate) fn is_long(&self, segment: &Range<usize>) -> bool {
        segment.len() >= self.fold_alone_from
    }

    /// Whether factors of `len` elements are so long that the first level of the check is computed with their products.
    pub(crate) fn precomputes_h(&self, len: usize) -> bool {
        len >= self.split_4_from
    }
}
