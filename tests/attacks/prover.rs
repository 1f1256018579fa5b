//! A prover that picks its errors to fit each other: a wrong product, and an error in the proof that
//! makes it right at the point it expects the proof to be checked at.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::kit::{CLUSTERS, Scene, assert_stopped, lie};
use super::lies::run_with;
use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::phase::Phase;

/// Where the prover lies: a product of the agreement statistics, and the first level of folding.
pub struct Plan {
    product: (u32, usize),
    /// Which of all claims that product is.
    claim: usize,
    /// The step of the first level, and how many values of the polynomial are computed there.
    level: (u32, usize),
}

impl Plan {
    pub fn new(scene: &Scene) -> Self {
        let product = scene.products_in(Phase::Agreement).last().unwrap().0;
        let (products, _) = scene.told_by(0);
        let before = products.iter().take_while(|(step, _)| *step < product);
        Self {
            product: (product, 0),
            claim: before.map(|(_, len)| *len).sum(),
            level: scene.products_in(Phase::Verify)[0],
        }
    }

    /// The lies of a prover that expects every coin to be `coin`.
    pub fn lies(&self, coin: [u8; 32]) -> Misbehaviour {
        let (product, level) = (self.product, self.level);
        // The claim's weight, as the check draws it.
        let mut weights = ChaCha20Rng::from_seed(coin);
        let weight = (0..=self.claim).map(|_| Fp61::random(&mut weights)).last().unwrap();
        // The point of the first level, and what the values at k and at 2k - 1 count there.
        let k = level.1 / 2 + 1;
        let mut point = ChaCha20Rng::from_seed(coin);
        point.set_stream(2);
        let r = Fp61::random(&mut point);
        let counts = |at: u64| {
            let others = || (1..2 * k as u64).filter(|j| *j != at).map(Fp61::point);
            let over = others().fold(Fp61::ONE, |product, j| product * (r - j));
            let under = others().fold(Fp61::ONE, |product, j| product * (Fp61::point(at) - j));
            over * under.inverse()
        };
        // The value at k takes the error of the claim; the value at 2k - 1 is to make up for it at r.
        let error = Fp61::reduce(1_000_000);
        let made_up = -(weight * error * counts(k as u64)) * counts(2 * k as u64 - 1).inverse();
        lie(move |told| {
            if let Observed::Products(step, values) = told {
                if step == product.0 {
                    values[product.1] += error;
                } else if step == level.0 {
                    *values.last_mut().unwrap() += made_up;
                }
            }
        })
    }
}

#[test]
fn a_prover_that_guesses_the_coins_is_caught() {
    for (nodes, threshold) in CLUSTERS {
        let scene = Scene::new(nodes, threshold);
        let plan = Plan::new(&scene);
        let corrupt: NodeSet = [0].into_iter().collect();
        for guess in 0..20 {
            let outcome = run_with(&scene, corrupt, &plan.lies([guess; 32]));
            assert_stopped(&outcome, corrupt, &("adaptive prover", guess));
        }
    }
}
