//! Circuits on shared bits: conversions between numbers and bits, comparisons, and the index of the greatest number.
//!
//! Numbers are stored as [`BitPlanes`]: one shared vector of words for each bit, in which each number has one bit, 64 numbers to
//! a word. A circuit is written once for all numbers, and all its products of one depth are computed in one round. Between
//! clouds a round costs more than many gates, so the depth of a circuit grows with the logarithm of its input.

mod adder;
mod argmax;
mod bit_planes;
mod bits_to_field;
mod compare;
mod convert;
mod inverse;
#[cfg(test)]
mod tests;
mod threshold;

pub use argmax::first_of_the_greatest;
pub use bit_planes::{BitPlanes, bit_length, numbers_of, public_number};
pub use bits_to_field::{one_hot, to_numbers};
pub use convert::{hidden_bits, to_bits};
pub use inverse::inverses;
pub use threshold::{DecidingLevels, first_to_reach};
