//! Inner products on shares, resharing, and the claims they leave.

use std::ops::Range;

use zeroize::Zeroizing;

use super::claims::{Claim, Claimed, Combine, Of};
use super::fold_schedule::AHEAD;
use super::runs::{Ahead, Evaluator, PIECE, local_product};
use super::{Session, SessionError};
use crate::field::{Field, Fp61, Gf64, encode_vector};
use crate::network::{Expected, Network, Outgoing, Step};
use crate::probe::{Moment, Probe};
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

impl<F: Field> Factors<F> {
    /// One product for each pair of elements of two vectors of equal length.
    pub fn elementwise(x: Shared<F>, y: Shared<F>) -> Self {
        let ends = (1..=x.len()).collect();
        Self { x, y, ends }
    }
}

/// What is multiplied.
pub enum Product<F: Field> {
    /// An inner product for each segment.
    Segments(Factors<F>),
    /// Products that share factors, worked out by whoever knows how.
    Worked {
        /// This node's part of each product: the sum of what [`Party::products_with`](crate::sharing::Party::products_with)
        /// says it is responsible for.
        own: Zeroizing<Vec<F>>,
        /// How many terms were multiplied.
        terms: u64,
        /// Makes two shared vectors of any public weights `w`, linear in what was multiplied, with
        /// `Σ_j w_j z_j = <x, y>`. The products leave one claim about these, shorter than one about all factors.
        /// If they are anything else, the check fails.
        combine: Combine<F>,
    },
}

impl<N: Network> Session<N> {
    /// The inner products of every segment of every pair of factors: see [`Self::products`].
    pub fn inner_products<F: Claimed>(&mut self, batch: Vec<Factors<F>>) -> Result<Vec<Shared<F>>, SessionError> {
        self.products(batch.into_iter().map(Product::Segments).collect())
    }

    /// A batch of products, in **one round** whose communication is one element for each value, however many terms
    /// it has.
    ///
    /// Every product leaves a claim that [`Session::verify`] checks. (Araki et al., CCS 2016, for
    /// N = 3; the pairs and corrections of [`crate::sharing::Party`] make it general.)
    pub fn products<F: Claimed>(&mut self, batch: Vec<Product<F>>) -> Result<Vec<Shared<F>>, SessionError> {
        let values = |product: &Product<F>| match product {
            Product::Segments(factors) => factors.ends.len(),
            Product::Worked { own, .. } => own.len(),
        };
        // A vector that grows would leave copies behind.
        let mut sums = Vec::with_capacity(batch.iter().map(values).sum());
        let mut claimed = Vec::with_capacity(batch.len());
        for product in batch {
            let start = sums.len();
            let of = match product {
                Product::Segments(factors) => {
                    assert_eq!(factors.x.len(), factors.y.len(), "factors of an inner product have one length");
                    assert_eq!(
                        factors.ends.last().copied().unwrap_or(0),
                        factors.x.len(),
                        "the segments cover the factors"
                    );
                    self.traffic.products += factors.x.len() as u64;
                    let ahead = self.local_products(&factors, &mut sums);
                    Of::Segments(factors, ahead)
                }
                Product::Worked { own, terms, combine } => {
                    self.traffic.products += terms;
                    sums.extend_from_slice(&own);
                    Of::Sum(combine)
                }
            };
            claimed.push((of, start..sums.len()));
        }
        let reshared = self.reshare(sums)?;
        let claim = |(of, range): (Of<F>, Range<usize>)| {
            let z = reshared.slice(range);
            F::claims(&mut self.claims).push(Claim { of, z: z.clone() });
            z
        };
        Ok(claimed.into_iter().map(claim).collect())
    }

    /// Appends, for every segment, the sum of the products this node is responsible for. Returns what the
    /// check will ask of the long ones.
    fn local_products<F: Field>(&self, Factors { x, y, ends }: &Factors<F>, sums: &mut Vec<F>) -> Vec<Ahead<F>> {
        let mut evaluator = self.schedule.is_ahead(x.len()).then(|| Evaluator::new(&self.party, AHEAD));
        let mut room = Zeroizing::new(vec![F::ZERO; PIECE]);
        let (mut start, mut all_ahead) = (0, Vec::new());
        for end in ends {
            let segment = start..*end;
            start = *end;
            if let Some(evaluator) = evaluator.as_mut().filter(|_| self.schedule.is_long(&segment)) {
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
        let parts = received.iter().map(|(from, bytes)| {
            let (numbers, words) = bytes.split_at(at);
            ((*from, numbers), (*from, words))
        });
        let (of_numbers, of_words): (Vec<_>, Vec<_>) = parts.unzip();
        let numbers = numbers.end(self, step, &of_numbers)?;
        let words = words.end(self, step, &of_words)?;
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
        session
            .network
            .probe()
            .observe(Moment::Reshared { step: step.number }, &mut correction);
        for node in session.party.present().iter() {
            let claimed = session.prss.claim(Address {
                step: step.number,
                owner: F::owner(node as u8),
            })?;
            let corrected = session.party.correction_component(node);
            for (position, component) in session.party.held().iter().enumerate() {
                if Some(*component) == corrected || !session.party.holders(*component).contains(node) {
                    continue;
                }
                let mask = super::mask(session.network.probe(), &claimed, position, len);
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
