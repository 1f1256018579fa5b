//! Sessions for tests: small clusters, and secrets shared with a known seed.

// A test that cannot set itself up has failed: it panics.
#![expect(clippy::unwrap_used, reason = "tests only")]

use rand_core::SeedableRng;

use super::world::{World, WorldNetwork};
use crate::digest::Digest;
use crate::field::{Field, Fp61, Gf64};
use crate::session::{Session, SessionError, Setup};
use crate::sharing::{AccessStructure, NodeSet, Party, Shared};

/// The id of every session of [`in_session`].
pub fn id() -> Digest {
    Digest::of("test", &[b"session"])
}

/// A world of `nodes` nodes of which `threshold` may be corrupt.
///
/// # Panics
/// There is no such cluster.
pub fn world(nodes: usize, threshold: usize, seed: u64) -> World {
    World::new(AccessStructure::new(nodes, threshold).unwrap(), seed)
}

/// This node's components of `values`, shared with randomness from a seed that all nodes of the test know.
pub fn deal<F: Field>(party: &Party, values: &[F], seed: u64) -> Shared<F> {
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(seed);
    let components = party.access().components();
    let mut all: Vec<Vec<F>> = (1..components)
        .map(|_| values.iter().map(|_| F::random(&mut rng)).collect())
        .collect();
    let rest = values
        .iter()
        .enumerate()
        .map(|(i, v)| all.iter().fold(*v, |rest, component| rest - component[i]))
        .collect();
    all.push(rest);
    Shared::generate(party, |position| all[party.held()[position]].clone())
}

/// Runs `program` in a session at every participant of `world`. Returns the results in node order.
pub fn in_session<T: Send>(
    world: &World,
    program: impl Fn(&mut Session<WorldNetwork>) -> Result<T, SessionError> + Sync,
) -> Vec<Result<T, SessionError>> {
    world.run(|party, network, mut rng| program(&mut Setup::new(party, network).into_session(id(), &mut rng)?))
}

/// The elements of F_p with these values, modulo p.
pub fn elements(values: &[u64]) -> Vec<Fp61> {
    values.iter().copied().map(Fp61::reduce).collect()
}

/// The elements of GF(2^64) with these bits.
pub fn words(values: &[u64]) -> Vec<Gf64> {
    values.iter().copied().map(Gf64::from_bits).collect()
}

/// Clusters of several sizes: number of nodes, threshold, and the nodes that take part.
pub fn clusters() -> Vec<(usize, usize, NodeSet)> {
    vec![
        (3, 1, NodeSet::all(3)),
        (4, 1, NodeSet::all(4)),
        (4, 1, [0, 2, 3].into_iter().collect()),
        (5, 2, NodeSet::all(5)),
        (6, 2, [0, 1, 3, 4, 5].into_iter().collect()),
        (7, 3, NodeSet::all(7)),
    ]
}
