//! Multi-party computation on replicated secret shares.

pub mod circuit;
pub mod digest;
pub mod field;
pub(crate) mod fold_schedule;
pub mod network;
pub(crate) mod opening;
pub mod probe;
pub mod prss;
pub mod secret_vec;
pub mod session;
pub mod sharing;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
