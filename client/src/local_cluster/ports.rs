//! Free ports of the loopback interface for the members of a cluster.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::ops::Range;

use anyhow::{Context, Result};
use rand::RngExt;

/// Where lasting ports are chosen: below those that Linux gives to outgoing connections (from 32768 on, see `ip_local_port_range`), so that
/// the ports of a cluster that is stopped are free when it is started again.
const LASTING: Range<u16> = 20_000..32_000;
/// How many ports are tried.
const TRIES: usize = 200;

/// How long ports will be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// By processes that start now. They choose their admin ports themselves and say which.
    OneRun,
    /// Also by processes that start later: admin ports are chosen too.
    Lasting,
}

/// The ports of all members.
pub(super) struct Ports {
    /// The coordinator's API.
    pub api: SocketAddr,
    /// The coordinator's admin port.
    pub admin: SocketAddr,
    /// Of each node its QUIC port and its admin port.
    pub nodes: Vec<(SocketAddr, SocketAddr)>,
    /// All sockets stay open until this is dropped, so that the ports differ.
    _sockets: (Vec<TcpListener>, Vec<UdpSocket>),
}

impl Ports {
    /// Finds free ports.
    pub(super) fn find(nodes: usize, lifetime: Lifetime) -> Result<Self> {
        let mut sockets = (Vec::new(), Vec::new());
        let api = tcp(lifetime, &mut sockets.0)?;
        let mut admin = || match lifetime {
            Lifetime::OneRun => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            Lifetime::Lasting => tcp(lifetime, &mut sockets.0),
        };
        let coordinator_admin = admin()?;
        let mut node = || {
            let socket = bind(lifetime, UdpSocket::bind::<SocketAddr>).context("no free UDP port")?;
            let listen = socket.local_addr().context("a port")?;
            sockets.1.push(socket);
            Ok((listen, admin()?))
        };
        let nodes = (0..nodes).map(|_| node()).collect::<Result<_>>()?;
        Ok(Self {
            api,
            admin: coordinator_admin,
            nodes,
            _sockets: sockets,
        })
    }
}

/// A free TCP port that a program keeps for later.
pub(crate) fn lasting_tcp_port() -> Result<SocketAddr> {
    tcp(Lifetime::Lasting, &mut Vec::new())
}

fn tcp(lifetime: Lifetime, open: &mut Vec<TcpListener>) -> Result<SocketAddr> {
    let listener = bind(lifetime, TcpListener::bind::<SocketAddr>).context("no free TCP port")?;
    let address = listener.local_addr().context("a port")?;
    open.push(listener);
    Ok(address)
}

fn bind<T>(lifetime: Lifetime, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let at = |port| bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    if lifetime == Lifetime::OneRun {
        return at(0);
    }
    let mut last = io::ErrorKind::AddrInUse.into();
    for _ in 0..TRIES {
        match at(rand::rng().random_range(LASTING)) {
            Ok(bound) => return Ok(bound),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn lasting_ports_differ_and_are_none_of_outgoing_connections() {
        let ports = Ports::find(3, Lifetime::Lasting).unwrap();
        let tcp: BTreeSet<u16> = ports
            .nodes
            .iter()
            .map(|(_, admin)| admin.port())
            .chain([ports.api.port(), ports.admin.port()])
            .collect();
        let udp: BTreeSet<u16> = ports.nodes.iter().map(|(listen, _)| listen.port()).collect();
        assert_eq!((tcp.len(), udp.len()), (5, 3));
        assert!(tcp.iter().chain(&udp).all(|port| LASTING.contains(port)), "{tcp:?} {udp:?}");
    }

    #[test]
    fn for_one_run_programs_choose_their_admin_ports() {
        let ports = Ports::find(1, Lifetime::OneRun).unwrap();
        assert_ne!(ports.api.port(), 0);
        assert_ne!(ports.nodes[0].0.port(), 0);
        assert_eq!((ports.admin.port(), ports.nodes[0].1.port()), (0, 0));
    }
}
