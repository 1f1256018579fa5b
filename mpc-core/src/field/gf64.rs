//! The field of `2^64` elements, in which words of 64 bits are shared and products of bits are verified.
//!
//! Elements are polynomials over the bits modulo `x^64 + x^4 + x^3 + x + 1`; bit `i` of a word is the coefficient of `x^i`.
//!
//! [`portable`] has the bulk operations in readable form. No operation has branches or table look-ups that depend on values.

use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use zeroize::DefaultIsZeroes;

/// Number of bits of a word, each of which can be a secret of its own.
pub const BITS_PER_WORD: usize = 64;

/// An element of the field of `2^64` elements. Every word encodes one.
///
/// `Debug` prints no value, because most elements are shares.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct Gf64(u64);

impl Gf64 {
    /// The polynomial whose coefficients are the bits of the word.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The coefficients, that of `x^i` at bit `i`.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The polynomial with these 128 coefficients, modulo the polynomial of the field.
    pub const fn reduce_wide(bits: u128) -> Self {
        let (low, high) = (bits as u64, (bits >> 64) as u64);
        // x^64 = x^4 + x^3 + x + 1. The bits that the shifts below move out of the word are reduced the same way.
        let out = (high >> 63) ^ (high >> 61) ^ (high >> 60);
        let high = high ^ out;
        Self(low ^ high ^ (high << 1) ^ (high << 3) ^ (high << 4))
    }
}

impl DefaultIsZeroes for Gf64 {}

impl fmt::Debug for Gf64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gf64(..)")
    }
}

// In characteristic 2 addition and subtraction are the same.
#[expect(clippy::suspicious_arithmetic_impl, reason = "addition of polynomials over the bits")]
impl Add for Gf64 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

#[expect(clippy::suspicious_op_assign_impl, reason = "addition of polynomials over the bits")]
impl AddAssign for Gf64 {
    fn add_assign(&mut self, other: Self) {
        self.0 ^= other.0;
    }
}

#[expect(clippy::suspicious_arithmetic_impl, reason = "subtraction of polynomials over the bits")]
impl Sub for Gf64 {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }
}

#[expect(clippy::suspicious_op_assign_impl, reason = "subtraction of polynomials over the bits")]
impl SubAssign for Gf64 {
    fn sub_assign(&mut self, other: Self) {
        self.0 ^= other.0;
    }
}

impl Neg for Gf64 {
    type Output = Self;

    fn neg(self) -> Self {
        self
    }
}

/// Multiplication and the bulk operations without carry-less instructions. They run on machines without a kernel, and every
/// kernel is tested against them. Shapes are those of the operations of [`Field`](crate::field::Field).
pub mod portable {
    use super::Gf64;

    /// The product of two elements.
    pub fn multiply(x: Gf64, y: Gf64) -> Gf64 {
        Gf64::reduce_wide(carryless(x.0, y.0))
    }

    /// See [`Field::inner_product`](crate::field::Field::inner_product).
    pub fn inner_product(x: &[Gf64], y: &[Gf64]) -> Gf64 {
        Gf64::reduce_wide(x.iter().zip(y).fold(0, |sum, (x, y)| sum ^ carryless(x.0, y.0)))
    }

    /// See [`Field::combine`](crate::field::Field::combine).
    pub fn combine(blocks: &[&[Gf64]], coefficients: &[Gf64], out: &mut [Gf64]) {
        for (i, out) in out.iter_mut().enumerate() {
            let products = blocks.iter().zip(coefficients).map(|(block, c)| carryless(block[i].0, c.0));
            *out = Gf64::reduce_wide(products.fold(0, |sum, product| sum ^ product));
        }
    }

    /// See [`Field::add_vector`](crate::field::Field::add_vector).
    pub fn add_vector(sum: &mut [Gf64], values: &[Gf64]) {
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
    }

    /// See [`Field::sub_vector`](crate::field::Field::sub_vector).
    pub fn sub_vector(difference: &mut [Gf64], values: &[Gf64]) {
        add_vector(difference, values);
    }

    /// See [`Field::mul_vector`](crate::field::Field::mul_vector).
    pub fn mul_vector(product: &mut [Gf64], factors: &[Gf64]) {
        product
            .iter_mut()
            .zip(factors)
            .for_each(|(product, factor)| *product = multiply(*product, *factor));
    }

    /// The product of two polynomials over the bits.
    fn carryless(x: u64, y: u64) -> u128 {
        // The bits of a product in reverse order are the product of the factors with their bits in reverse order.
        let low = carryless_low(x, y);
        let high = carryless_low(x.reverse_bits(), y.reverse_bits()).reverse_bits() >> 1;
        u128::from(high) << 64 | u128::from(low)
    }

