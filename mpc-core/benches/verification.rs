//! The cost of verifying products, compared with that of computing them: seconds, rounds and bytes of each node.
//!
//! ```text
//! cargo bench -p tacit-mpc-core --features testing --bench verification [-- PRODUCTS [NODES THRESHOLD]]
//! ```
//!
//! All nodes run in one process and share the processors of this machine. Messages cost nothing, so seconds are those of
//! arithmetic.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{CHUNK_ELEMENTS, Field, Fp61, Gf64};
use tacit_mpc_core::session::{Factors, Outputs, ProductField, SessionError, Setup};
use tacit_mpc_core::sharing::{AccessStructure, Party, Shared};
use tacit_mpc_core::testing::World;

/// Number of runs of each computation; the fastest counts.
const RUNS: usize = 3;
/// The measurements of one node.
#[derive(Clone, Copy)]
struct Measured {
    /// Time of the arithmetic of the products alone.
    products: Duration,
    /// The same, and of wiping the factors.
    without: Duration,
    /// Time of products, verification, and of wiping the factors.
    with: Duration,
    rounds: u64,
    sent: u64,
}

/// This node's components of a random vector.
fn random<F: Field>(party: &Party, len: usize, seed: u64) -> Shared<F> {
    Shared::generate(party, |position| {
        let mut rng = ChaCha20Rng::seed_from_u64(seed << 8 | party.held()[position] as u64);
        (0..len).map(|_| F::random(&mut rng)).collect()
    })
}

/// This node's part of the inner products, and nothing else.
fn arithmetic<F: Field>(party: &Party, x: &Shared<F>, y: &Shared<F>, ends: &[usize]) -> Vec<F> {
    let mut scratch = [F::ZERO; CHUNK_ELEMENTS];
    let mut start = 0;
    let segment = |end: &usize| {
        let mut total = F::ZERO;
        for at in (start..*end).step_by(CHUNK_ELEMENTS) {
            let chunk = at..(at + CHUNK_ELEMENTS).min(*end);
            let (x, y) = (
                |s: usize| &x.components()[s][chunk.clone()],
                |t: usize| &y.components()[t][chunk.clone()],
            );
            total += party.local_product(x, y, &mut scratch[..chunk.len()]);
        }
        start = *end;
        total
    };
    ends.iter().map(segment).collect()
}

/// Inner products of `segment` terms each, `products` terms in all, at every node: computed alone, and
/// computed and verified.
fn measure<F: ProductField>(access: &AccessStructure, products: usize, segment: usize) -> Result<Measured, SessionError> {
    let world = World::new(access.clone(), 1).deadline(Duration::from_secs(600));
    let results = world.run(|party, network, mut rng| -> Result<Measured, SessionError> {
        let factors = || (random::<F>(&party, products, 1), random::<F>(&party, products, 2));
        let ends: Vec<usize> = (1..=products.div_ceil(segment)).map(|j| (j * segment).min(products)).collect();
        let mut session = Setup::new(party.clone(), network).into_session(Digest::of("bench", &[]), &mut rng)?;

        let (x, y) = factors();
        session.settle()?;
        let start = Instant::now();
        black_box(arithmetic(&party, &x, &y, &ends));
        let products = start.elapsed();
        drop((x, y));
        let without = start.elapsed();

        let (x, y) = factors();
        session.settle()?;
        let before = session.traffic();
        let start = Instant::now();
        session.inner_products(vec![Factors { x, y, ends }])?;
        let after = session.verify(Outputs::<()>::default())?.recorded()?.traffic();
        Ok(Measured {
            products,
            without,
            with: start.elapsed(),
            rounds: after.rounds - before.rounds,
            sent: after.sent - before.sent,
        })
    });
    let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    // The slowest node counts.
    let max = |of: fn(&Measured) -> Duration| results.iter().map(of).max().unwrap_or_default();
    Ok(Measured {
        products: max(|m| m.products),
        without: max(|m| m.without),
        with: max(|m| m.with),
        rounds: results[0].rounds,
        sent: results.iter().map(|m| m.sent).max().unwrap_or_default(),
    })
}

fn row<F: ProductField>(name: &str, access: &AccessStructure, products: usize, segment: usize) -> Result<(), SessionError> {
    let runs = (0..RUNS)
        .map(|_| measure::<F>(access, products, segment))
        .collect::<Result<Vec<_>, _>>()?;
    // The fastest run counts.
    let best = |of: fn(&Measured) -> Duration| runs.iter().map(of).min().unwrap_or_default().as_secs_f64();
    let (arithmetic, without, with) = (best(|r| r.products), best(|r| r.without), best(|r| r.with));
    println!(
        "{name:<8} {products:>11} {segment:>9} | {arithmetic:>8.3} {without:>8.3} | {with:>8.3} {:>6} {:>10} | {:>6.2}",
        runs[0].rounds,
        runs[0].sent,
        (with - without) / arithmetic,
    );
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let of = |index: usize, default| numbers.get(index).copied().unwrap_or(default);
    let (products, nodes, threshold) = (of(0, 50_000_000), of(1, 3), of(2, 1));
    let access = AccessStructure::new(nodes, threshold)?;
    println!("N = {nodes}, t = {threshold}; seconds, rounds and bytes sent, of the node with the most; best of {RUNS} runs");
    println!(
        "{:<30} | {:^17} | {:^26} | verification adds,",
        "", "products alone", "products and verification"
    );
    println!(
        "{:<8} {:>11} {:>9} | {:>8} {:>8} | {:>8} {:>6} {:>10} | times the products",
        "field", "products", "in each", "seconds", "and wipe", "and wipe", "rounds", "bytes"
    );
    row::<Fp61>("F_p", &access, products, products)?;
    row::<Fp61>("F_p", &access, products, 5000)?;
    row::<Fp61>("F_p", &access, products, 50)?;
    row::<Gf64>("GF(2^64)", &access, products, 5000)?;
    Ok(())
}
