//! The coordinator's HTTP API, as its clients use it.

mod error;
mod routes;
mod signing;
mod transport;

pub use error::ApiError;
pub use routes::Published;
pub use transport::Api;
