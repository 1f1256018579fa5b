//! Every kernel that this machine can run against the portable form of its field.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::field::Field;
use crate::field::fp61::{self, Fp61, MODULUS};

/// The bulk operations of a kernel or of a portable form.
#[derive(Clone, Copy)]
struct Way<F: Field> {
    inner_product: fn(&[F], &[F]) -> F,
    combine: fn(&[&[F]], &[F], &mut [F]),
    add_vector: fn(&mut [F], &[F]),
    sub_vector: fn(&mut [F], &[F]),
}

/// Random elements; those on the edges of the field with probability 1/2, or only those, or only the
/// largest one.
fn vector<F: Field>(rng: &mut ChaCha8Rng, len: usize, edges: &[F]) -> Vec<F> {
    let style = rng.next_u32() % 4;
    let mut draw = |_| match (style, rng.next_u32() as usize) {
        (0, _) => edges[0],
        (1, i) => edges[i % edges.len()],
        (_, i) if i % 2 == 0 => edges[i / 2 % edges.len()],
        _ => F::random(rng),
    };
    (0..len).map(&mut draw).collect()
}

/// Compares two ways on vectors of `len` elements that start at every kind of address, and on
/// combinations of `blocks` such vectors.
fn compare<F: Field>(kernel: Way<F>, portable: Way<F>, edges: &[F], len: usize, blocks: usize, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (skip_x, skip_y) = (seed as usize % 8, seed as usize / 8 % 8);
    let (x, y) = (vector(&mut rng, len + skip_x, edges), vector(&mut rng, len + skip_y, edges));
    let (x, y) = (&x[skip_x..], &y[skip_y..]);
    assert!(
        (kernel.inner_product)(x, y) == (portable.inner_product)(x, y),
        "inner product of {len}"
    );

    for (kernel, portable, name) in [
        (kernel.add_vector, portable.add_vector, "sum"),
        (kernel.sub_vector, portable.sub_vector, "difference"),
    ] {
        let (mut by_kernel, mut by_portable) = (vec![F::ONE; skip_x], vec![F::ONE; skip_x]);
        by_kernel.extend_from_slice(x);
        by_portable.extend_from_slice(x);
        kernel(&mut by_kernel[skip_x..], y);
        portable(&mut by_portable[skip_x..], y);
        assert!(by_kernel == by_portable, "{name} of {len}");
    }

    let vectors: Vec<Vec<F>> = (0..blocks).map(|j| vector(&mut rng, len + (skip_x + j) % 8, edges)).collect();
    let vectors: Vec<&[F]> = vectors.iter().map(|vector| &vector[vector.len() - len..]).collect();
    let coefficients = vector(&mut rng, blocks, edges);
    // One element more on both sides shows writes outside.
    let (mut by_kernel, mut by_portable) = (vec![F::ONE; len + 2], vec![F::ONE; len + 2]);
    (kernel.combine)(&vectors, &coefficients, &mut by_kernel[1..=len]);
    (portable.combine)(&vectors, &coefficients, &mut by_portable[1..=len]);
    assert!(by_kernel == by_portable, "combination of {blocks} blocks of {len}");
}

const FP61_PORTABLE: Way<Fp61> = Way {
    inner_product: fp61::portable::inner_product,
    combine: fp61::portable::combine,
    add_vector: fp61::portable::add_vector,
    sub_vector: fp61::portable::sub_vector,
};

fn fp61_edges() -> [Fp61; 6] {
    [MODULUS - 1, 0, 1, MODULUS - 2, (1 << 52) - 1, (1 << 43) - 1].map(Fp61::reduce)
}

fn fp61_kernels() -> Vec<Way<Fp61>> {
    #[allow(unused_mut)]
    let mut kernels = vec![Way {
        inner_product: super::fp61::inner_product,
        combine: super::fp61::combine,
        add_vector: super::fp61::add_vector,
        sub_vector: super::fp61::sub_vector,
    }];
    #[cfg(target_arch = "x86_64")]
    {
        use super::fp61_avx512::Avx512Ifma;
        fn detected() -> Avx512Ifma {
            Avx512Ifma::detect().unwrap()
        }
        if Avx512Ifma::detect().is_some() {
            kernels.push(Way {
                inner_product: |x, y| detected().inner_product(x, y),
                combine: |blocks, coefficients, out| detected().combine(blocks, coefficients, out),
                add_vector: |sum, values| detected().add_vector(sum, values),
                sub_vector: |difference, values| detected().sub_vector(difference, values),
            });
        }
    }
    kernels
}

proptest! {
    #[test]
    fn kernels_of_fp61_equal_the_portable_form(len in 0usize..300, blocks in 0usize..40, seed: u64) {
        for kernel in fp61_kernels() {
            compare(kernel, FP61_PORTABLE, &fp61_edges(), len, blocks, seed);
        }
    }
}

#[test]
fn kernels_of_fp61_do_not_overflow_on_long_vectors() {
    // Lengths around the runs of lazy reduction, of the largest elements only.
    for len in [3991, 3992, 3993, 3999, 4000, 4001, 7992, 8000, 20_007] {
        let largest = vec![Fp61::reduce(MODULUS - 1); len];
        for kernel in fp61_kernels() {
            // (p-1)² = 1.
            assert!((kernel.inner_product)(&largest, &largest) == Fp61::reduce(len as u64));
        }
    }
}
