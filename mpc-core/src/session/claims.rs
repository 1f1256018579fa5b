//! The claims that products leave, and how all of them are checked at once.
//!
//! A malicious node can add a chosen error to a product and nothing more: its messages are masked.
//! All claims `z = <x, y>` of a field are weighed into one, the one is folded to a short one, and the
//! short one is checked in the open behind a random pair: see [`super::proof`]. Both fields take the same
//! rounds and the same coins. Coins are interactive, never derived from a transcript: over a 61-bit field
//! a hash challenge could be ground offline.
//! (Boneh et al., CRYPTO 2019; Boyle et al., CCS 2019; Goyal, Song, eprint 2020/134.)

use super::bits::{AndCheck, Ands};
use super::proof::Proof;
use super::runs::{Ahead, Weighed};
use super::{Opening, Session, SessionError};
use crate::field::{Field, Fp61, Gf64};
use crate::network::Network;
use crate::probe::Check;
use crate::prss::Owner;
use crate::sharing::Shared;

use super::product::Factors;

/// `z[j]` is a product of what is shared: claimed, to be verified before anything is released.
pub struct Claim<F: Field> {
    pub(super) of: Of<F>,
    pub(super) z: Shared<F>,
}

/// Of what a claim's values are said to be the products.
pub(super) enum Of<F: Field> {
    /// `z[j] = <x, y>` over segment `j`; with what this node worked out ahead for every long segment.
    Segments(Factors<F>, Vec<Ahead<F>>),
    /// `Σ_j w_j z[j] = <x, y>` of the two vectors that this makes of any weights `w`.
    Sum(Combine<F>),
}

/// Makes two shared vectors of public weights; see [`super::Product::Worked`].
pub type Combine<F> = Box<dyn FnOnce(&[F]) -> (Shared<F>, Shared<F>) + Send>;

/// All claims of a session.
#[derive(Default)]
pub struct Claims {
    numbers: Vec<Claim<Fp61>>,
    bits: Vec<Claim<Gf64>>,
    pub(super) ands: Vec<Ands>,
}

/// A field in which products leave claims.
pub trait Claimed: Field {
    /// The session's claims in this field.
    #[doc(hidden)]
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>>;

    /// Whose stream masks what a node reshares in this field: both are reshared in one step.
    #[doc(hidden)]
    fn owner(node: u8) -> Owner;
}

impl Claimed for Fp61 {
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>> {
        &mut claims.numbers
    }

    fn owner(node: u8) -> Owner {
        Owner::Node(node)
    }
}

impl Claimed for Gf64 {
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>> {
        &mut claims.bits
    }

    fn owner(node: u8) -> Owner {
        Owner::Words(node)
    }
}

/// Where the check of products of bits stands, until they are one claim.
enum AndProof {
    /// They wait for their weights.
    Claimed(Vec<Ands>),
    /// The further values of h are being reshared.
    Asked(AndCheck),
    /// They wait for a point.
    Fixed(AndCheck, Shared<Gf64>),
}

impl AndProof {
    /// Nothing if there is nothing to check.
    fn of(ands: Vec<Ands>) -> Option<Self> {
        ands.iter().any(|ands| !ands.is_empty()).then_some(Self::Claimed(ands))
    }
}

impl<F: Field> Claim<F> {
    /// How many values are claimed.
    pub(super) fn len(&self) -> usize {
        self.z.len()
    }

    /// The weighted sum of what is claimed: of which products, and its value.
    pub(super) fn weigh(self, weights: &[F], schedule: &super::FoldSchedule) -> (Weighed<F>, Shared<F>) {
        let sum = self.z.linear(|values, out| out.push(F::inner_product(values, weights)));
        let weighed = match self.of {
            Of::Segments(factors, ahead) => Weighed::new(factors, weights, ahead, schedule),
            Of::Sum(combine) => {
                let (x, y) = combine(weights);
                assert_eq!(x.len(), y.len(), "factors of an inner product have one length");
                Weighed::whole(x, y)
            }
        };
        (weighed, sum)
    }
}

impl<N: Network> Session<N> {
    /// Verifies all claims. The probability that a wrong one survives is below
    /// `(1 + Σ over levels of (2k - 2) + 2·(short + 1)) / (|F| - 2k)` for its field.
    ///
    /// Claims about words of bits become one over their field before; that adds `2 + 126` to the sum. Two
    /// rounds, three for each level of the field that takes more of them, and an opening for each field.
    pub(super) fn check_claims(&mut self, claims: Claims) -> Result<(), SessionError> {
        let Claims { numbers, bits, ands } = claims;
        let (mut numbers, mut words, mut ands) = (Proof::of(numbers), Proof::of(bits), AndProof::of(ands));
        while !(numbers.is_ready() && words.is_ready() && ands.is_none()) {
            // Everyone settles before a coin is opened: what it decides about is fixed.
            let coin = self.coin()?;
            let of_numbers = numbers.challenge(self, &coin)?;
            let of_words = match ands.take() {
                Some(AndProof::Claimed(claimed)) => {
                    let check = AndCheck::new(claimed, &coin);
                    let own = check.own_further_values(&self.party);
                    ands = Some(AndProof::Asked(check));
                    own
                }
                Some(AndProof::Fixed(check, further)) => {
                    words.add(check.claim(&self.party, &further, AndCheck::point(&coin)));
                    words.challenge(self, &coin)?
                }
                Some(AndProof::Asked(_)) | None => words.challenge(self, &coin)?,
            };
            let (of_numbers, of_words) = self.reshare_both(of_numbers, of_words)?;
            numbers.answer(&of_numbers);
            match ands.take() {
                Some(AndProof::Asked(check)) => ands = Some(AndProof::Fixed(check, of_words)),
                _ => words.answer(&of_words),
            }
        }
        // The coin before came after all nodes had settled: what is opened now depends on the same
        // corrections everywhere, or errors could become products with secrets.
        self.check_ends(numbers.ends())?;
        self.check_ends(words.ends())
    }

    /// Opens `f(r)`, `g(r)` and `h(r)`.
    fn check_ends<F: Field>(&mut self, ends: Option<Shared<F>>) -> Result<(), SessionError> {
        let Some(ends) = ends else { return Ok(()) };
        match self.open(&ends, Opening::ProductCheck)?.as_slice() {
            [f, g, h] if *f * *g == *h || !self.performs(Check::Products) => Ok(()),
            _ => Err(SessionError::WrongProduct {
                phase: self.phase,
                suspects: self.party.present().without(self.party.me()),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
