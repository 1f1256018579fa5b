//! Checking every product at once, with communication that grows with the logarithm of their number.
//!
//! A malicious node can add a chosen error to a product and nothing more: its messages are masked.
//! All claims `z = <x, y>` are weighed into one, the one is folded to a short one, and the short one
//! is checked in the open behind a random pair. Coins are interactive, never derived from a
//! transcript: over a 61-bit field a hash challenge could be ground offline.
//! (Boneh et al., CRYPTO 2019; Boyle et al., CCS 2019; Goyal, Song, eprint 2020/134.)

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::product::Claim;
use super::{Factors, Session, SessionError};
use crate::checks::Check;
use crate::field::Field;
use crate::network::Network;
use crate::sharing::Shared;

/// Claims of at most this length are checked in the open.
const SHORT: usize = 16;

/// One claim `z = <x, y>`.
struct Single<F: Field> {
    x: Shared<F>,
    y: Shared<F>,
    z: Shared<F>,
}

/// Into how many blocks a claim is cut: few while it is long, for less arithmetic, more later, for
/// fewer rounds.
fn blocks(len: usize) -> usize {
    match len {
        0..=0xffff => 16,
        0x1_0000..=0xf_ffff => 8,
        _ => 4,
    }
}

impl<N: Network> Session<N> {
    /// Verifies claims; error probability below `(1 + Σ over levels of 2k) / (|F| - 2k)`.
    pub(super) fn check_claims<F: Field>(&mut self, claims: Vec<Claim<F>>) -> Result<(), SessionError> {
        if claims.iter().all(|claim| claim.z.is_empty()) {
            return Ok(());
        }
        let mut single = self.weigh(claims)?;
        while single.x.len() > SHORT {
            single = self.fold(single)?;
        }
        self.check_short(single)
    }

    /// Weighs all claims into one with a coin: if any is wrong by an error fixed before, the sum is,
    /// but for one weight in |F|.
    fn weigh<F: Field>(&mut self, claims: Vec<Claim<F>>) -> Result<Single<F>, SessionError> {
        let mut coin = ChaCha20Rng::from_seed(self.coin()?);
        let mut single = Single {
            x: Shared::zeros(&self.party, 0),
            y: Shared::zeros(&self.party, 0),
            z: Shared::zeros(&self.party, 1),
        };
        for Claim {
            factors: Factors { x, y, ends },
            z,
        } in claims
        {
            let weights: Vec<F> = ends.iter().map(|_| F::random(&mut coin)).collect();
            let mut start = 0;
            let each: Vec<F> = ends
                .iter()
                .zip(&weights)
                .flat_map(|(end, weight)| std::iter::repeat_n(*weight, end - std::mem::replace(&mut start, *end)))
                .collect();
            single.x.append(&x.scale(&each));
            single.y.append(&y);
            single.z = single.z.add(&combine(&z, 1, &weights));
        }
        Ok(single)
    }

    /// Cuts the claim into k blocks, reads them as the values at 1..k of polynomials f, g of degree
    /// k-1, and goes on with the claim `h(r) = <f(r), g(r)>` at a point r drawn after h was fixed.
    /// Three rounds.
    fn fold<F: Field>(&mut self, claim: Single<F>) -> Result<Single<F>, SessionError> {
        let k = blocks(claim.x.len()).min(claim.x.len());
        let block = claim.x.len().div_ceil(k);
        let (x, y) = (padded(&claim.x, block * k), padded(&claim.y, block * k));
        let h = self.values_of_product(&x, &y, &claim.z, k, &[])?;
        let r = self.point_outside(2 * k as u64)?;
        let at_blocks = lagrange(&points(k), r);
        let at_values = lagrange(&points(2 * k - 1), r);
        Ok(Single {
            x: combine(&x, block, &at_blocks),
            y: combine(&y, block, &at_blocks),
            z: combine(&h, 1, &at_values),
        })
    }

