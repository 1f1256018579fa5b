//! Products of bits, 64 to a word, and how their check begins.
//!
//! A word of bits is shared as an element of GF(2^64) is: there, too, sums are exclusive. Products are
//! computed bit by bit and reshared at one bit each. They leave claims of their own, because a bit stands
//! for 0 or 1 of the field only one lane at a time.

use std::ops::Range;
use std::sync::OnceLock;

use zeroize::{Zeroize, Zeroizing};

use super::claims::{Claim, Of};
use super::coin::{Decides, stream};
use super::polynomial::lagrange;
use super::product::Factors;
use super::{Session, SessionError};
use crate::field::subfield::{Extension, FURTHER, element, powers};
use crate::field::{BitMap, Field, Gf64};
use crate::network::Network;
use crate::sharing::{Party, Shared};

/// Bits of a word.
pub const LANES: usize = 64;
/// Words that are worked on at a time.
const PIECE: usize = 512;
/// Words of a block that have one weight in common: whole pieces.
const BLOCK: usize = 8 * PIECE;

/// Words that are claimed to be the products of words, bit by bit.
pub(super) struct Ands {
    x: Shared<Gf64>,
    y: Shared<Gf64>,
    z: Shared<Gf64>,
}

impl<N: Network> Session<N> {
    /// The products, bit by bit, of every pair of vectors of words, in **one round** that costs one bit
    /// for each. Both vectors of a pair have one length.
    ///
    /// Every product leaves a claim, as [`Session::inner_products`] does.
    pub fn and(&mut self, pairs: Vec<(Shared<Gf64>, Shared<Gf64>)>) -> Result<Vec<Shared<Gf64>>, SessionError> {
        let lengths: Vec<usize> = pairs.iter().map(|(x, _)| x.len()).collect();
        let x = Shared::concat(&self.party, pairs.iter().map(|(x, _)| x));
        let y = Shared::concat(&self.party, pairs.iter().map(|(_, y)| y));
        drop(pairs);
        let z = self.and_vectors(x, y)?;
        let mut start = 0;
        let products = lengths.into_iter().map(|len| {
            start += len;
            z.slice(start - len..start)
        });
        Ok(products.collect())
    }

    /// The products of two vectors of words, as [`Session::and`] computes them.
    pub(crate) fn and_vectors(&mut self, x: Shared<Gf64>, y: Shared<Gf64>) -> Result<Shared<Gf64>, SessionError> {
        assert_eq!(x.len(), y.len(), "words that are multiplied have one length");
        if x.is_empty() {
            return Ok(Shared::zeros(&self.party, 0));
        }
        let own = local_ands(&self.party, &x, &y);
        let z = self.reshare(own)?;
        self.claims.ands.push(Ands { x, y, z: z.clone() });
        Ok(z)
    }
}

impl Ands {
    pub(super) fn is_empty(&self) -> bool {
        self.z.is_empty()
    }
}

/// How all claims about words become one over GF(2^64): what each node does between the coins.
///
/// Each word w has a random weight `a_w`. The lanes are values at bytes 0…63, elements of the subfield, of
/// polynomials of degree 63: `f_w` takes `a_w x_w`, `g_w` takes `y_w`, and at the lanes `h = Σ f_w g_w` is claimed
/// to be `Σ a_w z_w`. If any lane of any z is wrong by an error fixed before the weights, h is wrong at that lane but
/// for two weights in 2^64. The values of h at bytes 64…126 are reshared before a point r is drawn: then a
/// wrong h, of degree 126, is wrong at r but for 126 points, and `h(r) = Σ f_w(r) g_w(r)` is a false claim.
pub(super) struct AndCheck {
    ands: Vec<Ands>,
    weights: Weights,
}

/// `a_w`: that of its block of words times that of its place in the block.
struct Weights {
    blocks: Vec<Gf64>,
    places: Vec<Gf64>,
}

/// A piece of the words of a layer, with their weights.
struct Piece<'a> {
    range: Range<usize>,
    block: Gf64,
    places: &'a [Gf64],
}

