//! Sums of numbers of n bits modulo 2^n: carry-save adders until two are left, then one adder whose
//! carries are found in logarithmic depth.

use super::{Planes, constant};
use crate::network::Network;
use crate::session::{Session, SessionError};

/// The sum of at least three numbers.
pub(super) fn sum<N: Network>(session: &mut Session<N>, numbers: Vec<Planes>) -> Result<Planes, SessionError> {
    let [sum, carry] = carry_save(session, numbers)?;
    resolve(session, &sum, &carry)
}

/// Two numbers with the same sum as at least three; the lowest bit of the second one is 0. One round for
/// each layer of full adders, in which three numbers become two.
fn carry_save<N: Network>(session: &mut Session<N>, mut numbers: Vec<Planes>) -> Result<[Planes; 2], SessionError> {
    assert!(numbers.len() > 2, "fewer than three numbers are in no need of a carry-save adder");
    while numbers.len() > 2 {
        let rest = numbers.split_off(numbers.len() / 3 * 3);
        let groups: Vec<[&Planes; 3]> = numbers.as_chunks().0.iter().map(|[a, b, c]| [a, b, c]).collect();
        // A majority costs one product: ((a + c)(b + c)) + c. The carry out of the highest bit is not needed.
        let pairs = groups.iter().flat_map(|[a, b, c]| {
            let bits = a.iter().zip(*b).zip(*c).take(a.len().saturating_sub(1));
            bits.map(|((a, b), c)| (a.add(c), b.add(c)))
        });
        let mut products = session.and(pairs.collect())?.into_iter();
        let mut fewer = Vec::new();
        for [a, b, c] in groups {
            fewer.push(a.iter().zip(b).zip(c).map(|((a, b), c)| a.add(b).add(c)).collect());
            let zero = constant(session.party(), c.first().map_or(0, |bit| bit.len()), false);
            let carries = c.iter().take(c.len().saturating_sub(1));
            fewer.push(
                std::iter::once(zero)
                    .chain(carries.map_while(|c| Some(products.next()?.add(c))))
                    .collect(),
            );
        }
        fewer.extend(rest);
        numbers = fewer;
    }
    let carry = numbers.pop().unwrap_or_default();
    Ok([numbers.pop().unwrap_or_default(), carry])
}

/// The sum of two numbers, the second of which has 0 as its lowest bit. (Sklansky 1960.)
fn resolve<N: Network>(session: &mut Session<N>, a: &Planes, b: &Planes) -> Result<Planes, SessionError> {
    let either: Planes = a.iter().zip(b).map(|(a, b)| a.add(b)).collect();
    // Bits 1..n-2 can carry into another. A run of bits carries if it generates a carry or passes one on,
    // never both: so "or" is a sum.
    let inner = 1..a.len().saturating_sub(1).max(1);
    let pairs = inner.clone().map(|bit| (a[bit].clone(), b[bit].clone()));
    let mut generates = session.and(pairs.collect())?;
    let mut passes: Planes = either.get(inner).unwrap_or_default().to_vec();
    let mut half = 1;
    while half < generates.len() {
        // Runs of `half` bits are joined; each place stands for the bits from the start of its run.
        let upper: Vec<usize> = (0..generates.len()).filter(|place| place & half != 0).collect();
        let start = |place: usize| place & !(2 * half - 1);
        let last_below = |place: usize| start(place) + half - 1;
        let inside: Vec<usize> = upper.iter().copied().filter(|place| start(*place) > 0).collect();
        let pairs = upper
            .iter()
            .map(|place| (passes[*place].clone(), generates[last_below(*place)].clone()))
            .chain(
                inside
                    .iter()
                    .map(|place| (passes[*place].clone(), passes[last_below(*place)].clone())),
            );
        let mut products = session.and(pairs.collect())?.into_iter();
        for (place, passed_on) in upper.into_iter().zip(products.by_ref()) {
            generates[place] = generates[place].add(&passed_on);
        }
        // The runs from bit 1 on have nothing below them to pass on.
        for (place, passed_through) in inside.into_iter().zip(products) {
            passes[place] = passed_through;
        }
        half *= 2;
    }
    let mut sum = either;
    sum.iter_mut()
        .skip(2)
        .zip(&generates)
        .for_each(|(bit, carry)| *bit = bit.add(carry));
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::tests::{opened, planes};
    use crate::session::testkit::{clusters, in_session, world};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn sums_are_those_of_the_integers(
            (n, t, present) in clusters(),
            bits in 1u32..40,
            numbers in proptest::collection::vec(proptest::collection::vec(any::<u64>(), 3), 3..12),
            seed: u64,
        ) {
            let low = u64::MAX >> (64 - bits);
            let expected: Vec<u64> = (0..3).map(|i| numbers.iter().fold(0u64, |sum, n| sum.wrapping_add(n[i])) & low).collect();
            for result in in_session(&world(n, t, seed).present(present), |session| {
                let numbers = numbers.iter().enumerate().map(|(i, n)| planes(session.party(), n, bits, i as u64));
                let numbers = numbers.collect();
                let sum = sum(session, numbers)?;
                opened(session, &sum, 3)
            }) {
                prop_assert_eq!(result.unwrap(), expected.clone());
            }
        }
    }

    #[test]
    fn carries_run_through_all_bits() {
        for bits in [1, 2, 3, 17, 18, 64] {
            let low = u64::MAX >> (64 - bits);
            for result in in_session(&world(3, 1, 1), |session| {
                let numbers = [vec![low, low >> 1, 0], vec![1, 1, 0], vec![0, 0, 0]];
                let numbers = numbers.iter().map(|n| planes(session.party(), n, bits, 1)).collect();
                let before = session.traffic().rounds;
                let sum = sum(session, numbers)?;
                let depth = session.traffic().rounds - before;
                Ok((opened(session, &sum, 3)?, depth))
            }) {
                let (sum, depth) = result.unwrap();
                assert_eq!(sum, [0, ((low >> 1) + 1) & low, 0], "{bits} bits");
                // One full adder, the lowest level, the runs of 2, 4, …
                let inner = u64::from(bits.saturating_sub(2));
                assert_eq!(
                    depth,
                    u64::from(bits > 1) + u64::from(bits > 2) + u64::from(inner.next_power_of_two().ilog2())
                );
            }
        }
    }
}
