//! This node's part of the values of `h = <f, g>`, where `f` and `g` interpolate the blocks of two factors.

use std::ops::Range;

use zeroize::Zeroizing;

use super::blocks::{Blocks, Chunk, buffers};
use super::polynomial::Extrapolation;
use crate::field::{CHUNK_ELEMENTS, Field};
use crate::fold_schedule::FIRST_FANOUT;
use crate::sharing::{Party, Shared};

/// This node's part of `h(1), …, h(2k-1)` for `k =` [`FIRST_FANOUT`], computed together with the products.
pub(super) type PrecomputedH<F> = Zeroizing<[F; 2 * FIRST_FANOUT - 1]>;

/// Computes this node's part of `h(1), …, h(2k-1)` for segments that are split into `k` blocks.
pub(super) struct Evaluator<F: Field> {
    k: usize,
    extrapolation: Extrapolation<F>,
    f: Values<F>,
    g: Values<F>,
    scratch: Zeroizing<Vec<F>>,
}

/// Which values of `h` to compute.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of them.
    All,
    /// All but `h(k)`, which follows from the value that is claimed.
    AllButLastBlock,
}

impl<F: Field> Evaluator<F> {
    pub(super) fn new(party: &Party, k: usize) -> Self {
        let components = party.held().len();
        Self {
            k,
            extrapolation: Extrapolation::new(k),
            f: Values::new(components, k),
            g: Values::new(components, k),
            scratch: Zeroizing::new(vec![F::ZERO; CHUNK_ELEMENTS]),
        }
    }

    /// Adds this node's part of `h(1), …, h(2k-1)` for a range of two factors to the `2k - 1` elements of `values`.
    pub(super) fn add(&mut self, party: &Party, (x, y): (&Shared<F>, &Shared<F>), range: &Range<usize>, wanted: Wanted, values: &mut [F]) {
        let blocks = Blocks::new(range, self.k);
        for chunk in blocks.chunks() {
            let f = self.f.evaluate(x, &blocks, chunk, &self.extrapolation);
            let g = self.g.evaluate(y, &blocks, chunk, &self.extrapolation);
            for (index, value) in values.iter_mut().enumerate() {
                if wanted == Wanted::All || index != self.k - 1 {
                    *value += party.local_product(|c| f.component(c, index), |c| g.component(c, index), &mut self.scratch[..chunk.1]);
                }
            }
        }
    }
}

/// Buffers for the values of one factor at all points, in one chunk, for all components.
struct Values<F: Field> {
    k: usize,
    /// Copies of blocks that end early, `k` for each component.
    padded: Vec<Zeroizing<Vec<F>>>,
    /// The values at `k + 1, …, 2k - 1`, for each component.
    further: Vec<Zeroizing<Vec<F>>>,
}

impl<F: Field> Values<F> {
    fn new(components: usize, k: usize) -> Self {
        Self {
            k,
            padded: buffers(components * k),
            further: buffers(components * (k - 1)),
        }
    }

    /// The values of a chunk of a factor: its blocks are the values at `1, …, k`.
    fn evaluate<'v>(
        &'v mut self,
        factor: &'v Shared<F>,
        blocks: &Blocks,
        chunk: Chunk,
        extrapolation: &Extrapolation<F>,
    ) -> AtPoints<'v, F> {
        let k = self.k;
        let mut known: Vec<&[F]> = Vec::with_capacity(factor.components().len() * k);
        let buffers = self.padded.chunks_mut(k).zip(self.further.chunks_mut(k - 1));
        for (component, (padded, further)) in factor.components().iter().zip(buffers) {
            let of_component = padded.iter_mut().enumerate();
            known.extend(of_component.map(|(index, padded)| blocks.chunk(component, index, chunk, padded)));
            extrapolation.extend(&known[known.len() - k..], further);
        }
        AtPoints {
            k,
            known,
            further: &self.further,
            len: chunk.1,
        }
    }
}

/// A chunk of a factor at the points `1, …, 2k - 1`.
struct AtPoints<'v, F: Field> {
    k: usize,
    known: Vec<&'v [F]>,
    further: &'v [Zeroizing<Vec<F>>],
    len: usize,
}

impl<F: Field> AtPoints<'_, F> {
    /// The values of a component at the point `index + 1`.
    fn component(&self, component: usize, index: usize) -> &[F] {
        match index.checked_sub(self.k) {
            None => self.known[component * self.k + index],
            Some(further) => &self.further[component * (self.k - 1) + further][..self.len],
        }
    }
}
