//! Keys of components that outlive a session. Every holder stores its own, so that a repeated program draws the same randomness: what is
//! masked once cannot be averaged over several runs.
//!
//! `vectors/stored_keys.json` has test vectors.

use std::fmt;

use zeroize::Zeroizing;

use crate::digest::Digest;
use crate::field::uniform;
use crate::prss::{ComponentKey, Prss};
use crate::secret_vec::SecretVec;
use crate::sharing::{AccessStructure, Component};

/// Number of bytes of a key.
pub(crate) const KEY_LEN: usize = 32;

/// This node's keys for one set of inputs, and the digests of the keys of all components. `Debug` shows no key.
#[derive(Clone)]
pub struct StoredKeys {
    inputs: Digest,
    /// By component.
    digests: Vec<Digest>,
    /// By held component, ascending. Each has its digest.
    keys: Vec<ComponentKey>,
}

/// The keys in a node's own store, and whether the node has recorded that outputs were released with them.
#[derive(Debug, Clone)]
pub struct OwnKeys {
    /// The keys.
    pub keys: StoredKeys,
    /// Whether the node has recorded a release. Until then nothing was opened with them, so others may take their place.
    pub recorded: bool,
}

/// What errors call the keys and the inputs that they are for, in the words of the program that stores them.
#[derive(Debug, Clone, Copy)]
pub struct KeyNames {
    /// The keys.
    pub keys: &'static str,
    /// The inputs.
    pub inputs: &'static str,
}

impl StoredKeys {
    /// Takes the keys of the held components, in their order; `None` if one of them does not have its digest.
    pub(crate) fn new(held: &[Component], inputs: Digest, digests: Vec<Digest>, keys: Vec<ComponentKey>) -> Option<Self> {
        let fits = |(component, key): (&Component, &ComponentKey)| digests.get(*component) == Some(&key_digest(key, *component));
        let complete = held.len() == keys.len() && held.iter().zip(&keys).all(fits);
        complete.then_some(Self { inputs, digests, keys })
    }

    /// Fresh keys of a session, in the order of the held components: derived from the session's keys under a label of their own.
    pub(crate) fn fresh(prss: &Prss, inputs: &Digest, held: &[Component]) -> Vec<ComponentKey> {
        prss.subkeys(b"tacit/v1 kept key", inputs.as_bytes(), held)
    }

    /// The inputs that the keys are for.
    pub fn inputs(&self) -> Digest {
        self.inputs
    }

    /// The digest of the key of each component.
    pub fn digests(&self) -> &[Digest] {
        &self.digests
    }

    /// The digest of what all participants must have alike: the inputs and the digests of all keys.
    pub fn digest(&self) -> Digest {
        let parts: Vec<&[u8]> = std::iter::once(&self.inputs)
            .chain(&self.digests)
            .map(|d| d.as_bytes().as_slice())
            .collect();
        Digest::of("tacit/v1 kept keys", &parts)
    }

    /// The key of the held component at a position.
    pub(crate) fn key(&self, position: usize) -> &ComponentKey {
        &self.keys[position]
    }

    /// The first `len` words of the stream of the held component at `position` for a purpose. Each purpose has its own stream.
    pub fn words(&self, position: usize, purpose: &str, len: usize) -> Zeroizing<Vec<u64>> {
        let key = self.keys[position].subkey(b"tacit/v1 kept stream", [purpose.as_bytes(), &[]]);
        let mut words = Zeroizing::new(vec![0; len]);
        uniform::words(key.as_bytes(), 0, &mut words);
        words
    }

    /// The inputs, the digests by component and the keys by held component, 32 bytes each. They are secret: a node seals them before
    /// it stores them.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(
            Digest::LEN * (1 + self.digests.len()) + KEY_LEN * self.keys.len(),
        ));
        bytes.extend_from_slice(self.inputs.as_bytes());
        self.digests.iter().for_each(|digest| bytes.extend_from_slice(digest.as_bytes()));
        self.keys.iter().for_each(|key| bytes.extend_from_slice(key.as_bytes()));
        bytes
    }

    /// Reads what [`Self::to_bytes`] wrote at node `me`; `None` if it is anything else.
    pub fn from_bytes(access: &AccessStructure, me: usize, bytes: &[u8]) -> Option<Self> {
        let held = access.held_by(me);
        if bytes.len() != Digest::LEN * (1 + access.components()) + KEY_LEN * held.len() {
            return None;
        }
        let (public, keys) = bytes.split_at(Digest::LEN * (1 + access.components()));
        let mut digests = read_digests(public);
        let inputs = digests.next()?;
        let (keys, _) = keys.as_chunks();
        let keys = keys.iter().map(|key| ComponentKey::new(*key)).collect();
        Self::new(&held, inputs, digests.collect(), keys)
    }
}

/// The digests that stand one after the other.
pub(crate) fn read_digests(bytes: &[u8]) -> impl Iterator<Item = Digest> {
    let (digests, _) = bytes.as_chunks();
    digests.iter().map(|digest| Digest::from_bytes(*digest))
}

/// The digest of a key of a component. It says nothing about the key, which is pseudo-random.
pub(crate) fn key_digest(key: &ComponentKey, component: Component) -> Digest {
    Digest::of("tacit/v1 kept key digest", &[key.as_bytes(), &[component as u8]])
}

/// These keys as bytes, one after the other.
pub(crate) fn concatenated<'k>(keys: impl ExactSizeIterator<Item = &'k ComponentKey>) -> SecretVec<u8> {
    let mut bytes = SecretVec::with_capacity(keys.len() * KEY_LEN);
    keys.for_each(|key| bytes.extend_from_slice(key.as_bytes()));
    bytes
}

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredKeys({})", self.digest())
    }
}

#[cfg(test)]
mod tests;
