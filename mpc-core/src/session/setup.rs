//! The rounds before a session: the participants compare what they are about to compute, then make fresh keys.

use std::fmt;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::claims::Claims;
use super::corrections::Corrections;
use super::error::SessionError;
use super::state::{Session, exchange};
use crate::digest::Digest;
use crate::network::{Expected, Network, Outgoing, Phase, Step, Traffic};
use crate::probe::{Check, Probe};
use crate::prss::{ComponentKey, Prss};
use crate::secret_vec::SecretVec;
use crate::sharing::Party;

/// Number of random bytes that each holder contributes to the key of a component.
const CONTRIBUTION: usize = 32;

/// A node before its session: it compares public values with its peers, then makes the keys of the session.
pub struct Setup<N: Network> {
    party: Party,
    network: N,
    step: u32,
    /// The phase in which the participants last exchanged something that the session id covers.
    agreed_in: Phase,
    traffic: Traffic,
}

impl<N: Network> fmt::Debug for Setup<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Setup(step {})", self.step)
    }
}

impl<N: Network> Setup<N> {
    /// Starts at round 0.
    pub fn new(party: Party, network: N) -> Self {
        Self {
            party,
            network,
            step: 0,
            agreed_in: Phase::KEYS,
            traffic: Traffic::default(),
        }
    }

    /// Whether this node performs a check: always, except where a test shows what the check prevents.
    pub fn performs(&self, check: Check) -> bool {
        self.network.probe().performs(check)
    }

    /// Compares bytes that must be the same at every participant. One round, in which each node sends `bytes` to every peer.
    ///
    /// # Errors
    /// A participant has other bytes. The error names them by `what`, and suspects this node and the participant; whoever gave
    /// them the bytes may be the one that deviates.
    pub fn agree(&mut self, phase: Phase, what: &'static str, bytes: &[u8]) -> Result<(), SessionError> {
        for (peer, theirs) in self.broadcast(phase, bytes.to_vec(), bytes.len())? {
            if theirs != bytes && self.network.probe().performs(Check::Agreed) {
                return Err(SessionError::Disagreement {
                    phase,
                    what,
                    suspects: [self.party.me(), peer].into_iter().collect(),
                });
            }
        }
        Ok(())
    }

    /// Makes the keys of the session and starts it. Every holder of a component contributes 32 random bytes. The key of the
    /// component is derived by HKDF-SHA256 ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)) from all contributions in node
    /// order, with the session id as info, and holders compare a digest of it. Two rounds.
    ///
    /// `id` must be a digest of everything the participants agreed on. Keys are fresh even if the same computation is run
    /// again, so no two computations ever share a mask.
    ///
    /// # Errors
    /// A participant has another session id, because it agreed to something else, or another key, because somebody sent
    /// different contributions to two holders.
    pub fn into_session<R: CryptoRng + ?Sized>(mut self, id: Digest, rng: &mut R) -> Result<Session<N>, SessionError> {
        let held = self.party.held().to_vec();
        let me = self.party.me();
        let mut own = Zeroizing::new(vec![0; held.len() * CONTRIBUTION]);
        rng.fill_bytes(&mut own);
        let contribution = |position: usize| &own[position * CONTRIBUTION..(position + 1) * CONTRIBUTION];

        // Each peer with the positions of the components that it and this node both hold.
        let common = |peer| {
            (0..held.len())
                .filter(|position| self.party.holders(held[*position]).contains(peer))
                .collect()
        };
        let peers: Vec<(usize, Vec<usize>)> = self.party.peers().map(|peer| (peer, common(peer))).collect();
        let messages = peers.iter().map(|(peer, positions)| {
            let bytes = positions.iter().flat_map(|position| contribution(*position)).copied().collect();
            Outgoing { to: *peer, bytes }
        });
        let messages: Vec<_> = messages.filter(|message| !message.bytes.is_empty()).collect();
        let expected: Vec<_> = peers
            .iter()
            .map(|(peer, positions)| Expected {
                from: *peer,
                len: positions.len() * CONTRIBUTION,
            })
            .filter(|expected| expected.len > 0)
            .collect();
        let mut received = self.exchange(Phase::KEYS, messages, &expected)?;

        // Every contribution of every holder, in node order.
        let keys: Vec<ComponentKey> = held
            .iter()
            .enumerate()
            .map(|(position, component)| {
                let mut material = SecretVec::with_capacity(self.party.present().len() * CONTRIBUTION);
                for holder in self.party.holders(*component).iter() {
                    if holder == me {
                        material.extend_from_slice(contribution(position));
                    } else if let Some((at, positions)) = expected
                        .iter()
                        .position(|e| e.from == holder)
                        .zip(peers.iter().find(|(peer, _)| *peer == holder).map(|(_, positions)| positions))
                        && let Some(index) = positions.iter().position(|p| *p == position)
                    {
                        material.extend_from_slice(&received[at][index * CONTRIBUTION..(index + 1) * CONTRIBUTION]);
                    }
                }
                ComponentKey::derive(&material, &id, *component)
            })
            .collect();
        received.iter_mut().for_each(zeroize::Zeroize::zeroize);

        self.confirm(&id, &held, &keys, &peers)?;
        let schedule = self.network.probe().fold_schedule();
        Ok(Session {
            party: self.party,
            id,
            network: self.network,
            prss: Prss::new(keys),
            step: self.step,
            phase: Phase::COMPUTE,
            claims: Claims::default(),
            schedule,
            corrections: Corrections::default(),
            traffic: self.traffic,
        })
    }

