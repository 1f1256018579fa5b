//! How the claims about products of bits become one claim over GF(2^64).
//!
//! The 64 bits of a word are read as the values, 0 or 1, of a polynomial of degree 63 at 64 points of the subfield of 256
//! elements, and a product of words as the values of a product of two polynomials. (Boneh, Boyle, Corrigan-Gibbs, Gilboa,
//! Ishai, "Zero-knowledge proofs on secret-shared data via fully linear PCPs", CRYPTO 2019,
//! [eprint 2019/188](https://eprint.iacr.org/2019/188).)

use std::ops::Range;
use std::sync::OnceLock;

use zeroize::{Zeroize, Zeroizing};

use super::challenge::{Use, stream};
use super::claims::{BitClaim, Claim, ClaimedProducts};
use super::factors::Factors;
use super::polynomial::lagrange;
use crate::field::subfield::{Extension, FURTHER, element, powers};
use crate::field::{BITS_PER_WORD, BitMap, CHUNK_ELEMENTS, Field, Gf64};
use crate::sharing::{Party, Shared};

/// Words that share one random block weight: a whole number of chunks.
pub(super) const BLOCK_WORDS: usize = 8 * CHUNK_ELEMENTS;

/// The reduction of all claims about words to one claim over GF(2^64): what each node computes between the coins.
///
/// Each word `w` has a random weight `a_w`. Bit `i` of a word is the value at byte `i`, an element of the subfield, of a
/// polynomial of degree 63: `f_w` interpolates `a_w x_w`, `g_w` interpolates `y_w`, and `h = Σ_w f_w g_w` is claimed to have
/// the values `Σ_w a_w z_w` at bytes 0 to 63. If any bit of any `z` is wrong by an error that was fixed before the weights,
/// then `h` is wrong at that byte, except for two weights in `2^64`. The values of `h` at bytes 64 to 126 are reshared before
/// a point `r` is drawn: a wrong `h`, of degree 126, is then wrong at `r` except for 126 points, and
/// `h(r) = Σ_w f_w(r) g_w(r)` is a false claim.
pub(super) struct BitProof {
    claims: Vec<BitClaim>,
    weights: Weights,
}

/// The weights `a_w`: the weight of a word's block times the weight of the word's position in the block.
struct Weights {
    blocks: Vec<Gf64>,
    positions: Vec<Gf64>,
}

/// A chunk of the words of one claim, within one block, with its weights.
struct Chunk<'a> {
    range: Range<usize>,
    block: Gf64,
    positions: &'a [Gf64],
}

impl Weights {
    fn new(claims: &[BitClaim], coin: &[u8; 32]) -> Self {
        let mut coin = stream(coin, Use::BitWeights);
        let blocks: usize = claims.iter().map(|claim| claim.y.len().div_ceil(BLOCK_WORDS)).sum();
        let mut draw = |count| (0..count).map(|_| Gf64::random(&mut coin)).collect();
        Self {
            blocks: draw(blocks),
            positions: draw(BLOCK_WORDS),
        }
    }

    /// All words, claim by claim, in chunks.
    fn chunks<'a>(&'a self, claims: &'a [BitClaim]) -> impl Iterator<Item = (&'a BitClaim, Chunk<'a>)> {
        let mut blocks = self.blocks.iter();
        claims.iter().flat_map(move |claim| {
            let len = claim.y.len();
            let of_claim: Vec<Gf64> = blocks.by_ref().take(len.div_ceil(BLOCK_WORDS)).copied().collect();
            (0..len).step_by(CHUNK_ELEMENTS).map(move |start| {
                let range = start..(start + CHUNK_ELEMENTS).min(len);
                let position = start % BLOCK_WORDS;
                let chunk = Chunk {
                    block: of_claim[start / BLOCK_WORDS],
                    positions: &self.positions[position..position + range.len()],
                    range,
                };
                (claim, chunk)
            })
        })
    }
}

impl BitProof {
    /// Weighs the claims with a coin that was drawn after all of them were fixed.
    pub(super) fn new(claims: Vec<BitClaim>, coin: &[u8; 32]) -> Self {
        let weights = Weights::new(&claims, coin);
        Self { claims, weights }
    }

    /// A point outside the subfield, from a coin that was drawn after the further values of `h` were reshared.
    pub(super) fn point(coin: &[u8; 32]) -> Gf64 {
        let mut coin = stream(coin, Use::Point);
        loop {
            let r = Gf64::random(&mut coin);
            if (0..=u8::MAX).all(|byte| element(byte) != r) {
                return r;
            }
        }
    }

