//! The attack suite: attacks by up to `t` corrupt nodes, the coordinator and contributors on a whole computation, in clusters of
//! `N = 3`, `t = 1` and `N = 5`, `t = 2`.
//!
//! Every attack must end in an error before an honest node releases an output, and must succeed if the check that prevents it is
//! switched off ([`mutations`]). Checks can be switched off only in the in-memory world of the engine's feature `testing`.
//!
//! `cargo test -p tacit-tests --test attacks`. Attacks on real processes are in `tests/tests`.

mod coordinator;
mod exclusion;
mod gold;
mod labels;
mod lies;
mod mutations;
mod noise;
mod prover;
mod releases;
mod rushing;
mod scenario;
mod views;
mod wire;
