//! Products of bits, 64 to a word, and how their check begins.
//!
//! A word of bits is shared as an element of GF(2^64) is: there, too, sums are exclusive. Products are
//! computed bit by bit and reshared at one bit each. They leave claims of their own, because a bit stands
//! for 0 or 1 of the field only one lane at a time.

use std::ops::Range;
use std::sync::OnceLock;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use zeroize::Zeroizing;

use super::claims::Claim;
use super::polynomial::{lagrange, points};
use super::product::Factors;
use super::{Session, SessionError};
use crate::field::{BitMap, Field, Gf64};
use crate::network::Network;
use crate::sharing::{Party, Shared};

/// Bits of a word.
pub(crate) const LANES: usize = 64;
/// At how many points besides those of the lanes a product of polynomials has to be known.
const FURTHER: usize = LANES - 1;
/// Words that are worked on at a time.
const PIECE: usize = 512;

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

    /// Turns all claims about words into one claim over GF(2^64), as long as there are words.
    ///
    /// Each word w has a random weight `a_w`. The lanes are values at 1..64 of polynomials of degree 63:
    /// `f_w` takes `a_w x_w`, `g_w` takes `y_w`, and at the lanes `h = Σ f_w g_w` is claimed to be
    /// `Σ a_w z_w`. If any lane of any z is wrong by an error fixed before the weights, h is wrong at that
    /// lane but for one weight in 2^64. The other 63 values of h are reshared before a point r is drawn: then a
    /// wrong h, of degree 126, is wrong at r but for 126 points, and `h(r) = Σ f_w(r) g_w(r)` is
    /// a false claim. Five rounds.
    pub(super) fn claim_of_ands(&mut self, ands: Vec<Ands>) -> Result<Option<Claim<Gf64>>, SessionError> {
        let words: usize = ands.iter().map(|ands| ands.z.len()).sum();
        if words == 0 {
            return Ok(None);
        }
        let mut coin = ChaCha20Rng::from_seed(self.coin()?);
        let weights: Vec<Gf64> = (0..words).map(|_| Gf64::random(&mut coin)).collect();
        let own = further_values(&self.party, &ands, &weights);
        let further = self.reshare(own)?;

        let r = self.point_outside(2 * LANES as u64)?;
        let at_lanes = bit_map(&lagrange(&points(LANES), r));
        let of_product = lagrange(&points(LANES + FURTHER), r);
        let z = further.linear(|values, out| out.push(Gf64::inner_product(values, &of_product[LANES..])));
        let z = z.add(&claimed_value(&self.party, &ands, &weights, &bit_map(&of_product[..LANES])));
        let mut x = mapped(&self.party, &at_lanes, ands.iter().map(|ands| &ands.x));
        x.components_mut(|values| Gf64::mul_vector(values, &weights));
        let y = mapped(&self.party, &at_lanes, ands.iter().map(|ands| &ands.y));
        let ends = vec![words];
        Ok(Some(Claim {
            factors: Factors { x, y, ends },
            ahead: Vec::new(),
            z,
        }))
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
fn extrapolation() -> &'static [BitMap] {
    static MAPS: OnceLock<Vec<BitMap>> = OnceLock::new();
    MAPS.get_or_init(|| {
        let lanes = points(LANES);
        let further = LANES + 1..=LANES + FURTHER;
        further.map(|at| bit_map(&lagrange(&lanes, Gf64::point(at as u64)))).collect()
    })
}

/// The sum of the coefficients of the bits that are set.
fn bit_map(coefficients: &[Gf64]) -> BitMap {
    BitMap::new(std::array::from_fn(|lane| coefficients[lane]))
}

/// This node's part of the values of h at the points after the lanes.
fn further_values(party: &Party, ands: &[Ands], weights: &[Gf64]) -> Vec<Gf64> {
    let mut values = vec![Gf64::ZERO; FURTHER];
    let mut room: [Zeroizing<Vec<Gf64>>; 3] = std::array::from_fn(|_| Zeroizing::new(vec![Gf64::ZERO; PIECE]));
    let mut start = 0;
    for Ands { x, y, .. } in ands {
        let weights = &weights[start..start + x.len()];
        start += x.len();
        for piece in pieces(x.len()) {
            let [partners, f, g] = room.each_mut().map(|room| &mut room[..piece.len()]);
            for (s, x) in x.components().iter().enumerate() {
                if !sum_of_partners(party, s, y, &piece, partners) {
                    continue;
                }
                for (map, value) in extrapolation().iter().zip(&mut values) {
                    map.apply(&x[piece.clone()], f);
                    Gf64::mul_vector(f, &weights[piece.clone()]);
                    map.apply(partners, g);
                    *value += Gf64::inner_product(f, g);
                }
            }
        }
    }
    values
}

/// What the lanes contribute to `h(r)`: the weighted sum of the images of the claimed products.
fn claimed_value(party: &Party, ands: &[Ands], weights: &[Gf64], map: &BitMap) -> Shared<Gf64> {
    let mut image = Zeroizing::new(vec![Gf64::ZERO; PIECE]);
    Shared::generate(party, |position| {
        let mut start = 0;
        let mut sum = Gf64::ZERO;
        for Ands { z, .. } in ands {
            let weights = &weights[start..start + z.len()];
            start += z.len();
            for piece in pieces(z.len()) {
                let image = &mut image[..piece.len()];
                map.apply(&z.components()[position][piece.clone()], image);
                sum += Gf64::inner_product(image, &weights[piece]);
            }
        }
        vec![sum]
    })
}

/// The images of all words.
fn mapped<'a>(party: &Party, map: &BitMap, parts: impl Iterator<Item = &'a Shared<Gf64>> + Clone) -> Shared<Gf64> {
    let len = parts.clone().map(Shared::len).sum();
    Shared::generate(party, |position| {
        let mut images = vec![Gf64::ZERO; len];
        let mut start = 0;
        for part in parts.clone() {
            map.apply(&part.components()[position], &mut images[start..start + part.len()]);
            start += part.len();
        }
        images
    })
}

#[cfg(test)]
mod tests;
