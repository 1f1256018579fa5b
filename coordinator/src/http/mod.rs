//! The coordinator's HTTP servers: connections with limits of number, time and memory, and TLS.

mod certificate;
mod connection;
mod open_files;
mod places;
mod server;

pub(crate) use certificate::{Certificate, CertificateError, CertificateFiles};
pub(crate) use open_files::raise_open_files;
pub(crate) use places::{Origin, PerOrigin, Place, Places};
pub(crate) use server::{ADMIN_PORT, API_PORT, Doors, Server, Timeouts};
