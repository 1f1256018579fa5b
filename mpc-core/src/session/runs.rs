//! Claims as runs of factors, walked in pieces that stay in cache.
//!
//! Every long segment of a claim is cut into k blocks by itself, so that at any place all blocks belong
//! to one claim and have one weight: nothing is copied or scaled to weigh the claims. Segments too short
//! for that are copied, weighed, into one run.

use std::ops::Range;

use zeroize::Zeroizing;

use super::Session;
use super::polynomial::Extrapolation;
use super::product::Factors;
use crate::field::Field;
use crate::network::Network;
use crate::sharing::{Party, Shared};

/// Segments of fewer terms are gathered.
const LONG: usize = 256;
/// Elements of a block that are worked on at a time.
pub(super) const PIECE: usize = 512;

/// One inner product of a weighed sum of them.
pub(super) struct Run<'a, F: Field> {
    x: &'a Shared<F>,
    y: &'a Shared<F>,
    range: Range<usize>,
    weight: F,
}

impl<'a, F: Field> Run<'a, F> {
    /// The inner product of two whole vectors.
    pub(super) fn whole(x: &'a Shared<F>, y: &'a Shared<F>) -> Self {
        Self {
            x,
            y,
            range: 0..x.len(),
            weight: F::ONE,
        }
    }

    /// How many terms.
    pub(super) fn len(&self) -> usize {
        self.range.len()
    }
}

/// Factors with a weight for each of their segments.
pub(super) struct Weighed<'a, F: Field> {
    pub(super) factors: &'a Factors<F>,
    pub(super) weights: Vec<F>,
}

impl<'a, F: Field> Weighed<'a, F> {
    fn runs(&self) -> impl Iterator<Item = Run<'a, F>> {
        let Factors { x, y, ends } = self.factors;
        let mut start = 0;
        ends.iter().zip(&self.weights).map(move |(end, weight)| Run {
            x,
            y,
            range: std::mem::replace(&mut start, *end)..*end,
            weight: *weight,
        })
    }
}

/// The short segments of all claims, one after the other; the left factors weighed.
pub(super) fn gathered<F: Field>(party: &Party, claims: &[Weighed<'_, F>]) -> (Shared<F>, Shared<F>) {
    let short = || claims.iter().flat_map(Weighed::runs).filter(|run| run.len() < LONG);
    let len = short().map(|run| run.len()).sum();
    let x = Shared::generate(party, |position| {
        let mut out = vec![F::ZERO; len];
        let mut rest = out.as_mut_slice();
        for run in short() {
            let (weighed, tail) = rest.split_at_mut(run.len());
            F::combine(&[&run.x.components()[position][run.range.clone()]], &[run.weight], weighed);
            rest = tail;
        }
        out
    });
    let y = Shared::generate(party, |position| {
        let mut out = Vec::with_capacity(len);
        short().for_each(|run| out.extend_from_slice(&run.y.components()[position][run.range.clone()]));
        out
    });
    (x, y)
}

/// All claims as runs: the long segments where they are, the short ones where they were gathered.
pub(super) fn runs<'a, F: Field>(claims: &[Weighed<'a, F>], gathered: &'a (Shared<F>, Shared<F>)) -> Vec<Run<'a, F>> {
    let long = claims.iter().flat_map(Weighed::runs).filter(|run| run.len() >= LONG);
    long.chain([Run::whole(&gathered.0, &gathered.1)])
        .filter(|run| run.len() > 0)
        .collect()
}

/// Where the blocks of a run stand: k of them, each a piece of at most [`PIECE`] elements at a time; the
/// last ones may end early, and go on with zeros.
struct Cut {
    range: Range<usize>,
    block: usize,
}

impl Cut {
    fn new(range: &Range<usize>, k: usize) -> Self {
        Self {
            range: range.clone(),
            block: range.len().div_ceil(k),
        }
    }

    /// The offsets at which pieces start, with their lengths.
    fn pieces(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let block = self.block;
        (0..block).step_by(PIECE).map(move |at| (at, PIECE.min(block - at)))
    }

    /// A piece of block `index`; copied to `padded` if the run ends in it.
    fn piece<'v, F: Field>(&self, values: &'v [F], index: usize, (at, len): (usize, usize), padded: &'v mut [F]) -> &'v [F] {
        let start = (self.range.start + index * self.block + at).min(self.range.end);
        let end = (start + len).min(self.range.end);
        if end - start == len {
            return &values[start..end];
        }
        padded[..len].fill(F::ZERO);
        padded[..end - start].copy_from_slice(&values[start..end]);
        &padded[..len]
    }
}

/// The values of one factor at all points, for all components, in one piece.
struct Values<F: Field> {
    k: usize,
    /// Blocks that end early, k for each component.
    padded: Vec<Zeroizing<Vec<F>>>,
    /// Values at the points after k, k - 1 for each component.
    further: Vec<Zeroizing<Vec<F>>>,
}

impl<F: Field> Values<F> {
    fn new(components: usize, k: usize) -> Self {
        Self {
            k,
            padded: room(components * k),
            further: room(components * (k - 1)),
        }
    }

