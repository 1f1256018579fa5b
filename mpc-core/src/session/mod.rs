//! Sessions: a program runs on shared vectors, every product leaves a claim, and outputs leave only through
//! [`Session::verify`], which verifies all claims and consumes the session.
//!
//! [`Setup`] leads to a [`Session`]: the participants compare what they agreed on and make fresh keys. This file only
//! declares and re-exports; the modules below import each other in one direction, from the small types up to `verify`.

mod bit_proof;
mod bits;
mod blocks;
mod challenge;
mod check;
mod claims;
mod coin;
mod corrections;
mod error;
mod evaluator;
mod factors;
mod fold;
mod open;
mod polynomial;
mod product;
mod proof;
mod reshare;
mod settle;
mod setup;
mod state;
mod stored_keys;
#[cfg(test)]
mod tests;
mod verify;

pub use crate::fold_schedule::FoldSchedule;
pub use crate::opening::Opening;
pub use claims::ProductField;
pub use error::SessionError;
pub use factors::{CombineFactors, Factors, Product};
pub use setup::Setup;
pub use state::Session;
pub use verify::{Openable, Opened, Output, Outputs, Recorded, ToOpen, Unrecorded, Verified, VerifiedOutputs};