    /// This node's additive part of the values of `h` at bytes 64 to 126: [`FURTHER`] elements, to be reshared.
    pub(super) fn own_further_values(&self, party: &Party) -> Vec<Gf64> {
        let powers = powers();
        let mut values = vec![Gf64::ZERO; FURTHER];
        let mut sums = Zeroizing::new([[Gf64::ZERO; 8]; FURTHER]);
        let positions = 0..party.held().len();
        let mut scratch: Vec<_> = positions
            .clone()
            .map(|_| Zeroizing::new(vec![Gf64::ZERO; CHUNK_ELEMENTS]))
            .collect();
        let mut chunks = self.weights.chunks(&self.claims).peekable();
        while let Some((BitClaim { x, y, .. }, chunk)) = chunks.next() {
            let range = chunk.range.clone();
            let mut pairs: Vec<(&[Gf64], &[Gf64])> = Vec::with_capacity(positions.len());
            for (s, scratch) in positions.clone().zip(&mut scratch) {
                let sum = party.partner_sum(s, |t| &y.components()[t][range.clone()], &mut scratch[..range.len()]);
                pairs.extend(sum.map(|sum| (&x.components()[s][range.clone()], sum)));
            }
            extension().add_products(&pairs, chunk.positions, &mut sums);
            // The weight of a block is applied once, after its last chunk.
            let same_block = |(_, next): &(_, Chunk<'_>)| next.range.start == range.end && next.range.start % BLOCK_WORDS != 0;
            if !chunks.peek().is_some_and(same_block) {
                for (value, sums) in values.iter_mut().zip(sums.iter()) {
                    *value += chunk.block * Gf64::inner_product(sums, &powers);
                }
                sums.zeroize();
            }
        }
        values
    }

    /// The claim at the point `r`, given the shared values of `h` at bytes 64 to 126.
    pub(super) fn claim(mut self, party: &Party, further: &Shared<Gf64>, r: Gf64) -> Claim<Gf64> {
        let points: Vec<Gf64> = (0..BITS_PER_WORD + FURTHER).map(|byte| element(byte as u8)).collect();
        let at_bits = bit_map(&lagrange(&points[..BITS_PER_WORD], r));
        let of_product = lagrange(&points, r);
        let z = further.linear(|values, out| out.push(Gf64::inner_product(values, &of_product[BITS_PER_WORD..])));
        let z = z.add(&self.claimed_value(party, &bit_map(&of_product[..BITS_PER_WORD])));
        // Memory that is no longer needed is freed before more is taken.
        self.claims.iter_mut().for_each(|claim| claim.z = Shared::zeros(party, 0));
        let x = self.left_factor(party, &at_bits);
        self.claims.iter_mut().for_each(|claim| claim.x = Shared::zeros(party, 0));
        let y = self.right_factor(party, &at_bits);
        let ends = vec![x.len()];
        Claim {
            products: ClaimedProducts::Segments(Factors { x, y, ends }, Vec::new()),
            z,
        }
    }

    /// The part of `h(r)` that comes from bytes 0 to 63: the weighted sum of the images of the claimed products.
    fn claimed_value(&self, party: &Party, map: &BitMap) -> Shared<Gf64> {
        let mut image = Zeroizing::new(vec![Gf64::ZERO; CHUNK_ELEMENTS]);
        Shared::generate(party, |position| {
            let mut sum = Gf64::ZERO;
            for (BitClaim { z, .. }, chunk) in self.weights.chunks(&self.claims) {
                let image = &mut image[..chunk.range.len()];
                map.apply(&z.components()[position][chunk.range], image);
                sum += chunk.block * Gf64::inner_product(image, chunk.positions);
            }
            vec![sum]
        })
    }

    /// The images of all words of `x`, times their weights.
    fn left_factor(&self, party: &Party, map: &BitMap) -> Shared<Gf64> {
        let mut scratch = Zeroizing::new(vec![Gf64::ZERO; CHUNK_ELEMENTS]);
        Shared::generate(party, |position| {
            let mut images = vec![Gf64::ZERO; self.words()];
            let mut rest = images.as_mut_slice();
            for (BitClaim { x, .. }, chunk) in self.weights.chunks(&self.claims) {
                let (out, after) = std::mem::take(&mut rest).split_at_mut(chunk.range.len());
                rest = after;
                let scratch = &mut scratch[..out.len()];
                map.apply(&x.components()[position][chunk.range], scratch);
                Gf64::mul_vector(scratch, chunk.positions);
                Gf64::combine(&[scratch], &[chunk.block], out);
            }
            images
        })
    }

    /// The images of all words of `y`.
    fn right_factor(&self, party: &Party, map: &BitMap) -> Shared<Gf64> {
        Shared::generate(party, |position| {
            let mut images = vec![Gf64::ZERO; self.words()];
            let mut rest = images.as_mut_slice();
            for BitClaim { y, .. } in &self.claims {
                let (out, after) = std::mem::take(&mut rest).split_at_mut(y.len());
                rest = after;
                map.apply(&y.components()[position], out);
            }
            images
        })
    }

    /// Number of words of all claims.
    fn words(&self) -> usize {
        self.claims.iter().map(|claim| claim.y.len()).sum()
    }
}

/// The coefficients that extend values at bytes 0 to 63 to bytes 64 to 126, computed once.
fn extension() -> &'static Extension {
    static EXTENSION: OnceLock<Extension> = OnceLock::new();
    EXTENSION.get_or_init(Extension::new)
}

/// The map that takes a word to the sum of the coefficients of its bits that are set.
fn bit_map(coefficients: &[Gf64]) -> BitMap {
    BitMap::new(std::array::from_fn(|bit| coefficients[bit]))
}
