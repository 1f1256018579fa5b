//! The engine: a session runs a program over shared vectors, collects a claim for every product,
//! and gives outputs only through [`Session::verify`], which consumes it.

mod bits;
mod claims;
mod coin;
mod corrections;
mod error;
mod fold_schedule;
mod open;
mod polynomial;
mod product;
mod proof;
mod runs;
mod setup;
#[cfg(test)]
mod tests;
mod verify;

pub use bits::LANES;
pub use claims::{Claimed, Combine};
pub use error::SessionError;
pub use fold_schedule::FoldSchedule;
pub use open::Opening;
pub use product::{Factors, Product};
pub use setup::Setup;
pub use verify::{Openable, Output, Outputs, Recorded, Unrecorded, Verified, VerifiedOutputs};

use crate::digest::Digest;
use crate::field::{Field, decode_vector};
use crate::network::{Expected, Network, Outgoing, Phase, Step, Traffic};
use crate::probe::{Check, Moment, Probe};
use crate::prss::{Address, ClaimedAddress, Owner, Prss};
use crate::sharing::{Party, Shared};
use zeroize::Zeroizing;

/// A computation on shares at one node.
///
/// The same program runs at every participant; each call that communicates is one round.
pub struct Session<N: Network> {
    party: Party,
    id: Digest,
    network: N,
    prss: Prss,
    step: u32,
    phase: Phase,
    claims: claims::Claims,
    schedule: FoldSchedule,
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

    /// Whether this node performs a check: always, but in a test that shows what the check is for.
    pub fn performs(&self, check: Check) -> bool {
        self.network.probe().performs(check)
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
            phase: self.phase,
        };
        self.step += 1;
        step
    }

    /// A peer's vector of elements.
    fn decode<F: Field>(&self, peer: usize, bytes: &[u8], len: usize) -> Result<Vec<F>, SessionError> {
        let elements = decode_vector(bytes, len).or_else(|| self.network.probe().reinterpret(bytes));
        elements.ok_or(SessionError::Malformed {
            phase: self.phase,
            peer,
            what: "field elements",
        })
    }

    /// A random sharing of `len` elements that no `t` nodes know. Free of communication.
    pub(crate) fn random<F: Field>(&mut self, len: usize) -> Result<Shared<F>, SessionError> {
        let step = self.next_step();
        let address = Address {
            step: step.number,
            owner: Owner::Joint,
        };
        let stream = self.prss.claim(address)?;
        let probe = self.network.probe();
        Ok(Shared::generate(&self.party, |position| {
            std::mem::take(&mut *mask(probe, &stream, position, len))
        }))
    }
}

/// `len` elements of the stream of the held component at `position`.
fn mask<F: Field, P: Probe>(probe: &P, stream: &ClaimedAddress<'_>, position: usize, len: usize) -> Zeroizing<Vec<F>> {
    let mut mask = stream.expand(position, len);
    probe.observe(Moment::Masked, &mut mask);
    mask
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
    network.report_traffic(traffic);
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
