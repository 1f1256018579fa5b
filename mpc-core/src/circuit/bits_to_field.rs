//! Conversion of shared bits to elements of F_p, and of numbers to indicators.

use zeroize::Zeroizing;

use super::bit_planes::BitPlanes;
use crate::field::{BITS_PER_WORD, Field, Fp61};
use crate::network::Network;
use crate::session::{Factors, Session, SessionError};
use crate::sharing::{Party, Shared};

/// The first `len` bits of each plane as elements 0 and 1 of F_p: one vector of `len` elements for each plane.
///
/// Each component is known to its holders, so a sharing of it in F_p takes no communication. A bit is the exclusive or of all
/// components, computed as `a + b - 2ab` in a tree: one round for each of its `⌈log2 C(N, t)⌉` levels, with at most
/// `C(N, t) - 1` products for each bit in all.
///
/// # Errors
/// A round failed.
pub fn to_numbers<N: Network>(session: &mut Session<N>, planes: &BitPlanes, len: usize) -> Result<Vec<Shared<Fp61>>, SessionError> {
    let party = session.party().clone();
    let components = 0..party.access().components();
    let mut summands: Vec<Shared<Fp61>> = components
        .map(|component| known_to_holders(&party, planes, len, component))
        .collect();
    while summands.len() > 1 {
        let odd = if summands.len().is_multiple_of(2) { None } else { summands.pop() };
        let (pairs, _) = summands.as_chunks::<2>();
        let products = products(session, pairs.iter().map(|[a, b]| (a, b)).collect())?;
        let sums = pairs.iter().zip(products).map(|([a, b], ab)| a.add(b).sub(&ab.add(&ab)));
        summands = sums.chain(odd).collect();
    }
    let all = summands.pop().unwrap_or_else(|| Shared::zeros(&party, 0));
    Ok((0..planes.len()).map(|plane| all.slice(plane * len..(plane + 1) * len)).collect())
}

/// A sharing in F_p of the bits of one component, plane after plane: this component has the bits, all others are 0.
fn known_to_holders(party: &Party, planes: &BitPlanes, len: usize, component: usize) -> Shared<Fp61> {
    Shared::generate(party, |position| {
        if party.position(component) != Some(position) {
            return vec![Fp61::ZERO; planes.len() * len];
        }
        let bits_of = |word: u64| (0..BITS_PER_WORD).map(move |bit| Fp61::reduce(word >> bit & 1));
        let bits = planes.iter().flat_map(|plane| {
            plane.components()[position]
                .iter()
                .flat_map(|word| bits_of(word.to_bits()))
                .take(len)
        });
        let mut out = Zeroizing::new(Vec::with_capacity(planes.len() * len));
        out.extend(bits);
        std::mem::take(&mut *out)
    })
}

/// The products, element by element, of pairs of vectors of equal length. One round.
fn products<N: Network>(session: &mut Session<N>, pairs: Vec<(&Shared<Fp61>, &Shared<Fp61>)>) -> Result<Vec<Shared<Fp61>>, SessionError> {
    let party = session.party();
    let x = Shared::concat(party, pairs.iter().map(|(x, _)| *x));
    let y = Shared::concat(party, pairs.iter().map(|(_, y)| *y));
    let ends = (1..=x.len()).collect();
    let products = session.inner_products(vec![Factors { x, y, ends }])?;
    let all = products.into_iter().next().unwrap_or_else(|| Shared::zeros(session.party(), 0));
    let mut start = 0;
    let of_pair = |(x, _): &(&Shared<Fp61>, &Shared<Fp61>)| {
        start += x.len();
        all.slice(start - x.len()..start)
    };
    Ok(pairs.iter().map(of_pair).collect())
}

