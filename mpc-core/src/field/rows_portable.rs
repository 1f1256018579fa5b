//! The operations of [`rows`](super::rows) in readable form. They run on machines without a kernel, and kernels are tested against
//! them. Shapes are those of the operations there.

use super::fp61::Fp61;
use super::traits::Field;

/// See [`add_at`](super::rows::add_at).
pub fn add_at(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], _upcoming: &[u32]) {
    for (place, row) in places.iter().zip(rows.chunks_exact(width)) {
        Fp61::add_vector(&mut table[*place as usize * width..][..width], row);
    }
}

/// See [`copy_from`](super::rows::copy_from).
pub fn copy_from(table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], _upcoming: &[u32]) {
    for (place, row) in places.iter().zip(out.chunks_exact_mut(width)) {
        row.copy_from_slice(&table[*place as usize * width..][..width]);
    }
}

/// See [`products`](super::rows::products).
pub fn products(rows: &[Fp61], coefficients: [&[Fp61]; 2], out: [&mut [Fp61]; 2]) {
    for (coefficients, out) in coefficients.into_iter().zip(out) {
        for (out, row) in out.iter_mut().zip(rows.chunks_exact(coefficients.len())) {
            *out = Fp61::inner_product(row, coefficients);
        }
    }
}
