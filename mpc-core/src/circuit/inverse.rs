//! The inverse of every element of a vector; 0 for 0.
//!
//! `x⁻¹ = r·(r·x)⁻¹`, where the product with a uniformly random `r` is opened. The product is uniformly random for every `x ≠ 0`,
//! even if a node adds an error to it. If `x = 0`, everyone learns it. So the function takes only results that every participant
//! has recorded. (Bar-Ilan, Beaver, "Non-cryptographic fault-tolerant computing in constant number of rounds of interaction",
//! [PODC 1989](https://doi.org/10.1145/72981.72995).)

use crate::field::{Field, Fp61};
use crate::network::Network;
use crate::session::{Factors, Opening, Recorded, Session, SessionError};
use crate::sharing::Shared;

/// The inverse of every element, and 0 for 0: as many elements as `x` has. Three rounds; a node sends 8 bytes for each element to
/// each receiver in the first and in the last.
///
/// Everyone learns which elements are 0, and nothing else about them.
///
/// # Errors
/// A round failed, or two holders of a component sent different values.
pub fn inverses<N: Network>(session: &mut Session<N>, x: Recorded<Shared<Fp61>>) -> Result<Shared<Fp61>, SessionError> {
    let x = x.into_inner();
    let masks = session.random(x.len())?;
    let mut products = session.inner_products(vec![Factors::elementwise(masks.clone(), x)])?;
    let masked = products.pop().unwrap_or_else(|| Shared::zeros(session.party(), 0));
    // All nodes have the same products before any of them opens its part; otherwise they could continue with different values.
    session.settle()?;
    let opened = session.open(&masked, Opening::MaskedFactors)?;
    let inverses: Vec<Fp61> = opened.into_iter().map(Field::inverse).collect();
    Ok(masks.scale(&inverses))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sessions::{deal, elements, in_session, world};

    #[test]
    fn inverses_are_inverses_and_zero_stays_zero() {
        let values = elements(&[1, 2, 0, 12_345, 0]);
        let results = in_session(&world(3, 1, 5), |session| {
            let x = deal(session.party(), &values, 3);
            let verified = session.verify_claims(x)?;
            let recorded = session.recorded(verified)?;
            let inverses = inverses(session, recorded)?;
            session.open(&inverses, Opening::Test)
        });
        for result in results {
            let due: Vec<Fp61> = values.iter().map(|value| value.inverse()).collect();
            assert_eq!(result.unwrap(), due);
        }
    }
}
