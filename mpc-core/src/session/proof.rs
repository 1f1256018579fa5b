//! The check of all products of one field, without its messages.
//!
//! A random linear combination turns all claims into one. While it is long it is split into `k` blocks, which are read as the
//! values at the points `1, …, k` of polynomials `f` and `g` of degree `k - 1`. Once `h = <f, g>` is fixed, the claim is replaced
//! by `h(r) = <f(r), g(r)>` at a random point `r`. When it is short, a random pair is added and `f(r)`, `g(r)` and `h(r)` are
//! opened.
//!
//! (Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai, CRYPTO 2019, [eprint 2019/188](https://eprint.iacr.org/2019/188); Boyle,
//! Gilboa, Ishai, Nof, CCS 2019, [eprint 2019/1390](https://eprint.iacr.org/2019/1390); Goyal, Song,
//! [eprint 2020/134](https://eprint.iacr.org/2020/134).)

use super::challenge::{Use, point_outside, stream};
use super::claims::Claim;
use super::error::SessionError;
use super::fold::{WeightedClaim, local_values, merge_small};
use super::polynomial::{lagrange, points};
use super::state::Session;
use crate::field::Field;
use crate::network::Network;
use crate::sharing::Shared;

/// One field's part of the check, without its messages. Calls of [`Self::challenge`] and [`Self::answer`] take turns until it
/// is ready.
pub(super) trait Prover<F: Field> {
    /// Whether all that is left to do is to open [`Self::ends`].
    fn is_ready(&self) -> bool;

    /// Continues with a coin that was drawn after the last answer. Returns this node's additive part of the values to be
    /// reshared; nothing if the prover is ready.
    fn challenge<N: Network>(&mut self, session: &mut Session<N>, coin: &[u8; 32]) -> Result<Vec<F>, SessionError>;

    /// Takes the shared values that the last challenge asked for.
    fn answer(&mut self, computed: Shared<F>);

    /// `f(r)`, `g(r)` and `h(r)`, to be opened: the third is the product of the others if all claims are true. `None` if
    /// there were no claims.
    fn ends(self) -> Option<Shared<F>>;
}

/// The state of the check of a field's claims.
pub(super) struct Proof<F: Field>(State<F>);

enum State<F: Field> {
    /// Claims without weights: waits for a coin.
    Claims(Vec<Claim<F>>),
    /// A weighted claim, its value, and how it is split: waits for the shared values of `h`.
    Split(Vec<WeightedClaim<F>>, Shared<F>, Split),
    /// The same with the shared values `h(1), …, h(2k-1)`: waits for a coin.
    Fixed(Vec<WeightedClaim<F>>, Shared<F>, Split),
    /// `f(r)`, `g(r)` and `h(r)`, to be opened; `None` if there were no claims.
    Ready(Option<Shared<F>>),
}

/// How a claim is split.
#[derive(Clone, Copy)]
struct Split {
    /// Number of blocks.
    k: usize,
    /// Whether this is the last level: every element is a block, and a random pair comes before them.
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

    /// Adds a claim, before the others have been weighed.
    pub(super) fn add(&mut self, claim: Claim<F>) {
        match &mut self.0 {
            State::Claims(claims) => claims.push(claim),
            state => *state = State::Claims(vec![claim]),
        }
    }
}

impl<F: Field> Prover<F> for Proof<F> {
    fn is_ready(&self) -> bool {
        matches!(self.0, State::Ready(_))
    }

