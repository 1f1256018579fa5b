//! Products of bits, 64 to a word.
//!
//! A word of bits is shared like an element of GF(2^64): in both, addition is the exclusive or. Products are computed bit by
//! bit and reshared at one bit each. They leave claims of their own kind, because only one bit of a word at a time is an
//! element 0 or 1 of the field: see [`super::bit_proof`].

use zeroize::Zeroizing;

use super::claims::BitClaim;
use super::error::SessionError;
use super::state::Session;
use crate::field::{CHUNK_ELEMENTS, Gf64};
use crate::network::Network;
use crate::sharing::{Party, Shared};

impl<N: Network> Session<N> {
    /// The products, bit by bit, of every pair of vectors of words, in the order of the pairs, in **one round**. A node sends
    /// 8 bytes for each word of 64 products to each other holder of the component it corrects, one node if `N = 3`.
    ///
    /// Every product leaves a claim, as with [`Session::inner_products`].
    ///
    /// # Errors
    /// The round failed.
    ///
    /// # Panics
    /// The vectors of a pair differ in length.
    pub fn bit_products(&mut self, pairs: Vec<(Shared<Gf64>, Shared<Gf64>)>) -> Result<Vec<Shared<Gf64>>, SessionError> {
        #[expect(clippy::needless_collect, reason = "the pairs are freed before the round")]
        let lengths: Vec<usize> = pairs.iter().map(|(x, _)| x.len()).collect();
        let x = Shared::concat(&self.party, pairs.iter().map(|(x, _)| x));
        let y = Shared::concat(&self.party, pairs.iter().map(|(_, y)| y));
        drop(pairs);
        let z = self.bit_product(x, y)?;
        let mut start = 0;
        let products = lengths.into_iter().map(|len| {
            start += len;
            z.slice(start - len..start)
        });
        Ok(products.collect())
    }

    /// The products, bit by bit, of two vectors of words; see [`Session::bit_products`].
    pub(crate) fn bit_product(&mut self, x: Shared<Gf64>, y: Shared<Gf64>) -> Result<Shared<Gf64>, SessionError> {
        assert_eq!(x.len(), y.len(), "words that are multiplied have one length");
        if x.is_empty() {
            return Ok(Shared::zeros(&self.party, 0));
        }
        let own = local_bit_products(&self.party, &x, &y);
        let z = self.reshare(own)?;
        self.claims.bits.push(BitClaim { x, y, z: z.clone() });
        Ok(z)
    }
}

/// This node's additive part of the products.
fn local_bit_products(party: &Party, x: &Shared<Gf64>, y: &Shared<Gf64>) -> Vec<Gf64> {
    let mut products = vec![Gf64::from_bits(0); x.len()];
    let mut scratch = Zeroizing::new(vec![Gf64::from_bits(0); CHUNK_ELEMENTS]);
    for (index, products) in products.chunks_mut(CHUNK_ELEMENTS).enumerate() {
        let chunk = index * CHUNK_ELEMENTS..index * CHUNK_ELEMENTS + products.len();
        for (s, x) in x.components().iter().enumerate() {
            let sum = party.partner_sum(s, |t| &y.components()[t][chunk.clone()], &mut scratch[..products.len()]);
            for ((product, x), y) in products.iter_mut().zip(&x[chunk.clone()]).zip(sum.unwrap_or_default()) {
                *product += Gf64::from_bits(x.to_bits() & y.to_bits());
            }
        }
    }
    products
}

#[cfg(test)]
mod tests;
