//! The engine: a session runs a program over shared vectors, collects a claim for every product,
//! and gives outputs only through [`Session::verify`], which consumes it.

mod bits;
mod claims;
pub(crate) mod coin;
mod corrections;
mod cuts;
mod error;
mod open;
mod polynomial;
mod product;
mod proof;
mod runs;
mod setup;
#[cfg(test)]
pub(crate) mod testkit;
#[cfg(test)]
mod tests;
mod verify;

pub(crate) use bits::LANES;
pub use claims::{Claimed, Combine};
#[cfg(test)]
pub use cuts::Cuts;
#[cfg(not(test))]
use cuts::Cuts;
pub use error::SessionError;
pub use product::{Factors, Product};
pub use setup::Setup;
pub use verify::{Outputs, Recorded, Unrecorded, Verified, VerifiedOutputs};

use crate::checks::{Check, made};
use crate::digest::Digest;
use crate::field::{Field, decode_vector};
#[cfg(test)]
use crate::field::{Fp61, encode_vector};
use crate::network::{Expected, Network, Outgoing, Phase, Step};
use crate::prss::Prss;
use crate::sharing::{Party, Shared};

/// What a session sent and received so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Calls of the network.
    pub rounds: u64,
    /// Bytes of messages sent, without transport overhead.
    pub sent: u64,
    /// Bytes of messages received.
    pub received: u64,
    /// Terms of inner products computed on shares.
    pub products: u64,
    /// Of those, the ones whose claims were verified.
    pub verified: u64,
}

/// A computation on shares at one node.
///
/// The same program runs at every participant; each call that communicates is one round.
pub struct Session<N: Network> {
    party: Party,
    id: Digest,
    network: N,
    prss: Prss,
    lane: u16,
    step: u32,
    phase: Phase,
    claims: claims::Claims,
    cuts: Cuts,
    corrections: corrections::Corrections,
    traffic: Traffic,
}

impl<N: Network> Session<N> {
    /// This node's view of the computation.
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// The session id: a digest of everything the participants agreed on.
    pub fn id(&self) -> Digest {
        self.id
    }

    /// What was sent and received so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Whether this node makes a check.
    pub(crate) fn makes(&self, check: Check) -> bool {
        made(&self.network, check)
    }

    /// The phase that the following rounds belong to.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// One round.
    fn exchange(&mut self, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, SessionError> {
        let step = self.next_step();
        exchange(&mut self.network, step, outgoing, expected, &mut self.traffic)
    }

    fn next_step(&mut self) -> Step {
        let step = Step {
            number: self.step,
            lane: self.lane,
            phase: self.phase,
        };
        self.step += 1;
        step
    }

    /// A peer's vector of elements.
    fn decode<F: Field>(&self, peer: usize, bytes: &[u8], len: usize) -> Result<Vec<F>, SessionError> {
        #[cfg(test)]
        if !self.makes(Check::Canonical) && std::any::TypeId::of::<F>() == std::any::TypeId::of::<Fp61>() {
            let reduced: Vec<Fp61> = bytes
                .chunks_exact(8)
                .map(|word| word.try_into().map(|word| Fp61::reduce(u64::from_le_bytes(word))).unwrap())
                .collect();
            return Ok(decode_vector(&encode_vector(&reduced), len).unwrap());
        }
        decode_vector(bytes, len).ok_or(SessionError::Malformed {
            phase: self.phase,
            peer,
            what: "field elements",
        })
    }

    /// A random sharing of `len` elements that no `t` nodes know; free of communication.
    pub(crate) fn random<F: Field>(&mut self, len: usize) -> Result<Shared<F>, SessionError> {
        let step = self.next_step();
        Ok(self.prss.random_shared(&self.party, step.number, step.lane, len)?)
    }
}

/// One round with its counting; rounds without messages are not put on the network.
fn exchange<N: Network>(
    network: &mut N,
    step: Step,
    outgoing: Vec<Outgoing>,
    expected: &[Expected],
    traffic: &mut Traffic,
) -> Result<Vec<Vec<u8>>, SessionError> {
    if outgoing.is_empty() && expected.is_empty() {
        return Ok(Vec::new());
    }
    network.hear(traffic);
    traffic.rounds += 1;
    traffic.sent += outgoing.iter().map(|message| message.bytes.len() as u64).sum::<u64>();
    let received = network
        .exchange(step, outgoing, expected)
        .map_err(|source| SessionError::Network { phase: step.phase, source })?;
    // The trait promises count and lengths; a network that breaks it must not reach the decoders.
    let kept = received.len() == expected.len() && received.iter().zip(expected).all(|(bytes, e)| bytes.len() == e.len);
    assert!(kept, "the network returned other messages than it was asked for");
    traffic.received += received.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
    Ok(received)
}
