//! Three nodes compute the inner product of two vectors that none of them sees.
//!
//! `cargo run -p tacit-mpc-core --features testing --example inner_product`

use std::collections::BTreeMap;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::session::{Factors, Output, Outputs, SessionError, Setup};
use tacit_mpc_core::sharing::{AccessStructure, Component, CompressedComponent, Party, Shared, compress, expand_into};
use tacit_mpc_core::testing::World;

/// This node's components of a vector of `len` elements that somebody has shared.
fn held(party: &Party, components: &[CompressedComponent<Fp61>], len: usize) -> Shared<Fp61> {
    Shared::generate(party, |position| match &components[party.held()[position]] {
        CompressedComponent::Seed(seed) => {
            let mut elements = vec![Fp61::ZERO; len];
            expand_into(seed, &mut elements);
            elements
        }
        CompressedComponent::Explicit(elements) => elements.clone(),
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Three nodes, of which one may be corrupt: three components, of which each node holds two.
    let access = AccessStructure::new(3, 1)?;
    let [x, y] = [[3, 1, 4, 1, 5], [2, 7, 1, 8, 2]].map(|values| values.map(Fp61::reduce));

    // The owners of the vectors share them. All but one component are seeds.
    // A fixed seed makes the example repeatable; real owners take randomness from the operating system.
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut share = |secret: &[Fp61]| compress(secret, access.components(), 0, &mut rng);
    let (shared_x, shared_y) = (share(&x), share(&y));

    // The same program runs at every node.
    let agreed = Digest::of("example", &[b"the inner product of two vectors of five elements"]);
    let nodes = World::new(access, 2).run(|party, network, mut rng| {
        let mut session = Setup::new(party.clone(), network).into_session(agreed, &mut rng)?;
        let factors = Factors {
            x: held(&party, &shared_x, x.len()),
            y: held(&party, &shared_y, y.len()),
            ends: vec![x.len()],
        };
        let mut outputs = Outputs::default();
        for product in session.inner_products(vec![factors])? {
            outputs.push("inner product", product);
        }
        // Nothing can be read before all products are verified and all nodes have recorded what they release.
        session.verify(outputs)?.recorded()
    });

    // Every node releases its components. All holders of a component must release the same. The sum of all components, each once,
    // is the result.
    let mut components: BTreeMap<Component, Fp61> = BTreeMap::new();
    for outputs in nodes.into_iter().collect::<Result<Vec<_>, SessionError>>()? {
        for (name, output) in outputs.outputs() {
            let Output::Components(released) = output else { continue };
            println!("a node releases {} components of the {name}", released.len());
            for (component, elements) in released {
                let first = *components.entry(component).or_insert(elements[0]);
                assert_eq!(first, elements[0], "two nodes released different copies of component {component}");
            }
        }
    }
    let product = components.into_values().fold(Fp61::ZERO, |sum, component| sum + component);
    println!("<x, y> = {}", product.to_u64());
    assert_eq!(product, Fp61::inner_product(&x, &y));
    Ok(())
}

#[test]
fn the_example_runs() {
    main().unwrap();
}
