//! Checking every product at once, with communication that grows with the logarithm of their number.
//!
//! A malicious node can add a chosen error to a product and nothing more: its messages are masked.
//! All claims `z = <x, y>` are weighed into one, the one is folded to a short one, and the short one
//! is checked in the open behind a random pair. Coins are interactive, never derived from a
//! transcript: over a 61-bit field a hash challenge could be ground offline.
//! (Boneh et al., CRYPTO 2019; Boyle et al., CCS 2019; Goyal, Song, eprint 2020/134.)

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::bits::Ands;
use super::polynomial::{lagrange, points};
use super::runs::{Ahead, Weighed, merged};
use super::{Session, SessionError};
use crate::checks::Check;
use crate::field::{Field, Fp61, Gf64};
use crate::network::Network;
use crate::sharing::Shared;

use super::product::Factors;

/// `z[j] = <x, y>` over segment `j`: claimed, to be verified before anything is released.
pub struct Claim<F: Field> {
    pub(super) factors: Factors<F>,
    /// What this node worked out ahead, for every long segment.
    pub(super) ahead: Vec<Ahead<F>>,
    pub(super) z: Shared<F>,
}

/// All claims of a session.
#[derive(Default)]
pub struct Claims {
    numbers: Vec<Claim<Fp61>>,
    bits: Vec<Claim<Gf64>>,
    pub(super) ands: Vec<Ands>,
}

/// A field in which products leave claims.
pub trait Claimed: Field {
    /// The session's claims in this field.
    #[doc(hidden)]
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>>;
}

impl Claimed for Fp61 {
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>> {
        &mut claims.numbers
    }
}

impl Claimed for Gf64 {
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>> {
        &mut claims.bits
    }
}

impl<N: Network> Session<N> {
    /// Verifies all claims. The probability that a wrong one survives is below
    /// `(1 + Σ over levels of (2k - 2) + 2·(short + 1)) / (|F| - 2k)`.
    ///
    /// Claims about words of bits become one over their field before; that adds `2 + 126` to the sum.
    pub(super) fn check_claims(&mut self, claims: Claims) -> Result<(), SessionError> {
        let Claims { numbers, mut bits, ands } = claims;
        self.check_claims_of(numbers)?;
        bits.extend(self.claim_of_ands(ands)?);
        self.check_claims_of(bits)
    }

    fn check_claims_of<F: Field>(&mut self, claims: Vec<Claim<F>>) -> Result<(), SessionError> {
        if claims.iter().all(|claim| claim.z.is_empty()) {
            return Ok(());
        }
        let (mut claims, mut z) = self.weigh(claims)?;
        while claims.iter().map(Weighed::len).sum::<usize>() > self.cuts.short {
            (claims, z) = self.fold(claims, &z)?;
        }
        self.check_short(merged(claims, usize::MAX), &z)
    }

    /// Weighs all claims into one with a coin: if any is wrong by an error fixed before, the sum is,
    /// but for one weight in |F|.
    fn weigh<F: Field>(&mut self, claims: Vec<Claim<F>>) -> Result<(Vec<Weighed<F>>, Shared<F>), SessionError> {
        let mut coin = ChaCha20Rng::from_seed(self.coin()?);
        let mut sum = Shared::zeros(&self.party, 1);
        let mut weighed = Vec::new();
        for Claim { factors, ahead, z } in claims {
            let weights: Vec<F> = factors.ends.iter().map(|_| F::random(&mut coin)).collect();
            sum = sum.add(&value_at(&z, &weights));
            weighed.push(Weighed::new(factors, &weights, ahead, &self.cuts));
        }
        Ok((weighed, sum))
    }

    /// Cuts the claim into k blocks, reads them as the values at 1..k of polynomials f, g of degree
    /// k-1, and goes on with the claim `h(r) = <f(r), g(r)>` at a point r drawn after `h = <f, g>` was
    /// fixed. Three rounds.
    fn fold<F: Field>(&mut self, mut claims: Vec<Weighed<F>>, z: &Shared<F>) -> Result<(Vec<Weighed<F>>, Shared<F>), SessionError> {
        let k = self.cuts.blocks(claims.iter().map(Weighed::len).sum());
        let h = self.values_of_product(&claims, z, k, 0)?;
        let r = self.point_outside(2 * k as u64)?;
        let at_blocks = lagrange(&points(k), r);
        claims.iter_mut().for_each(|claim| claim.fold(&at_blocks));
        Ok((merged(claims, self.cuts.small), value_at(&h, &lagrange(&points(2 * k - 1), r))))
    }

    /// The shared values `h(1) … h(2k-1)` of `h = <f, g>`. All are computed but `h(k)`: that is what is
    /// left of z, so that a false claim makes a false h. The first `masks` blocks are not the claim's.
    fn values_of_product<F: Field>(
        &mut self,
        claims: &[Weighed<F>],
        z: &Shared<F>,
        k: usize,
        masks: usize,
    ) -> Result<Shared<F>, SessionError> {
        let sums = self.local_values(claims, k);
        let computed = self.reshare(sums)?;
        let rest = computed.linear(|values, out| {
            out.push(values[masks..k - 1].iter().fold(F::ZERO, |sum, value| sum + *value));
        });
        let mut h = computed.slice(0..k - 1);
        h.append(&z.sub(&rest));
        h.append(&computed.slice(k - 1..computed.len()));
        Ok(h)
    }

    /// Checks a short claim: a random pair and the claim's elements are the values of f and g at 1..k;
    /// both are opened at one more point, where the pair masks them, and the products compared.
    fn check_short<F: Field>(&mut self, claims: Vec<Weighed<F>>, z: &Shared<F>) -> Result<(), SessionError> {
        let (mut x, mut y) = (self.random::<F>(1)?, self.random::<F>(1)?);
        for claim in claims {
            let (of_x, of_y) = claim.into_factors();
            x.append(&of_x);
            y.append(&of_y);
        }
        if x.len() == 1 {
            // The value at k belongs to the claim, an empty one too.
            x.append(&Shared::zeros(&self.party, 1));
            y.append(&Shared::zeros(&self.party, 1));
        }
        let k = x.len();
        let claim = [Weighed::whole(x, y)];
        let h = self.values_of_product(&claim, z, k, 1)?;
        let [claim] = claim;
        let (x, y) = claim.into_factors();
        let r = self.point_outside(2 * k as u64)?;
        let at_blocks = lagrange(&points(k), r);
        let mut ends = value_at(&x, &at_blocks);
        ends.append(&value_at(&y, &at_blocks));
        ends.append(&value_at(&h, &lagrange(&points(2 * k - 1), r)));
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
    pub(super) fn point_outside<F: Field>(&mut self, taken: u64) -> Result<F, SessionError> {
        let mut coin = ChaCha20Rng::from_seed(self.coin()?);
        loop {
            let r = F::random(&mut coin);
            if (0..taken).all(|index| F::point(index) != r) {
                return Ok(r);
            }
        }
    }
}

/// `Σ_j coefficients[j] · values[j]`, one element.
fn value_at<F: Field>(values: &Shared<F>, coefficients: &[F]) -> Shared<F> {
    values.linear(|values, out| out.push(F::inner_product(values, coefficients)))
}

#[cfg(test)]
mod tests;
