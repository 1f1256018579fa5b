//! Products of polynomials over the field of 256 elements: chooses a kernel.

#[cfg(target_arch = "x86_64")]
use super::subfield_gfni::Gfni;
use crate::field::gf64::Gf64;
use crate::field::subfield::{Extension, FURTHER, portable};
use crate::field::traits::assert_equally_long;

impl Extension {
    /// Adds weighted sums of products at all further points.
    ///
    /// `pairs` are vectors of words `(x, y)`, whose bits are the values of polynomials `f` and `g`. For the further point `p`
    /// and bit `j` of a byte, `sums[p][j]` grows by the weights of those words at which bit `j` of `Σ f·g`, summed over all
    /// pairs, is set. So `Σ_j powers()[j]·sums[p][j]` is the weighted sum of the products at `p`.
    ///
    /// # Panics
    ///
    /// The vectors differ in length.
    pub fn add_products(&self, pairs: &[(&[Gf64], &[Gf64])], weights: &[Gf64], sums: &mut [[Gf64; 8]; FURTHER]) {
        for (x, y) in pairs {
            assert_equally_long(x, weights);
            assert_equally_long(y, weights);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Gfni::detect() {
            return kernel.add_products(self, pairs, weights, sums);
        }
        portable::add_products(self, pairs, weights, sums);
    }
}
