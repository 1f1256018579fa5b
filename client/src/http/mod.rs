//! The coordinator's HTTP API, as its clients use it.

mod authorization;
mod error;
mod routes;
mod transport;

pub use error::{ApiError, FailureClass};
pub use routes::Published;
pub use transport::Api;
pub(crate) use transport::is_loopback;
