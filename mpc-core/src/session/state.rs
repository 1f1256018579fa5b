//! The state of a session, its rounds, and the shared randomness it draws.

use zeroize::Zeroizing;

use super::claims::Claims;
use super::corrections::Corrections;
use super::error::SessionError;
use crate::digest::Digest;
use crate::field::{Field, decode_vector};
use crate::fold_schedule::FoldSchedule;
use crate::network::{Expected, Network, Outgoing, Phase, Step, Traffic};
use crate::probe::{Check, Moment, Probe};
use crate::prss::{Address, ClaimedAddress, Owner, Prss};
use crate::sharing::{Party, Shared};

/// A computation on shares at one node.
///
/// Every participant runs the same program on its own session. A method that communicates says how many rounds it takes;
/// all other methods are local.
pub struct Session<N: Network> {
    pub(super) party: Party,
    pub(super) id: Digest,
    pub(super) network: N,
    pub(super) prss: Prss,
    pub(super) step: u32,
    pub(super) phase: Phase,
    pub(super) claims: Claims,
    pub(super) schedule: FoldSchedule,
    pub(super) corrections: Corrections,
    pub(super) traffic: Traffic,
}

impl<N: Network> Session<N> {
    /// This node's view of the computation: who takes part, and which components it holds.
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// The session id: the digest of everything the participants agreed on, as given to
    /// [`Setup::into_session`](super::Setup::into_session).
    pub fn id(&self) -> Digest {
        self.id
    }

    /// Rounds, bytes and products so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Whether this node performs a check. Always true, except in a test that shows which attack the check prevents.
    pub fn performs(&self, check: Check) -> bool {
        self.network.probe().performs(check)
    }

    /// The phase that errors and metrics name.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Sets the phase that errors and metrics name for the rounds from here on.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// Runs one round. Returns the messages in the order of `expected`.
    pub(super) fn exchange(&mut self, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, SessionError> {
        let step = self.next_step();
        exchange(&mut self.network, step, outgoing, expected, &mut self.traffic)
    }

    /// Takes the next step number.
    pub(super) fn next_step(&mut self) -> Step {
        let step = Step {
            number: self.step,
            phase: self.phase,
        };
        self.step += 1;
        step
    }

    /// Decodes `len` elements that `peer` sent.
    pub(super) fn decode<F: Field>(&self, peer: usize, bytes: &[u8], len: usize) -> Result<Vec<F>, SessionError> {
        let elements = decode_vector(bytes, len).or_else(|| self.network.probe().reinterpret(bytes));
        elements.ok_or(SessionError::Malformed {
            phase: self.phase,
            peer,
            what: "field elements",
        })
    }

    /// A sharing of `len` uniformly random elements that no `t` nodes know. No communication.
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

/// The first `len` elements of the stream of the held component at `position`.
pub(super) fn mask<F: Field, P: Probe>(probe: &P, stream: &ClaimedAddress<'_>, position: usize, len: usize) -> Zeroizing<Vec<F>> {
    let mut mask = stream.expand(position, len);
    probe.observe(Moment::Masked, &mut mask);
    mask
}

/// Runs one round and counts its bytes. Without messages to send or to receive there is no round.
pub(super) fn exchange<N: Network>(
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
    // `Network` promises number and lengths of messages. An implementation that breaks the promise must not reach the decoders.
    let kept = received.len() == expected.len() && received.iter().zip(expected).all(|(bytes, e)| bytes.len() == e.len);
    assert!(kept, "the network returned other messages than it was asked for");
    traffic.received += received.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
    Ok(received)
}
