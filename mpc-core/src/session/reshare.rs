//! Resharing: additive shares become a replicated sharing.
//!
//! Every component of a participant's additive share but one is taken from shared randomness, which all holders of the
//! component expand without communication. The difference, the *correction*, goes to the other holders of the remaining
//! component. (For N = 3: Araki, Furukawa, Lindell, Nof, Ohara, "High-throughput semi-honest secure three-party computation
//! with an honest majority", [CCS 2016](https://eprint.iacr.org/2016/768).)

use zeroize::Zeroizing;

use super::error::SessionError;
use super::state::{self, Session};
use crate::field::{Field, encode_vector};
use crate::network::{Expected, Network, Outgoing, Step};
use crate::probe::{Moment, Probe};
use crate::prss::{Address, Owner};
use crate::sharing::Shared;

impl<N: Network> Session<N> {
    /// Turns additive shares, one vector `u_i` at each participant `i`, into a replicated sharing of `Σ_i u_i`. One round,
    /// in which every participant sends its correction, one element for each element of `u_i`, to each other holder of one
    /// component.
    pub(super) fn reshare<F: Field>(&mut self, own: Vec<F>) -> Result<Shared<F>, SessionError> {
        let step = self.next_step();
        let resharing = Resharing::begin(self, step, own)?;
        let received = self.exchange_corrections(step, resharing.correction())?;
        resharing.end(self, step, &received)
    }

    /// Sends a correction to the nodes it is for, and receives one of the same length from each participant that corrects a
    /// component this node holds. Returns the senders with their messages.
    pub(super) fn exchange_corrections(&mut self, step: Step, correction: &[u8]) -> Result<Vec<(usize, Vec<u8>)>, SessionError> {
        if correction.is_empty() {
            return Ok(Vec::new());
        }
        let me = self.party.me();
        let to_them = |to: usize| Outgoing {
            to,
            bytes: correction.to_vec(),
        };
        let outgoing = self.party.correction_receivers(me).iter().map(to_them).collect();
        let senders = self
            .party
            .peers()
            .filter(|peer| self.party.correction_receivers(*peer).contains(me));
        let len = correction.len();
        let expected: Vec<Expected> = senders.map(|from| Expected { from, len }).collect();
        let received = state::exchange(&mut self.network, step, outgoing, &expected, &mut self.traffic)?;
        Ok(expected.iter().map(|expected| expected.from).zip(received).collect())
    }
}

/// A resharing in progress: between the expansion of shared randomness and the arrival of the other nodes' corrections.
pub(super) struct Resharing<F: Field> {
    len: usize,
    /// Each held component, without the corrections of other nodes.
    components: Vec<Zeroizing<Vec<F>>>,
    /// This node's correction, encoded.
    correction: Zeroizing<Vec<u8>>,
}

impl<F: Field> Resharing<F> {
    /// Expands the shared randomness of a step, and computes this node's correction.
    pub(super) fn begin<N: Network>(session: &mut Session<N>, step: Step, own: Vec<F>) -> Result<Self, SessionError> {
        let (len, me) = (own.len(), session.party.me());
        let mut components = vec![Zeroizing::new(vec![F::ZERO; len]); session.party.held().len()];
        let mut correction = Zeroizing::new(own);
        if len == 0 {
            let correction = Zeroizing::new(Vec::new());
            return Ok(Self {
                len,
                components,
                correction,
            });
        }
        session
            .network
            .probe()
            .observe(Moment::Reshared { step: step.number }, &mut correction);
        for node in session.party.present().iter() {
            let claimed = session.prss.claim(Address {
                step: step.number,
                owner: Owner::Node {
                    node: node as u8,
                    field: F::ID,
                },
            })?;
            let corrected = session.party.correction_component(node);
            for (position, component) in session.party.held().iter().enumerate() {
                if Some(*component) == corrected || !session.party.holders(*component).contains(node) {
                    continue;
                }
                let mask = state::mask(session.network.probe(), &claimed, position, len);
                if node == me {
                    F::sub_vector(&mut correction, &mask);
                }
                F::add_vector(&mut components[position], &mask);
            }
        }
        let mine = session
            .party
            .correction_component(me)
            .and_then(|component| session.party.position(component));
        if let Some(position) = mine {
            F::add_vector(&mut components[position], &correction);
        }
        let correction = Zeroizing::new(encode_vector(&correction));
        Ok(Self {
            len,
            components,
            correction,
        })
    }

    /// What this node sends to the other holders of the component it corrects: `len · F::BYTES` bytes.
    pub(super) fn correction(&self) -> &[u8] {
        &self.correction
    }

    /// Adds the corrections that were received.
    pub(super) fn end<N: Network, B: AsRef<[u8]>>(
        mut self,
        session: &mut Session<N>,
        step: Step,
        received: &[(usize, B)],
    ) -> Result<Shared<F>, SessionError> {
        for (from, message) in received {
            let values = Zeroizing::new(session.decode(*from, message.as_ref(), self.len)?);
            session.corrections.received(*from, step.number, message.as_ref());
            let component = session.party.correction_component(*from);
            if let Some(position) = component.and_then(|component| session.party.position(component)) {
                F::add_vector(&mut self.components[position], &values);
            }
        }
        Ok(Shared::generate(&session.party, |position| {
            std::mem::take(&mut *self.components[position])
        }))
    }
}
