//! Field elements that are no answers, for submissions that no honest client makes.

use tacit_mpc_core::field::{Field, Fp61};
pub use tacit_protocol::fixtures::{Author, Forgery};

/// Elements with these values; negative ones count down from the modulus.
pub fn elements(values: &[i64]) -> Vec<Fp61> {
    values.iter().map(|value| Fp61::from_i64(*value)).collect()
}

/// One half: two of them add up to one, and neither is a bit.
pub fn half() -> Fp61 {
    Fp61::from_i64(2).inverse()
}
