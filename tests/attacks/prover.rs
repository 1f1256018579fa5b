//! A prover that chooses errors to cancel each other: a wrong product, and an error in the check of products that compensates for it
//! at the point where the prover expects the check to be evaluated.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::lies::run_with;
use super::scenario::{CLUSTERS, Scenario, assert_stopped, tamper};
use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::phase::Phase;

/// The values that the prover changes: a product of the agreement statistics, and the first level of folding.
pub struct Plan {
    product: (u32, usize),
    /// The index of the product among all claims.
    claim: usize,
    /// The step of the first level, and how many values of the polynomial are reshared there.
    level: (u32, usize),
}

impl Plan {
    pub fn new(scenario: &Scenario) -> Self {
        let product = scenario.products_in(Phase::Agreement).last().unwrap().0;
        let (products, _) = scenario.values_of(0);
        let before = products.iter().take_while(|(step, _)| *step < product);
        Self {
            product: (product, 0),
            claim: before.map(|(_, len)| *len).sum(),
            level: scenario.products_in(Phase::Verify)[0],
        }
    }

    /// The misbehaviour of a prover that expects every coin to be `coin`.
    pub fn misbehaviour(&self, coin: [u8; 32]) -> Misbehaviour {
        let (product, level) = (self.product, self.level);
        // The weight of the claim, as the check draws it.
        let mut weights = ChaCha20Rng::from_seed(coin);
        let weight = (0..=self.claim).map(|_| Fp61::random(&mut weights)).last().unwrap();
        // The point of the first level, and the Lagrange coefficients of the values at k and at 2k - 1.
        let k = level.1 / 2 + 1;
        let mut point = ChaCha20Rng::from_seed(coin);
        point.set_stream(2);
        let r = Fp61::random(&mut point);
        let coefficient = |at: u64| {
            let others = || (1..2 * k as u64).filter(|j| *j != at).map(Fp61::point);
            let over = others().fold(Fp61::ONE, |product, j| product * (r - j));
            let under = others().fold(Fp61::ONE, |product, j| product * (Fp61::point(at) - j));
            over * under.inverse()
        };
        // The value at k gets the error of the claim; an error of the value at 2k - 1 compensates for it at r.
        let error = Fp61::reduce(1_000_000);
        let compensation = -(weight * error * coefficient(k as u64)) * coefficient(2 * k as u64 - 1).inverse();
        tamper(move |observed| {
            if let Observed::Products(step, values) = observed {
                if step == product.0 {
                    values[product.1] += error;
                } else if step == level.0 {
                    *values.last_mut().unwrap() += compensation;
                }
            }
        })
    }
}

#[test]
fn a_prover_that_guesses_the_coins_is_caught() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let plan = Plan::new(&scenario);
        let corrupt: NodeSet = [0].into_iter().collect();
        for guess in 0..20 {
            let outcome = run_with(&scenario, corrupt, &plan.misbehaviour([guess; 32]));
            assert_stopped(&outcome, corrupt, &("adaptive prover", guess));
        }
    }
}
