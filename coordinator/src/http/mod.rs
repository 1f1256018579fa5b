//! The coordinator's HTTP servers: connections with limits of number, time and memory, and TLS.

mod budget;
mod certificate;
mod connection;
mod open_files;
mod places;
mod proxies;
mod server;

pub(crate) use budget::{Budget, Reservation};
pub(crate) use certificate::{Certificate, CertificateError, CertificateFiles};
pub(crate) use open_files::raise_open_files;
pub(crate) use places::{Network, Origin, PerOrigin, Place, Places};
pub(crate) use proxies::AddressRange;
pub(crate) use server::{ADMIN_PORT, API_PORT, Doors, Server, Timeouts};
