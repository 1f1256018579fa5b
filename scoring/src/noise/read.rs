//! Reading opened numbers that carry noise.

use tacit_mpc_core::field::{Fp61, MODULUS};

/// An opened number, cut to what it can be without noise: 0 to `greatest`.
pub(crate) fn cut(opened: Fp61, greatest: u64) -> u64 {
    // Sums and noise together stay below half of the field, so the upper half is of negative numbers.
    match opened.to_u64() {
        negative if negative > MODULUS / 2 => 0,
        value => value.min(greatest),
    }
}

/// The number of each class, cut to 0 to `sum`, which is the public sum of all. Of two classes the first number was opened, and the
/// second is what remains; of one class it is the sum.
pub(crate) fn cut_to_sum(opened: &[Fp61], classes: usize, sum: u64) -> Vec<u64> {
    let mut numbers: Vec<u64> = opened.iter().map(|number| cut(*number, sum)).collect();
    match classes {
        1 => numbers.fill(sum),
        2 => numbers.extend(numbers.first().map(|first| sum - first)),
        _ => {}
    }
    numbers
}