    /// Compares the session id with every peer, and a digest of each key that both hold.
    fn confirm(&mut self, id: &Digest, held: &[usize], keys: &[ComponentKey], peers: &[(usize, Vec<usize>)]) -> Result<(), SessionError> {
        let message = |positions: &[usize]| {
            let mut bytes = id.as_bytes().to_vec();
            for position in positions {
                let digest = Digest::of("tacit/v1 key confirmation", &[keys[*position].as_bytes(), &[held[*position] as u8]]);
                bytes.extend_from_slice(digest.as_bytes());
            }
            bytes
        };
        let messages: Vec<Vec<u8>> = peers.iter().map(|(_, positions)| message(positions)).collect();
        let outgoing = peers
            .iter()
            .zip(&messages)
            .map(|((to, _), bytes)| Outgoing {
                to: *to,
                bytes: bytes.clone(),
            })
            .collect();
        let expected: Vec<_> = peers
            .iter()
            .zip(&messages)
            .map(|((from, _), bytes)| Expected {
                from: *from,
                len: bytes.len(),
            })
            .collect();
        let received = self.exchange(Phase::KEYS, outgoing, &expected)?;
        for (((_, positions), mine), theirs) in peers.iter().zip(&messages).zip(&received) {
            if mine[..Digest::LEN] != theirs[..Digest::LEN] && self.network.probe().performs(Check::Session) {
                return Err(SessionError::Disagreement {
                    phase: self.agreed_in,
                    what: "what the participants agreed on",
                    // Whoever told the two different things may be one of them, another participant, or none.
                    suspects: self.party.present(),
                });
            }
            if mine[Digest::LEN..] != theirs[Digest::LEN..] && self.network.probe().performs(Check::Keys) {
                // Another holder may have sent different contributions to the two.
                let pairs = mine.chunks(Digest::LEN).zip(theirs.chunks(Digest::LEN)).skip(1).zip(positions);
                let differing = pairs.filter(|((mine, theirs), _)| mine != theirs);
                let suspects = differing
                    .flat_map(|(_, position)| self.party.holders(held[*position]).iter())
                    .collect();
                return Err(SessionError::Disagreement {
                    phase: Phase::KEYS,
                    what: "a key of shared randomness",
                    suspects,
                });
            }
        }
        Ok(())
    }

    /// Sends the same message to every peer and receives a message of `len` bytes from each. Returns the peers in ascending
    /// order with their messages. One round; none if `len` is 0.
    ///
    /// # Errors
    /// The round failed: a peer is silent or gone, or its message has another length.
    pub fn broadcast(&mut self, phase: Phase, bytes: Vec<u8>, len: usize) -> Result<Vec<(usize, Vec<u8>)>, SessionError> {
        self.agreed_in = phase;
        if len == 0 {
            return Ok(Vec::new());
        }
        let outgoing = self.party.peers().map(|to| Outgoing { to, bytes: bytes.clone() }).collect();
        let expected: Vec<_> = self.party.peers().map(|from| Expected { from, len }).collect();
        let received = self.exchange(phase, outgoing, &expected)?;
        Ok(expected.iter().map(|e| e.from).zip(received).collect())
    }

    fn exchange(&mut self, phase: Phase, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, SessionError> {
        let step = Step { number: self.step, phase };
        self.step += 1;
        exchange(&mut self.network, step, outgoing, expected, &mut self.traffic)
    }
}
