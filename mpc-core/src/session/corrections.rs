//! Running digests of the corrections a node received.
//!
//! If `t > 1`, or more than `2t + 1` nodes take part, several holders of a component receive the same correction. They keep
//! a digest of everything each participant sent, and compare the digests in [`Session::settle`](super::Session::settle).

use std::collections::BTreeMap;

use crate::digest::Digest;

/// Running digests of received corrections, by sender.
#[derive(Default)]
pub(super) struct Corrections(BTreeMap<usize, blake3::Hasher>);

impl Corrections {
    /// Adds a correction that was received in round `step`.
    pub(super) fn received(&mut self, from: usize, step: u32, bytes: &[u8]) {
        let hasher = self
            .0
            .entry(from)
            .or_insert_with(|| blake3::Hasher::new_derive_key("tacit/v1 corrections"));
        hasher.update(&step.to_le_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }

    /// The digest of all corrections from `from`; zeros if there were none.
    pub(super) fn digest(&self, from: usize) -> Digest {
        let digest = self.0.get(&from).map(|hasher| *hasher.finalize().as_bytes());
        Digest::from_bytes(digest.unwrap_or([0; Digest::LEN]))
    }
}
