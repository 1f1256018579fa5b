//! One seam between the fields and the machine: every bulk operation runs on the widest
//! instructions that the processor at hand has, else in the field's portable form.
//!
//! All kernels of a field give the same elements, and none has branches or addresses that depend on
//! values. A kernel is reached only through the proof that the processor has its instructions (its
//! `detect`, one cached look-up). Shapes are checked by the callers in [`super::Field`].

#[cfg(target_arch = "x86_64")]
mod fp61_avx512;
#[cfg(target_arch = "x86_64")]
mod gf64_clmul;
#[cfg(target_arch = "x86_64")]
mod gf64_gfni;
#[cfg(target_arch = "x86_64")]
mod gf64_vpclmul;
#[cfg(target_arch = "x86_64")]
mod rows_avx512;
#[cfg(target_arch = "x86_64")]
mod subfield_gfni;
#[cfg(target_arch = "x86_64")]
mod vector;

/// Bulk operations of the field of `2^61 - 1` elements.
pub(super) mod fp61 {
    #[cfg(target_arch = "x86_64")]
    use super::fp61_avx512::Avx512Ifma;
    use crate::field::fp61::{Fp61, portable};

    /// Below this length a kernel's set-up costs more than it saves.
    #[cfg(target_arch = "x86_64")]
    const SHORT: usize = 8;
    /// The same where lanes have to be added up in the end.
    #[cfg(target_arch = "x86_64")]
    const SHORT_SUM: usize = 24;

    /// See [`crate::field::Field::inner_product`].
    pub fn inner_product(x: &[Fp61], y: &[Fp61]) -> Fp61 {
        #[cfg(target_arch = "x86_64")]
        if x.len() >= SHORT_SUM
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.inner_product(x, y);
        }
        portable::inner_product(x, y)
    }

    /// See [`crate::field::Field::combine`].
    pub fn combine(blocks: &[&[Fp61]], coefficients: &[Fp61], out: &mut [Fp61]) {
        #[cfg(target_arch = "x86_64")]
        if out.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.combine(blocks, coefficients, out);
        }
        portable::combine(blocks, coefficients, out);
    }

    /// Takes words for elements, the upper bits left out; false if one of them is `p`, which is none: then what stands
    /// in `out` is not to be used.
    pub fn elements_of(words: &[[u8; 8]], out: &mut [Fp61]) -> bool {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Avx512Ifma::detect() {
            return kernel.elements_of(words, out);
        }
        portable::elements_of(words, out)
    }

    /// See [`crate::field::Field::add_vector`].
    pub fn add_vector(sum: &mut [Fp61], values: &[Fp61]) {
        #[cfg(target_arch = "x86_64")]
        if sum.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.add_vector(sum, values);
        }
        portable::add_vector(sum, values);
    }

    /// See [`crate::field::Field::mul_vector`].
    pub fn mul_vector(product: &mut [Fp61], factors: &[Fp61]) {
        #[cfg(target_arch = "x86_64")]
        if product.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.mul_vector(product, factors);
        }
        portable::mul_vector(product, factors);
    }

    /// See [`crate::field::Field::extend_cubics`].
    pub fn extend_cubics(known: [&[Fp61]; 4], further: [&mut [Fp61]; 3]) {
        #[cfg(target_arch = "x86_64")]
        if known[0].len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.extend_cubics(known, further);
        }
        portable::extend_cubics(known, further);
    }

    /// See [`crate::field::Field::sub_vector`].
    pub fn sub_vector(difference: &mut [Fp61], values: &[Fp61]) {
        #[cfg(target_arch = "x86_64")]
        if difference.len() >= SHORT
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.sub_vector(difference, values);
        }
        portable::sub_vector(difference, values);
    }
}

/// Multiplication and bulk operations of the field of `2^64` elements. Sums and differences need no
/// kernel: the compiler finds the vectors in an exclusive or.
pub(super) mod gf64 {
    #[cfg(target_arch = "x86_64")]
    use super::{gf64_clmul::Clmul, gf64_vpclmul::Vpclmul};
    use crate::field::gf64::{Gf64, portable};

    /// Below this length wide vectors cost more than they save.
    #[cfg(target_arch = "x86_64")]
    const SHORT: usize = 8;

