//! Replicated additive secret sharing for any `1 ≤ t < N/2`.
//!
//! A secret is the sum of one component for each set `T` of `t` nodes; node `i` holds the components
//! of the sets it is not in. Any `t` nodes miss one component, a uniformly random one.
//! (Ito, Saito, Nishizeki 1987; Cramer, Damgård, Ishai, TCC 2005; Araki et al., CCS 2016 for N = 3.)

mod access;
mod seeds;
mod shared;

pub use access::{AccessError, AccessStructure, Component, MAX_NODES, NodeSet, Party};
pub use seeds::{CompressedComponent, compress, expand_into};
pub use shared::Shared;
