//! What verifying products costs beside computing them: seconds, rounds and bytes of each node.
//!
//! ```text
//! cargo bench -p tacit-core --features testing --bench verification [-- PRODUCTS [NODES THRESHOLD]]
//! ```
//!
//! Three nodes share this machine's processors, all in one process; messages cost nothing, so seconds are
//! those of arithmetic. The table's ratio is of one run.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_core::digest::Digest;
use tacit_core::field::{Field, Fp61, Gf64};
use tacit_core::session::{Claimed, Factors, Outputs, SessionError, Setup};
use tacit_core::sharing::{AccessStructure, Party, Shared};
use tacit_core::world::World;

/// How often each computation is run.
const RUNS: usize = 3;

/// What one node measured.
#[derive(Clone, Copy)]
struct Measured {
    /// From the first product to the end, factors wiped.
    time: Duration,
    products: Duration,
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

/// Inner products of `segment` terms each, `products` terms in all, computed and, if wanted, verified at every
/// node.
fn measure<F: Claimed>(access: &AccessStructure, products: usize, segment: usize, verified: bool) -> Result<Measured, SessionError> {
    let world = World::new(access.clone(), 1).deadline(Duration::from_secs(600));
    let results = world.run(|party, network, mut rng| -> Result<Measured, SessionError> {
        let (x, y) = (random::<F>(&party, products, 1), random::<F>(&party, products, 2));
        let ends = (1..=products.div_ceil(segment)).map(|j| (j * segment).min(products)).collect();
        let mut session = Setup::new(party, network, 0).into_session(Digest::of("bench", &[]), &mut rng)?;
        let before = session.traffic();
        let start = Instant::now();
        session.inner_products(vec![Factors { x, y, ends }])?;
        let products = start.elapsed();
        let after = if verified {
            session.verify(Outputs::default())?.recorded()?.traffic()
        } else {
            let traffic = session.traffic();
            drop(session);
            traffic
        };
        Ok(Measured {
            time: start.elapsed(),
            products,
            rounds: after.rounds - before.rounds,
            sent: after.sent - before.sent,
        })
    });
    let results = results.into_iter().collect::<Result<Vec<_>, _>>()?;
    // The node with the most counts.
    let most = |of: fn(&Measured) -> Duration| results.iter().map(of).max().unwrap_or_default();
    Ok(Measured {
        time: most(|m| m.time),
        products: most(|m| m.products),
        rounds: results[0].rounds,
        sent: results.iter().map(|m| m.sent).max().unwrap_or_default(),
    })
}

fn row<F: Claimed>(name: &str, access: &AccessStructure, products: usize, segment: usize) -> Result<(), SessionError> {
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push((
            measure::<F>(access, products, segment, false)?,
            measure::<F>(access, products, segment, true)?,
        ));
    }
    // The quietest of the runs.
    let best = |of: fn(&(Measured, Measured)) -> Duration| runs.iter().map(of).min().unwrap_or_default().as_secs_f64();
    let (arithmetic, without, with) = (best(|r| r.0.products), best(|r| r.0.time), best(|r| r.1.time));
    let (plain, verified) = runs[0];
    println!(
        "{name:<8} {products:>11} {segment:>9} | {arithmetic:>8.3} {without:>8.3} {:>6} {:>10} | {with:>8.3} {:>6} {:>10} | {:>6.2}",
        plain.rounds,
        plain.sent,
        verified.rounds - plain.rounds,
        verified.sent - plain.sent,
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
        "{:<30} | {:^35} | {:^26} | what verification adds,",
        "", "products without verification", "with verification"
    );
    println!(
        "{:<8} {:>11} {:>9} | {:>8} {:>8} {:>6} {:>10} | {:>8} {:>6} {:>10} | as a multiple of the products",
        "field", "products", "in each", "seconds", "and wipe", "rounds", "bytes", "seconds", "rounds", "bytes"
    );
    row::<Fp61>("F_p", &access, products, products)?;
    row::<Fp61>("F_p", &access, products, 500)?;
    row::<Fp61>("F_p", &access, products, 50)?;
    row::<Gf64>("GF(2^64)", &access, products, 500)?;
    Ok(())
}
