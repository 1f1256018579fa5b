//! Which products of components a participant computes.
//!
//! `xy = Σ_{S,T} x_S y_T`, where each pair `(S, T)` of components is assigned to one participant that holds both. For a held
//! `x_S` a participant first adds up all `y_T` that are assigned to it together with `x_S`: then one product of vectors does
//! for all of them.
//!
//! All functions take vectors in chunks of the caller's size: a few hundred elements stay in the nearest cache. None has
//! branches or addresses that depend on the values. What they write to `scratch` is secret: the caller wipes it.

use super::access::Party;
use crate::field::Field;

impl Party {
    /// The sum of the components of `y` that this node multiplies by the component of `x` at position `s`; `None` if there
    /// are none. `y(t)` is the component at position `t`, as long as `scratch`.
    ///
    /// The sum is written to `scratch`, unless it consists of a single component, which is not copied.
    ///
    /// # Panics
    /// A component that is needed and `scratch` differ in length.
    #[inline]
    pub fn partner_sum<'s, 'y: 's, F: Field>(&self, s: usize, y: impl Fn(usize) -> &'y [F], scratch: &'s mut [F]) -> Option<&'s [F]> {
        match self.products_with(s) {
            [] => None,
            [t] => {
                let sum = y(*t);
                assert_eq!(sum.len(), scratch.len(), "a chunk of a component is as long as the scratch memory");
                Some(sum)
            }
            [first, others @ ..] => {
                scratch.copy_from_slice(y(*first));
                others.iter().for_each(|t| F::add_vector(scratch, y(*t)));
                Some(scratch)
            }
        }
    }

    /// This node's additive part of the inner product of a chunk of two shared vectors: the sum of `<x(s), y(t)>` over all
    /// pairs of positions that are assigned to this node. `x(s)` and `y(t)` are the chunk of the component
    /// at a position, as long as `scratch`.
    ///
    /// # Panics
    /// A component that is needed and `scratch` differ in length.
    #[inline]
    pub fn local_product<'v, F: Field>(&self, x: impl Fn(usize) -> &'v [F], y: impl Fn(usize) -> &'v [F], scratch: &mut [F]) -> F {
        let mut total = F::ZERO;
        for s in 0..self.held().len() {
            if let Some(sum) = self.partner_sum(s, &y, scratch) {
                total += F::inner_product(x(s), sum);
            }
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::field::{Field, Fp61};
    use crate::sharing::Party;
    use crate::testing::sessions::{clusters, deal, elements};

    proptest! {
        #[test]
        fn local_products_of_all_participants_add_up_to_the_inner_product(
            (nodes, threshold, present) in proptest::sample::select(clusters()),
            pairs in proptest::collection::vec(any::<(u64, u64)>(), 0..40),
        ) {
            let access = crate::sharing::AccessStructure::new(nodes, threshold).unwrap();
            let (x, y): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
            let (x, y) = (elements(&x), elements(&y));
            let mut sum = Fp61::ZERO;
            for me in present.iter() {
                let party = Party::new(&access, present, me).unwrap();
                let (x, y) = (deal(&party, &x, 1), deal(&party, &y, 2));
                let mut scratch = vec![Fp61::ZERO; x.len()];
                sum += party.local_product(|s| &x.components()[s][..], |t| &y.components()[t][..], &mut scratch);
            }
            prop_assert_eq!(sum, Fp61::inner_product(&x, &y));
        }
    }
}
