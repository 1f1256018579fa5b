//! Which of two numbers is greater.

use super::{Planes, complement};
use crate::field::Gf64;
use crate::network::Network;
use crate::session::{Session, SessionError};
use crate::sharing::Shared;

/// Up to so many bits a carry that ripples is as fast as a tree, and takes fewer products.
const RIPPLE: usize = 3;

/// Whether a > b, lane by lane: whether `a + (2^n - 1 - b)` carries out of its n bits.
pub(super) fn greater<N: Network>(session: &mut Session<N>, a: &Planes, b: &Planes) -> Result<Shared<Gf64>, SessionError> {
    let not_b: Planes = b.iter().map(|b| complement(session.party(), b)).collect();
    if a.len() <= RIPPLE {
        ripple(session, a, &not_b)
    } else {
        tree(session, a, &not_b)
    }
}

/// The carry out of a sum, one round for each bit.
fn ripple<N: Network>(session: &mut Session<N>, a: &Planes, b: &Planes) -> Result<Shared<Gf64>, SessionError> {
    let words = a.first().map_or(0, |bit| bit.len());
    let mut carry = Shared::zeros(session.party(), words);
    for (a, b) in a.iter().zip(b) {
        let majority = session.and(vec![(a.add(&carry), b.add(&carry))])?;
        carry = majority.into_iter().fold(carry, |carry, product| carry.add(&product));
    }
    Ok(carry)
}

/// A run of bits: whether it generates a carry, and whether it passes one on.
struct Run {
    generates: Shared<Gf64>,
    passes: Shared<Gf64>,
}

/// The carry out of a sum, in logarithmic depth: neighbouring runs of bits are joined.
fn tree<N: Network>(session: &mut Session<N>, a: &Planes, b: &Planes) -> Result<Shared<Gf64>, SessionError> {
    let products = session.and(a.iter().cloned().zip(b.iter().cloned()).collect())?;
    let passes = a.iter().zip(b).map(|(a, b)| a.add(b));
    let mut runs: Vec<Run> = products
        .into_iter()
        .zip(passes)
        .map(|(generates, passes)| Run { generates, passes })
        .collect();
    while runs.len() > 1 {
        let odd = if runs.len().is_multiple_of(2) { None } else { runs.pop() };
        let (joined, _) = runs.as_chunks::<2>();
        let pairs = joined.iter().map(|[low, high]| (high.passes.clone(), low.generates.clone()));
        // Nothing comes from below the lowest run that it could pass on.
        let through = joined.iter().skip(1).map(|[low, high]| (high.passes.clone(), low.passes.clone()));
        let mut products = session.and(pairs.chain(through).collect())?;
        let through = products.split_off(joined.len());
        let lowest = Shared::zeros(session.party(), through.first().map_or(0, Shared::len));
        let passes = std::iter::once(lowest).chain(through);
        let next = joined.iter().zip(products).zip(passes).map(|(([_, high], passed_on), passes)| Run {
            generates: high.generates.add(&passed_on),
            passes,
        });
        runs = next.chain(odd).collect();
    }
    Ok(runs.pop().map_or_else(|| Shared::zeros(session.party(), 0), |run| run.generates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::tests::{opened, planes};
    use crate::testing::sessions::{clusters, in_session, world};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn comparisons_are_those_of_the_integers(
            (n, t, present) in proptest::sample::select(clusters()),
            bits in 1u32..20,
            pairs in proptest::collection::vec((any::<u64>(), any::<u64>(), 0..4), 1..70),
            seed: u64,
        ) {
            let low = u64::MAX >> (64 - bits);
            // Equal numbers, and neighbours, as often as others.
            let near = |(a, b, kind): (u64, u64, i32)| (a & low, match kind {
                0 => a & low,
                1 => a.wrapping_add(1) & low,
                2 => a.wrapping_sub(1) & low,
                _ => b & low,
            });
            let (a, b): (Vec<u64>, Vec<u64>) = pairs.into_iter().map(near).unzip();
            let expected: Vec<u64> = a.iter().zip(&b).map(|(a, b)| u64::from(a > b)).collect();
            for result in in_session(&world(n, t, seed).present(present), |session| {
                let (a, b) = (planes(session.party(), &a, bits, 1), planes(session.party(), &b, bits, 2));
                let before = session.traffic().rounds;
                let greater = greater(session, &a, &b)?;
                let depth = session.traffic().rounds - before;
                assert!(depth <= 1 + u64::from(bits.next_power_of_two().ilog2()), "{bits} bits in {depth} rounds");
                opened(session, &vec![greater], expected.len())
            }) {
                prop_assert_eq!(result.unwrap(), expected.clone());
            }
        }
    }
}
