//! HTTP servers of Tacit's programs: connections with limits of number, time and memory, TLS whose certificate can be replaced, and an end
//! in order.
//!
//! A [`Server`] answers with any router. What it lets in is in its [`Doors`]: how many connections in all and from one [`Origin`], how
//! long clients are waited for, and the [`Certificate`]. [`Places`] and [`Budget`] limit whatever else nobody may have all of, such as
//! uploads that are read at once.

mod budget;
mod certificate;
mod connection;
mod listener;
#[cfg(unix)]
mod open_files;
mod places;
mod proxies;
mod server;

pub use budget::{Budget, NoneLeft, Reservation};
#[cfg(unix)]
pub use certificate::reload_at_hangups;
pub use certificate::{Certificate, CertificateError, CertificateFiles};
pub use listener::{ListenError, listen};
#[cfg(unix)]
pub use open_files::raise_open_files;
pub use places::{Network, Origin, PerOrigin, Place, Places};
pub use proxies::{AddressRange, AddressRangeError};
pub use server::{Doors, OnRefusal, Priority, Refusal, Server, Timeouts};
