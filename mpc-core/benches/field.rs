//! The bulk operations of the fields, in portable form and on the kernels of this machine, with vectors in cache and in memory.
//! Throughput is in products or sums per second.
//!
//! `cargo bench -p tacit-mpc-core --bench field`

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use tacit_mpc_core::field::{Field, Fp61, Gf64, fp61, gf64, rows, rows_portable};

/// Number of blocks of a combination.
const BLOCKS: usize = 4;

/// One implementation of the bulk operations of a field.
struct Operations<F: Field> {
    name: &'static str,
    inner_product: fn(&[F], &[F]) -> F,
    combine: fn(&[&[F]], &[F], &mut [F]),
    add_vector: fn(&mut [F], &[F]),
}

fn bench<F: Field>(c: &mut Criterion, field: &str, implementations: [Operations<F>; 2]) {
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
        for operations in &implementations {
            let (x, y) = values.split_at_mut(len / 2);
            group.throughput(Throughput::Elements(x.len() as u64));
            group.bench_function(BenchmarkId::new("inner product", operations.name), |b| {
                b.iter(|| (operations.inner_product)(black_box(x), black_box(y)));
            });
            group.bench_function(BenchmarkId::new("sum", operations.name), |b| {
                b.iter(|| (operations.add_vector)(black_box(x), black_box(y)));
            });
            let (out, blocks) = values.split_at_mut(len / (BLOCKS + 1));
            let blocks: Vec<&[F]> = blocks.chunks_exact(out.len()).take(BLOCKS).collect();
            group.throughput(Throughput::Elements((out.len() * BLOCKS) as u64));
            group.bench_function(BenchmarkId::new("combination of 4", operations.name), |b| {
                b.iter(|| (operations.combine)(black_box(&blocks), &coefficients, black_box(&mut *out)));
            });
        }
    }
}

fn fields(c: &mut Criterion) {
    bench(
        c,
        "2^61 - 1",
        [
            Operations {
                name: "portable",
                inner_product: fp61::portable::inner_product,
                combine: fp61::portable::combine,
                add_vector: fp61::portable::add_vector,
            },
            Operations {
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
            Operations {
                name: "portable",
                inner_product: gf64::portable::inner_product,
                combine: gf64::portable::combine,
                add_vector: gf64::portable::add_vector,
            },
            Operations {
                name: "this machine",
                inner_product: Gf64::inner_product,
                combine: Gf64::combine,
                add_vector: Gf64::add_vector,
            },
        ],
    );
}

/// Rows of ten elements for 500 random items in ascending order, in a table larger than the nearer caches. Throughput is in rows
/// per second.
fn rows_at_places(c: &mut Criterion) {
    const WIDTH: usize = 10;
    const ITEMS: u32 = 1_000_000;
    const ROWS: usize = 500;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut table = vec![Fp61::ONE; ITEMS as usize * WIDTH];
    let mut rows = vec![Fp61::ONE; ROWS * WIDTH];
    let [xs, ys] = [(); 2].map(|()| (0..WIDTH).map(|_| Fp61::random(&mut rng)).collect::<Vec<_>>());
    let mut products = [(); 2].map(|()| vec![Fp61::ZERO; ROWS]);
    let mut places = move || {
        let mut places: Vec<u32> = (0..ROWS).map(|_| rng.next_u32() % ITEMS).collect();
        places.sort_unstable();
        places
    };
    let contributors: Vec<Vec<u32>> = (0..1000).map(|_| places()).collect();
    let mut contributors = contributors.iter().cycle();
    let mut next_places = move || contributors.next().map_or(&[][..], Vec::as_slice);
    let mut group = c.benchmark_group("rows of 10");
    group.sample_size(10).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, add, copy, multiply) in [
        (
            "portable",
            rows_portable::add_at as fn(&mut [Fp61], usize, &[u32], &[Fp61], &[u32]),
            rows_portable::copy_from as fn(&[Fp61], usize, &[u32], &mut [Fp61], &[u32]),
            rows_portable::products as fn(&[Fp61], [&[Fp61]; 2], [&mut [Fp61]; 2]),
        ),
        ("here", rows::add_at, rows::copy_from, rows::products),
    ] {
        group.bench_function(BenchmarkId::new("added at places", name), |b| {
            b.iter(|| add(black_box(&mut table), WIDTH, next_places(), black_box(&rows), &[]));
        });
        group.bench_function(BenchmarkId::new("copied from places", name), |b| {
            b.iter(|| copy(black_box(&table), WIDTH, next_places(), black_box(&mut rows), &[]));
        });
        group.bench_function(BenchmarkId::new("two products", name), |b| {
            b.iter(|| {
                multiply(
                    black_box(&rows),
                    black_box([&xs, &ys]),
                    black_box(products.each_mut().map(|of| &mut of[..])),
                );
            });
        });
    }
}

criterion_group!(benches, fields, rows_at_places);
criterion_main!(benches);
