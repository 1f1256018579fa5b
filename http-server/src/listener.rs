//! Listening on a port, with an error that says what to do.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};

use thiserror::Error;

/// A port that a program cannot listen on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("cannot listen on TCP {address}: {reason}")]
pub struct ListenError {
    /// The address of the port.
    pub address: SocketAddr,
    /// Why it cannot, and what to do about it.
    pub reason: String,
}

/// Listens on an address. The listener does not block, as a [`Server`](crate::Server) needs it.
///
/// # Errors
/// The address cannot be used.
pub fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let refused = |error: std::io::Error| {
        let reason = match error.kind() {
            ErrorKind::AddrInUse => "address in use: stop the other program".to_owned(),
            ErrorKind::PermissionDenied => {
                "this user may not use the port: ports below 1024 need the capability CAP_NET_BIND_SERVICE (deploy/README.md, TLS)"
                    .to_owned()
            }
            ErrorKind::AddrNotAvailable => "this machine does not have the address: use one that it has".to_owned(),
            _ => error.to_string(),
        };
        ListenError { address, reason }
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_named() {
        let taken = listen(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = taken.local_addr().unwrap();
        let error = listen(address).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("cannot listen on TCP {address}: address in use: stop the other program")
        );
    }
}
