//! All messages so far have arrived everywhere, and those that several nodes received are the same.
//!
//! With t > 1, or more than 2t + 1 participants, a correction goes to several holders of a component.
//! They keep a running digest of what each participant sent and compare.

use std::collections::BTreeMap;

use super::{Session, SessionError};
use crate::digest::Digest;
use crate::network::{Expected, Network, Outgoing};
use crate::probe::Check;

/// First byte of the message that says a node has everything.
const SETTLED: u8 = 1;

/// Running digests of the corrections received, by sender.
#[derive(Default)]
pub(super) struct Corrections(BTreeMap<usize, blake3::Hasher>);

impl Corrections {
    /// Takes note of a correction that was received.
    pub(super) fn received(&mut self, from: usize, step: u32, bytes: &[u8]) {
        let hasher = self
            .0
            .entry(from)
            .or_insert_with(|| blake3::Hasher::new_derive_key("tacit/v1 corrections"));
        hasher.update(&step.to_le_bytes());
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }

    fn digest(&self, from: usize) -> Digest {
        let digest = self.0.get(&from).map(|hasher| *hasher.finalize().as_bytes());
        Digest::from_bytes(digest.unwrap_or([0; Digest::LEN]))
    }
}

impl<N: Network> Session<N> {
    /// Waits until every participant has received all messages of the rounds before, and compares the
    /// corrections received so far with everyone who must have received the same. One round.
    ///
    /// # Errors
    /// Two holders have different corrections: their sender, or one of them, deviates.
    pub fn settle(&mut self) -> Result<(), SessionError> {
        if !self.performs(Check::Settled) {
            return Ok(());
        }
        let me = self.party.me();
        // The senders whose corrections both this node and the peer receive.
        let senders = |peer: usize| -> Vec<usize> {
            let both = |sender: &usize| {
                let component = self.party.correction_component(*sender);
                let receivers = component.map(|c| self.party.holders(c).without(*sender)).unwrap_or_default();
                receivers.contains(me) && receivers.contains(peer)
            };
            self.party.present().iter().filter(both).collect()
        };
        let common: Vec<(usize, Vec<usize>)> = self.party.peers().map(|peer| (peer, senders(peer))).collect();
        let outgoing = common.iter().map(|(to, senders)| {
            let digests = senders.iter().flat_map(|sender| *self.corrections.digest(*sender).as_bytes());
            Outgoing {
                to: *to,
                bytes: std::iter::once(SETTLED).chain(digests).collect(),
            }
        });
        let outgoing = outgoing.collect();
        let expected: Vec<_> = common
            .iter()
            .map(|(from, senders)| Expected {
                from: *from,
                len: 1 + senders.len() * Digest::LEN,
            })
            .collect();
        let received = self.exchange(outgoing, &expected)?;
        for ((peer, senders), message) in common.iter().zip(&received) {
            let digests = message.strip_prefix(&[SETTLED]).ok_or(SessionError::Malformed {
                phase: self.phase,
                peer: *peer,
                what: "a message that it has everything",
            })?;
            for (sender, theirs) in senders.iter().zip(digests.chunks_exact(Digest::LEN)) {
                if self.corrections.digest(*sender).as_bytes() != theirs && self.performs(Check::Corrections) {
                    let suspects = [*sender, *peer].into_iter().collect();
                    return Err(SessionError::Disagreement {
                        phase: self.phase,
                        what: "a correction they both received",
                        suspects,
                    });
                }
            }
        }
        Ok(())
    }
}
