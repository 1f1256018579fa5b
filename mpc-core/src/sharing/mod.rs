//! Replicated additive secret sharing for any `1 ≤ t < N/2`.
//!
//! A secret is the sum of one component for each set `T` of `t` nodes. Node `i` holds the components of all sets that it is not
//! in. Any `t` nodes lack exactly one component, which is uniformly random.
//!
//! (Ito, Saito, Nishizeki, GLOBECOM 1987, [doi:10.1002/ecjc.4430720906](https://doi.org/10.1002/ecjc.4430720906); Cramer,
//! Damgård, Ishai, TCC 2005, [doi:10.1007/978-3-540-30576-7_19](https://doi.org/10.1007/978-3-540-30576-7_19); for N = 3: Araki,
//! Furukawa, Lindell, Nof, Ohara, CCS 2016, [eprint 2016/768](https://eprint.iacr.org/2016/768).)

mod access;
mod local_product;
mod seeds;
mod shared;

pub use access::{AccessError, AccessStructure, Component, MAX_NODES, NodeSet, Party};
pub use seeds::{CompressedComponent, compress, expand_into};
pub use shared::Shared;
