//! What the protocols need of a finite field.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use rand_core::Rng;
use zeroize::{DefaultIsZeroes, Zeroize};

/// Number of elements that loops over long vectors process at a time: a few such chunks fit into the nearest cache.
pub const CHUNK_ELEMENTS: usize = 512;

/// Identifies a field in the addresses of shared randomness ([`prss`](crate::prss)).
///
/// The value is the upper bits of an address's owner byte, above those of the node index. A further field takes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FieldId {
    /// [`Fp61`](super::Fp61).
    Fp61 = 0x00,
    /// [`Gf64`](super::Gf64).
    Gf64 = 0x80,
}

/// An element of a finite field, with the operations that the protocols need.
///
/// Elements are encoded as little-endian words of fixed size. A word that is not the canonical encoding of an element is an
/// error; it is never reduced silently.
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
    /// Identifies the field in addresses of shared randomness.
    const ID: FieldId;
    /// Length of an encoded element in bytes.
    const BYTES: usize;
    /// The neutral element of addition.
    const ZERO: Self;
    /// The neutral element of multiplication.
    const ONE: Self;
    /// Whether `point(i + 1) = point(i) + 1` for all points, so that polynomials can be extended by finite differences.
    const CONSECUTIVE_POINTS: bool;

    /// Appends the canonical little-endian encoding, [`Self::BYTES`] bytes.
    fn write(self, out: &mut Vec<u8>);

    /// Appends the elements that little-endian words encode. Returns false if a word encodes no element; the appended elements
    /// must then not be used.
    fn read_words(words: &[[u8; 8]], out: &mut Vec<Self>) -> bool;

    /// The element at `index` of a fixed list of distinct elements that starts with 0 and 1: the points at which polynomials
    /// are evaluated.
    fn point(index: u64) -> Self;

    /// The multiplicative inverse; 0 for 0.
    fn inverse(self) -> Self;

    /// Draws a uniformly random element, by rejection of words that encode none.
    fn random<R: Rng + ?Sized>(rng: &mut R) -> Self;

    /// Writes the elements that [`Self::random`] would make of uniformly random little-endian words to the start of `out`, which
    /// is at least as long as `words`. Returns how many there are: fewer than words if some were rejected.
    fn from_uniform(words: &[[u8; 8]], out: &mut [Self]) -> usize;

    /// `Σ_i x[i]·y[i]`. The two slices must have equal length: a longer tail is ignored.
    fn inner_product(x: &[Self], y: &[Self]) -> Self {
        x.iter().zip(y).fold(Self::ZERO, |sum, (x, y)| sum + *x * *y)
    }

    /// The linear combination `out[i] = Σ_j coefficients[j]·blocks[j][i]`. It overwrites `out`, with zeros if there are no
    /// blocks.
    ///
    /// # Panics
    ///
    /// There are not as many coefficients as blocks, or a block is not as long as `out`.
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
    /// The two slices differ in length.
    fn add_vector(sum: &mut [Self], values: &[Self]) {
        assert_equally_long(sum, values);
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
    }

    /// `difference[i] -= values[i]`.
    ///
    /// # Panics
    ///
    /// The two slices differ in length.
    fn sub_vector(difference: &mut [Self], values: &[Self]) {
        assert_equally_long(difference, values);
        difference.iter_mut().zip(values).for_each(|(rest, value)| *rest -= *value);
    }

    /// `product[i] = product[i] · factors[i]`.
    ///
    /// # Panics
    ///
    /// The two slices differ in length.
    fn mul_vector(product: &mut [Self], factors: &[Self]) {
        assert_equally_long(product, factors);
        product
            .iter_mut()
            .zip(factors)
            .for_each(|(product, factor)| *product = *product * *factor);
    }

    /// Extends cubic polynomials by finite differences: from the values of polynomial `i` at four consecutive points, `known[0][i]`
    /// to `known[3][i]`, to those at the next three points, `further[0][i]` to `further[2][i]`.
    ///
    /// # Panics
    ///
    /// The slices differ in length.
    fn extend_cubics(known: [&[Self]; 4], further: [&mut [Self]; 3]) {
        assert_cubics(known, &further);
        extend_cubics(known, further);
    }
}

/// [`Field::extend_cubics`], one polynomial after the other.
pub(super) fn extend_cubics<F: Field>([a, b, c, d]: [&[F]; 4], [e, f, g]: [&mut [F]; 3]) {
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

/// Panics unless the shapes are those that [`Field::extend_cubics`] takes.
pub(super) fn assert_cubics<F>(known: [&[F]; 4], further: &[&mut [F]; 3]) {
    known.iter().for_each(|values| assert_equally_long(known[0], values));
    further.iter().for_each(|values| assert_equally_long(known[0], values));
}

/// Panics unless the shapes are those that [`Field::combine`] takes.
pub(super) fn assert_combinable<F>(blocks: &[&[F]], coefficients: &[F], out: &[F]) {
    assert_eq!(blocks.len(), coefficients.len(), "one coefficient for each block");
    assert!(
        blocks.iter().all(|block| block.len() == out.len()),
        "every block is as long as the result"
    );
}

/// Panics unless two vectors have one length.
pub(super) fn assert_equally_long<F>(left: &[F], right: &[F]) {
    assert_eq!(left.len(), right.len(), "vectors of different lengths are never combined");
}

/// Encodes a vector of elements, one after the other: `values.len() · F::BYTES` bytes.
pub fn encode_vector<F: Field>(values: &[F]) -> Vec<u8> {
    let mut out = Vec::with_capacity(values.len() * F::BYTES);
    for value in values {
        value.write(&mut out);
    }
    out
}

/// Decodes a vector of exactly `len` elements. `None` if `bytes` has another length, or a word encodes no element.
pub fn decode_vector<F: Field>(bytes: &[u8], len: usize) -> Option<Vec<F>> {
    if bytes.len() != len.checked_mul(F::BYTES)? {
        return None;
    }
    const { assert!(F::BYTES == 8) };
    // With its final capacity: reallocation would leave unwiped copies of shares on the heap, see `SecretVec`.
    let mut elements = Vec::with_capacity(len);
    if !F::read_words(bytes.as_chunks().0, &mut elements) {
        elements.zeroize();
        return None;
    }
    Some(elements)
}
