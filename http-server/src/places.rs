//! Places for a limited number of things at once, in all and from one address, so that nobody takes all of them.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::budget::{Budget, NoneLeft, Reservation};
use crate::proxies::AddressRange;

/// Where a connection comes from: the addresses that one party usually has together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// This machine, or an address that the config names as a proxy's: a reverse proxy, which connects for everybody.
    Loopback,
    /// One IPv4 address.
    V4([u8; 4]),
    /// The addresses that begin with the same 64 bits: a provider gives at least as many to each customer.
    V6([u8; 8]),
}

/// Those of whom each has a part of something only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Network {
    /// One origin.
    Origin(Origin),
    /// The IPv6 addresses that begin with the same 48 bits: some providers give as many to one customer, who then has 65,536 origins.
    V6([u8; 6]),
}

/// How many times the part of one origin all addresses together have that begin with the same 48 bits.
const OF_48_BITS: usize = 4;

impl Origin {
    /// The origin of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }

    /// The origin of an address, where proxies connect from these other addresses. They count as this machine does, all together.
    pub fn behind(address: IpAddr, proxies: &[AddressRange]) -> Self {
        if proxies.iter().any(|range| range.contains(address)) {
            Self::Loopback
        } else {
            Self::of(address)
        }
    }

    /// The networks that this origin counts for, and how much each may have where one origin may have `most`.
    pub fn networks(self, most: PerOrigin) -> Vec<(Network, usize)> {
        let mut networks = vec![(Network::Origin(self), most.of(self))];
        if let Self::V6([a, b, c, d, e, f, ..]) = self {
            networks.push((Network::V6([a, b, c, d, e, f]), most.other.saturating_mul(OF_48_BITS)));
        }
        networks
    }
}

impl<S: Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        // Every request that comes over a connection has it.
        Ok(parts.extensions.get().copied().unwrap_or(Self::Loopback))
    }
}

/// How much one origin may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PerOrigin {
    /// This machine and the proxies.
    pub loopback: usize,
    /// Any other origin.
    pub other: usize,
}

impl PerOrigin {
    fn of(self, origin: Origin) -> usize {
        match origin {
            Origin::Loopback => self.loopback,
            Origin::V4(_) | Origin::V6(_) => self.other,
        }
    }
}

/// A number of places. Clones share them.
#[derive(Debug, Clone)]
pub struct Places {
    per_origin: PerOrigin,
    budget: Budget<Network>,
}

/// One place, taken until it is dropped.
pub type Place = Reservation<Network>;

impl Places {
    /// This many places.
    pub fn new(in_all: usize, per_origin: PerOrigin) -> Self {
        Self {
            per_origin,
            budget: Budget::new(in_all),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// There is none.
    pub fn take(&self, origin: Origin) -> Result<Place, NoneLeft> {
        self.budget.take(origin.networks(self.per_origin), 1)
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.budget.taken()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str) -> Origin {
        Origin::of(address.parse().unwrap())
    }

    #[test]
    fn addresses_of_one_party_are_one_origin() {
        assert_eq!(origin("127.0.0.1"), Origin::Loopback);
        assert_eq!(origin("127.8.8.8"), Origin::Loopback);
        assert_eq!(origin("::1"), Origin::Loopback);
        assert_eq!(origin("::ffff:127.0.0.1"), Origin::Loopback);
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff::2"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
    }

    #[test]
    fn proxies_that_the_config_names_count_as_this_machine() {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (address, due) in [
            ("10.1.2.3", Origin::Loopback),
            ("::ffff:10.1.2.3", Origin::Loopback),
            ("fd00::7", Origin::Loopback),
            ("127.0.0.1", Origin::Loopback),
            ("192.0.2.1", origin("192.0.2.1")),
            ("2001:db8::1", origin("2001:db8::1")),
        ] {
            assert_eq!(Origin::behind(address.parse().unwrap(), &proxies), due, "{address}");
        }
        assert_ne!(Origin::behind("10.1.2.3".parse().unwrap(), &[]), Origin::Loopback);
    }

    #[test]
    fn one_origin_does_not_take_the_places_of_others() {
        let places = Places::new(4, PerOrigin { loopback: 3, other: 2 });
        let (one, other) = (origin("192.0.2.1"), origin("192.0.2.2"));
        let held = [places.take(one).unwrap(), places.take(one).unwrap()];
        assert_eq!(places.take(one).unwrap_err(), NoneLeft::OfOwner);
        let third = places.take(other).unwrap();
        let fourth = places.take(Origin::Loopback).unwrap();
        assert_eq!(places.take(Origin::Loopback).unwrap_err(), NoneLeft::InAll);
        assert_eq!(places.taken(), 4);
        drop(held);
        let held = [places.take(one).unwrap(), places.take(one).unwrap()];
        drop((held, third, fourth));
        assert_eq!((places.taken(), places.budget.owners()), (0, 0));
    }

    #[test]
    fn who_has_many_64_bit_networks_does_not_take_all_places() {
        let places = Places::new(100, PerOrigin { loopback: 100, other: 2 });
        let subnet = |number: usize| origin(&format!("2001:db8:1:{number:x}::1"));
        let mut held: Vec<Place> = Vec::new();
        for number in 0..50 {
            held.extend(places.take(subnet(number)));
        }
        assert_eq!(held.len(), 2 * OF_48_BITS);
        assert!(places.take(origin("2001:db8:2::1")).is_ok(), "another provider's customer");
    }
}
