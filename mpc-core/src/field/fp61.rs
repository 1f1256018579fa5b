//! The prime field of `p = 2^61 - 1` elements, in which numbers are shared.
//!
//! `p` is a Mersenne prime: reduction is a shift and an addition, and 61 bits leave room for sums of unreduced products in
//! 128-bit words.
//!
//! [`portable`] has the bulk operations in readable form. No operation has branches or table look-ups that depend on values.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

use serde::{Deserialize, Serialize};
use zeroize::DefaultIsZeroes;

/// `p = 2^61 - 1`.
pub const MODULUS: u64 = (1 << 61) - 1;

/// Number of products below `2^122` whose sum fits into an unsigned 128-bit word: so many are summed before a reduction.
const LAZY_TERMS: usize = 32;

/// An element of the field of `2^61 - 1` elements, always in canonical form `0..p`.
///
/// `Debug` prints no value, because most elements are shares.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u64", try_from = "u64")]
#[repr(transparent)]
pub struct Fp61(pub(super) u64);

impl Fp61 {
    /// The element whose canonical word is given; `None` for `p` and above.
    pub const fn from_canonical(word: u64) -> Option<Self> {
        if word < MODULUS { Some(Self(word)) } else { None }
    }

    /// The element `word mod p`.
    pub const fn reduce(word: u64) -> Self {
        Self(subtract_once((word & MODULUS) + (word >> 61)))
    }

    /// The element `value mod p`.
    pub const fn reduce_wide(value: u128) -> Self {
        let low = (value as u64) & MODULUS;
        let middle = ((value >> 61) as u64) & MODULUS;
        let high = (value >> 122) as u64;
        // low, middle <= p and high < 2^6: the sum is below 2^63.
        Self::reduce(low + middle + high)
    }

    /// The element of a signed integer.
    pub const fn from_i64(value: i64) -> Self {
        let magnitude = Self::reduce(value.unsigned_abs());
        if value < 0 {
            Self(subtract_once(MODULUS - magnitude.0))
        } else {
            magnitude
        }
    }

    /// The canonical word, `0..p`.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// `2^bits` times the element, for fewer than 61 bits: a rotation of its 61-bit word.
    pub const fn shifted(self, bits: u32) -> Self {
        Self((self.0 << bits | self.0 >> (61 - bits)) & MODULUS)
    }
}

/// `x - p` when `x >= p`, else `x`, for `x < 2p`, without a branch.
const fn subtract_once(x: u64) -> u64 {
    let (difference, borrow) = x.overflowing_sub(MODULUS);
    difference.wrapping_add(MODULUS & (borrow as u64).wrapping_neg())
}

impl DefaultIsZeroes for Fp61 {}

impl fmt::Debug for Fp61 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fp61(..)")
    }
}

impl From<Fp61> for u64 {
    fn from(element: Fp61) -> Self {
        element.0
    }
}

impl TryFrom<u64> for Fp61 {
    type Error = &'static str;

    fn try_from(word: u64) -> Result<Self, Self::Error> {
        Self::from_canonical(word).ok_or("the number is not below 2^61 - 1")
    }
}

impl Add for Fp61 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(subtract_once(self.0 + other.0))
    }
}

impl AddAssign for Fp61 {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Fp61 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(subtract_once(self.0 + MODULUS - other.0))
    }
}

impl SubAssign for Fp61 {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Fp61 {
    type Output = Self;

    fn neg(self) -> Self {
        Self(subtract_once(MODULUS - self.0))
    }
}

impl Mul for Fp61 {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::reduce_wide(u128::from(self.0) * u128::from(other.0))
    }
}

/// The bulk operations in plain integer arithmetic. They run on machines without a kernel, and every kernel is tested against
/// them. Shapes are those of the operations of [`Field`](super::Field).
pub mod portable {
    use super::{Fp61, LAZY_TERMS, MODULUS};

    /// Writes the low 61 bits of each word to `out`. Returns false if one of them is `p`, which is no element.
    pub(in crate::field) fn elements_of(words: &[[u8; 8]], out: &mut [Fp61]) -> bool {
        // Bit 61 of the masked word plus 1 is set exactly if the word is p.
        let mut refused = 0;
        for (out, word) in out.iter_mut().zip(words) {
            let word = u64::from_le_bytes(*word) & MODULUS;
            refused |= word + 1;
            *out = Fp61(word);
        }
        refused >> 61 == 0
    }

