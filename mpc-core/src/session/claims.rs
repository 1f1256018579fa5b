//! The claims that products leave: what has to be verified before anything is released.

use super::evaluator::PrecomputedH;
use super::factors::{CombineFactors, Factors};
use super::fold::WeightedClaim;
use crate::field::{Field, Fp61, Gf64};
use crate::fold_schedule::FoldSchedule;
use crate::sharing::Shared;

/// The claim that every `z[j]` is a certain product of shared values.
#[expect(unnameable_types, reason = "only the engine implements `ProductField`, which mentions it")]
pub struct Claim<F: Field> {
    pub(super) products: ClaimedProducts<F>,
    pub(super) z: Shared<F>,
}

/// What the claimed values are products of.
pub(super) enum ClaimedProducts<F: Field> {
    /// `z[j] = <x, y>` over segment `j`; with the precomputed values of `h` for every long segment, or none.
    Segments(Factors<F>, Vec<PrecomputedH<F>>),
    /// `Σ_j w_j z[j] = <x, y>`, for the two vectors that this function makes from any weights `w`.
    Sum(CombineFactors<F>),
}

/// The claim that `z` is the product of `x` and `y`, bit by bit. All three have one length in words.
pub(super) struct BitClaim {
    pub(super) x: Shared<Gf64>,
    pub(super) y: Shared<Gf64>,
    pub(super) z: Shared<Gf64>,
}

/// All claims of a session: a list for each field, and one for products of bits.
///
/// A further field takes a list here, an implementation of [`ProductField`] and a line in `check.rs`.
#[derive(Default)]
#[expect(unnameable_types, reason = "only the engine implements `ProductField`, which mentions it")]
pub struct Claims {
    pub(super) fp61: Vec<Claim<Fp61>>,
    pub(super) gf64: Vec<Claim<Gf64>>,
    pub(super) bits: Vec<BitClaim>,
}

/// A field in which a session computes and verifies products.
pub trait ProductField: Field {
    /// The session's claims in this field.
    #[doc(hidden)]
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>>;
}

impl ProductField for Fp61 {
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>> {
        &mut claims.fp61
    }
}

impl ProductField for Gf64 {
    fn claims(claims: &mut Claims) -> &mut Vec<Claim<Self>> {
        &mut claims.gf64
    }
}

impl<F: Field> Claim<F> {
    /// Number of claimed values.
    pub(super) fn len(&self) -> usize {
        self.z.len()
    }

    /// The weighted sum of the claimed products: the inner products it consists of, and its claimed value.
    pub(super) fn weigh(self, weights: &[F], schedule: &FoldSchedule) -> (WeightedClaim<F>, Shared<F>) {
        let sum = self.z.linear(|values, out| out.push(F::inner_product(values, weights)));
        let weighted = match self.products {
            ClaimedProducts::Segments(factors, precomputed) => WeightedClaim::new(factors, weights, precomputed, schedule),
            ClaimedProducts::Sum(combine) => {
                let (x, y) = combine(weights);
                assert_eq!(x.len(), y.len(), "factors of an inner product have one length");
                WeightedClaim::whole(x, y)
            }
        };
        (weighted, sum)
    }
}
