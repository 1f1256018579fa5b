//! The field of 256 elements inside the field of `2^64` elements.
//!
//! Polynomials with points and values in the smaller field have all their values in it. So extending 64 bits to further points
//! takes a byte for each point, not a word. A byte is an element as in AES
//! ([FIPS 197](https://doi.org/10.6028/NIST.FIPS.197-upd1), 4): bit `i` is the coefficient of `x^i`, modulo
//! `x^8 + x^4 + x^3 + x + 1`.
//!
//! Points are public, words are secret: no operation has branches or table look-ups that depend on words.

use super::gf64::{BITS_PER_WORD, Gf64};
use super::traits::Field;

/// A root of `x^8 + x^4 + x^3 + x + 1` in the larger field; any of the eight does.
const ROOT: Gf64 = Gf64::from_bits(0x033c_e8be_ddc8_a656);

/// Number of points at which values are known, bytes 0 to 63: one for each bit of a word.
pub const KNOWN: usize = BITS_PER_WORD;
/// Number of further points, bytes 64 to 126: with them, values determine products of two polynomials of degree 63.
pub const FURTHER: usize = KNOWN - 1;

/// The elements that the bits of a byte stand for: the powers of a root of the smaller field's polynomial.
pub fn powers() -> [Gf64; 8] {
    let mut powers = [Gf64::ONE; 8];
    (1..8).for_each(|bit| powers[bit] = powers[bit - 1] * ROOT);
    powers
}

/// The element of the larger field that a byte stands for.
pub fn element(byte: u8) -> Gf64 {
    let powers = powers().into_iter().enumerate();
    powers.fold(Gf64::ZERO, |sum, (bit, power)| if byte >> bit & 1 == 1 { sum + power } else { sum })
}

/// Extends polynomials of degree 63 from their values at bytes 0 to 63, the bits of a word, to bytes 64 to 126.
#[derive(Debug, Clone)]
pub struct Extension {
    /// For each bit of a word, what it adds to the value at each further point.
    rows: [[u8; FURTHER]; KNOWN],
    /// The same as bit matrices, for each further point and each byte of a word, in the order of the instruction
    /// GF2P8AFFINEQB: row `r` is byte `7 - r`.
    matrices: Vec<[u64; 8]>,
}

impl Default for Extension {
    fn default() -> Self {
        Self::new()
    }
}

impl Extension {
    /// Computes the coefficients.
    pub fn new() -> Self {
        use portable::multiply;
        let inverse = |x: u8| (1..=255).find(|y| multiply(x, *y) == 1).unwrap_or(0);
        let positions = 0..KNOWN as u8;
        let rows = std::array::from_fn(|position| {
            let others = || positions.clone().filter(move |other| *other != position as u8);
            let denominator = inverse(others().fold(1, |product, other| multiply(product, position as u8 ^ other)));
            let at = |point: u8| others().fold(denominator, |product, other| multiply(product, point ^ other));
            std::array::from_fn(|further| at((KNOWN + further) as u8))
        });
        Self {
            rows,
            matrices: (0..FURTHER)
                .map(|point| std::array::from_fn(|byte| matrix(&rows, point, byte)))
                .collect(),
        }
    }

    /// For each bit of a word, what it adds to the value at each further point.
    pub(super) fn rows(&self) -> &[[u8; FURTHER]; KNOWN] {
        &self.rows
    }

    /// For each further point and each byte of a word, the bit matrix that takes the byte to its part of the value.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "only the kernel of that machine uses it"))]
    pub(super) fn matrices(&self) -> &[[u64; 8]] {
        &self.matrices
    }
}

/// The bit matrix that takes a byte of a word to its part of the value at a point.
fn matrix(rows: &[[u8; FURTHER]; KNOWN], point: usize, byte: usize) -> u64 {
    let row = |r: usize| (0..8).fold(0, |row, c| row | u64::from(rows[8 * byte + c][point] >> r & 1) << c);
    (0..8).fold(0, |matrix, r| matrix | row(r) << (8 * (7 - r)))
}

/// The operation in readable form. It runs on machines without a kernel, and the kernel is tested against it.
pub mod portable {
    use super::{Extension, FURTHER, Gf64, KNOWN};

    /// The lowest bit of every byte of a word.
    const LOWEST: u64 = 0x0101_0101_0101_0101;

    /// The product of two bytes.
    pub const fn multiply(x: u8, y: u8) -> u8 {
        multiply_bytes(x as u64, y as u64) as u8
    }

    /// The products of the bytes of two words.
    const fn multiply_bytes(mut x: u64, y: u64) -> u64 {
        let mut product = 0;
        let mut bit = 0;
        while bit < 8 {
            product ^= x & (y >> bit & LOWEST).wrapping_mul(0xff);
            x = (x & !(LOWEST << 7)) << 1 ^ (x >> 7 & LOWEST).wrapping_mul(0x1b);
            bit += 1;
        }
        product
    }

