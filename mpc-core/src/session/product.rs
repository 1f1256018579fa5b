//! Inner products on shares, resharing, and the claims they leave.

use std::ops::Bound::{Excluded, Included, Unbounded};

use zeroize::Zeroizing;

use super::claims::{Claim, Claimed, Combine, Of};
use super::cuts::AHEAD;
use super::runs::{Ahead, Evaluator, PIECE, local_product};
use super::{Session, SessionError};
use crate::field::{Field, Fp61, Gf64, encode_vector};
use crate::network::{Expected, Network, Outgoing, Step};
use crate::prss::Address;
use crate::sharing::Shared;

/// Two shared vectors of equal length, cut into segments: one inner product for each segment.
#[derive(Debug, Clone)]
pub struct Factors<F: Field> {
    /// The left factor.
    pub x: Shared<F>,
    /// The right factor, of the same length.
    pub y: Shared<F>,
    /// Where each segment ends, ascending, the last one at the vectors' length. A segment may be
    /// empty: its inner product is 0.
    pub ends: Vec<usize>,
}

impl<N: Network> Session<N> {
    /// The inner products of every segment of every pair of factors, in **one round** whose
    /// communication is one element for each segment, whatever its length.
    ///
    /// Every product leaves a claim that [`Session::verify`] checks. (Araki et al., CCS 2016, for
    /// N = 3; the pairs and corrections of [`crate::sharing::Party`] make it general.)
    pub fn inner_products<F: Claimed>(&mut self, batch: Vec<Factors<F>>) -> Result<Vec<Shared<F>>, SessionError> {
        // A vector that grows would leave copies behind.
        let mut sums = Vec::with_capacity(batch.iter().map(|factors| factors.ends.len()).sum());
        let mut ahead = Vec::new();
        for factors in &batch {
            assert_eq!(factors.x.len(), factors.y.len(), "factors of an inner product have one length");
            assert_eq!(
                factors.ends.last().copied().unwrap_or(0),
                factors.x.len(),
                "the segments cover the factors"
            );
            self.traffic.products += factors.x.len() as u64;
            ahead.push(self.local_products(factors, &mut sums));
        }
        let reshared = self.reshare(sums)?;
        let mut start = 0;
        Ok(batch
            .into_iter()
            .zip(ahead)
            .map(|(factors, ahead)| {
                let z = reshared.slice(start..start + factors.ends.len());
                start += factors.ends.len();
                F::claims(&mut self.claims).push(Claim {
                    of: Of::Segments(factors, ahead),
                    z: z.clone(),
                });
                z
            })
            .collect())
    }

    /// Products that the caller has worked out: `own[j]` is this node's part of the j-th, the sum of what
    /// [`Party::products_with`] says it is responsible for. In **one round**, at one element for each.
    ///
    /// They leave one claim: to check it, `combine` makes two shared vectors of public random weights `w`, linear in
    /// what was multiplied, with `Σ_j w_j z_j = <x, y>`. Where products share factors these are shorter than all
    /// factors one after the other. If they are anything else, the check fails. `terms` is how many terms were
    /// multiplied.
    pub(crate) fn products<F: Claimed>(&mut self, own: Vec<F>, terms: u64, combine: Combine<F>) -> Result<Shared<F>, SessionError> {
        self.traffic.products += terms;
        let z = self.reshare(own)?;
        let of = Of::Sum(combine);
        F::claims(&mut self.claims).push(Claim { of, z: z.clone() });
        Ok(z)
    }

    /// Appends, for every segment, the sum of the products this node is responsible for. Returns what the
    /// check will ask of the long ones.
    fn local_products<F: Field>(&self, Factors { x, y, ends }: &Factors<F>, sums: &mut Vec<F>) -> Vec<Ahead<F>> {
        let mut evaluator = self.cuts.is_ahead(x.len()).then(|| Evaluator::new(&self.party, AHEAD));
        let mut room = Zeroizing::new(vec![F::ZERO; PIECE]);
        let (mut start, mut all_ahead) = (0, Vec::new());
        for end in ends {
            let segment = start..*end;
            start = *end;
            if let Some(evaluator) = evaluator.as_mut().filter(|_| self.cuts.is_long(&segment)) {
                let mut ahead = Ahead::new([F::ZERO; 2 * AHEAD - 1]);
                evaluator.add(&self.party, (x, y), &segment, false, &mut *ahead);
                sums.push(ahead[..AHEAD].iter().fold(F::ZERO, |sum, value| sum + *value));
                all_ahead.push(ahead);
                continue;
            }
            let mut total = F::ZERO;
            for at in segment.clone().step_by(PIECE) {
                let piece = at..(at + PIECE).min(segment.end);
                let (x, y) = (
                    |c: usize| &x.components()[c][piece.clone()],
                    |c: usize| &y.components()[c][piece.clone()],
                );
                total += local_product(&self.party, x, y, &mut room[..piece.len()]);
            }
            sums.push(total);
        }
        all_ahead
    }

