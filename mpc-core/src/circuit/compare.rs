//! Comparison of numbers.

use super::adder::RIPPLE_BITS;
use super::bit_planes::{BitPlanes, complement};
use crate::field::Gf64;
use crate::network::Network;
use crate::session::{Session, SessionError};
use crate::sharing::Shared;

/// Whether `a > b`, one bit for each pair of numbers of `n` bits: whether `a + (2^n - 1 - b)` carries out of its `n` bits.
///
/// `n` rounds up to [`RIPPLE_BITS`] bits, else `1 + ⌈log2 n⌉`.
pub(super) fn greater<N: Network>(session: &mut Session<N>, a: &BitPlanes, b: &BitPlanes) -> Result<Shared<Gf64>, SessionError> {
    let not_b: BitPlanes = b.iter().map(|b| complement(session.party(), b)).collect();
    if a.len() <= RIPPLE_BITS {
        ripple(session, a, &not_b)
    } else {
        tree(session, a, &not_b)
    }
}

/// The carry out of a sum by a ripple carry: one round for each bit.
fn ripple<N: Network>(session: &mut Session<N>, a: &BitPlanes, b: &BitPlanes) -> Result<Shared<Gf64>, SessionError> {
    let words = a.first().map_or(0, Shared::len);
    let mut carry = Shared::zeros(session.party(), words);
    for (a, b) in a.iter().zip(b) {
        let majority = session.bit_products(vec![(a.add(&carry), b.add(&carry))])?;
        carry = majority.into_iter().fold(carry, |carry, product| carry.add(&product));
    }
    Ok(carry)
}

/// A span of neighbouring bits: whether it generates a carry, and whether it passes on a carry from below.
struct CarrySpan {
    generates: Shared<Gf64>,
    passes: Shared<Gf64>,
}

/// The carry out of a sum in logarithmic depth: neighbouring spans of bits are joined in a tree.
fn tree<N: Network>(session: &mut Session<N>, a: &BitPlanes, b: &BitPlanes) -> Result<Shared<Gf64>, SessionError> {
    let products = session.bit_products(a.iter().cloned().zip(b.iter().cloned()).collect())?;
    let passes = a.iter().zip(b).map(|(a, b)| a.add(b));
    let mut spans: Vec<CarrySpan> = products
        .into_iter()
        .zip(passes)
        .map(|(generates, passes)| CarrySpan { generates, passes })
        .collect();
    while spans.len() > 1 {
        let odd = if spans.len().is_multiple_of(2) { None } else { spans.pop() };
        let (joined, _) = spans.as_chunks::<2>();
        let pairs = joined.iter().map(|[low, high]| (high.passes.clone(), low.generates.clone()));
        // The lowest span has nothing below it to pass on.
        let through = joined.iter().skip(1).map(|[low, high]| (high.passes.clone(), low.passes.clone()));
        let mut products = session.bit_products(pairs.chain(through).collect())?;
        let through = products.split_off(joined.len());
        let lowest = Shared::zeros(session.party(), through.first().map_or(0, Shared::len));
        let passes = std::iter::once(lowest).chain(through);
        let next = joined
            .iter()
            .zip(products)
            .zip(passes)
            .map(|(([_, high], passed_on), passes)| CarrySpan {
                generates: high.generates.add(&passed_on),
                passes,
            });
        spans = next.chain(odd).collect();
    }
    Ok(spans.pop().map_or_else(|| Shared::zeros(session.party(), 0), |span| span.generates))
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
