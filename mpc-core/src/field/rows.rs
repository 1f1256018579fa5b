//! Rows of a table that are not next to each other in memory: reading them, and adding to them.
//!
//! The positions of rows are public, here and in everything that calls this. Tables are larger than any cache, so rows that are
//! needed soon are prefetched.

use super::fp61::Fp61;
use super::kernels;

/// Adds row `i` of `rows` to the row of `table` at `places[i]`, for all `i`. Rows have `width` elements. The rows at `upcoming`
/// are prefetched, because a later call needs them; places outside the table are ignored there.
///
/// # Panics
///
/// There is not one place for each row, or a place is outside the table.
pub fn add_at(table: &mut [Fp61], width: usize, places: &[u32], rows: &[Fp61], upcoming: &[u32]) {
    assert_eq!(rows.len(), places.len() * width, "one place for each row");
    kernels::rows::add_at(table, width, places, rows, upcoming);
}

/// Copies the rows of `table` at `places` to `out`, one after the other. The rows at `upcoming` are prefetched, because a later
/// call needs them; places outside the table are ignored there.
///
/// # Panics
///
/// There is not one place for each row of `out`, or a place is outside the table.
pub fn copy_from(table: &[Fp61], width: usize, places: &[u32], out: &mut [Fp61], upcoming: &[u32]) {
    assert_eq!(out.len(), places.len() * width, "one place for each row");
    kernels::rows::copy_from(table, width, places, out, upcoming);
}

/// The inner products of every row of `rows` with two vectors of coefficients: `out[v][i]` is the product of row `i` and
/// `coefficients[v]`. Rows are read once for both.
///
/// # Panics
///
/// The vectors of coefficients are empty or differ in length, or an `out` has not one element for each row of their length.
pub fn products(rows: &[Fp61], coefficients: [&[Fp61]; 2], out: [&mut [Fp61]; 2]) {
    let width = coefficients[0].len();
    assert!(width > 0, "a row has elements");
    assert_eq!(coefficients[1].len(), width, "as many coefficients as a row has elements");
    let one_each = out.iter().all(|out| out.len() * width == rows.len());
    assert!(one_each, "one product for each row");
    kernels::rows::products(rows, coefficients, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Field, rows_portable as portable};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_is_where_it_belongs(
            width in 1usize..40,
            places in proptest::collection::vec(0u32..30, 0..60),
            // These places are only prefetched: one outside the table does no harm.
            upcoming in proptest::collection::vec(0u32..40, 0..20),
            words in proptest::collection::vec(any::<u64>(), 60 * 40 + 30 * 40),
        ) {
            let elements: Vec<Fp61> = words.into_iter().map(Fp61::reduce).collect();
            let (table, rows) = elements.split_at(30 * width);
            let rows = &rows[..places.len() * width];

            let mut expected = table.to_vec();
            for (place, row) in places.iter().zip(rows.chunks_exact(width)) {
                (0..width).for_each(|k| expected[*place as usize * width + k] += row[k]);
            }
            for add in [add_at, portable::add_at] {
                let mut sums = table.to_vec();
                add(&mut sums, width, &places, rows, &upcoming);
                prop_assert!(sums == expected);
            }

            let expected: Vec<Fp61> = places.iter().flat_map(|place| table[*place as usize * width..][..width].to_vec()).collect();
            for copy in [copy_from, portable::copy_from] {
                let mut out = vec![Fp61::ONE; places.len() * width];
                copy(table, width, &places, &mut out, &upcoming);
                prop_assert!(out == expected);
            }

            let coefficients = [&table[..width], &table[7 * width..8 * width]];
            let expected = coefficients.map(|coefficients| -> Vec<Fp61> {
                let product = |row: &[Fp61]| row.iter().zip(coefficients).fold(Fp61::ZERO, |sum, (x, c)| sum + *x * *c);
                rows.chunks_exact(width).map(product).collect()
            });
            for products in [products, portable::products] {
                let mut out = [(); 2].map(|()| vec![Fp61::ONE; places.len()]);
                products(rows, coefficients, out.each_mut().map(|out| &mut out[..]));
                prop_assert!(out == expected);
            }
        }
    }

    #[test]
    #[should_panic]
    fn a_place_outside_the_table_is_not_written() {
        add_at(&mut [Fp61::ZERO; 20], 10, &[2], &[Fp61::ONE; 10], &[]);
    }
}
