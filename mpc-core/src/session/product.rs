//! Inner products on shares, and the claims they leave.
//!
//! A product of two shared values is the sum of the products of all pairs of components. Each pair is assigned to one
//! participant that holds both: `Party::products_with`. The participants' sums are
//! additive shares of the product, which are reshared. (Cramer, Damgård, Ishai, TCC 2005,
//! [doi:10.1007/978-3-540-30576-7_19](https://doi.org/10.1007/978-3-540-30576-7_19); Araki et al.,
//! [CCS 2016](https://eprint.iacr.org/2016/768), for N = 3.)

use std::ops::Range;

use zeroize::Zeroizing;

use super::claims::{Claim, ClaimedProducts, ProductField};
use super::error::SessionError;
use super::evaluator::{Evaluator, PrecomputedH, Wanted};
use super::factors::{Factors, Product};
use super::state::Session;
use crate::field::{CHUNK_ELEMENTS, Field};
use crate::fold_schedule::FIRST_FANOUT;
use crate::network::Network;
use crate::secret_vec::SecretVec;
use crate::sharing::Shared;

impl<N: Network> Session<N> {
    /// The inner products of every segment of every pair of factors; see [`Self::products`].
    ///
    /// # Errors
    /// As [`Self::products`].
    pub fn inner_products<F: ProductField>(&mut self, batch: Vec<Factors<F>>) -> Result<Vec<Shared<F>>, SessionError> {
        self.products(batch.into_iter().map(Product::Segments).collect())
    }

    /// Computes a batch of products in **one round**. The result has one shared vector for each entry of the batch, in the
    /// same order: one element for each segment of [`Product::Segments`], and one for each element of `own` of
    /// [`Product::Custom`].
    ///
    /// A node sends [`Field::BYTES`] bytes for each value of the result to each other holder of the component it corrects, one
    /// node if `N = 3`, however many terms a product has. Every product leaves a claim, which [`Session::verify`] checks.
    ///
    /// # Errors
    /// The round failed, or a peer sent bytes that encode no elements.
    ///
    /// # Panics
    /// The factors of an entry differ in length, or its segments do not cover them.
    pub fn products<F: ProductField>(&mut self, batch: Vec<Product<F>>) -> Result<Vec<Shared<F>>, SessionError> {
        let mut sums = SecretVec::with_capacity(batch.iter().map(Product::values).sum());
        let mut claimed = Vec::with_capacity(batch.len());
        for product in batch {
            let start = sums.len();
            let products = match product {
                Product::Segments(factors) => {
                    assert_eq!(factors.x.len(), factors.y.len(), "factors of an inner product have one length");
                    assert_eq!(
                        factors.ends.last().copied().unwrap_or(0),
                        factors.x.len(),
                        "the segments cover the factors"
                    );
                    self.traffic.products += factors.x.len() as u64;
                    let precomputed = self.local_products(&factors, &mut sums);
                    ClaimedProducts::Segments(factors, precomputed)
                }
                Product::Custom { own, terms, combine } => {
                    self.traffic.products += terms;
                    sums.extend_from_slice(&own);
                    ClaimedProducts::Sum(combine)
                }
            };
            claimed.push((products, start..sums.len()));
        }
        let reshared = self.reshare(sums.into_vec())?;
        let claim = |(products, range): (ClaimedProducts<F>, Range<usize>)| {
            let z = reshared.slice(range);
            F::claims(&mut self.claims).push(Claim { products, z: z.clone() });
            z
        };
        Ok(claimed.into_iter().map(claim).collect())
    }

    /// Appends this node's part of the inner product of every segment. Returns, for every long segment of long factors, the
    /// values of `h` that the first level of the check will need.
    fn local_products<F: Field>(&self, Factors { x, y, ends }: &Factors<F>, sums: &mut SecretVec<F>) -> Vec<PrecomputedH<F>> {
        let precomputes_h = self.schedule.precomputes_h(x.len());
        let mut evaluator = precomputes_h.then(|| Evaluator::new(&self.party, FIRST_FANOUT));
        let mut scratch = Zeroizing::new(vec![F::ZERO; CHUNK_ELEMENTS]);
        let (mut start, mut precomputed) = (0, Vec::new());
        for end in ends {
            let segment = start..*end;
            start = *end;
            if let Some(evaluator) = evaluator.as_mut().filter(|_| self.schedule.is_long(&segment)) {
                let mut h = PrecomputedH::new([F::ZERO; 2 * FIRST_FANOUT - 1]);
                evaluator.add(&self.party, (x, y), &segment, Wanted::All, &mut *h);
                // The product of the whole segment is the sum of the products of its blocks.
                sums.push(h[..FIRST_FANOUT].iter().fold(F::ZERO, |sum, value| sum + *value));
                precomputed.push(h);
                continue;
            }
            let mut total = F::ZERO;
            for start in segment.clone().step_by(CHUNK_ELEMENTS) {
                let chunk = start..(start + CHUNK_ELEMENTS).min(segment.end);
                let (x, y) = (
                    |c: usize| &x.components()[c][chunk.clone()],
                    |c: usize| &y.components()[c][chunk.clone()],
                );
                total += self.party.local_product(x, y, &mut scratch[..chunk.len()]);
            }
            sums.push(total);
        }
        precomputed
    }
}
