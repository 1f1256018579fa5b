//! What a server of the page lets in.

use std::sync::Arc;

use tacit_http_server::{AddressRange, Certificate, Doors, OnRefusal, PerOrigin, Places, Timeouts};

/// How many connections there may be at once. A browser opens about six for some seconds, and takes the page from its own store afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The addresses from which reverse proxies connect for everybody. They count as this machine does, so each proxy has to limit its clients.
    pub proxies: Vec<AddressRange>,
    /// Connections in all; this machine and `proxies` may have all of them.
    pub connections: usize,
    /// Connections from one IPv4 address, or from the IPv6 addresses with the same first 64 bits.
    pub connections_per_address: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            proxies: Vec::new(),
            connections: Self::CONNECTIONS,
            connections_per_address: Self::CONNECTIONS_PER_ADDRESS,
        }
    }
}

impl Limits {
    /// What [`Self::connections`] is if nobody says it.
    pub const CONNECTIONS: usize = 256;
    /// What [`Self::connections_per_address`] is if nobody says it.
    pub const CONNECTIONS_PER_ADDRESS: usize = 32;

    /// What a server with these limits lets in. `on_refusal` is told whom it does not.
    pub fn doors(&self, certificate: Option<Arc<Certificate>>, on_refusal: OnRefusal) -> Doors {
        let per_origin = PerOrigin {
            loopback: self.connections,
            other: self.connections_per_address,
        };
        Doors {
            places: Places::new(self.connections, per_origin),
            proxies: self.proxies.clone(),
            timeouts: Timeouts::default(),
            certificate,
            on_refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_http_server::Origin;

    #[test]
    fn one_address_does_not_take_all_connections_and_a_proxy_may() {
        let limits = Limits {
            proxies: vec!["192.0.2.1".parse().unwrap()],
            connections: 4,
            connections_per_address: 1,
        };
        let doors = limits.doors(None, Arc::new(|_| {}));
        let taken = |address: &str| {
            let origin = Origin::behind(address.parse().unwrap(), &doors.proxies);
            std::iter::from_fn(|| doors.places.take(origin).ok()).collect::<Vec<_>>()
        };
        assert_eq!(taken("192.0.2.7").len(), 1);
        assert_eq!(taken("192.0.2.1").len(), 4);
    }
}