impl Weights {
    fn new(ands: &[Ands], coin: &[u8; 32]) -> Self {
        let mut coin = stream(coin, Decides::Words);
        let blocks: usize = ands.iter().map(|ands| ands.y.len().div_ceil(BLOCK)).sum();
        let mut draw = |count| (0..count).map(|_| Gf64::random(&mut coin)).collect();
        Self {
            blocks: draw(blocks),
            places: draw(BLOCK),
        }
    }

    /// All words, layer by layer, in pieces that lie in one block.
    fn pieces<'a>(&'a self, ands: &'a [Ands]) -> impl Iterator<Item = (&'a Ands, Piece<'a>)> {
        let mut blocks = self.blocks.iter();
        ands.iter().flat_map(move |ands| {
            let len = ands.y.len();
            let of_layer: Vec<Gf64> = blocks.by_ref().take(len.div_ceil(BLOCK)).copied().collect();
            pieces(len).map(move |range| {
                let place = range.start % BLOCK;
                let piece = Piece {
                    block: of_layer[range.start / BLOCK],
                    places: &self.places[place..place + range.len()],
                    range,
                };
                (ands, piece)
            })
        })
    }
}

impl AndCheck {
    /// Weighs the claims with a coin drawn after all of them were fixed.
    pub(super) fn new(ands: Vec<Ands>, coin: &[u8; 32]) -> Self {
        let weights = Weights::new(&ands, coin);
        Self { ands, weights }
    }

    /// A point outside the subfield, from a coin drawn after the further values of h were reshared.
    pub(super) fn point(coin: &[u8; 32]) -> Gf64 {
        let mut coin = stream(coin, Decides::Point);
        loop {
            let r = Gf64::random(&mut coin);
            if (0..=u8::MAX).all(|byte| element(byte) != r) {
                return r;
            }
        }
    }