    /// Takes a piece of a factor: its blocks are the values at 1..k.
    fn take<'v>(
        &'v mut self,
        factor: &'v Shared<F>,
        cut: &Cut,
        piece: (usize, usize),
        extrapolation: &Extrapolation<F>,
        differences: &mut [Zeroizing<Vec<F>>],
    ) -> AtPoints<'v, F> {
        let k = self.k;
        let mut known: Vec<&[F]> = Vec::with_capacity(factor.components().len() * k);
        let rooms = self.padded.chunks_mut(k).zip(self.further.chunks_mut(k - 1));
        for (component, (padded, further)) in factor.components().iter().zip(rooms) {
            let blocks = padded.iter_mut().enumerate();
            known.extend(blocks.map(|(index, padded)| cut.piece(component, index, piece, padded)));
            extrapolation.extend(&known[known.len() - k..], differences, further);
        }
        AtPoints {
            k,
            known,
            further: &self.further,
            len: piece.1,
        }
    }
}

/// A piece of a factor at all points.
struct AtPoints<'v, F: Field> {
    k: usize,
    known: Vec<&'v [F]>,
    further: &'v [Zeroizing<Vec<F>>],
    len: usize,
}

impl<F: Field> AtPoints<'_, F> {
    /// A component's values at the point of this index among `1 … k-1, k+1 … 2k-1`.
    fn component(&self, component: usize, index: usize) -> &[F] {
        match index.checked_sub(self.k - 1) {
            None => self.known[component * self.k + index],
            Some(further) => &self.further[component * (self.k - 1) + further][..self.len],
        }
    }
}

/// Room for so many pieces.
fn room<F: Field>(count: usize) -> Vec<Zeroizing<Vec<F>>> {
    (0..count).map(|_| Zeroizing::new(vec![F::ZERO; PIECE])).collect()
}

impl<N: Network> Session<N> {
    /// This node's part of `h(1) … h(k-1), h(k+1) … h(2k-1)` where `h = <f, g>`: sums of the products it is
    /// responsible for.
    pub(super) fn local_values<F: Field>(&mut self, runs: &[Run<'_, F>], k: usize) -> Vec<F> {
        let components = self.party.held().len();
        let extrapolation = Extrapolation::new(k);
        let (mut f, mut g) = (Values::new(components, k), Values::new(components, k));
        let (mut differences, mut sum) = (room(k), Zeroizing::new(vec![F::ZERO; PIECE]));
        let mut totals = vec![F::ZERO; 2 * k - 2];
        for run in runs {
            let cut = Cut::new(&run.range, k);
            self.traffic.products += ((2 * k - 2) * cut.block) as u64;
            let mut of_run = vec![F::ZERO; 2 * k - 2];
            for piece in cut.pieces() {
                let f = f.take(run.x, &cut, piece, &extrapolation, &mut differences);
                let g = g.take(run.y, &cut, piece, &extrapolation, &mut differences);
                for (index, total) in of_run.iter_mut().enumerate() {
                    *total += local_product(
                        &self.party,
                        |c| f.component(c, index),
                        |c| g.component(c, index),
                        &mut sum[..piece.1],
                    );
                }
            }
            totals
                .iter_mut()
                .zip(of_run)
                .for_each(|(total, value)| *total += run.weight * value);
        }
        totals
    }

    /// The factors at a point, from what their blocks count there; the weights go into the left one.
    pub(super) fn at<F: Field>(&self, runs: &[Run<'_, F>], counts: &[F]) -> (Shared<F>, Shared<F>) {
        let x = self.factor_at(runs, counts, |run| (run.x, run.weight));
        let y = self.factor_at(runs, counts, |run| (run.y, F::ONE));
        (x, y)
    }

    fn factor_at<'a, F: Field>(&self, runs: &[Run<'a, F>], counts: &[F], factor: impl Fn(&Run<'a, F>) -> (&'a Shared<F>, F)) -> Shared<F> {
        let k = counts.len();
        let len = runs.iter().map(|run| run.len().div_ceil(k)).sum();
        let mut padded = room(k);
        Shared::generate(&self.party, |position| {
            let mut out = vec![F::ZERO; len];
            let mut rest = out.as_mut_slice();
            for run in runs {
                let (of, weight) = factor(run);
                let weighed: Vec<F> = counts.iter().map(|count| *count * weight).collect();
                let cut = Cut::new(&run.range, k);
                let (of_run, tail) = rest.split_at_mut(cut.block);
                for (at, len) in cut.pieces() {
                    let values = &of.components()[position];
                    let blocks: Vec<&[F]> = (0..k)
                        .zip(&mut padded)
                        .map(|(index, padded)| cut.piece(values, index, (at, len), padded))
                        .collect();
                    F::combine(&blocks, &weighed, &mut of_run[at..at + len]);
                }
                rest = tail;
            }
            out
        })
    }
}

/// The sum of the products of components that this node is responsible for, for a piece of two factors.
pub(super) fn local_product<'v, F: Field>(party: &Party, x: impl Fn(usize) -> &'v [F], y: impl Fn(usize) -> &'v [F], sum: &mut [F]) -> F {
    let mut total = F::ZERO;
    for s in 0..party.held().len() {
        // Σ_t y_t first: one inner product for each left component.
        total += match party.products_with(s) {
            [] => continue,
            [t] => F::inner_product(x(s), y(*t)),
            [head, tail @ ..] => {
                sum.copy_from_slice(y(*head));
                tail.iter().for_each(|t| F::add_vector(sum, y(*t)));
                F::inner_product(x(s), sum)
            }
        };
    }
    total
}
