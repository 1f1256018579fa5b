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
use tacit_core::session::{Claimed, Factors, Outputs, SessionError, Setup, Traffic};
use tacit_core::sharing::{AccessStructure, Party, Shared};
use tacit_core::world::World;

/// What one node measured.
struct Measured {
    products: Duration,
    verification: Duration,
    before: Traffic,
    after: Traffic,
}

/// This node's components of a random vector.
fn random<F: Field>(party: &Party, len: usize, seed: u64) -> Shared<F> {
    Shared::generate(party, |position| {
        let mut rng = ChaCha20Rng::seed_from_u64(seed << 8 | party.held()[position] as u64);
        (0..len).map(|_| F::random(&mut rng)).collect()
    })
}

/// Inner products of `segment` terms each, `products` terms in all, computed and verified at every node.
fn measure<F: Claimed>(access: &AccessStructure, products: usize, segment: usize) -> Result<Vec<Measured>, SessionError> {
    let world = World::new(access.clone(), 1).deadline(Duration::from_secs(600));
    let results = world.run(|party, network, mut rng| {
        let (x, y) = (random::<F>(&party, products, 1), random::<F>(&party, products, 2));
        let ends = (1..=products.div_ceil(segment)).map(|j| (j * segment).min(products)).collect();
        let mut session = Setup::new(party, network, 0).into_session(Digest::of("bench", &[]), &mut rng)?;
        let before = session.traffic();
        let start = Instant::now();
        session.inner_products(vec![Factors { x, y, ends }])?;
        let (products, before) = (
            start.elapsed(),
            Traffic {
                sent: session.traffic().sent - before.sent,
                ..session.traffic()
            },
        );
        let (sent, rounds) = (session.traffic().sent, session.traffic().rounds);
        let start = Instant::now();
        let verified = session.verify(Outputs::default())?.recorded()?;
        let after = verified.traffic();
        Ok(Measured {
            products,
            verification: start.elapsed(),
            before,
            after: Traffic {
                sent: after.sent - sent,
                rounds: after.rounds - rounds,
                ..after
            },
        })
    });
    results.into_iter().collect()
}

fn row<F: Claimed>(name: &str, access: &AccessStructure, products: usize, segment: usize) {
    let measured = match measure::<F>(access, products, segment) {
        Ok(measured) => measured,
        Err(error) => panic!("honest nodes failed: {error}"),
    };
    // The slowest node counts.
    let seconds = |of: fn(&Measured) -> Duration| measured.iter().map(of).max().unwrap_or_default().as_secs_f64();
    let bytes = |of: fn(&Measured) -> u64| measured.iter().map(of).max().unwrap_or_default();
    let (without, with) = (seconds(|m| m.products), seconds(|m| m.verification));
    println!(
        "{name:<8} {products:>11} {segment:>9} | {without:>8.3} {:>7} {:>11} | {with:>8.3} {:>7} {:>11} | {:>6.2}",
        1,
        bytes(|m| m.before.sent),
        measured[0].after.rounds,
        bytes(|m| m.after.sent),
        with / without,
    );
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let products = numbers.first().copied().unwrap_or(50_000_000);
    let (nodes, threshold) = (numbers.get(1).copied().unwrap_or(3), numbers.get(2).copied().unwrap_or(1));
    let access = match AccessStructure::new(nodes, threshold) {
        Ok(access) => access,
        Err(error) => panic!("{error}"),
    };
    println!("N = {nodes}, t = {threshold}; seconds, rounds and bytes sent, of the node with the most");
    println!("{:<30} | {:^28} | {:^28} |", "", "products", "verification");
    println!(
        "{:<8} {:>11} {:>9} | {:>8} {:>7} {:>11} | {:>8} {:>7} {:>11} | {:>6}",
        "field", "products", "in each", "seconds", "rounds", "bytes", "seconds", "rounds", "bytes", "ratio"
    );
    row::<Fp61>("F_p", &access, products, products);
    row::<Fp61>("F_p", &access, products, 500);
    row::<Fp61>("F_p", &access, products, 50);
    row::<Gf64>("GF(2^64)", &access, products, 500);
}
