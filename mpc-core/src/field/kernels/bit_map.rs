//! Linear maps of bits: chooses a kernel.

#[cfg(target_arch = "x86_64")]
use super::gf64_gfni::Gfni;
use crate::field::bits::{BitMap, portable};
use crate::field::gf64::Gf64;
use crate::field::traits::assert_equally_long;

impl BitMap {
    /// Writes the image of each word to the element of `out` at the same index.
    ///
    /// # Panics
    ///
    /// The two slices differ in length.
    pub fn apply(&self, words: &[Gf64], out: &mut [Gf64]) {
        assert_equally_long(words, out);
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Gfni::detect() {
            return kernel.apply(self, words, out);
        }
        portable::apply(self, words, out);
    }
}
