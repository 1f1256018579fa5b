//! The commands other than the demo.

pub(crate) mod answer;
mod buyer;
pub(crate) mod cluster;
mod connect;
pub(crate) mod issuer;
pub(crate) mod job;
pub(crate) mod keygen;
mod pool_size;
pub(crate) mod probe;
pub(crate) mod receipt;
mod sent;
mod token;
pub(crate) mod verify;
pub(crate) mod withdraw;
