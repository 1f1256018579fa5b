//! All earlier messages have arrived everywhere, and those that several nodes received are the same.

use super::error::SessionError;
use super::state::Session;
use crate::digest::Digest;
use crate::network::{Expected, Network, Outgoing};
use crate::probe::Check;

/// First byte of the message that says that a node has received everything.
const SETTLED: u8 = 1;

impl<N: Network> Session<N> {
    /// Waits until every participant has received all messages of earlier rounds, and compares the corrections received so
    /// far with every peer that must have received the same ones. One round: a byte to each peer, and 32 bytes for each
    /// sender whose corrections both receive.
    ///
    /// # Errors
    /// The round failed, or a peer received other corrections: their sender or one of the two receivers deviates.
    pub fn settle(&mut self) -> Result<(), SessionError> {
        if !self.performs(Check::Settled) {
            return Ok(());
        }
        let me = self.party.me();
        // The senders whose corrections this node and the peer both receive.
        let senders = |peer: usize| -> Vec<usize> {
            let both = |sender: &usize| {
                let receivers = self.party.correction_receivers(*sender);
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