/// The indicators of numbers below `entries`, given their bits as elements 0 and 1 of F_p, the least significant bit first.
/// Returns `entries` vectors: the element `i` of the vector `v` is 1 if number `i` is `v`, else 0.
///
/// Products of the indicators of neighbouring groups of bits give those of both groups together: `⌈log2 bits⌉` rounds. The
/// indicators of a number sum to 1, so those of the value 0 take no product.
///
/// # Errors
/// A round failed.
pub fn one_hot<N: Network>(session: &mut Session<N>, bits: Vec<Shared<Fp61>>, entries: usize) -> Result<Vec<Shared<Fp61>>, SessionError> {
    let party = session.party().clone();
    let len = bits.first().map_or(0, Shared::len);
    let (zero, one) = (Shared::zeros(&party, len), Shared::public(&party, &vec![Fp61::ONE; len]));
    let mut groups: Vec<Group> = bits
        .into_iter()
        .enumerate()
        .map(|(start, bit)| Group {
            start,
            width: 1,
            indicators: vec![one.sub(&bit), bit],
        })
        .collect();
    while groups.len() > 1 {
        let odd = if groups.len().is_multiple_of(2) { None } else { groups.pop() };
        let (pairs, _) = groups.as_chunks::<2>();
        let factors = pairs.iter().flat_map(|[low, high]| {
            let places = low.products_with(high, entries);
            places.into_iter().map(|(h, l)| (&high.indicators[h], &low.indicators[l]))
        });
        let mut products = products(session, factors.collect())?.into_iter();
        let joined = pairs.iter().map(|[low, high]| low.joined(high, entries, &zero, &mut products));
        groups = joined.chain(odd).collect();
    }
    let mut indicators = groups.pop().map_or_else(|| vec![one], |group| group.indicators);
    indicators.truncate(entries);
    Ok(indicators)
}

/// A group of neighbouring bits, and the indicators of the number that they form.
struct Group {
    start: usize,
    width: usize,
    indicators: Vec<Shared<Fp61>>,
}

impl Group {
    /// How many values these bits and those of `high` together can have, if the whole number is below `entries`.
    fn numbers_with(&self, high: &Self, entries: usize) -> usize {
        (1 << (self.width + high.width)).min((entries.saturating_sub(1) >> self.start) + 1)
    }

    /// The pairs of values `(h, l)` of both groups whose indicators are multiplied: neither is 0, and the number is possible.
    fn products_with(&self, high: &Self, entries: usize) -> Vec<(usize, usize)> {
        let numbers = self.numbers_with(high, entries);
        let low = self.indicators.len();
        let places = (1..high.indicators.len()).flat_map(|h| (1..low).map(move |l| (h, l)));
        places.filter(|(h, l)| h * low + l < numbers).collect()
    }

    /// The indicators of both groups together.
    fn joined(&self, high: &Self, entries: usize, zero: &Shared<Fp61>, products: &mut impl Iterator<Item = Shared<Fp61>>) -> Self {
        let low = self.indicators.len();
        // If the value of one group is 0: the indicator of the other group minus all products with it.
        let mut indicators = self.indicators.clone();
        for indicator in high.indicators.iter().skip(1) {
            indicators[0] = indicators[0].sub(indicator);
            indicators.push(indicator.clone());
            indicators.extend((1..low).map(|_| zero.clone()));
        }
        for ((h, l), product) in self.products_with(high, entries).into_iter().zip(products) {
            indicators[l] = indicators[l].sub(&product);
            indicators[h * low] = indicators[h * low].sub(&product);
            indicators[0] = indicators[0].add(&product);
            indicators[h * low + l] = product;
        }
        indicators.truncate(self.numbers_with(high, entries));
        Self {
            start: self.start,
            width: self.width + high.width,
            indicators,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::bit_length;
    use crate::circuit::tests::planes;
    use crate::testing::sessions::{clusters, in_session, world};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn numbers_are_marked_where_they_are(
            (n, t, present) in proptest::sample::select(clusters()),
            entries in 1usize..40,
            draws in proptest::collection::vec(any::<usize>(), 1..80),
            seed: u64,
        ) {
            let numbers: Vec<u64> = draws.into_iter().map(|v| (v % entries) as u64).collect();
            let bits = bit_length(entries as u64 - 1);
            for result in in_session(&world(n, t, seed).present(present), |session| {
                let planes = planes(session.party(), &numbers, bits, 1);
                let bits = to_numbers(session, &planes, numbers.len())?;
                let marked = one_hot(session, bits, entries)?;
                session.verify_claims(())?;
                marked.iter().map(|marks| session.open(marks, crate::session::Opening::Test)).collect::<Result<Vec<_>, _>>()
            }) {
                let marked = result.unwrap();
                prop_assert_eq!(marked.len(), entries);
                for (entry, marks) in marked.into_iter().enumerate() {
                    let expected: Vec<Fp61> = numbers.iter().map(|v| Fp61::reduce(u64::from(*v == entry as u64))).collect();
                    prop_assert_eq!(marks, expected);
                }
            }
        }
    }
}