    /// Turns additive shares `u_i`, one vector for each participant, into a replicated sharing of
    /// their sum: all components of `u_i` but one come from shared randomness, the correction goes
    /// to the other holders of that one.
    pub(super) fn reshare<F: Claimed>(&mut self, own: Vec<F>) -> Result<Shared<F>, SessionError> {
        let step = self.next_step();
        let resharing = Resharing::begin(self, step, own)?;
        let received = self.exchange_corrections(step, &resharing.correction)?;
        resharing.end(self, step, &received)
    }

    /// The same for both fields, in one round.
    pub(super) fn reshare_both(&mut self, numbers: Vec<Fp61>, words: Vec<Gf64>) -> Result<(Shared<Fp61>, Shared<Gf64>), SessionError> {
        let step = self.next_step();
        let numbers = Resharing::begin(self, step, numbers)?;
        let words = Resharing::begin(self, step, words)?;
        let at = numbers.correction.len();
        let both = Zeroizing::new([numbers.correction.as_slice(), &words.correction].concat());
        let received = self.exchange_corrections(step, &both)?;
        let part = |range: fn(usize) -> (std::ops::Bound<usize>, std::ops::Bound<usize>)| -> Vec<(usize, &[u8])> {
            received.iter().map(|(from, bytes)| (*from, &bytes[range(at)])).collect()
        };
        let numbers = numbers.end(self, step, &part(|at| (Unbounded, Excluded(at))))?;
        let words = words.end(self, step, &part(|at| (Included(at), Unbounded)))?;
        Ok((numbers, words))
    }

    /// Sends a correction to whom it belongs, and receives one as long from whom this node gets them.
    fn exchange_corrections(&mut self, step: Step, correction: &[u8]) -> Result<Vec<(usize, Vec<u8>)>, SessionError> {
        if correction.is_empty() {
            return Ok(Vec::new());
        }
        let me = self.party.me();
        let receivers = |sender: usize| {
            let component = self.party.correction_component(sender);
            component.map(|c| self.party.holders(c).without(sender)).unwrap_or_default()
        };
        let to_them = |to: usize| Outgoing {
            to,
            bytes: correction.to_vec(),
        };
        let outgoing = receivers(me).iter().map(to_them).collect();
        let senders = self.party.peers().filter(|peer| receivers(*peer).contains(me));
        let len = correction.len();
        let expected: Vec<Expected> = senders.map(|from| Expected { from, len }).collect();
        let received = super::exchange(&mut self.network, step, outgoing, &expected, &mut self.traffic)?;
        Ok(expected.iter().map(|expected| expected.from).zip(received).collect())
    }
}

/// Additive shares on their way to a replicated sharing.
struct Resharing<F: Field> {
    len: usize,
    /// What is there of each component before the corrections of others.
    components: Vec<Zeroizing<Vec<F>>>,
    /// What this node sends, encoded.
    correction: Zeroizing<Vec<u8>>,
}

impl<F: Claimed> Resharing<F> {
    fn begin<N: Network>(session: &mut Session<N>, step: Step, own: Vec<F>) -> Result<Self, SessionError> {
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
        #[cfg(test)]
        session.network.deviation().tell(
            &mut correction,
            |products| crate::checks::Told::Products(step.number, products),
            |words| crate::checks::Told::Words(step.number, words),
        );
        for node in session.party.present().iter() {
            let claimed = session.prss.claim(Address {
                step: step.number,
                lane: step.lane,
                owner: F::owner(node as u8),
            })?;
            let corrected = session.party.correction_component(node);
            for (position, component) in session.party.held().iter().enumerate() {
                if Some(*component) == corrected || !session.party.holders(*component).contains(node) {
                    continue;
                }
                let mask = claimed.expand(position, len);
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

    /// Adds the corrections of others.
    fn end<N: Network, B: AsRef<[u8]>>(
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
