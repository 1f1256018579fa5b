//! Opening shared vectors to all participants.

use super::error::SessionError;
use super::state::Session;
use crate::digest::Digest;
use crate::field::{Field, encode_vector};
use crate::network::{Expected, Network, Outgoing};
use crate::opening::Opening;
use crate::probe::{Check, Moment, Probe};
use crate::sharing::Shared;

impl<N: Network> Session<N> {
    /// Opens linear combinations of inputs that are 0 for every well-formed input, so that the opening reveals nothing else
    /// about such an input. Returns as many elements as `deviations` has. Two rounds: all nodes settle first, so that what is
    /// opened is the same everywhere.
    ///
    /// The caller is responsible for that property. Beside [`to_bits`](crate::circuit::to_bits) this is the only opening that a
    /// program can do before verification. Results go through [`Session::verify`] or
    /// [`Recorded::open`](super::Recorded::open) instead.
    ///
    /// # Errors
    /// A round failed, or two holders of a component sent different values.
    pub fn open_check<F: Field>(&mut self, deviations: &Shared<F>) -> Result<Vec<F>, SessionError> {
        self.settle()?;
        self.open(deviations, Opening::InputCheck)
    }

    /// Opens a shared vector in a test or an example. One round.
    ///
    /// # Errors
    /// As [`Self::open_check`].
    #[cfg(feature = "testing")]
    pub fn open_in_test<F: Field>(&mut self, shared: &Shared<F>) -> Result<Vec<F>, SessionError> {
        self.open(shared, Opening::Test)
    }

    /// Opens a shared vector to every participant, in one round.
    ///
    /// For every component that a node does not hold, one holder sends the values and every other holder sends a digest of
    /// them. The node compares both before it uses the values. At least one holder is honest, so a wrong value is always
    /// found. [`Opening`] lists everything that is opened inside a session; outputs leave through [`Session::verify`].
    pub(crate) fn open<F: Field>(&mut self, shared: &Shared<F>, opening: Opening) -> Result<Vec<F>, SessionError> {
        let len = shared.len();
        let step = self.step;
        let access = self.party.access();
        let tampered = self.tampered(shared);
        let shared = tampered.as_ref().unwrap_or(shared);
        let encoded: Vec<Vec<u8>> = shared.components().iter().map(|values| encode_vector(values)).collect();
        let digests: Vec<Digest> = self
            .party
            .held()
            .iter()
            .zip(&encoded)
            .map(|(component, bytes)| opening_digest(&self.id, step, *component, bytes))
            .collect();

        let mut outgoing = Vec::new();
        for to in self.party.peers() {
            let mut bytes = Vec::new();
            for (position, component) in self.party.held().iter().enumerate() {
                if access.excluded(*component).contains(to) {
                    if self.party.opener(*component, to) == Some(self.party.me()) {
                        bytes.extend_from_slice(&encoded[position]);
                    } else {
                        bytes.extend_from_slice(digests[position].as_bytes());
                    }
                }
            }
            if !bytes.is_empty() {
                outgoing.push(Outgoing { to, bytes });
            }
        }

        // For each peer: the components that it holds and this node does not, and how many bytes it sends for each.
        let me = self.party.me();
        let missing: Vec<_> = (0..access.components()).filter(|c| access.excluded(*c).contains(me)).collect();
        let part = |component, from| {
            if self.party.opener(component, me) == Some(from) {
                len * F::BYTES
            } else {
                Digest::LEN
            }
        };
        let expected: Vec<Expected> = self
            .party
            .peers()
            .map(|from| {
                let held = missing.iter().filter(|c| self.party.holders(**c).contains(from));
                Expected {
                    from,
                    len: held.map(|c| part(*c, from)).sum(),
                }
            })
            .filter(|expected| expected.len > 0)
            .collect();
        let parts: Vec<Vec<(usize, usize)>> = expected
            .iter()
            .map(|Expected { from, .. }| {
                let held = missing.iter().filter(|c| self.party.holders(**c).contains(*from));
                held.map(|c| (*c, part(*c, *from))).collect()
            })
            .collect();
        let received = self.exchange(outgoing, &expected)?;

        // By component: the values that were received, and the digests by which other holders vouch for them.
        let mut values: Vec<Option<(usize, &[u8])>> = vec![None; self.party.access().components()];
        let mut vouchers: Vec<(usize, usize, &[u8])> = Vec::new();
        for ((message, Expected { from, .. }), parts) in received.iter().zip(&expected).zip(&parts) {
            let mut rest = message.as_slice();
            for (component, length) in parts {
                let (bytes, tail) = rest.split_at(*length);
                rest = tail;
                if self.party.opener(*component, me) == Some(*from) {
                    values[*component] = Some((*from, bytes));
                } else {
                    vouchers.push((*component, *from, bytes));
                }
            }
        }

        let mut opened = vec![F::ZERO; len];
        for component in shared.components() {
            opened.iter_mut().zip(component).for_each(|(sum, value)| *sum += *value);
        }
        for component in missing {
            // For a vector without elements nothing is sent, and there is nothing to compare.
            let (opener, bytes) = values[component].unwrap_or((me, &[]));
            let digest = opening_digest(&self.id, step, component, bytes);
            for (_, voucher, claimed) in vouchers.iter().filter(|(c, ..)| *c == component) {
                if digest.as_bytes().as_slice() != *claimed && self.performs(Check::Openings) {
                    let suspects = [opener, *voucher].into_iter().collect();
                    return Err(SessionError::Disagreement {
                        phase: self.phase,
                        what: opening.name(),
                        suspects,
                    });
                }
            }
            let values: Vec<F> = self.decode(opener, bytes, len)?;
            opened.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
        }
        let probe = self.network.probe();
        probe.observe(Moment::Opened { step, opening }, &mut opened);
        Ok(opened)
    }

    /// The components that a node in a test pretends to have; `None` outside tests.
    fn tampered<F: Field>(&self, shared: &Shared<F>) -> Option<Shared<F>> {
        let (probe, step) = (self.network.probe(), self.step);
        N::Probe::ACTIVE.then(|| {
            Shared::generate(&self.party, |position| {
                let mut values = shared.components()[position].clone();
                let component = self.party.held()[position];
                probe.observe(Moment::Sent { step, component }, &mut values);
                values
            })
        })
    }
}

/// The digest by which a holder of a component vouches for its values.
fn opening_digest(session: &Digest, step: u32, component: usize, bytes: &[u8]) -> Digest {
    Digest::of(
        "tacit/v1 opening",
        &[session.as_bytes(), &step.to_le_bytes(), &[component as u8], bytes],
    )
}
