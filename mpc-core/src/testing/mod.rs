//! An in-memory world of nodes for tests, benchmarks and examples, with the feature `testing`. No part of production builds.

pub mod misbehaviour;
pub mod sessions;
pub mod world;

pub use misbehaviour::{Misbehaviour, Observed, Tamper};
pub use world::{Fate, Interceptor, Wire, World, WorldNetwork};
