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

use hkdf::Hkdf;
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::digest::Digest;
use crate::field::{Field, FieldId, uniform};
use crate::sharing::{Component, MAX_NODES};

/// The key of one component, known to its holders only. Wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ComponentKey([u8; 32]);

impl ComponentKey {
    /// The key with these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Derives the key of `component` in the session `session` by HKDF-SHA256
    /// ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)): no salt; the contributions of all participating holders in node
    /// order, 32 bytes each, as input keying material; and `"tacit/v1 component key"`, the 32 bytes of the session id and one
    /// byte for the component as info.
    pub fn derive(contributions: &[u8], session: &Digest, component: Component) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, contributions);
        let mut key = Zeroizing::new([0; 32]);
        let info: [&[u8]; 3] = [b"tacit/v1 component key", session.as_bytes(), &[component as u8]];
        #[expect(clippy::expect_used, reason = "HKDF-SHA256 refuses only outputs above 8160 bytes (RFC 5869, 2.3)")]
        hkdf.expand_multi_info(&info, &mut *key).expect("32 bytes are within HKDF's bound");
        Self::new(*key)
    }

    /// A key for another purpose, which says nothing about this one: HKDF-SHA256 without salt, this key as input keying material,
    /// and the label and the parts, one after the other, as info. Labels differ and no label is the beginning of another one; all
    /// parts but the last have a fixed length under one label.
    pub(crate) fn subkey(&self, label: &'static [u8], parts: [&[u8]; 2]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, &self.0);
        let mut key = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "HKDF-SHA256 refuses only outputs above 8160 bytes (RFC 5869, 2.3)")]
        hkdf.expand_multi_info(&[label, parts[0], parts[1]], &mut *key)
            .expect("32 bytes are within HKDF's bound");
        Self::new(*key)
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
const _: () = assert!(MAX_NODES <= 7 && (FieldId::Gf64 as u8) & 7 == 0);

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

    /// A key for another purpose for each held component, known to its holders only: see [`ComponentKey::subkey`]. The first part
    /// is `part`, the second one the byte of the component.
    pub(crate) fn subkeys(&self, label: &'static [u8], part: &[u8], held: &[Component]) -> Vec<ComponentKey> {
        let subkey = |(key, component): (&ComponentKey, &Component)| key.subkey(label, [part, &[*component as u8]]);
        self.keys.iter().zip(held).map(subkey).collect()
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
mod tests;
