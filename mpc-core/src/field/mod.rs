//! Finite fields. Protocols are written once over [`Field`]; see [`fp61`] for the field of numbers
//! and [`gf64`] for the field over the bits.

pub mod bits;
pub mod fp61;
pub mod gf64;
mod kernels;
pub mod rows;
pub mod subfield;
pub mod uniform;

pub use bits::BitMap;
pub use fp61::{Fp61, MODULUS};
pub use gf64::Gf64;

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use rand_core::Rng;
use zeroize::{DefaultIsZeroes, Zeroize};

/// An element of a finite field, as the protocols need it.
///
/// Elements travel as fixed-size little-endian words; a word that is not the canonical encoding of
/// an element is an error, never reduced silently.
pub trait Field:
    Copy
    + Eq
    + Debug
    + Default
    + Send
    + Sync
    + 'static
    + DefaultIsZeroes
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + SubAssign
    + Mul<Output = Self>
    + Neg<Output = Self>
{
    /// Bytes of one encoded element.
    const BYTES: usize;
    /// The neutral element of addition.
    const ZERO: Self;
    /// The neutral element of multiplication.
    const ONE: Self;
    /// Whether `point(i + 1) = point(i) + 1` for all points: then polynomials go on by finite differences.
    const CONSECUTIVE_POINTS: bool;

    /// Appends the canonical little-endian encoding.
    fn write(self, out: &mut Vec<u8>);

    /// Appends the elements that words of [`Self::BYTES`] bytes encode; false if one of them encodes none, and then
    /// what was appended is not to be used.
    fn read_words(words: &[[u8; 8]], out: &mut Vec<Self>) -> bool;

    /// The `index`-th of a fixed list of distinct elements that starts with 0 and 1: the points at
    /// which polynomials are evaluated.
    fn point(index: u64) -> Self;

    /// The multiplicative inverse; 0 for 0. For public values.
    fn inverse(self) -> Self;

    /// Draws a uniform element, rejecting words outside the field.
    fn random<R: Rng + ?Sized>(rng: &mut R) -> Self;

    /// Makes elements of uniform little-endian words, in order, like [`Self::random`], at the start of
    /// `out`, which has room for all of them. Returns how many there are: less than words if some were
    /// refused.
    fn from_uniform(words: &[[u8; 8]], out: &mut [Self]) -> usize;

    /// `Σ x_i·y_i`. The two slices have equal length (callers check; a longer tail would be ignored).
    fn inner_product(x: &[Self], y: &[Self]) -> Self {
        x.iter().zip(y).fold(Self::ZERO, |sum, (x, y)| sum + *x * *y)
    }

    /// The linear combination `out[i] = Σ_j coefficients[j]·blocks[j][i]`; what `out` held is
    /// overwritten, with zeros when there are no blocks.
    ///
    /// # Panics
    ///
    /// Unless there are as many coefficients as blocks, and every block is as long as `out`.
    fn combine(blocks: &[&[Self]], coefficients: &[Self], out: &mut [Self]) {
        assert_combinable(blocks, coefficients, out);
        out.fill(Self::ZERO);
        for (block, coefficient) in blocks.iter().zip(coefficients) {
            out.iter_mut().zip(*block).for_each(|(sum, value)| *sum += *coefficient * *value);
        }
    }

    /// `sum[i] += values[i]`.
    ///
    /// # Panics
    ///
    /// Unless the two slices have equal length.
    fn add_vector(sum: &mut [Self], values: &[Self]) {
        assert_equally_long(sum, values);
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
    }

    /// `difference[i] -= values[i]`.
    ///
    /// # Panics
    ///
    /// Unless the two slices have equal length.
    fn sub_vector(difference: &mut [Self], values: &[Self]) {
        assert_equally_long(difference, values);
        difference.iter_mut().zip(values).for_each(|(rest, value)| *rest -= *value);
    }

    /// `product[i] = product[i] · factors[i]`.
    ///
    /// # Panics
    ///
    /// Unless the two slices have equal length.
    fn mul_vector(product: &mut [Self], factors: &[Self]) {
        assert_equally_long(product, factors);
        product
            .iter_mut()
            .zip(factors)
            .for_each(|(product, factor)| *product = *product * *factor);
    }

    /// The values at three more points of cubic polynomials, from their values at four points one apart:
    /// `further[0][i] = 4·known[3][i] - 6·known[2][i] + 4·known[1][i] - known[0][i]`, and so on.
    ///
    /// # Panics
    ///
    /// Unless all slices have equal length.
    fn extend_cubics(known: [&[Self]; 4], further: [&mut [Self]; 3]) {
        assert_cubics(known, &further);
        extend_cubics(known, further);
    }
}

/// See [`Field::extend_cubics`]; one polynomial after the other.
fn extend_cubics<F: Field>([a, b, c, d]: [&[F]; 4], [e, f, g]: [&mut [F]; 3]) {
    for i in 0..d.len() {
        let (first, second) = (d[i] - c[i], c[i] - b[i]);
        let third = first - second - (second - (b[i] - a[i]));
        let mut next = (d[i], first, first - second);
        for out in [&mut e[i], &mut f[i], &mut g[i]] {
            next.2 += third;
            next.1 += next.2;
            next.0 += next.1;
            *out = next.0;
        }
    }
}

/// The shapes [`Field::extend_cubics`] takes.
fn assert_cubics<F>(known: [&[F]; 4], further: &[&mut [F]; 3]) {
    known.iter().for_each(|values| assert_equally_long(known[0], values));
    further.iter().for_each(|values| assert_equally_long(known[0], values));
}

/// The shapes [`Field::combine`] takes.
fn assert_combinable<F>(blocks: &[&[F]], coefficients: &[F], out: &[F]) {
    assert_eq!(blocks.len(), coefficients.len(), "one coefficient for each block");
    assert!(
        blocks.iter().all(|block| block.len() == out.len()),
        "every block is as long as the result"
    );
}

/// The shapes [`Field::add_vector`] and [`Field::sub_vector`] take.
fn assert_equally_long<F>(left: &[F], right: &[F]) {
    assert_eq!(left.len(), right.len(), "vectors of different lengths are never combined");
}

/// Encodes a vector of elements, `len · F::BYTES` bytes.
pub fn encode_vector<F: Field>(values: &[F]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() * F::BYTES);
    for value in values {
        value.write(&mut out);
    }
    out
}

/// Decodes a vector of exactly `len` elements; `None` when the length or any encoding is wrong.
pub fn decode_vector<F: Field>(bytes: &[u8], len: usize) -> Option<Vec<F>> {
    if bytes.len() != len.checked_mul(F::BYTES)? {
        return None;
    }
    const { assert!(F::BYTES == 8) };
    // A vector that grows would leave copies behind.
    let mut elements = Vec::with_capacity(len);
    if !F::read_words(bytes.as_chunks().0, &mut elements) {
        elements.zeroize();
        return None;
    }
    Some(elements)
}
