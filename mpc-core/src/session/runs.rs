//! Claims as runs of factors, walked in pieces that stay in cache and folded where they stand.
//!
//! Every long segment of a claim is cut into k blocks by itself, so that at any place all blocks belong
//! to one claim and have one weight: nothing is copied or scaled to weigh them. Short segments beside
//! each other are scaled in place and make one run.

use std::ops::Range;

use zeroize::Zeroizing;

use super::Session;
use super::fold_schedule::{AHEAD, FoldSchedule};
use super::polynomial::Extrapolation;
use super::product::Factors;
use crate::field::Field;
use crate::network::Network;
use crate::sharing::{Party, Shared};

/// Elements of a block that are worked on at a time.
pub(super) const PIECE: usize = 512;

/// This node's part of the values of h that were worked out ahead, at 1 … 2k-1.
pub(super) type Ahead<F> = Zeroizing<[F; 2 * AHEAD - 1]>;

/// One inner product of a weighed sum of them.
struct Run<F: Field> {
    range: Range<usize>,
    weight: F,
    ahead: Option<Ahead<F>>,
}

/// Two factors, cut into runs.
pub(super) struct Weighed<F: Field> {
    x: Shared<F>,
    y: Shared<F>,
    runs: Vec<Run<F>>,
}

impl<F: Field> Weighed<F> {
    /// One inner product.
    pub(super) fn whole(x: Shared<F>, y: Shared<F>) -> Self {
        let runs = vec![Run {
            range: 0..x.len(),
            weight: F::ONE,
            ahead: None,
        }];
        Self { x, y, runs }
    }

    /// The inner products of all segments, each with its weight; `ahead` has an entry for every long
    /// segment, or none.
    pub(super) fn new(Factors { mut x, y, ends }: Factors<F>, weights: &[F], ahead: Vec<Ahead<F>>, schedule: &FoldSchedule) -> Self {
        let mut ahead = ahead.into_iter();
        let mut runs: Vec<Run<F>> = Vec::new();
        let mut scaled: Vec<Run<F>> = Vec::new();
        let mut start = 0;
        for (end, weight) in ends.into_iter().zip(weights) {
            let range = std::mem::replace(&mut start, end)..end;
            let mut run = Run {
                range,
                weight: *weight,
                ahead: None,
            };
            if schedule.is_long(&run.range) {
                run.ahead = ahead.next();
                runs.push(run);
                continue;
            }
            match runs.last_mut() {
                Some(last) if last.range.end == run.range.start && scaled.last().is_some_and(|s| s.range.end == last.range.end) => {
                    last.range.end = run.range.end;
                }
                _ => runs.push(Run {
                    range: run.range.clone(),
                    weight: F::ONE,
                    ahead: None,
                }),
            }
            scaled.push(run);
        }
        x.components_mut(|values| scale(values, &scaled));
        Self { x, y, runs }
    }

    /// How many terms.
    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(|run| run.range.len()).sum()
    }

    /// The factors of the whole.
    pub(super) fn into_factors(self) -> (Shared<F>, Shared<F>) {
        (self.x, self.y)
    }

    /// Goes on with the factors at a point, from the coefficients of their blocks. The result takes the
    /// place of what it comes from: a piece ends where no later one has yet to be read.
    pub(super) fn fold(&mut self, coefficients: &[F]) {
        let Self { x, y, runs } = self;
        let len = runs.iter().map(|run| run.range.len().div_ceil(coefficients.len())).sum();
        for (factor, weighed) in [(x, true), (y, false)] {
            factor.components_mut(|values| fold(values, runs, coefficients, weighed));
            factor.truncate_wiped(len);
        }
        *runs = vec![Run {
            range: 0..len,
            weight: F::ONE,
            ahead: None,
        }];
    }
}

/// Puts folded factors that have become small together, so that their number shrinks with them.
pub(super) fn merged<F: Field>(folded: Vec<Weighed<F>>, small: usize) -> Vec<Weighed<F>> {
    let (mut large, small): (Vec<_>, Vec<_>) = folded.into_iter().partition(|weighed| weighed.len() >= small);
    let together = small.into_iter().reduce(|mut all, one| {
        all.x.append(&one.x);
        all.y.append(&one.y);
        Weighed::whole(all.x, all.y)
    });
    large.extend(together);
    large
}

/// Multiplies every run by its weight.
fn scale<F: Field>(values: &mut [F], runs: &[Run<F>]) {
    let mut factors = [F::ZERO; PIECE];
    let mut runs = runs.iter().peekable();
    // As many neighbours at a time as fill a piece.
    while let Some(first) = runs.next() {
        let start = first.range.start;
        let mut end = first.range.end;
        factors[..end - start].fill(first.weight);
        while let Some(next) = runs.next_if(|next| next.range.start == end && next.range.end - start <= PIECE) {
            factors[end - start..next.range.end - start].fill(next.weight);
            end = next.range.end;
        }
        F::mul_vector(&mut values[start..end], &factors[..end - start]);
    }
}

