//! One field's part of the check of all products, without its messages.
//!
//! All claims are weighed into one. While it is long it is cut into k blocks, which are read as the values at
//! 1..k of polynomials f, g of degree k-1; once `h = <f, g>` is fixed, the claim goes on as
//! `h(r) = <f(r), g(r)>` at a random point r. What is left is checked in the open.
//! (Boneh et al., CRYPTO 2019; Goyal, Song, eprint 2020/134.)

use super::claims::Claim;
use super::coin::{Decides, point_outside, stream};
use super::polynomial::{lagrange, points};
use super::runs::{Weighed, merged};
use super::{Session, SessionError};
use crate::field::Field;
use crate::network::Network;
use crate::sharing::Shared;

/// Where the check of a field's claims stands. Coins and answers take turns until it is ready.
pub(super) struct Proof<F: Field>(State<F>);

enum State<F: Field> {
    /// Claims that wait for their weights.
    Claims(Vec<Claim<F>>),
    /// A weighed claim, its value, and what it was cut into.
    Cut(Vec<Weighed<F>>, Shared<F>, Cut),
    /// The same, and the shared values `h(1) … h(2k-1)`: waits for a point.
    Fixed(Vec<Weighed<F>>, Shared<F>, Cut),
    /// `f(r)`, `g(r)` and `h(r)`, to be opened; nothing if there were no claims.
    Ready(Option<Shared<F>>),
}

#[derive(Clone, Copy)]
struct Cut {
    k: usize,
    /// Whether this is the last one: every element a block, behind a random pair.
    last: bool,
}

impl<F: Field> Proof<F> {
    pub(super) fn of(claims: Vec<Claim<F>>) -> Self {
        let claims: Vec<Claim<F>> = claims.into_iter().filter(|claim| claim.len() > 0).collect();
        Self(if claims.is_empty() {
            State::Ready(None)
        } else {
            State::Claims(claims)
        })
    }

    /// One more claim, before the others have been weighed.
    pub(super) fn add(&mut self, claim: Claim<F>) {
        match &mut self.0 {
            State::Claims(claims) => claims.push(claim),
            state => *state = State::Claims(vec![claim]),
        }
    }

    /// Whether all that is left is to open [`Self::ends`].
    pub(super) fn is_ready(&self) -> bool {
        matches!(self.0, State::Ready(_))
    }

    /// Goes on by a coin that was drawn after the last answer. Returns what this node has to reshare: its part of
    /// `h(1) … h(2k-1)` but for one.
    pub(super) fn challenge<N: Network>(&mut self, session: &mut Session<N>, coin: &[u8; 32]) -> Result<Vec<F>, SessionError> {
        let (claims, z) = match std::mem::replace(&mut self.0, State::Ready(None)) {
            State::Claims(claims) => weigh(session, claims, coin),
            State::Fixed(mut claims, h, Cut { k, last }) => {
                let r = point_outside(coin, 2 * k as u64);
                let (at_blocks, at_products) = (lagrange(&points(k), r), lagrange(&points(2 * k - 1), r));
                if last {
                    self.0 = State::Ready(Some(ends(claims, &at_blocks, value_at(&h, &at_products))));
                    return Ok(Vec::new());
                }
                claims.iter_mut().for_each(|claim| claim.fold(&at_blocks));
                (merged(claims, session.schedule.small), value_at(&h, &at_products))
            }
            state @ (State::Ready(_) | State::Cut(..)) => {
                self.0 = state;
                return Ok(Vec::new());
            }
        };
        let len = claims.iter().map(Weighed::len).sum();
        let (claims, cut) = if len > session.schedule.short {
            let k = session.schedule.blocks(len);
            (claims, Cut { k, last: false })
        } else {
            let last = behind_a_pair(session, claims)?;
            let k = last.len();
            (vec![last], Cut { k, last: true })
        };
        let own = session.local_values(&claims, cut.k);
        self.0 = State::Cut(claims, z, cut);
        Ok(own)
    }

    /// Takes the shared values of h that were asked for. All are computed but `h(k)`: that is what is left of z, so
    /// that a false claim makes a false h. The random pair's block is not the claim's.
    pub(super) fn answer(&mut self, computed: &Shared<F>) {
        self.0 = match std::mem::replace(&mut self.0, State::Ready(None)) {
            State::Cut(claims, z, cut) => {
                let masks = usize::from(cut.last);
                let rest = computed.linear(|values, out| {
                    out.push(values[masks..cut.k - 1].iter().fold(F::ZERO, |sum, value| sum + *value));
                });
                let mut h = computed.slice(0..cut.k - 1);
                h.append(&z.sub(&rest));
                h.append(&computed.slice(cut.k - 1..computed.len()));
                State::Fixed(claims, h, cut)
            }
            state => state,
        };
    }

    /// What is to be opened in the end: `f(r)`, `g(r)` and `h(r)`, which is their product if all claims hold.
    pub(super) fn ends(self) -> Option<Shared<F>> {
        match self.0 {
            State::Ready(ends) => ends,
            _ => None,
        }
    }
}

/// Weighs all claims into one with a coin: if any is wrong by an error fixed before, the sum is, but for one
/// weight in |F|.
fn weigh<F: Field, N: Network>(session: &Session<N>, claims: Vec<Claim<F>>, coin: &[u8; 32]) -> (Vec<Weighed<F>>, Shared<F>) {
    let mut rng = stream(coin, Decides::Weights);
    let mut sum = Shared::zeros(&session.party, 1);
    let mut weighed = Vec::new();
    for claim in claims {
        let weights: Vec<F> = (0..claim.len()).map(|_| F::random(&mut rng)).collect();
        let (claim, z) = claim.weigh(&weights, &session.schedule);
        sum = sum.add(&z);
        weighed.push(claim);
    }
    (weighed, sum)
}

/// A short claim, each element a block, and before it a random pair that masks what is opened.
fn behind_a_pair<F: Field, N: Network>(session: &mut Session<N>, claims: Vec<Weighed<F>>) -> Result<Weighed<F>, SessionError> {
    let (mut x, mut y) = (session.random::<F>(1)?, session.random::<F>(1)?);
    for (of_x, of_y) in claims.into_iter().map(Weighed::into_factors) {
        x.append(&of_x);
        y.append(&of_y);
    }
    if x.len() == 1 {
        // The value at k belongs to the claim, an empty one too.
        x.append(&Shared::zeros(&session.party, 1));
        y.append(&Shared::zeros(&session.party, 1));
    }
    Ok(Weighed::whole(x, y))
}

/// `f(r)`, `g(r)` and `h(r)` of claims whose every element is a block.
fn ends<F: Field>(claims: Vec<Weighed<F>>, at_blocks: &[F], h: Shared<F>) -> Shared<F> {
    let factors = merged(claims, usize::MAX).into_iter().next().map(Weighed::into_factors);
    let Some((x, y)) = factors else { return h };
    let mut ends = value_at(&x, at_blocks);
    ends.append(&value_at(&y, at_blocks));
    ends.append(&h);
    ends
}

/// `Σ_j coefficients[j] · values[j]`, one element.
fn value_at<F: Field>(values: &Shared<F>, coefficients: &[F]) -> Shared<F> {
    values.linear(|values, out| out.push(F::inner_product(values, coefficients)))
}
