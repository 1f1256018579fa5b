//! Inner products on shares, resharing, and the claims they leave.

use zeroize::Zeroizing;

use super::claims::{Claim, Claimed};
use super::cuts::AHEAD;
use super::runs::{Ahead, Evaluator, PIECE, local_product};
use super::{Session, SessionError};
use crate::field::{Field, encode_vector};
use crate::network::{Expected, Network, Outgoing};
use crate::prss::{Address, Owner};
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
                    factors,
                    ahead,
                    z: z.clone(),
                });
                z
            })
            .collect())
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
    pub(super) fn reshare<F: Field>(&mut self, own: Vec<F>) -> Result<Shared<F>, SessionError> {
        let len = own.len();
        let bytes = len * F::BYTES;
        let me = self.party.me();
        let mut components = vec![Zeroizing::new(vec![F::ZERO; len]); self.party.held().len()];

        // What this node contributes.
        let step = self.next_step();
        let mut correction = own;
        #[cfg(test)]
        self.network.deviation().tell(
            &mut correction,
            |products| crate::checks::Told::Products(step.number, products),
            |words| crate::checks::Told::Words(step.number, words),
        );
        let claimed = self.prss.claim(Address {
            step: step.number,
            lane: step.lane,
            owner: Owner::Node(me as u8),
        })?;
        let mine = self.party.correction_component(me);
        for (position, component) in self.party.held().iter().enumerate() {
            if Some(*component) != mine {
                let mask = claimed.expand(position, len);
                correction.iter_mut().zip(mask.iter()).for_each(|(rest, mask)| *rest -= *mask);
                accumulate(&mut components[position], &mask);
            }
        }
        let receivers = mine.map(|component| self.party.holders(component).without(me)).unwrap_or_default();
        let mut outgoing = Vec::new();
        if let Some(position) = mine.and_then(|component| self.party.position(component)) {
            accumulate(&mut components[position], &correction);
        }
        if bytes > 0 {
            outgoing.extend(receivers.iter().map(|to| Outgoing {
                to,
                bytes: encode_vector(&correction),
            }));
        }

        // What the peers contribute: from shared randomness, or from their corrections.
        let mut expected = Vec::new();
        let mut expected_at = Vec::new();
        for peer in self.party.peers() {
            let claimed = self.prss.claim(Address {
                step: step.number,
                lane: step.lane,
                owner: Owner::Node(peer as u8),
            })?;
            let theirs = self.party.correction_component(peer);
            for (position, component) in self.party.held().iter().enumerate() {
                if !self.party.holders(*component).contains(peer) {
                    continue;
                }
                if Some(*component) != theirs {
                    accumulate(&mut components[position], &claimed.expand(position, len));
                } else if bytes > 0 {
                    expected.push(Expected { from: peer, len: bytes });
                    expected_at.push(position);
                }
            }
        }
        let received = super::exchange(&mut self.network, step, outgoing, &expected, &mut self.traffic)?;
        for ((message, Expected { from, .. }), position) in received.iter().zip(&expected).zip(expected_at) {
            let values = self.decode(*from, message, len)?;
            self.corrections.received(*from, step.number, message);
            accumulate(&mut components[position], &values);
        }
        Ok(Shared::generate(&self.party, |position| std::mem::take(&mut *components[position])))
    }
}

fn accumulate<F: Field>(sum: &mut [F], values: &[F]) {
    debug_assert_eq!(sum.len(), values.len());
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
}
