//! What a session is asked to multiply.

use zeroize::Zeroizing;

use crate::field::Field;
use crate::sharing::Shared;

/// Two shared vectors of equal length, divided into segments: one inner product for each segment.
#[derive(Debug, Clone)]
pub struct Factors<F: Field> {
    /// The left factor, as long as `y`.
    pub x: Shared<F>,
    /// The right factor, as long as `x`.
    pub y: Shared<F>,
    /// The end of each segment, ascending; the last one is the length of the vectors. A segment may be empty: its
    /// inner product is 0.
    pub ends: Vec<usize>,
}

impl<F: Field> Factors<F> {
    /// One product for each pair of elements of two vectors of equal length.
    pub fn elementwise(x: Shared<F>, y: Shared<F>) -> Self {
        let ends = (1..=x.len()).collect();
        Self { x, y, ends }
    }
}

/// Makes two shared vectors from public weights; see [`Product::Custom`].
pub type CombineFactors<F> = Box<dyn FnOnce(&[F]) -> (Shared<F>, Shared<F>) + Send>;

/// One request to multiply; its result is one shared vector.
pub enum Product<F: Field> {
    /// An inner product for each segment.
    Segments(Factors<F>),
    /// Products that share factors. The caller computes this node's part of them itself, which saves memory or time.
    Custom {
        /// This node's additive part of each product, as
        /// [`Party::local_product`](crate::sharing::Party::local_product) computes it.
        own: Zeroizing<Vec<F>>,
        /// Number of terms that were multiplied, for statistics.
        terms: u64,
        /// Makes, from one public weight `w_j` for each product `z_j`, two shared vectors with `Σ_j w_j z_j = <x, y>`,
        /// linear in the factors. The products then leave a single claim about `x` and `y`, which is shorter than one
        /// about all factors. If the vectors are wrong, verification fails.
        combine: CombineFactors<F>,
    },
}

impl<F: Field> Product<F> {
    /// Number of values of the result.
    pub(super) fn values(&self) -> usize {
        match self {
            Self::Segments(factors) => factors.ends.len(),
            Self::Custom { own, .. } => own.len(),
        }
    }
}