    /// The low half of the product. Factors in which only every fourth bit is used are multiplied as integers: their sums of at
    /// most 16 bits carry only into unused bits, or out of the word. (Pornin, BearSSL,
    /// [constant-time multiplication for GHASH](https://www.bearssl.org/constanttime.html).)
    fn carryless_low(x: u64, y: u64) -> u64 {
        const EVERY_FOURTH: u64 = 0x1111_1111_1111_1111;
        let mut low = 0;
        for shift in 0..4 {
            let mut sum = 0;
            for i in 0..4u32 {
                let j = (shift + 4 - i) % 4;
                sum ^= (x & (EVERY_FOURTH << i)).wrapping_mul(y & (EVERY_FOURTH << j));
            }
            low ^= sum & (EVERY_FOURTH << shift);
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Field, decode_vector};
    use proptest::prelude::*;

    /// Multiplication as learned at school, bit by bit.
    fn schoolbook(x: u64, y: u64) -> u64 {
        let mut product = (0..64).filter(|i| y >> i & 1 == 1).fold(0u128, |sum, i| sum ^ u128::from(x) << i);
        for i in (64..128).rev() {
            if product >> i & 1 == 1 {
                product ^= (1 << 64 | 0b11011) << (i - 64);
            }
        }
        product as u64
    }

    fn element() -> impl Strategy<Value = Gf64> {
        prop_oneof![1 => Just(0), 1 => Just(1), 1 => Just(u64::MAX), 1 => Just(1 << 63), 4 => any::<u64>()].prop_map(Gf64)
    }

    proptest! {
        #[test]
        fn products_are_those_of_the_schoolbook(x in element(), y in element()) {
            let expected = Gf64(schoolbook(x.0, y.0));
            prop_assert!(x * y == expected);
            prop_assert!(portable::multiply(x, y) == expected);
        }

        #[test]
        fn the_axioms_hold(x in element(), y in element(), z in element()) {
            prop_assert!(x + y == y + x && x * y == y * x);
            prop_assert!((x + y) + z == x + (y + z) && (x * y) * z == x * (y * z));
            prop_assert!(x * (y + z) == x * y + x * z);
            prop_assert!(x + Gf64::ZERO == x && x * Gf64::ONE == x && x * Gf64::ZERO == Gf64::ZERO);
            prop_assert!(x + -x == Gf64::ZERO && x - y == x + -y);
            prop_assert!((x + y) * (x + y) == x * x + y * y);
        }

        #[test]
        fn inverses_invert(x in element()) {
            let expected = if x == Gf64::ZERO { Gf64::ZERO } else { Gf64::ONE };
            prop_assert!(x * x.inverse() == expected);
        }

        #[test]
        fn inner_products_and_combinations_equal_sums_of_products(
            pairs in proptest::collection::vec((element(), element()), 0..70)
        ) {
            let (x, y): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            let expected = x.iter().zip(&y).fold(Gf64::ZERO, |sum, (x, y)| sum + Gf64(schoolbook(x.0, y.0)));
            prop_assert!(Gf64::inner_product(&x, &y) == expected);
            let blocks: Vec<&[Gf64]> = x.iter().map(std::slice::from_ref).collect();
            let mut out = [Gf64::ONE];
            Gf64::combine(&blocks, &y, &mut out);
            prop_assert!(out[0] == expected);
        }

        #[test]
        fn every_word_is_an_element(word: u64) {
            let mut bytes = Vec::new();
            decode_vector::<Gf64>(&word.to_le_bytes(), 1).unwrap()[0].write(&mut bytes);
            prop_assert_eq!(bytes, word.to_le_bytes());
        }
    }

    #[test]
    fn a_known_product() {
        // x^63 · x = x^64 = x^4 + x^3 + x + 1.
        assert_eq!((Gf64(1 << 63) * Gf64(2)).to_bits(), 0b11011);
        let (x, y) = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210);
        assert_eq!((Gf64(x) * Gf64(y)).to_bits(), schoolbook(x, y));
    }

    #[test]
    fn the_modulus_is_irreducible() {
        // Rabin: x^(2^64) = x, and x^(2^32) - x has no common factor with the modulus, hence an inverse.
        let mut power = Gf64(2);
        for exponent in 1..=64 {
            power = power * power;
            let difference = power - Gf64(2);
            if exponent == 32 {
                assert!(difference * difference.inverse() == Gf64::ONE);
            }
            assert!((difference == Gf64::ZERO) == (exponent == 64));
        }
    }

    #[test]
    fn points_are_distinct_and_start_with_zero_and_one() {
        assert!(Gf64::point(0) == Gf64::ZERO && Gf64::point(1) == Gf64::ONE);
        assert_eq!(Gf64::point(77).to_bits(), 77);
    }

    #[test]
    fn other_lengths_are_refused() {
        assert!(decode_vector::<Gf64>(&[0; 7], 1).is_none());
        assert!(decode_vector::<Gf64>(&[0; 9], 1).is_none());
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(format!("{:?}", Gf64(123_456)), "Gf64(..)");
    }
}