    /// The values to be reshared are `h(1), …, h(2k-1)` without `h(k)`.
    fn challenge<N: Network>(&mut self, session: &mut Session<N>, coin: &[u8; 32]) -> Result<Vec<F>, SessionError> {
        let (claims, z) = match std::mem::replace(&mut self.0, State::Ready(None)) {
            State::Claims(claims) => weigh(session, claims, coin),
            State::Fixed(mut claims, h, Split { k, last }) => {
                let r = point_outside(coin, 2 * k as u64);
                let (at_blocks, at_products) = (lagrange(&points(k), r), lagrange(&points(2 * k - 1), r));
                if last {
                    self.0 = State::Ready(Some(ends(claims, &at_blocks, value_at(&h, &at_products))));
                    return Ok(Vec::new());
                }
                claims.iter_mut().for_each(|claim| claim.fold(&at_blocks));
                (merge_small(claims, session.schedule.merge_below), value_at(&h, &at_products))
            }
            state @ (State::Ready(_) | State::Split(..)) => {
                self.0 = state;
                return Ok(Vec::new());
            }
        };
        let len = claims.iter().map(WeightedClaim::len).sum();
        let (claims, split) = if len > session.schedule.open_at_most {
            let k = session.schedule.blocks(len);
            (claims, Split { k, last: false })
        } else {
            let masked = with_random_pair(session, claims)?;
            let k = masked.len();
            (vec![masked], Split { k, last: true })
        };
        let own = local_values(&session.party, &claims, split.k);
        self.0 = State::Split(claims, z, split);
        Ok(own)
    }

    /// `h(k)` is computed as the claimed value minus the others, so that a false claim makes a false `h`. The block of the
    /// random pair is not part of the claim.
    fn answer(&mut self, computed: Shared<F>) {
        self.0 = match std::mem::replace(&mut self.0, State::Ready(None)) {
            State::Split(claims, z, split) => {
                let masks = usize::from(split.last);
                let rest = computed.linear(|values, out| {
                    out.push(values[masks..split.k - 1].iter().fold(F::ZERO, |sum, value| sum + *value));
                });
                let mut h = computed.slice(0..split.k - 1);
                h.append(&z.sub(&rest));
                h.append(&computed.slice(split.k - 1..computed.len()));
                State::Fixed(claims, h, split)
            }
            state => state,
        };
    }

    fn ends(self) -> Option<Shared<F>> {
        match self.0 {
            State::Ready(ends) => ends,
            _ => None,
        }
    }
}

/// Combines all claims into one with weights from a coin. If any claim is wrong by an error that was fixed before, the
/// combination is wrong, except with probability `1/|F|`.
fn weigh<F: Field, N: Network>(session: &Session<N>, claims: Vec<Claim<F>>, coin: &[u8; 32]) -> (Vec<WeightedClaim<F>>, Shared<F>) {
    let mut rng = stream(coin, Use::Weights);
    let mut sum = Shared::zeros(&session.party, 1);
    let mut weighted = Vec::new();
    for claim in claims {
        let weights: Vec<F> = (0..claim.len()).map(|_| F::random(&mut rng)).collect();
        let (claim, z) = claim.weigh(&weights, &session.schedule);
        sum = sum.add(&z);
        weighted.push(claim);
    }
    (weighted, sum)
}

/// Concatenates short claims behind a random pair of elements, which masks what will be opened.
fn with_random_pair<F: Field, N: Network>(
    session: &mut Session<N>,
    claims: Vec<WeightedClaim<F>>,
) -> Result<WeightedClaim<F>, SessionError> {
    let (mut x, mut y) = (session.random::<F>(1)?, session.random::<F>(1)?);
    for (of_x, of_y) in claims.into_iter().map(WeightedClaim::into_factors) {
        x.append(&of_x);
        y.append(&of_y);
    }
    if x.len() == 1 {
        // The value at k belongs to the claim, so there is a block for it even if the claim is empty.
        x.append(&Shared::zeros(&session.party, 1));
        y.append(&Shared::zeros(&session.party, 1));
    }
    Ok(WeightedClaim::whole(x, y))
}

/// `f(r)`, `g(r)` and `h(r)` of claims whose every element is a block.
fn ends<F: Field>(claims: Vec<WeightedClaim<F>>, at_blocks: &[F], h: Shared<F>) -> Shared<F> {
    let factors = merge_small(claims, usize::MAX).into_iter().next().map(WeightedClaim::into_factors);
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