    /// The product of two elements.
    #[inline]
    pub fn multiply(x: Gf64, y: Gf64) -> Gf64 {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Clmul::detect() {
            return kernel.multiply(x, y);
        }
        portable::multiply(x, y)
    }

    /// See [`crate::field::Field::inner_product`].
    pub fn inner_product(x: &[Gf64], y: &[Gf64]) -> Gf64 {
        #[cfg(target_arch = "x86_64")]
        if x.len() >= SHORT
            && let Some(kernel) = Vpclmul::detect()
        {
            return kernel.inner_product(x, y);
        } else if let Some(kernel) = Clmul::detect() {
            return kernel.inner_product(x, y);
        }
        portable::inner_product(x, y)
    }

    /// See [`crate::field::Field::combine`].
    pub fn combine(blocks: &[&[Gf64]], coefficients: &[Gf64], out: &mut [Gf64]) {
        #[cfg(target_arch = "x86_64")]
        if out.len() >= SHORT
            && let Some(kernel) = Vpclmul::detect()
        {
            return kernel.combine(blocks, coefficients, out);
        } else if let Some(kernel) = Clmul::detect() {
            return kernel.combine(blocks, coefficients, out);
        }
        portable::combine(blocks, coefficients, out);
    }

    /// See [`crate::field::Field::mul_vector`].
    pub fn mul_vector(product: &mut [Gf64], factors: &[Gf64]) {
        #[cfg(target_arch = "x86_64")]
        if product.len() >= SHORT
            && let Some(kernel) = Vpclmul::detect()
        {
            return kernel.mul_vector(product, factors);
        } else if let Some(kernel) = Clmul::detect() {
            return kernel.mul_vector(product, factors);
        }
        portable::mul_vector(product, factors);
    }
}

/// Rows of a table that are not beside each other.
pub(super) mod rows {
    #[cfg(target_arch = "x86_64")]
    use super::{fp61_avx512::Avx512Ifma, rows_avx512::Avx512Rows, vector::LANES};
    use crate::field::Fp61;
    use crate::field::rows::portable;

    /// See [`crate::field::rows::add_at`].
    pub fn add_at(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], next: &[u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Avx512Rows::detect() {
            return kernel.add_at(table, width, places, rows, next);
        }
        portable::add_at(table, width, places, rows, next);
    }

    /// See [`crate::field::rows::copy_from`].
    pub fn copy_from(table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], next: &[u32]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Avx512Rows::detect() {
            return kernel.copy_from(table, width, places, out, next);
        }
        portable::copy_from(table, width, places, out, next);
    }

    /// See [`crate::field::rows::products`].
    pub fn products(rows: &[Fp61], coefficients: [&[Fp61]; 2], out: [&mut [Fp61]; 2]) {
        #[cfg(target_arch = "x86_64")]
        if out[0].len() >= LANES
            && let Some(kernel) = Avx512Ifma::detect()
        {
            return kernel.row_products(rows, coefficients, out);
        }
        portable::products(rows, coefficients, out);
    }
}

/// Linear maps of bits.
pub(super) mod bits {
    #[cfg(target_arch = "x86_64")]
    use super::gf64_gfni::Gfni;
    use crate::field::Gf64;
    use crate::field::bits::{BitMap, portable};

    /// See [`BitMap::apply`].
    pub fn apply(map: &BitMap, words: &[Gf64], out: &mut [Gf64]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Gfni::detect() {
            return kernel.apply(map, words, out);
        }
        portable::apply(map, words, out);
    }
}

/// Products over the field of 256 elements.
pub(super) mod subfield {
    #[cfg(target_arch = "x86_64")]
    use super::subfield_gfni::Gfni;
    use crate::field::Gf64;
    use crate::field::subfield::{Extension, FURTHER, portable};

    /// See [`Extension::add_products`].
    pub fn add_products(extension: &Extension, pairs: &[(&[Gf64], &[Gf64])], weights: &[Gf64], sums: &mut [[Gf64; 8]; FURTHER]) {
        #[cfg(target_arch = "x86_64")]
        if let Some(kernel) = Gfni::detect() {
            return kernel.add_products(extension, pairs, weights, sums);
        }
        portable::add_products(extension, pairs, weights, sums);
    }
}

#[cfg(test)]
mod tests;