    /// This node's part of the values of h at the points after the lanes: to be reshared.
    pub(super) fn own_further_values(&self, party: &Party) -> Vec<Gf64> {
        let powers = powers();
        let mut values = vec![Gf64::ZERO; FURTHER];
        let mut sums = Zeroizing::new([[Gf64::ZERO; 8]; FURTHER]);
        let positions = 0..party.held().len();
        let mut partners: Vec<_> = positions.clone().map(|_| Zeroizing::new(vec![Gf64::ZERO; PIECE])).collect();
        let mut pieces = self.weights.pieces(&self.ands).peekable();
        while let Some((Ands { x, y, .. }, piece)) = pieces.next() {
            let range = piece.range.clone();
            let mut pairs: Vec<(&[Gf64], &[Gf64])> = Vec::with_capacity(positions.len());
            for (s, sum) in positions.clone().zip(&mut partners) {
                if sum_of_partners(party, s, y, &range, &mut sum[..range.len()]) {
                    pairs.push((&x.components()[s][range.clone()], &sum[..range.len()]));
                }
            }
            extension().add_products(&pairs, piece.places, &mut sums);
            let goes_on = |(_, next): &(_, Piece<'_>)| next.range.start == range.end && next.range.start % BLOCK != 0;
            if !pieces.peek().is_some_and(goes_on) {
                for (value, sums) in values.iter_mut().zip(sums.iter()) {
                    *value += piece.block * Gf64::inner_product(sums, &powers);
                }
                sums.zeroize();
            }
        }
        values
    }

    /// The claim at a point, given the further values of h.
    pub(super) fn claim(mut self, party: &Party, further: &Shared<Gf64>, r: Gf64) -> Claim<Gf64> {
        let points: Vec<Gf64> = (0..LANES + FURTHER).map(|byte| element(byte as u8)).collect();
        let at_lanes = bit_map(&lagrange(&points[..LANES], r));
        let of_product = lagrange(&points, r);
        let z = further.linear(|values, out| out.push(Gf64::inner_product(values, &of_product[LANES..])));
        let z = z.add(&self.claimed_value(party, &bit_map(&of_product[..LANES])));
        // What is not needed any more gives its room to what comes next.
        self.ands.iter_mut().for_each(|ands| ands.z = Shared::zeros(party, 0));
        let x = self.left_factor(party, &at_lanes);
        self.ands.iter_mut().for_each(|ands| ands.x = Shared::zeros(party, 0));
        let y = self.right_factor(party, &at_lanes);
        let ends = vec![x.len()];
        Claim {
            of: Of::Segments(Factors { x, y, ends }, Vec::new()),
            z,
        }
    }

    /// What the lanes contribute to `h(r)`: the weighted sum of the images of the claimed products.
    fn claimed_value(&self, party: &Party, map: &BitMap) -> Shared<Gf64> {
        let mut image = Zeroizing::new(vec![Gf64::ZERO; PIECE]);
        Shared::generate(party, |position| {
            let mut sum = Gf64::ZERO;
            for (Ands { z, .. }, piece) in self.weights.pieces(&self.ands) {
                let image = &mut image[..piece.range.len()];
                map.apply(&z.components()[position][piece.range], image);
                sum += piece.block * Gf64::inner_product(image, piece.places);
            }
            vec![sum]
        })
    }

    /// The images of all words of x, with their weights.
    fn left_factor(&self, party: &Party, map: &BitMap) -> Shared<Gf64> {
        let mut room = Zeroizing::new(vec![Gf64::ZERO; PIECE]);
        Shared::generate(party, |position| {
            let mut images = vec![Gf64::ZERO; self.words()];
            let mut rest = images.as_mut_slice();
            for (Ands { x, .. }, piece) in self.weights.pieces(&self.ands) {
                let (out, after) = std::mem::take(&mut rest).split_at_mut(piece.range.len());
                rest = after;
                let room = &mut room[..out.len()];
                map.apply(&x.components()[position][piece.range], room);
                Gf64::mul_vector(room, piece.places);
                Gf64::combine(&[room], &[piece.block], out);
            }
            images
        })
    }

    /// The images of all words of y.
    fn right_factor(&self, party: &Party, map: &BitMap) -> Shared<Gf64> {
        Shared::generate(party, |position| {
            let mut images = vec![Gf64::ZERO; self.words()];
            let mut rest = images.as_mut_slice();
            for Ands { y, .. } in &self.ands {
                let (out, after) = std::mem::take(&mut rest).split_at_mut(y.len());
                rest = after;
                map.apply(&y.components()[position], out);
            }
            images
        })
    }

    fn words(&self) -> usize {
        self.ands.iter().map(|ands| ands.y.len()).sum()
    }
}

/// This node's part of the products.
fn local_ands(party: &Party, x: &Shared<Gf64>, y: &Shared<Gf64>) -> Vec<Gf64> {
    let mut sum = vec![Gf64::ZERO; x.len()];
    let mut factor = Zeroizing::new(vec![Gf64::ZERO; PIECE]);
    for piece in pieces(x.len()) {
        for (s, x) in x.components().iter().enumerate() {
            let factor = &mut factor[..piece.len()];
            if sum_of_partners(party, s, y, &piece, factor) {
                for ((sum, x), y) in sum[piece.clone()].iter_mut().zip(&x[piece.clone()]).zip(factor.iter()) {
                    *sum += Gf64::from_bits(x.to_bits() & y.to_bits());
                }
            }
        }
    }
    sum
}

/// Writes the sum of the components of y that this node multiplies the component of x at position s by;
/// false if there are none.
fn sum_of_partners(party: &Party, s: usize, y: &Shared<Gf64>, piece: &Range<usize>, sum: &mut [Gf64]) -> bool {
    let Some((first, rest)) = party.products_with(s).split_first() else {
        return false;
    };
    sum.copy_from_slice(&y.components()[*first][piece.clone()]);
    rest.iter().for_each(|t| Gf64::add_vector(sum, &y.components()[*t][piece.clone()]));
    true
}

fn pieces(len: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(PIECE).map(move |at| at..(at + PIECE).min(len))
}

/// How values at the lanes give those at the points after them.
fn extension() -> &'static Extension {
    static EXTENSION: OnceLock<Extension> = OnceLock::new();
    EXTENSION.get_or_init(Extension::new)
}

/// The sum of the coefficients of the bits that are set.
fn bit_map(coefficients: &[Gf64]) -> BitMap {
    BitMap::new(std::array::from_fn(|lane| coefficients[lane]))
}

#[cfg(test)]
mod tests;
