//! Polynomials given by their values at the points 1, 2, … of a field.

use zeroize::Zeroizing;

use crate::field::Field;

/// The first `count` points: 1, 2, …
pub(super) fn points<F: Field>(count: usize) -> Vec<F> {
    (1..=count as u64).map(F::point).collect()
}

/// The Lagrange coefficients that take the values at `points` to the value at `at`, in the order of `points`.
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

/// Extends polynomials of degree `k - 1` from their values at `1, …, k` to `k + 1, …, 2k - 1`.
pub(super) struct Extrapolation<F: Field>(Vec<Vec<F>>);

impl<F: Field> Extrapolation<F> {
    /// For polynomials of degree `k - 1`.
    pub(super) fn new(k: usize) -> Self {
        let known = points(k);
        Self((k + 1..2 * k).map(|at| lagrange(&known, F::point(at as u64))).collect())
    }

    /// Writes the values at `k + 1 + i` to `out[i]`, for the `k - 1` further points. `blocks[j]` has the values at `j + 1` of as
    /// many polynomials as each block has elements; every vector of `out` is at least as long.
    pub(super) fn extend(&self, blocks: &[&[F]], out: &mut [Zeroizing<Vec<F>>]) {
        let len = blocks.first().map_or(0, |block| block.len());
        if let ([a, b, c, d], [e, f, g]) = (blocks, &mut *out)
            && F::CONSECUTIVE_POINTS
        {
            // The longest claims are split into 4 blocks; extending a cubic by finite differences costs additions only.
            return F::extend_cubics([a, b, c, d], [&mut e[..len], &mut f[..len], &mut g[..len]]);
        }
        for (row, out) in self.0.iter().zip(out) {
            F::combine(blocks, row, &mut out[..len]);
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
        let known: Vec<&[F]> = values[..k].iter().map(Vec::as_slice).collect();
        let mut out = vec![Zeroizing::new(vec![F::ZERO; count]); k - 1];
        Extrapolation::new(k).extend(&known, &mut out);
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
