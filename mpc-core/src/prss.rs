//! Pseudo-random secret sharing: shared randomness that costs no communication.
//!
//! Every component has a key known to exactly its holders, fresh for every session. Streams are
//! addressed by step and owner, never by "what comes next", and an address serves once: a mask
//! used twice would open the difference of two secrets. (Cramer, Damgård, Ishai, TCC 2005.)

use std::collections::HashSet;
use std::fmt;

use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::field::{Field, uniform};

/// The key of one component, known to its holders only.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ComponentKey([u8; 32]);

impl ComponentKey {
    /// Takes a key's bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key's bytes, for a digest among its holders.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ComponentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ComponentKey(..)")
    }
}

/// Which node's use of a step a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The stream masks the numbers that this participant reshares.
    Node(u8),
    /// The stream masks the words that it reshares in the same step.
    Words(u8),
    /// The stream is a joint random sharing of all participants.
    Joint,
}

/// The address of a stream: 32 bits of step and 8 of owner in ChaCha's 64-bit stream number, the step in its upper half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    /// The session's step.
    pub step: u32,
    /// Whose randomness.
    pub owner: Owner,
}

// Owner tags must not collide: `Words(i)` is 0x80 | i, `Joint` is 0xff.
const _: () = assert!(crate::sharing::MAX_NODES < 0x7f);

impl Address {
    fn stream(self) -> u64 {
        let owner = match self.owner {
            Owner::Node(i) => u64::from(i),
            Owner::Words(i) => 0x80 | u64::from(i),
            Owner::Joint => 0xff,
        };
        u64::from(self.step) << 32 | owner
    }
}

/// An address was asked for a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the shared-randomness address {0:?} was used before: masks must never repeat")]
pub struct Reused(pub Address);

/// A session's shared randomness at one node.
#[derive(Debug)]
pub struct Prss {
    keys: Vec<ComponentKey>,
    used: HashSet<Address>,
}

impl Prss {
    /// Takes the keys of the held components, in the order of [`Party::held`].
    pub fn new(keys: Vec<ComponentKey>) -> Self {
        Self {
            keys,
            used: HashSet::new(),
        }
    }

    /// Claims an address; an error if it was claimed before.
    pub fn claim(&mut self, address: Address) -> Result<ClaimedAddress<'_>, Reused> {
        if !self.used.insert(address) {
            return Err(Reused(address));
        }
        Ok(ClaimedAddress { keys: &self.keys, address })
    }
}

/// An address that was claimed: its stream may be expanded once for each component.
#[derive(Debug)]
pub struct ClaimedAddress<'a> {
    keys: &'a [ComponentKey],
    address: Address,
}

impl ClaimedAddress<'_> {
    /// `len` elements of the stream of the held component at `position`.
    pub fn expand<F: Field>(&self, position: usize, len: usize) -> Zeroizing<Vec<F>> {
        let mut elements = Zeroizing::new(vec![F::ZERO; len]);
        self.expand_into(position, &mut elements);
        elements
    }

    /// Fills `out` with the first elements of the stream of the held component at `position`.
    pub fn expand_into<F: Field>(&self, position: usize, out: &mut [F]) {
        uniform::fill(&self.keys[position].0, self.address.stream(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Fp61;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn prss() -> Prss {
        Prss::new(vec![ComponentKey::new([7; 32]), ComponentKey::new([8; 32])])
    }

    #[test]
    fn an_address_serves_once() {
        let mut prss = prss();
        let address = Address {
            step: 1,
            owner: Owner::Node(2),
        };
        assert!(prss.claim(address).is_ok());
        assert_eq!(prss.claim(address).unwrap_err(), Reused(address));
    }

    #[test]
    fn a_stream_is_chacha20_element_by_element() {
        let mut prss = prss();
        let address = Address {
            step: 3,
            owner: Owner::Joint,
        };
        let values: Zeroizing<Vec<Fp61>> = prss.claim(address).unwrap().expand(1, 1000);
        let mut rng = ChaCha20Rng::from_seed([8; 32]);
        rng.set_stream(3 << 32 | 0xff);
        let expected: Vec<Fp61> = (0..1000).map(|_| Fp61::random(&mut rng)).collect();
        assert!(values[..] == expected[..]);
        let distinct: HashSet<u64> = values.iter().map(|value| value.to_u64()).collect();
        assert_eq!(distinct.len(), 1000);
    }

    #[test]
    fn streams_differ_by_step_owner_and_key() {
        let mut prss = prss();
        let addresses = [
            Address {
                step: 1,
                owner: Owner::Node(0),
            },
            Address {
                step: 2,
                owner: Owner::Node(0),
            },
            Address {
                step: 1,
                owner: Owner::Words(0),
            },
            Address {
                step: 1,
                owner: Owner::Node(1),
            },
            Address {
                step: 1,
                owner: Owner::Joint,
            },
        ];
        let mut seen = HashSet::new();
        for address in addresses {
            let claimed = prss.claim(address).unwrap();
            for position in 0..2 {
                let stream: Vec<u64> = claimed.expand::<Fp61>(position, 4).iter().map(|x| x.to_u64()).collect();
                assert!(seen.insert(stream), "{address:?}");
            }
        }
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", prss()).contains('7'));
    }
}
