//! The commands other than the demo.

mod agreement;
pub(crate) mod answer;
mod buyer;
pub(crate) mod cluster;
mod connect;
pub(crate) mod consent;
mod contributor;
mod elsewhere;
pub(crate) mod issuer;
pub(crate) mod items;
pub(crate) mod job;
pub(crate) mod keygen;
mod pool_size;
pub(crate) mod probe;
mod published;
pub(crate) mod receipt;
mod sent;
mod shell;
mod token;
pub(crate) mod verify;
pub(crate) mod web;
pub(crate) mod withdraw;