    /// The shared values `h(1) … h(2n-1)` of `h = <f, g>`, where the first `k` of the `n` blocks of x
    /// and y are the claim's: `h(k)` is what the claim leaves of `z`, so that a false claim makes a
    /// false h. `beyond` are the values at further block points that were computed before.
    fn values_of_product<F: Field>(
        &mut self,
        x: &Shared<F>,
        y: &Shared<F>,
        z: &Shared<F>,
        k: usize,
        beyond: &[Shared<F>],
    ) -> Result<Shared<F>, SessionError> {
        let n = k + beyond.len();
        let block = x.len() / n;
        let mut sums = Vec::new();
        for at in (1..k).chain(n + 1..2 * n) {
            let (x, y) = if at <= n {
                let range = (at - 1) * block..at * block;
                (x.slice(range.clone()), y.slice(range))
            } else {
                let coefficients = lagrange(&points(n), F::point(at as u64));
                (combine(x, block, &coefficients), combine(y, block, &coefficients))
            };
            self.traffic.products += block as u64;
            self.local_products(&Factors { x, y, ends: vec![block] }, &mut sums);
        }
        let computed = self.reshare(sums)?;
        let mut h = computed.slice(0..k - 1);
        let before_k = combine(&h, 1, &vec![F::ONE; k - 1]);
        h.append(&z.sub(&before_k));
        beyond.iter().for_each(|value| h.append(value));
        h.append(&computed.slice(k - 1..computed.len()));
        Ok(h)
    }

    /// Checks a short claim: its elements and a random pair are the values of f and g at 1..n; both
    /// are opened at one more point, where the pair masks them, and the products compared.
    fn check_short<F: Field>(&mut self, claim: Single<F>) -> Result<(), SessionError> {
        let k = claim.x.len().max(1);
        let (mut x, mut y) = (padded(&claim.x, k), padded(&claim.y, k));
        let (a, b) = (self.random::<F>(1)?, self.random::<F>(1)?);
        let mut sums = Vec::new();
        self.local_products(
            &Factors {
                x: a.clone(),
                y: b.clone(),
                ends: vec![1],
            },
            &mut sums,
        );
        let c = self.reshare(sums)?;
        x.append(&a);
        y.append(&b);
        let h = self.values_of_product(&x, &y, &claim.z, k, &[c])?;
        let n = k + 1;
        let r = self.point_outside(2 * n as u64)?;
        let at_values = lagrange(&points(n), r);
        let mut ends = combine(&x, 1, &at_values);
        ends.append(&combine(&y, 1, &at_values));
        ends.append(&combine(&h, 1, &lagrange(&points(2 * n - 1), r)));
        // The coin came after all nodes had settled: what is opened now depends on the same corrections
        // everywhere, or errors could become products with secrets.
        match self.open(&ends, "the check of products")?.as_slice() {
            [f, g, h] if *f * *g == *h || !self.makes(Check::Products) => Ok(()),
            _ => Err(SessionError::WrongProduct {
                phase: self.phase,
                suspects: self.party.present().without(self.party.me()),
            }),
        }
    }

    /// A public random point that is none of the first `taken` ones.
    fn point_outside<F: Field>(&mut self, taken: u64) -> Result<F, SessionError> {
        let mut coin = ChaCha20Rng::from_seed(self.coin()?);
        loop {
            let r = F::random(&mut coin);
            if (0..taken).all(|index| F::point(index) != r) {
                return Ok(r);
            }
        }
    }
}

/// The first points at which blocks stand: 1, 2, …
fn points<F: Field>(count: usize) -> Vec<F> {
    (1..=count as u64).map(F::point).collect()
}

/// The coefficients by which values at `points` give the value at `at`.
fn lagrange<F: Field>(points: &[F], at: F) -> Vec<F> {
    let others = |i: usize| points.iter().enumerate().filter(move |(j, _)| *j != i).map(|(_, point)| *point);
    (0..points.len())
        .map(|i| {
            let numerator = others(i).fold(F::ONE, |product, point| product * (at - point));
            let denominator = others(i).fold(F::ONE, |product, point| product * (points[i] - point));
            numerator * denominator.inverse()
        })
        .collect()
}

/// `Σ_j coefficients[j] · block_j`, the blocks standing one after the other.
fn combine<F: Field>(blocks: &Shared<F>, len: usize, coefficients: &[F]) -> Shared<F> {
    blocks.linear(|values, out| {
        out.resize(len, F::ZERO);
        for (block, coefficient) in values.chunks_exact(len).zip(coefficients) {
            out.iter_mut().zip(block).for_each(|(sum, value)| *sum += *coefficient * *value);
        }
    })
}

/// The vector with zeros up to `len`.
fn padded<F: Field>(shared: &Shared<F>, len: usize) -> Shared<F> {
    shared.linear(|values, out| {
        out.extend_from_slice(values);
        out.resize(len, F::ZERO);
    })
}
