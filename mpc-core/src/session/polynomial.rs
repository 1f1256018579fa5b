//! Polynomials that are given by their values at the first points of a field: 1, 2, …

use zeroize::Zeroizing;

use crate::field::Field;

/// The first points at which values stand: 1, 2, …
pub(super) fn points<F: Field>(count: usize) -> Vec<F> {
    (1..=count as u64).map(F::point).collect()
}

/// The coefficients by which values at `points` give the value at `at`.
pub(super) fn lagrange<F: Field>(points: &[F], at: F) -> Vec<F> {
    let others = |i: usize| points.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, point)| *point);
    (0..points.len())
        .map(|i| {
            let numerator = others(i).fold(F::ONE, |product, point| product * (at - point));
            let denominator = others(i).fold(F::ONE, |product, point| product * (points[i] - point));
            numerator * denominator.inverse()
        })
        .collect()
}

/// How the values at 1..k go on at k+1..2k-1.
pub(super) struct Extrapolation<F: Field> {
    /// One row of coefficients for each further point; none where finite differences do.
    rows: Vec<Vec<F>>,
    k: usize,
}

impl<F: Field> Extrapolation<F> {
    /// For polynomials of degree `k - 1`.
    pub(super) fn new(k: usize) -> Self {
        // With k values there are k² / 2 differences and as many sums, but as many products as either
        // in k: few values are cheaper to go on with by differences.
        let by_differences = F::CONSECUTIVE_POINTS && k <= 4;
        let further = if by_differences { 0..0 } else { k + 1..2 * k };
        let known = points(k);
        Self {
            rows: further.map(|at| lagrange(&known, F::point(at as u64))).collect(),
            k,
        }
    }

    /// Writes the values at `k + 1 + i` to `out[i]`, for `k - 1` further points and as many polynomials
    /// as every block is long; `differences` is room for k vectors.
    pub(super) fn extend(&self, blocks: &[&[F]], differences: &mut [Zeroizing<Vec<F>>], out: &mut [Zeroizing<Vec<F>>]) {
        let len = blocks.first().map_or(0, |block| block.len());
        if !self.rows.is_empty() || self.k < 2 {
            for (row, out) in self.rows.iter().zip(out) {
                F::combine(blocks, row, &mut out[..len]);
            }
            return;
        }
        // differences[i] becomes the i-th difference that ends at the last value, with the sign of (-1)^i:
        // then subtractions are all it takes.
        for (difference, block) in differences.iter_mut().zip(blocks.iter().rev()) {
            difference[..len].copy_from_slice(block);
        }
        for order in 1..self.k {
            for i in (order..self.k).rev() {
                let (newer, older) = differences.split_at_mut(i);
                F::sub_vector(&mut older[0][..len], &newer[i - 1][..len]);
            }
        }
        for out in out.iter_mut().take(self.k - 1) {
            for i in (0..self.k - 1).rev() {
                let (lower, higher) = differences.split_at_mut(i + 1);
                F::sub_vector(&mut lower[i][..len], &higher[0][..len]);
            }
            out[..len].copy_from_slice(&differences[0][..len]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Fp61, Gf64};
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    /// Random polynomials of degree k - 1: their values at 1..2k-1, point by point.
    fn values<F: Field>(k: usize, count: usize, seed: u64) -> Vec<Vec<F>> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let coefficients: Vec<Vec<F>> = (0..k).map(|_| (0..count).map(|_| F::random(&mut rng)).collect()).collect();
        let at = |point: F| {
            let horner = |i: usize| coefficients.iter().fold(F::ZERO, |sum, c| sum * point + c[i]);
            (0..count).map(horner).collect()
        };
        points(2 * k - 1).into_iter().map(at).collect()
    }

    fn check<F: Field>(k: usize, count: usize, seed: u64) {
        let values = values::<F>(k, count, seed);
        let room = |vectors: usize| vec![Zeroizing::new(vec![F::ZERO; count]); vectors];
        let known: Vec<&[F]> = values[..k].iter().map(Vec::as_slice).collect();
        let (mut differences, mut out) = (room(k), room(k - 1));
        Extrapolation::new(k).extend(&known, &mut differences, &mut out);
        assert!(out.iter().map(|out| &**out).eq(&values[k..]));
        let row = lagrange(&points(k), F::point(2 * k as u64 - 1));
        let last: Vec<F> = values[..k].iter().map(|value| value[0]).collect();
        assert_eq!(F::inner_product(&last, &row), values[2 * k - 2][0]);
    }

    proptest! {
        #[test]
        fn values_go_on_as_the_polynomial_does(k in 1usize..34, count in 1usize..20, seed: u64) {
            check::<Fp61>(k, count, seed);
            check::<Gf64>(k, count, seed);
        }
    }
}
