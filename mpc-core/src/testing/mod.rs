//! What tests, benchmarks and examples run the engine with. Not part of production builds.

pub mod misbehaviour;
pub mod sessions;
pub mod world;

pub use misbehaviour::{Misbehaviour, Observed, Tamper};
pub use world::{Fate, Interceptor, Wire, World, WorldNetwork};
