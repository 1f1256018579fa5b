//! A range of a vector, split into blocks and read in chunks.

use std::ops::Range;

use zeroize::Zeroizing;

use crate::field::{CHUNK_ELEMENTS, Field};

/// The `k` blocks of equal length into which a range is split. The last blocks may be shorter: they are padded with zeros.
///
/// Blocks are read in chunks of at most [`CHUNK_ELEMENTS`], the same chunk of every block at a time.
pub(super) struct Blocks {
    range: Range<usize>,
    len: usize,
}

/// A chunk of every block: its offset from the start of the block, and its length.
pub(super) type Chunk = (usize, usize);

impl Blocks {
    pub(super) fn new(range: &Range<usize>, k: usize) -> Self {
        Self {
            range: range.clone(),
            len: range.len().div_ceil(k),
        }
    }

    /// The length of a block.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The chunks, from the start of the blocks to their end.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Chunk> + use<> {
        let len = self.len;
        (0..len)
            .step_by(CHUNK_ELEMENTS)
            .map(move |offset| (offset, CHUNK_ELEMENTS.min(len - offset)))
    }

    /// The position in the vector of a chunk of block `index`; shorter than the chunk if the range ends in it.
    pub(super) fn position(&self, index: usize, (offset, len): Chunk) -> Range<usize> {
        let start = (self.range.start + index * self.len + offset).min(self.range.end);
        start..(start + len).min(self.range.end)
    }

    /// A chunk of block `index`; copied to `padded` and padded with zeros if the range ends in it.
    pub(super) fn chunk<'v, F: Field>(&self, values: &'v [F], index: usize, chunk: Chunk, padded: &'v mut [F]) -> &'v [F] {
        let values = &values[self.position(index, chunk)];
        if values.len() == chunk.1 {
            return values;
        }
        let padded = &mut padded[..chunk.1];
        padded[..values.len()].copy_from_slice(values);
        padded[values.len()..].fill(F::ZERO);
        padded
    }
}

/// `count` buffers of one chunk each.
pub(super) fn buffers<F: Field>(count: usize) -> Vec<Zeroizing<Vec<F>>> {
    (0..count).map(|_| Zeroizing::new(vec![F::ZERO; CHUNK_ELEMENTS])).collect()
}
