//! Circuits on shared bits: numbers in, bits, comparisons and winners out.
//!
//! Numbers lie bit by bit: a vector of words for every bit, and in it a lane for every number, 64 to a
//! word. A circuit is written once for all lanes, and all its products of one depth are one round.
//! Between clouds rounds cost more than gates, so depths grow with the logarithm of what they work on.

mod adder;
mod argmax;
mod compare;
mod convert;
mod inverse;
mod numbers;
mod planes;
#[cfg(test)]
mod tests;
mod threshold;

pub use argmax::first_of_the_greatest;
pub use convert::{hidden_bits, to_bits};
pub use inverse::inverses;
pub use numbers::{one_hot, to_numbers};
pub use planes::numbers_of;
pub use threshold::{first_to_reach, levels};

use crate::field::{Field, Gf64};
use crate::sharing::{Party, Shared};

/// Numbers bit by bit, the least significant bit first; all vectors have one length.
pub type Planes = Vec<Shared<Gf64>>;

/// Every bit turned round.
fn complement(party: &Party, plane: &Shared<Gf64>) -> Shared<Gf64> {
    Shared::generate(party, |position| {
        let words = &plane.components()[position];
        if party.held()[position] == 0 {
            words.iter().map(|word| Gf64::from_bits(!word.to_bits())).collect()
        } else {
            words.clone()
        }
    })
}

/// The same public bit in all lanes of so many words.
fn constant(party: &Party, words: usize, bit: bool) -> Shared<Gf64> {
    let word = if bit { Gf64::from_bits(u64::MAX) } else { Gf64::ZERO };
    Shared::public(party, &vec![word; words])
}

/// The same public number in all lanes of so many words.
pub fn constants(party: &Party, words: usize, number: u64, bits: u32) -> Planes {
    (0..bits).map(|bit| constant(party, words, number >> bit & 1 == 1)).collect()
}

/// How many bits the numbers up to `most` have, at least one.
pub fn bits_of(most: u64) -> u32 {
    (u64::BITS - most.leading_zeros()).max(1)
}
