//! Rows of a table: chooses kernels.

#[cfg(target_arch = "x86_64")]
use super::{fp61_avx512::Avx512Ifma, rows_avx512::Avx512Rows, vector::VECTOR_LEN};
use crate::field::fp61::Fp61;
use crate::field::rows_portable as portable;

/// See [`crate::field::rows::add_at`].
pub(crate) fn add_at(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], upcoming: &[u32]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = Avx512Rows::detect() {
        return kernel.add_at(table, width, places, rows, upcoming);
    }
    portable::add_at(table, width, places, rows, upcoming);
}

/// See [`crate::field::rows::copy_from`].
pub(crate) fn copy_from(table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], upcoming: &[u32]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = Avx512Rows::detect() {
        return kernel.copy_from(table, width, places, out, upcoming);
    }
    portable::copy_from(table, width, places, out, upcoming);
}

/// See [`crate::field::rows::products`].
pub(crate) fn products(rows: &[Fp61], coefficients: [&[Fp61]; 2], out: [&mut [Fp61]; 2]) {
    #[cfg(target_arch = "x86_64")]
    if out[0].len() >= VECTOR_LEN
        && let Some(kernel) = Avx512Ifma::detect()
    {
        return kernel.row_products(rows, coefficients, out);
    }
    portable::products(rows, coefficients, out);
}
