//! Claims as segments of two factors, read in chunks that stay in cache and folded in place.
//!
//! Every long segment of a claim is split into k blocks by itself, so that all blocks at one offset belong to one segment
//! and have one weight: nothing has to be copied or scaled to apply the weights. Short neighbouring segments are multiplied
//! by their weights in place and then count as one segment.

use std::ops::Range;

use zeroize::Zeroizing;

use super::blocks::{Blocks, buffers};
use super::evaluator::{Evaluator, PrecomputedH, Wanted};
use super::factors::Factors;
use crate::field::{CHUNK_ELEMENTS, Field};
use crate::fold_schedule::{FIRST_FANOUT, FoldSchedule};
use crate::sharing::{Party, Shared};

/// One inner product of a weighted sum of inner products.
struct Segment<F: Field> {
    range: Range<usize>,
    weight: F,
    precomputed: Option<PrecomputedH<F>>,
}

impl<F: Field> Segment<F> {
    /// A segment of weight 1 of which nothing is precomputed.
    fn plain(range: Range<usize>) -> Self {
        Self {
            range,
            weight: F::ONE,
            precomputed: None,
        }
    }
}

/// A weighted sum of inner products of segments of two factors.
pub(super) struct WeightedClaim<F: Field> {
    x: Shared<F>,
    y: Shared<F>,
    segments: Vec<Segment<F>>,
}

impl<F: Field> WeightedClaim<F> {
    /// The inner product of two whole vectors.
    pub(super) fn whole(x: Shared<F>, y: Shared<F>) -> Self {
        let segments = vec![Segment::plain(0..x.len())];
        Self { x, y, segments }
    }

    /// The sum of the inner products of all segments, each times its weight. `precomputed` has an entry for every long
    /// segment, or is empty.
    pub(super) fn new(
        Factors { mut x, y, ends }: Factors<F>,
        weights: &[F],
        precomputed: Vec<PrecomputedH<F>>,
        schedule: &FoldSchedule,
    ) -> Self {
        let mut precomputed = precomputed.into_iter();
        let mut segments: Vec<Segment<F>> = Vec::new();
        let mut scaled: Vec<Segment<F>> = Vec::new();
        let mut start = 0;
        for (end, weight) in ends.into_iter().zip(weights) {
            let range = std::mem::replace(&mut start, end)..end;
            let mut segment = Segment::plain(range);
            segment.weight = *weight;
            if schedule.is_long(&segment.range) {
                segment.precomputed = precomputed.next();
                segments.push(segment);
                continue;
            }
            match segments.last_mut() {
                Some(last) if last.range.end == segment.range.start && scaled.last().is_some_and(|s| s.range.end == last.range.end) => {
                    last.range.end = segment.range.end;
                }
                _ => segments.push(Segment::plain(segment.range.clone())),
            }
            scaled.push(segment);
        }
        x.components_mut(|values| scale(values, &scaled));
        Self { x, y, segments }
    }

    /// Number of terms of all segments together.
    pub(super) fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.range.len()).sum()
    }

    /// The two factors.
    pub(super) fn into_factors(self) -> (Shared<F>, Shared<F>) {
        (self.x, self.y)
    }

    /// Replaces both factors by their values at a point, given the Lagrange coefficients of the blocks at that point.
    ///
    /// The result overwrites the factors: a chunk of the result ends before anything that is still to be read.
    pub(super) fn fold(&mut self, coefficients: &[F]) {
        let Self { x, y, segments } = self;
        let len = segments
            .iter()
            .map(|segment| segment.range.len().div_ceil(coefficients.len()))
            .sum();
        for (factor, weighted) in [(x, true), (y, false)] {
            factor.components_mut(|values| fold(values, segments, coefficients, weighted));
            factor.truncate_wiped(len);
        }
        *segments = vec![Segment::plain(0..len)];
    }
}

