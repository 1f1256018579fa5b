//! The attack suite: what up to t corrupt nodes, the coordinator and contributors can try in a whole
//! computation, in clusters of N = 3, t = 1 and N = 5, t = 2.
//!
//! Every attack must end in an error before an output component leaves an honest node, and each must
//! succeed where the check that is there for it is switched off ([`mutations`]).
//!
//! It stands with the whole-cluster tests and is compiled into the unit tests of `tacit-core`, because
//! only there a check can be switched off. Attacks on real processes are in `tests/tests`.

mod coordinator;
mod kit;
mod labels;
mod lies;
mod mutations;
mod prover;
mod releases;
mod rushing;
mod views;
mod wire;
