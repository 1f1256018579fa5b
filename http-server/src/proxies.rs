//! The addresses of reverse proxies, as the config names them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

/// A range with fewer bits would be a large part of the Internet, of which nobody has only proxies.
const FEWEST_BITS: u32 = 8;

/// The addresses that begin with the same bits, as `10.0.0.0/8`; a single address is written without a number of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressRange {
    /// The first address of the range.
    first: IpAddr,
    /// How many bits all its addresses have in common.
    bits: u32,
}

/// Why a text names no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is no range of addresses: {problem}")]
pub struct AddressRangeError {
    text: String,
    problem: &'static str,
}

impl AddressRange {
    /// Whether an address is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => u32::from(first) == u32::from(address) & mask_of_v4(self.bits),
            (IpAddr::V6(first), IpAddr::V6(address)) => u128::from(first) == u128::from(address) & mask_of_v6(self.bits),
            _ => false,
        }
    }
}

fn mask_of_v4(bits: u32) -> u32 {
    u32::MAX.checked_shl(u32::BITS.saturating_sub(bits)).unwrap_or(0)
}

fn mask_of_v6(bits: u32) -> u128 {
    u128::MAX.checked_shl(u128::BITS.saturating_sub(bits)).unwrap_or(0)
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let error = |problem| AddressRangeError {
            text: text.chars().take(100).collect(),
            problem,
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address
            .parse()
            .map_err(|_| error("write an address, or the first address and the number of bits, as in 10.0.0.0/8"))?;
        if first != first.to_canonical() {
            return Err(error("write this as an IPv4 address"));
        }
        let most = if first.is_ipv4() { u32::BITS } else { u128::BITS };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().map_err(|_| error("the number of bits is no number"))?,
        };
        if !(FEWEST_BITS..=most).contains(&bits) {
            return Err(error("the number of bits is 8 to 32 for IPv4, and 8 to 128 for IPv6"));
        }
        let range = Self { first, bits };
        if range.contains(first) {
            Ok(range)
        } else {
            Err(error("the address has other bits than zeros behind the number of bits"))
        }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;

    fn try_from(text: String) -> Result<Self, AddressRangeError> {
        text.parse()
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(text: &str) -> AddressRange {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_has_the_addresses_that_begin_with_its_bits() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.0.0.0/8", "::ffff:10.1.2.3", "::ffff:9.1.2.3"),
            ("172.16.0.0/12", "172.31.255.255", "172.32.0.0"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("fd00::/8", "fd00::", "10.0.0.1"),
        ] {
            let range = range(text);
            assert!(range.contains(inside.parse().unwrap()), "{text}: {inside}");
            assert!(!range.contains(outside.parse().unwrap()), "{text}: {outside}");
        }
        assert_eq!(range("192.0.2.7").to_string(), "192.0.2.7/32");
    }

    #[test]
    fn what_is_no_range_says_why() {
        for (text, why) in [
            ("proxy.example.org", "write an address"),
            ("10.0.0.0/", "no number"),
            ("10.0.0.0/33", "8 to 32"),
            ("0.0.0.0/0", "8 to 32"),
            ("::/0", "8 to 128"),
            ("10.0.0.1/8", "other bits than zeros"),
            ("::ffff:10.0.0.1", "as an IPv4 address"),
        ] {
            let error = AddressRange::from_str(text).unwrap_err().to_string();
            assert!(error.contains(text) && error.contains(why), "{error}");
        }
    }
}
