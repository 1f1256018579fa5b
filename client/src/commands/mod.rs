//! The commands other than the demo.

pub mod answer;
pub mod cluster;
mod connect;
pub mod job;
pub mod keygen;
pub mod probe;
pub mod receipt;
pub mod verify;
