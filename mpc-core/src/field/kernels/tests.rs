//! Every kernel that this machine can run against the portable form of its field.

use proptest::prelude::*;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::field::{Field, Fp61, Gf64, MODULUS, fp61, gf64};

/// The bulk operations of a kernel, or the portable ones.
#[derive(Clone, Copy)]
struct Operations<F: Field> {
    inner_product: fn(&[F], &[F]) -> F,
    combine: fn(&[&[F]], &[F], &mut [F]),
    add_vector: fn(&mut [F], &[F]),
    sub_vector: fn(&mut [F], &[F]),
    mul_vector: fn(&mut [F], &[F]),
    extend_cubics: fn([&[F]; 4], [&mut [F]; 3]),
}

/// Random elements. Depending on `rng`: only the first of `edges`, only elements of `edges`, or these with probability 1/2.
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

/// Compares two implementations on vectors of `len` elements at any alignment, and on combinations of `blocks` such vectors.
fn compare<F: Field>(kernel: Operations<F>, portable: Operations<F>, edges: &[F], len: usize, blocks: usize, seed: u64) {
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
        (kernel.mul_vector, portable.mul_vector, "product"),
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
    if let [a, b, c, d, ..] = vectors[..] {
        let [by_kernel, by_portable] = [kernel.extend_cubics, portable.extend_cubics].map(|extend| {
            let mut further = vec![F::ONE; 3 * len + 2];
            let (e, rest) = further[1..=3 * len].split_at_mut(len);
            let (f, g) = rest.split_at_mut(len);
            extend([a, b, c, d], [e, f, g]);
            further
        });
        assert!(by_kernel == by_portable, "cubics of {len}");
    }

    // One more element on both sides would show a write outside.
    let (mut by_kernel, mut by_portable) = (vec![F::ONE; len + 2], vec![F::ONE; len + 2]);
    (kernel.combine)(&vectors, &coefficients, &mut by_kernel[1..=len]);
    (portable.combine)(&vectors, &coefficients, &mut by_portable[1..=len]);
    assert!(by_kernel == by_portable, "combination of {blocks} blocks of {len}");
}

const FP61_PORTABLE: Operations<Fp61> = Operations {
    inner_product: fp61::portable::inner_product,
    combine: fp61::portable::combine,
    add_vector: fp61::portable::add_vector,
    sub_vector: fp61::portable::sub_vector,
    mul_vector: fp61::portable::mul_vector,
    extend_cubics: fp61::portable::extend_cubics,
};

fn fp61_edges() -> [Fp61; 6] {
    [MODULUS - 1, 0, 1, MODULUS - 2, (1 << 52) - 1, (1 << 43) - 1].map(Fp61::reduce)
}

fn fp61_kernels() -> Vec<Operations<Fp61>> {
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "only x86-64 has further kernels"))]
    let mut kernels = vec![Operations {
        inner_product: Fp61::inner_product,
        combine: Fp61::combine,
        add_vector: Fp61::add_vector,
        sub_vector: Fp61::sub_vector,
        mul_vector: Fp61::mul_vector,
        extend_cubics: Fp61::extend_cubics,
    }];
    #[cfg(target_arch = "x86_64")]
    {
        use super::fp61_avx512::Avx512Ifma;
        if Avx512Ifma::detect().is_some() {
            kernels.push(Operations {
                inner_product: |x, y| Avx512Ifma::detect().unwrap().inner_product(x, y),
                combine: |blocks, coefficients, out| Avx512Ifma::detect().unwrap().combine(blocks, coefficients, out),
                add_vector: |sum, values| Avx512Ifma::detect().unwrap().add_vector(sum, values),
                sub_vector: |difference, values| Avx512Ifma::detect().unwrap().sub_vector(difference, values),
                mul_vector: |product, factors| Avx512Ifma::detect().unwrap().mul_vector(product, factors),
                extend_cubics: |known, further| Avx512Ifma::detect().unwrap().extend_cubics(known, further),
            });
        }
    }
    kernels
}

const GF64_PORTABLE: Operations<Gf64> = Operations {
    inner_product: gf64::portable::inner_product,
    combine: gf64::portable::combine,
    add_vector: gf64::portable::add_vector,
    sub_vector: gf64::portable::sub_vector,
    mul_vector: gf64::portable::mul_vector,
    extend_cubics: Gf64::extend_cubics,
};

fn gf64_edges() -> [Gf64; 6] {
    [u64::MAX, 0, 1, 1 << 63, 0b11011, u64::MAX - 1].map(Gf64::from_bits)
}

fn gf64_kernels() -> Vec<Operations<Gf64>> {
    #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "only x86-64 has further kernels"))]
    let mut kernels = vec![Operations {
        inner_product: Gf64::inner_product,
        combine: Gf64::combine,
        add_vector: Gf64::add_vector,
        sub_vector: Gf64::sub_vector,
        mul_vector: Gf64::mul_vector,
        extend_cubics: Gf64::extend_cubics,
    }];
    #[cfg(target_arch = "x86_64")]
    {
        use super::gf64_clmul::Clmul;
        use super::gf64_vpclmul::Vpclmul;
        if Clmul::detect().is_some() {
            kernels.push(Operations {
                inner_product: |x, y| Clmul::detect().unwrap().inner_product(x, y),
                combine: |blocks, coefficients, out| Clmul::detect().unwrap().combine(blocks, coefficients, out),
                mul_vector: |product, factors| Clmul::detect().unwrap().mul_vector(product, factors),
                ..GF64_PORTABLE
            });
        }
        if Vpclmul::detect().is_some() {
            kernels.push(Operations {
                inner_product: |x, y| Vpclmul::detect().unwrap().inner_product(x, y),
                combine: |blocks, coefficients, out| Vpclmul::detect().unwrap().combine(blocks, coefficients, out),
                mul_vector: |product, factors| Vpclmul::detect().unwrap().mul_vector(product, factors),
                ..GF64_PORTABLE
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

    #[test]
    fn kernels_of_gf64_equal_the_portable_form(len in 0usize..300, blocks in 0usize..40, seed: u64) {
        for kernel in gf64_kernels() {
            compare(kernel, GF64_PORTABLE, &gf64_edges(), len, blocks, seed);
        }
    }
}

#[test]
fn words_are_taken_for_elements_unless_one_is_none() {
    for len in 0..=40 {
        let mut rng = ChaCha8Rng::seed_from_u64(len as u64);
        let words: Vec<[u8; 8]> = (0..len).map(|_| rng.next_u64().to_le_bytes()).collect();
        let elements: Vec<Fp61> = words.iter().map(|word| Fp61::reduce(u64::from_le_bytes(*word) & MODULUS)).collect();
        for take in [super::fp61::elements_of, fp61::portable::elements_of] {
            let mut out = vec![Fp61::ONE; len];
            assert!(take(&words, &mut out) && out == elements, "{len} words");
            for place in 0..len {
                let mut words = words.clone();
                words[place] = (MODULUS | u64::from(rng.next_u32()) << 61).to_le_bytes();
                assert!(!take(&words, &mut out), "p at {place} of {len}");
            }
        }
    }
}

#[test]
fn kernels_of_fp61_do_not_overflow_on_long_vectors() {
    // Lengths around multiples of what is summed between two reductions, with the largest elements only.
    for len in [3991, 3992, 3993, 3999, 4000, 4001, 7992, 8000, 20_007] {
        let largest = vec![Fp61::reduce(MODULUS - 1); len];
        for kernel in fp61_kernels() {
            // (p-1)² = 1.
            assert!((kernel.inner_product)(&largest, &largest) == Fp61::reduce(len as u64));
        }
    }
}
