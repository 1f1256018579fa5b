//! The bulk operations of the fields, portable and as this machine runs them, in cache and from
//! memory. Throughput is in products (or sums) per second.
//!
//! `cargo bench -p tacit-core --bench field`

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use tacit_core::field::{Field, Fp61, Gf64, fp61, gf64};

/// The blocks of a combination.
const BLOCKS: usize = 4;

/// One way to run the bulk operations of a field.
struct Way<F: Field> {
    name: &'static str,
    inner_product: fn(&[F], &[F]) -> F,
    combine: fn(&[&[F]], &[F], &mut [F]),
    add_vector: fn(&mut [F], &[F]),
}

fn bench<F: Field>(c: &mut Criterion, field: &str, ways: [Way<F>; 2]) {
    for (place, bytes) in [("cache", 16_000), ("memory", 256_000_000)] {
        let len = bytes / F::BYTES;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut values: Vec<F> = (0..len).map(|_| F::random(&mut rng)).collect();
        let coefficients: Vec<F> = (0..BLOCKS).map(|_| F::random(&mut rng)).collect();
        let mut group = c.benchmark_group(format!("{field}, {place}"));
        group
            .sample_size(10)
            .warm_up_time(Duration::from_millis(500))
            .measurement_time(Duration::from_secs(1));
        for way in &ways {
            let (x, y) = values.split_at_mut(len / 2);
            group.throughput(Throughput::Elements(x.len() as u64));
            group.bench_function(BenchmarkId::new("inner product", way.name), |b| {
                b.iter(|| (way.inner_product)(black_box(x), black_box(y)));
            });
            group.bench_function(BenchmarkId::new("sum", way.name), |b| {
                b.iter(|| (way.add_vector)(black_box(x), black_box(y)))
            });
            let (out, blocks) = values.split_at_mut(len / (BLOCKS + 1));
            let blocks: Vec<&[F]> = blocks.chunks_exact(out.len()).take(BLOCKS).collect();
            group.throughput(Throughput::Elements((out.len() * BLOCKS) as u64));
            group.bench_function(BenchmarkId::new("combination of 4", way.name), |b| {
                b.iter(|| (way.combine)(black_box(&blocks), &coefficients, black_box(&mut *out)));
            });
        }
    }
}

fn fields(c: &mut Criterion) {
    bench(
        c,
        "2^61 - 1",
        [
            Way {
                name: "portable",
                inner_product: fp61::portable::inner_product,
                combine: fp61::portable::combine,
                add_vector: fp61::portable::add_vector,
            },
            Way {
                name: "this machine",
                inner_product: Fp61::inner_product,
                combine: Fp61::combine,
                add_vector: Fp61::add_vector,
            },
        ],
    );
    bench(
        c,
        "GF(2^64)",
        [
            Way {
                name: "portable",
                inner_product: gf64::portable::inner_product,
                combine: gf64::portable::combine,
                add_vector: gf64::portable::add_vector,
            },
            Way {
                name: "this machine",
                inner_product: Gf64::inner_product,
                combine: Gf64::combine,
                add_vector: Gf64::add_vector,
            },
        ],
    );
}

criterion_group!(benches, fields);
criterion_main!(benches);