    /// See [`Field::inner_product`](crate::field::Field::inner_product).
    pub fn inner_product(x: &[Fp61], y: &[Fp61]) -> Fp61 {
        let mut total = Fp61(0);
        for (xs, ys) in x.chunks(LAZY_TERMS).zip(y.chunks(LAZY_TERMS)) {
            let mut sum = 0u128;
            for (a, b) in xs.iter().zip(ys) {
                sum += u128::from(a.0) * u128::from(b.0);
            }
            total += Fp61::reduce_wide(sum);
        }
        total
    }

    /// See [`Field::combine`](crate::field::Field::combine).
    pub fn combine(blocks: &[&[Fp61]], coefficients: &[Fp61], out: &mut [Fp61]) {
        /// Number of outputs whose unreduced sums are kept at a time.
        const TILE: usize = 32;
        out.fill(Fp61(0));
        for (blocks, coefficients) in blocks.chunks(LAZY_TERMS).zip(coefficients.chunks(LAZY_TERMS)) {
            for (tile, out) in out.chunks_mut(TILE).enumerate() {
                let mut sums = [0u128; TILE];
                for (block, coefficient) in blocks.iter().zip(coefficients) {
                    for (sum, value) in sums.iter_mut().zip(&block[tile * TILE..]) {
                        *sum += u128::from(coefficient.0) * u128::from(value.0);
                    }
                }
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out += Fp61::reduce_wide(sum);
                }
            }
        }
    }

    /// See [`Field::add_vector`](crate::field::Field::add_vector).
    pub fn add_vector(sum: &mut [Fp61], values: &[Fp61]) {
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
    }

    /// See [`Field::mul_vector`](crate::field::Field::mul_vector).
    pub fn mul_vector(product: &mut [Fp61], factors: &[Fp61]) {
        product
            .iter_mut()
            .zip(factors)
            .for_each(|(product, factor)| *product = *product * *factor);
    }

    /// See [`Field::extend_cubics`](crate::field::Field::extend_cubics).
    pub fn extend_cubics(known: [&[Fp61]; 4], further: [&mut [Fp61]; 3]) {
        crate::field::traits::extend_cubics(known, further);
    }

    /// See [`Field::sub_vector`](crate::field::Field::sub_vector).
    pub fn sub_vector(difference: &mut [Fp61], values: &[Fp61]) {
        difference.iter_mut().zip(values).for_each(|(rest, value)| *rest -= *value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Field, decode_vector};
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    const P: u128 = MODULUS as u128;

    fn element() -> impl Strategy<Value = Fp61> {
        prop_oneof![Just(0), Just(1), Just(MODULUS - 1), Just(MODULUS - 2), 0..MODULUS,].prop_map(Fp61)
    }

    proptest! {
        #[test]
        fn arithmetic_equals_integers_mod_p(a in element(), b in element()) {
            let (x, y) = (u128::from(a.0), u128::from(b.0));
            prop_assert_eq!(u128::from((a + b).0), (x + y) % P);
            prop_assert_eq!(u128::from((a - b).0), (x + P - y) % P);
            prop_assert_eq!(u128::from((a * b).0), (x * y) % P);
            prop_assert_eq!(u128::from((-a).0), (P - x) % P);
        }

        #[test]
        fn shifts_are_products_with_powers_of_two(a in element(), bits in 0u32..61) {
            prop_assert!(a.shifted(bits) == a * Fp61::reduce(1 << bits));
        }

        #[test]
        fn inverses_invert(a in element()) {
            prop_assert_eq!(a * a.inverse(), if a == Fp61::ZERO { Fp61::ZERO } else { Fp61::ONE });
        }

        #[test]
        fn reductions_are_canonical(word: u64, wide: u128) {
            prop_assert_eq!(u128::from(Fp61::reduce(word).0), u128::from(word) % P);
            prop_assert_eq!(u128::from(Fp61::reduce_wide(wide).0), wide % P);
        }

        #[test]
        fn signed_integers_map_to_their_residue(value: i64) {
            prop_assert_eq!(i128::from(Fp61::from_i64(value).0), i128::from(value).rem_euclid(P as i128));
        }

        #[test]
        fn inner_product_equals_the_sum_of_products(
            pairs in proptest::collection::vec((element(), element()), 0..200)
        ) {
            let (x, y): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let expected = x.iter().zip(&y).fold(Fp61::ZERO, |sum, (a, b)| sum + *a * *b);
            prop_assert_eq!(Fp61::inner_product(&x, &y), expected);
        }

        #[test]
        fn combinations_equal_sums_of_products(
            coefficients in proptest::collection::vec(element(), 0..70),
            len in 0usize..150,
            seed: u64,
        ) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let blocks: Vec<Vec<Fp61>> = coefficients.iter().map(|_| (0..len).map(|_| Fp61::random(&mut rng)).collect()).collect();
            let blocks: Vec<&[Fp61]> = blocks.iter().map(Vec::as_slice).collect();
            let mut out = vec![Fp61::ONE; len];
            Fp61::combine(&blocks, &coefficients, &mut out);
            for (i, out) in out.into_iter().enumerate() {
                let expected = blocks.iter().zip(&coefficients).fold(Fp61::ZERO, |sum, (block, c)| sum + *c * block[i]);
                prop_assert_eq!(out, expected);
            }
        }

        #[test]
        fn vectors_add_and_subtract_element_by_element(
            pairs in proptest::collection::vec((element(), element()), 0..100)
        ) {
            let (x, y): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let (mut sum, mut difference) = (x.clone(), x.clone());
            Fp61::add_vector(&mut sum, &y);
            Fp61::sub_vector(&mut difference, &y);
            for i in 0..x.len() {
                prop_assert_eq!((sum[i], difference[i]), (x[i] + y[i], x[i] - y[i]));
            }
        }

        #[test]
        fn encoding_round_trips_and_refuses_the_rest(word: u64) {
            let decoded = decode_vector::<Fp61>(&word.to_le_bytes(), 1);
            prop_assert_eq!(decoded.is_some(), word < MODULUS);
            for element in decoded.into_iter().flatten() {
                let mut bytes = Vec::new();
                element.write(&mut bytes);
                prop_assert_eq!(bytes, word.to_le_bytes());
            }
        }
    }

    #[test]
    fn non_canonical_words_are_refused() {
        for word in [MODULUS, MODULUS + 1, 1 << 61, 1 << 63, u64::MAX - 1, u64::MAX] {
            for place in 0..20 {
                let words: Vec<[u8; 8]> = (0..20)
                    .map(|at| if at == place { word } else { MODULUS - 1 }.to_le_bytes())
                    .collect();
                assert!(decode_vector::<Fp61>(words.as_flattened(), 20).is_none(), "{word}");
            }
        }
        assert!(decode_vector::<Fp61>(&[0; 16], 2).is_some());
        for (bytes, len) in [(7, 1), (9, 1), (16, 1), (8, 2), (8, usize::MAX)] {
            assert!(decode_vector::<Fp61>(&vec![0; bytes], len).is_none(), "{bytes} bytes");
        }
    }

    #[test]
    fn the_largest_values_do_not_overflow_lazy_sums() {
        let largest = [Fp61(MODULUS - 1); 2 * LAZY_TERMS + 1];
        // (p-1)² = 1.
        assert_eq!(Fp61::inner_product(&largest, &largest), Fp61(largest.len() as u64));
        let blocks = largest.each_ref().map(std::slice::from_ref);
        let mut out = [Fp61::ZERO];
        Fp61::combine(&blocks, &largest, &mut out);
        assert_eq!(out[0], Fp61(largest.len() as u64));
    }

    #[test]
    #[should_panic(expected = "every block is as long as the result")]
    fn a_short_block_is_refused() {
        Fp61::combine(&[&[Fp61::ONE; 2], &[Fp61::ONE]], &[Fp61::ONE; 2], &mut [Fp61::ZERO; 2]);
    }

    #[test]
    #[should_panic(expected = "one coefficient for each block")]
    fn a_missing_coefficient_is_refused() {
        Fp61::combine(&[&[Fp61::ONE]], &[], &mut [Fp61::ZERO]);
    }

    #[test]
    #[should_panic(expected = "different lengths")]
    fn sums_of_different_lengths_are_refused() {
        Fp61::add_vector(&mut [Fp61::ZERO; 2], &[Fp61::ONE]);
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", Fp61::reduce(123_456)), "Fp61(..)");
    }
}
