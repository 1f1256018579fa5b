//! Pseudo-random secret sharing: shared randomness without communication.
//!
//! Every component has a key that exactly its holders know, fresh for every session. A key expands to streams of field elements,
//! one for each address. An address names the round and the purpose of a stream, so nodes cannot get out of step, and can be
//! used only once: a mask that is used twice would reveal the difference of two secrets.
//!
//! (Cramer, Damgård, Ishai, "Share conversion, pseudorandom secret-sharing and applications to secure computation", TCC 2005,
//! [doi:10.1007/978-3-540-30576-7_19](https://doi.org/10.1007/978-3-540-30576-7_19).)
//!
//! `mpc-core/vectors/prss.json` has test vectors for keys and streams.

use std::collections::HashSet;
use std::fmt;

use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::field::{Field, FieldId, uniform};

/// The key of one component, known to its holders only. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ComponentKey([u8; 32]);

impl ComponentKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key, for a digest that its holders compare.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for ComponentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ComponentKey(..)")
    }
}

/// The purpose of a stream in a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Owner {
    /// The stream masks the elements of a field that a participant reshares.
    Node {
        /// The participant's node index.
        node: u8,
        /// The field of the elements.
        field: FieldId,
    },
    /// The stream is a random sharing that belongs to all participants.
    Joint,
}

impl Owner {
    /// The owner byte of an address: the [`FieldId`] plus the node index, or 255.
    const fn byte(self) -> u8 {
        match self {
            Self::Node { node, field } => field as u8 | node,
            Self::Joint => 0xff,
        }
    }
}

/// The address of a stream. The stream number of ChaCha20, 64 bits, has the round in its upper half and the owner byte in its
/// lowest 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Address {
    /// The number of the round in the session.
    pub step: u32,
    /// The purpose of the stream.
    pub owner: Owner,
}

// Owner bytes must not collide: node indices take the low three bits, `Joint` is a field's identifier with all of them set.
const _: () = assert!(crate::sharing::MAX_NODES <= 7 && (FieldId::Gf64 as u8) & 7 == 0);

impl Address {
    /// The stream number.
    fn stream(self) -> u64 {
        u64::from(self.step) << 32 | u64::from(self.owner.byte())
    }
}

/// An address was claimed for a second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the shared-randomness address {0:?} was used before: masks must never repeat")]
pub struct Reused(pub Address);

/// The shared randomness of a session at one node.
#[derive(Debug)]
pub struct Prss {
    keys: Vec<ComponentKey>,
    used: HashSet<Address>,
}

impl Prss {
    /// Takes the keys of the held components, in the order of [`Party::held`](crate::sharing::Party::held).
    pub fn new(keys: Vec<ComponentKey>) -> Self {
        Self {
            keys,
            used: HashSet::new(),
        }
    }

    /// Claims an address.
    ///
    /// # Errors
    /// The address was claimed before.
    pub fn claim(&mut self, address: Address) -> Result<ClaimedAddress<'_>, Reused> {
        if !self.used.insert(address) {
            return Err(Reused(address));
        }
        Ok(ClaimedAddress { keys: &self.keys, address })
    }
}

/// A claimed address, whose stream is expanded once for each held component.
#[derive(Debug)]
pub struct ClaimedAddress<'a> {
    keys: &'a [ComponentKey],
    address: Address,
}

impl ClaimedAddress<'_> {
    /// The first `len` elements of the stream of the held component at `position`.
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

    fn node(node: u8, field: FieldId) -> Owner {
        Owner::Node { node, field }
    }

    fn prss() -> Prss {
        Prss::new(vec![ComponentKey::new([7; 32]), ComponentKey::new([8; 32])])
    }

    #[test]
    fn an_address_serves_once() {
        let mut prss = prss();
        let address = Address {
            step: 1,
            owner: node(2, FieldId::Fp61),
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
                owner: node(0, FieldId::Fp61),
            },
            Address {
                step: 2,
                owner: node(0, FieldId::Fp61),
            },
            Address {
                step: 1,
                owner: node(0, FieldId::Gf64),
            },
            Address {
                step: 1,
                owner: node(1, FieldId::Fp61),
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