/// Concatenates the folded claims of fewer than `below` terms into one, so that the number of claims shrinks with their lengths.
pub(super) fn merge_small<F: Field>(folded: Vec<WeightedClaim<F>>, below: usize) -> Vec<WeightedClaim<F>> {
    let (mut claims, small): (Vec<_>, Vec<_>) = folded.into_iter().partition(|claim| claim.len() >= below);
    let merged = small.into_iter().reduce(|mut all, one| {
        all.x.append(&one.x);
        all.y.append(&one.y);
        WeightedClaim::whole(all.x, all.y)
    });
    claims.extend(merged);
    claims
}

/// This node's part of `h(1), …, h(2k-1)` for all claims together, without `h(k)`: `2k - 2` elements.
pub(super) fn local_values<F: Field>(party: &Party, claims: &[WeightedClaim<F>], k: usize) -> Vec<F> {
    let mut evaluator = Evaluator::new(party, k);
    let mut totals = vec![F::ZERO; 2 * k - 1];
    for (WeightedClaim { x, y, .. }, segment) in claims
        .iter()
        .flat_map(|claim| claim.segments.iter().map(move |segment| (claim, segment)))
    {
        let mut of_segment = Zeroizing::new(vec![F::ZERO; 2 * k - 1]);
        match &segment.precomputed {
            Some(precomputed) if k == FIRST_FANOUT => of_segment.copy_from_slice(&precomputed[..]),
            _ => evaluator.add(party, (x, y), &segment.range, Wanted::AllButLastBlock, &mut of_segment),
        }
        totals
            .iter_mut()
            .zip(of_segment.iter())
            .for_each(|(total, value)| *total += segment.weight * *value);
    }
    totals.remove(k - 1);
    totals
}

/// Multiplies every segment by its weight.
fn scale<F: Field>(values: &mut [F], segments: &[Segment<F>]) {
    let mut factors = [F::ZERO; CHUNK_ELEMENTS];
    let mut segments = segments.iter().peekable();
    // As many neighbours at a time as fit into a chunk: one vector operation is faster than many short ones.
    while let Some(first) = segments.next() {
        let start = first.range.start;
        let mut end = first.range.end;
        factors[..end - start].fill(first.weight);
        while let Some(next) = segments.next_if(|next| next.range.start == end && next.range.end - start <= CHUNK_ELEMENTS) {
            factors[end - start..next.range.end - start].fill(next.weight);
            end = next.range.end;
        }
        F::mul_vector(&mut values[start..end], &factors[..end - start]);
    }
}

/// Folds one component of a factor to the front of `values`, and fills the rest with zeros.
fn fold<F: Field>(values: &mut [F], segments: &[Segment<F>], coefficients: &[F], weighted: bool) {
    let k = coefficients.len();
    let mut padded = buffers(k);
    let mut folded = Zeroizing::new(vec![F::ZERO; CHUNK_ELEMENTS]);
    let mut front = 0;
    for segment in segments {
        let weight = if weighted { segment.weight } else { F::ONE };
        let weighted: Vec<F> = coefficients.iter().map(|coefficient| *coefficient * weight).collect();
        let blocks = Blocks::new(&segment.range, k);
        for (offset, len) in blocks.chunks() {
            {
                let padded = padded.iter_mut().enumerate();
                let chunks: Vec<&[F]> = padded
                    .map(|(index, padded)| blocks.chunk(values, index, (offset, len), padded))
                    .collect();
                F::combine(&chunks, &weighted, &mut folded[..len]);
            }
            // What was read is secret and no longer needed. Wiping it here is cheap: it is in cache.
            (0..k).for_each(|index| values[blocks.position(index, (offset, len))].fill(F::ZERO));
            values[front + offset..front + offset + len].copy_from_slice(&folded[..len]);
        }
        front += blocks.len();
    }
    // Keeps the compiler from removing the zeros above as dead stores.
    zeroize::optimization_barrier(values);
}
