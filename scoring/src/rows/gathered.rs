//! Rows of a table put side by side, and their products with other rows.

use std::ops::Range;

use tacit_mpc_core::field::{Field, Fp61, rows};
use tacit_mpc_core::sharing::{Party, Shared};
use zeroize::Zeroizing;

use super::CHUNK_ROWS;

/// Up to [`CHUNK_ROWS`] rows of a table side by side.
pub(crate) struct GatheredRows {
    width: usize,
    /// One vector for each component.
    components: Vec<Zeroizing<Vec<Fp61>>>,
    scratch: Zeroizing<Vec<Fp61>>,
    rows: usize,
}

impl GatheredRows {
    /// No rows yet, of `width` elements each.
    pub(crate) fn new(party: &Party, width: usize) -> Self {
        let scratch = || Zeroizing::new(vec![Fp61::ZERO; CHUNK_ROWS * width]);
        Self {
            width,
            components: party.held().iter().map(|_| scratch()).collect(),
            scratch: scratch(),
            rows: 0,
        }
    }

    /// Copies the rows of these items in place of the ones before; those of the upcoming items are fetched into cache.
    pub(crate) fn copy(&mut self, table: &Shared<Fp61>, items: &[u32], upcoming: &[u32]) {
        self.rows = items.len();
        for (gathered, values) in self.components.iter_mut().zip(table.components()) {
            rows::copy_from(values, self.width, items, &mut gathered[..items.len() * self.width], upcoming);
        }
    }

    /// One component of the rows.
    pub(crate) fn component(&self, position: usize) -> &[Fp61] {
        &self.components[position][..self.rows * self.width]
    }

    /// This node's part of the inner product of these rows with as many others: rows `range` of a vector with the
    /// components `values`.
    pub(crate) fn product(&mut self, party: &Party, values: &[&[Fp61]], range: &Range<usize>) -> Fp61 {
        let len = self.rows * self.width;
        let range = range.start * self.width..range.end * self.width;
        let gathered = &self.components;
        party.local_product(|s| &values[s][range.clone()], |t| &gathered[t][..len], &mut self.scratch[..len])
    }
}