/// Folds one component of a factor to its front.
fn fold<F: Field>(values: &mut [F], runs: &[Run<F>], coefficients: &[F], weighed: bool) {
    let k = coefficients.len();
    let mut padded = room(k);
    let mut folded = Zeroizing::new(vec![F::ZERO; PIECE]);
    let mut front = 0;
    for run in runs {
        let weight = if weighed { run.weight } else { F::ONE };
        let weighed: Vec<F> = coefficients.iter().map(|count| *count * weight).collect();
        let cut = Cut::new(&run.range, k);
        for (at, len) in cut.pieces() {
            {
                let padded = padded.iter_mut().enumerate();
                let blocks: Vec<&[F]> = padded.map(|(index, padded)| cut.piece(values, index, (at, len), padded)).collect();
                F::combine(&blocks, &weighed, &mut folded[..len]);
            }
            // What was read is secret and not needed any more; here it is in cache.
            (0..k).for_each(|index| values[cut.place(index, (at, len))].fill(F::ZERO));
            values[front + at..front + at + len].copy_from_slice(&folded[..len]);
        }
        front += cut.block;
    }
    // Nothing above is removed as a write that nobody reads.
    zeroize::optimization_barrier(values);
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

    /// Where a piece of block `index` stands; shorter if the run ends in it.
    fn place(&self, index: usize, (at, len): (usize, usize)) -> Range<usize> {
        let start = (self.range.start + index * self.block + at).min(self.range.end);
        start..(start + len).min(self.range.end)
    }

    /// A piece of block `index`; copied to `padded` if the run ends in it.
    fn piece<'v, F: Field>(&self, values: &'v [F], index: usize, piece: (usize, usize), padded: &'v mut [F]) -> &'v [F] {
        let values = &values[self.place(index, piece)];
        if values.len() == piece.1 {
            return values;
        }
        let padded = &mut padded[..piece.1];
        padded[..values.len()].copy_from_slice(values);
        padded[values.len()..].fill(F::ZERO);
        padded
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
    ) -> AtPoints<'v, F> {
        let k = self.k;
        let mut known: Vec<&[F]> = Vec::with_capacity(factor.components().len() * k);
        let rooms = self.padded.chunks_mut(k).zip(self.further.chunks_mut(k - 1));
        for (component, (padded, further)) in factor.components().iter().zip(rooms) {
            let blocks = padded.iter_mut().enumerate();
            known.extend(blocks.map(|(index, padded)| cut.piece(component, index, piece, padded)));
            extrapolation.extend(&known[known.len() - k..], further);
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
    /// A component's values at the point of this index among `1 … 2k-1`.
    fn component(&self, component: usize, index: usize) -> &[F] {
        match index.checked_sub(self.k) {
            None => self.known[component * self.k + index],
            Some(further) => &self.further[component * (self.k - 1) + further][..self.len],
        }
    }
}

/// Room for so many pieces.
fn room<F: Field>(count: usize) -> Vec<Zeroizing<Vec<F>>> {
    (0..count).map(|_| Zeroizing::new(vec![F::ZERO; PIECE])).collect()
}

/// Works out this node's part of `h(1) … h(2k-1)` for runs, where `h = <f, g>`.
pub(super) struct Evaluator<F: Field> {
    k: usize,
    extrapolation: Extrapolation<F>,
    f: Values<F>,
    g: Values<F>,
    sum: Zeroizing<Vec<F>>,
}

impl<F: Field> Evaluator<F> {
    pub(super) fn new(party: &Party, k: usize) -> Self {
        let components = party.held().len();
        Self {
            k,
            extrapolation: Extrapolation::new(k),
            f: Values::new(components, k),
            g: Values::new(components, k),
            sum: Zeroizing::new(vec![F::ZERO; PIECE]),
        }
    }

    /// Adds the sums of products this node is responsible for, in this range of the factors, to `values`:
    /// those at 1 … 2k-1, but for those at k where the claim says what they are.
    pub(super) fn add(&mut self, party: &Party, (x, y): (&Shared<F>, &Shared<F>), range: &Range<usize>, claimed: bool, values: &mut [F]) {
        let cut = Cut::new(range, self.k);
        for piece in cut.pieces() {
            let f = self.f.take(x, &cut, piece, &self.extrapolation);
            let g = self.g.take(y, &cut, piece, &self.extrapolation);
            for (index, value) in values.iter_mut().enumerate() {
                if !claimed || index != self.k - 1 {
                    let sum = &mut self.sum[..piece.1];
                    *value += local_product(party, |c| f.component(c, index), |c| g.component(c, index), sum);
                }
            }
        }
    }
}

impl<N: Network> Session<N> {
    /// This node's part of `h(1) … h(2k-1)` for all runs together; that of `h(k)` is left out.
    pub(super) fn local_values<F: Field>(&mut self, claims: &[Weighed<F>], k: usize) -> Vec<F> {
        let mut evaluator = Evaluator::new(&self.party, k);
        let mut totals = vec![F::ZERO; 2 * k - 1];
        for (Weighed { x, y, .. }, run) in claims.iter().flat_map(|claim| claim.runs.iter().map(move |run| (claim, run))) {
            let mut of_run = Zeroizing::new(vec![F::ZERO; 2 * k - 1]);
            match &run.ahead {
                Some(ahead) if k == AHEAD => of_run.copy_from_slice(&ahead[..]),
                _ => evaluator.add(&self.party, (x, y), &run.range, true, &mut of_run),
            }
            totals
                .iter_mut()
                .zip(of_run.iter())
                .for_each(|(total, value)| *total += run.weight * *value);
        }
        totals.remove(k - 1);
        totals
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
