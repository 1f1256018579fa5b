//! Places for a limited number of things at once, in all and from one address, so that nobody takes all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Where a connection comes from: the addresses that one party usually has together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// This machine: a reverse proxy, which connects for everybody.
    Loopback,
    /// One IPv4 address.
    V4([u8; 4]),
    /// The addresses that begin with the same 64 bits: a provider gives at least as many to each customer.
    V6([u8; 8]),
}

impl Origin {
    /// The origin of an address.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

/// How many places one origin may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PerOrigin {
    /// This machine.
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

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// All places are taken.
    InAll,
    /// The origin has as many places as one may have.
    OfOrigin,
}

/// A number of places. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    in_all: usize,
    per_origin: PerOrigin,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    /// Origins without a place are not in it, so it is no longer than there are places.
    by_origin: HashMap<Origin, usize>,
}

/// One place, taken until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    origin: Origin,
    taken: Arc<Mutex<Taken>>,
}

impl Places {
    /// This many places.
    pub(crate) fn new(in_all: usize, per_origin: PerOrigin) -> Self {
        Self {
            in_all,
            per_origin,
            taken: Arc::default(),
        }
    }

    /// Takes a place.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn take(&self, origin: Origin) -> Result<Place, NoPlace> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.in_all >= self.in_all {
            return Err(NoPlace::InAll);
        }
        let of_origin = taken.by_origin.get(&origin).copied().unwrap_or(0);
        if of_origin >= self.per_origin.of(origin) {
            return Err(NoPlace::OfOrigin);
        }
        taken.in_all += 1;
        taken.by_origin.insert(origin, of_origin + 1);
        Ok(Place {
            origin,
            taken: Arc::clone(&self.taken),
        })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).in_all
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(1);
        if let Some(of_origin) = taken.by_origin.get_mut(&self.origin) {
            *of_origin -= 1;
            if *of_origin == 0 {
                taken.by_origin.remove(&self.origin);
            }
        }
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
    fn one_origin_does_not_take_the_places_of_others() {
        let places = Places::new(4, PerOrigin { loopback: 3, other: 2 });
        let (one, other) = (origin("192.0.2.1"), origin("192.0.2.2"));
        let held = [places.take(one).unwrap(), places.take(one).unwrap()];
        assert_eq!(places.take(one).unwrap_err(), NoPlace::OfOrigin);
        let third = places.take(other).unwrap();
        let fourth = places.take(Origin::Loopback).unwrap();
        assert_eq!(places.take(Origin::Loopback).unwrap_err(), NoPlace::InAll);
        assert_eq!(places.taken(), 4);
        drop(held);
        let held = [places.take(one).unwrap(), places.take(one).unwrap()];
        drop((held, third, fourth));
        assert_eq!(places.taken(), 0);
        assert!(places.taken.lock().unwrap().by_origin.is_empty());
    }
}
