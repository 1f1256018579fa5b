//! Sessions for tests: small clusters and secrets that are dealt by a seed.

use proptest::prelude::*;
use rand_core::SeedableRng;

use super::{Session, SessionError, Setup};
use crate::digest::Digest;
use crate::field::{Field, Fp61, Gf64};
use crate::sharing::{AccessStructure, NodeSet, Party, Shared};
use crate::world::{World, WorldNetwork};

pub(crate) fn id() -> Digest {
    Digest::of("test", &[b"session"])
}

pub(crate) fn world(nodes: usize, threshold: usize, seed: u64) -> World {
    World::new(AccessStructure::new(nodes, threshold).unwrap(), seed)
}

/// This node's components of `values`, shared with a seed all nodes of the test know.
pub(crate) fn deal<F: Field>(party: &Party, values: &[F], seed: u64) -> Shared<F> {
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

pub(crate) fn in_session<T: Send>(
    world: &World,
    program: impl Fn(&mut Session<WorldNetwork>) -> Result<T, SessionError> + Sync,
) -> Vec<Result<T, SessionError>> {
    world.run(|party, network, mut rng| program(&mut Setup::new(party, network, 0).into_session(id(), &mut rng)?))
}

pub(crate) fn elements(values: &[u64]) -> Vec<Fp61> {
    values.iter().copied().map(Fp61::reduce).collect()
}

pub(crate) fn words(values: &[u64]) -> Vec<Gf64> {
    values.iter().copied().map(Gf64::from_bits).collect()
}

/// N, t and the nodes that take part.
pub(crate) fn clusters() -> impl Strategy<Value = (usize, usize, NodeSet)> {
    prop_oneof![
        Just((3, 1, NodeSet::all(3))),
        Just((4, 1, NodeSet::all(4))),
        Just((4, 1, [0, 2, 3].into_iter().collect())),
        Just((5, 2, NodeSet::all(5))),
        Just((6, 2, [0, 1, 3, 4, 5].into_iter().collect())),
        Just((7, 3, NodeSet::all(7))),
    ]
}