    /// See [`Extension::add_products`].
    pub fn add_products(extension: &Extension, pairs: &[(&[Gf64], &[Gf64])], weights: &[Gf64], sums: &mut [[Gf64; 8]; FURTHER]) {
        // Eight points to a word; the last byte of the last word belongs to no point.
        let rows: [[u64; 8]; KNOWN] = std::array::from_fn(|position| {
            let mut row = [0; KNOWN];
            row[..FURTHER].copy_from_slice(&extension.rows()[position]);
            let (bytes, _) = row.as_chunks::<8>();
            std::array::from_fn(|word| u64::from_le_bytes(bytes[word]))
        });
        let extended = |word: Gf64| {
            let mut values = [0; 8];
            for (position, row) in rows.iter().enumerate() {
                let mask = (word.to_bits() >> position & 1).wrapping_neg();
                values.iter_mut().zip(row).for_each(|(value, row)| *value ^= row & mask);
            }
            values
        };
        for (at, weight) in weights.iter().enumerate() {
            let mut products = [0; 8];
            for (x, y) in pairs {
                let (f, g) = (extended(x[at]), extended(y[at]));
                products
                    .iter_mut()
                    .zip(f.iter().zip(&g))
                    .for_each(|(product, (f, g))| *product ^= multiply_bytes(*f, *g));
            }
            for (point, sums) in sums.iter_mut().enumerate() {
                let product = products[point / 8] >> (8 * (point % 8));
                for (bit, sum) in sums.iter_mut().enumerate() {
                    *sum += Gf64::from_bits(weight.to_bits() & (product >> bit & 1).wrapping_neg());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bytes_are_a_field_in_the_field() {
        let all: std::collections::HashSet<u64> = (0..=255).map(|byte| element(byte).to_bits()).collect();
        assert_eq!(all.len(), 256);
        for x in 0..=255u8 {
            for y in 0..=255u8 {
                assert!(element(x) + element(y) == element(x ^ y));
                assert!(element(x) * element(y) == element(portable::multiply(x, y)));
            }
        }
        // A product of AES (FIPS 197, 4.2).
        assert_eq!(portable::multiply(0x57, 0x83), 0xc1);
    }

    /// The value at a further point of the polynomial through the bits of a word, by the definition.
    fn value(word: u64, point: usize) -> Gf64 {
        let at = element((KNOWN + point) as u8);
        (0..KNOWN)
            .filter(|position| word >> position & 1 == 1)
            .fold(Gf64::ZERO, |sum, position| {
                let x = element(position as u8);
                let others = (0..KNOWN).filter(|other| *other != position).map(|other| element(other as u8));
                let term = others.fold(Gf64::ONE, |product, other| product * (at - other) * (x - other).inverse());
                sum + term
            })
    }

    #[test]
    fn words_go_on_as_their_polynomial_does() {
        let extension = Extension::new();
        for word in [1, 1 << 63, 0x0123_4567_89ab_cdef] {
            for point in [0, 1, 31, FURTHER - 1] {
                let bits = (0..KNOWN).filter(|position| word >> position & 1 == 1);
                let byte = bits.fold(0, |sum, position| sum ^ extension.rows()[position][point]);
                assert!(element(byte) == value(word, point), "{word} {point}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn sums_are_those_of_weighted_products(
            words in proptest::collection::vec(any::<([u64; 4], u64)>(), 0..150),
            before: u64,
        ) {
            let extension = Extension::new();
            let of = |place: usize| -> Vec<Gf64> { words.iter().map(|(words, _)| Gf64::from_bits(words[place])).collect() };
            let weights: Vec<Gf64> = words.iter().map(|(_, weight)| Gf64::from_bits(*weight)).collect();
            let vectors = [of(0), of(1), of(2), of(3)];
            let pairs = [(&vectors[0][..], &vectors[1][..]), (&vectors[2][..], &vectors[3][..])];
            let bits = |word: Gf64, point: usize| {
                let row = |position: usize| extension.rows()[position][point] & ((word.to_bits() >> position & 1) as u8).wrapping_neg();
                (0..KNOWN).fold(0, |sum, position| sum ^ row(position))
            };
            for add in [Extension::add_products, portable::add_products] {
                let mut sums = [[Gf64::from_bits(before); 8]; FURTHER];
                add(&extension, &pairs, &weights, &mut sums);
                for (point, sums) in sums.iter().enumerate() {
                    let mut expected = Gf64::ZERO;
                    for (at, weight) in weights.iter().enumerate() {
                        let products = pairs.iter().map(|(x, y)| element(bits(x[at], point)) * element(bits(y[at], point)));
                        expected += *weight * products.fold(Gf64::ZERO, |sum, product| sum + product);
                    }
                    let start = Gf64::from_bits(before);
                    let value = powers().iter().zip(sums).fold(Gf64::ZERO, |value, (power, sum)| value + *power * (*sum - start));
                    prop_assert!(value == expected, "point {}", point);
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "different lengths")]
    fn other_lengths_are_refused() {
        let word = [Gf64::ONE];
        Extension::new().add_products(&[(&word, &[])], &word, &mut [[Gf64::ZERO; 8]; FURTHER]);
    }
}
