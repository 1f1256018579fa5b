//! A shared vector: this node's components of it.

use std::fmt;

use zeroize::Zeroize;

use super::Party;
use crate::field::Field;

/// This node's components of a secret vector, in the order of [`Party::held`].
///
/// Addition, subtraction, public constants and public linear maps are local. Operands must have
/// equal length; protocols in this crate ensure it, and debug builds assert it. `Debug` shows the
/// shape only.
#[derive(Clone, PartialEq, Eq)]
pub struct Shared<F: Field> {
    len: usize,
    components: Vec<Vec<F>>,
}

impl<F: Field> Shared<F> {
    /// A shared vector of zeros.
    pub fn zeros(party: &Party, len: usize) -> Self {
        Self {
            len,
            // Each on its own: a copy would read the other first.
            components: party.held().iter().map(|_| vec![F::ZERO; len]).collect(),
        }
    }

    /// The sharing in which component 0 is the public vector and all others are zero.
    pub fn public(party: &Party, values: &[F]) -> Self {
        let mut shared = Self::zeros(party, values.len());
        if let Some(position) = party.position(0) {
            shared.components[position].copy_from_slice(values);
        }
        shared
    }

    /// The sharing whose held component at each position is what `component` returns for it; the
    /// same number of elements every time.
    pub fn generate(party: &Party, component: impl FnMut(usize) -> Vec<F>) -> Self {
        let components: Vec<Vec<F>> = (0..party.held().len()).map(component).collect();
        let len = components.first().map_or(0, Vec::len);
        assert!(
            components.iter().all(|c| c.len() == len),
            "components of one sharing have one length"
        );
        Self { len, components }
    }

    /// The parts one after the other.
    pub fn concat<'a>(party: &Party, parts: impl IntoIterator<Item = &'a Self> + Clone) -> Self {
        let len = parts.clone().into_iter().map(Self::len).sum();
        Self::generate(party, |position| {
            let mut all = Vec::with_capacity(len);
            parts
                .clone()
                .into_iter()
                .for_each(|part| all.extend_from_slice(&part.components[position]));
            all
        })
    }

    /// How many secrets the vector holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the vector is empty.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// This node's components, in the order of [`Party::held`].
    pub fn components(&self) -> &[Vec<F>] {
        &self.components
    }

    /// The same, to be used in place: who takes them wipes them.
    pub fn into_components(mut self) -> Vec<Vec<F>> {
        std::mem::take(&mut self.components)
    }

    /// Applies a linear map to every component: `map(values, out)` is called once for each and
    /// appends the same number of elements to `out` every time.
    pub fn linear(&self, mut map: impl FnMut(&[F], &mut Vec<F>)) -> Self {
        self.linear_with(self, |values, _, out| map(values, out))
    }

    /// Applies the same public linear map to every component of two vectors, which may differ in length.
    pub fn linear_with(&self, other: &Self, mut map: impl FnMut(&[F], &[F], &mut Vec<F>)) -> Self {
        assert_eq!(self.components.len(), other.components.len(), "vectors of one party");
        let components: Vec<Vec<F>> = self
            .components
            .iter()
            .zip(&other.components)
            .map(|(values, others)| {
                // A vector that grows would leave copies of shares behind.
                let mut out = Vec::with_capacity(values.len());
                map(values, others, &mut out);
                out
            })
            .collect();
        let len = components.first().map_or(0, Vec::len);
        debug_assert!(components.iter().all(|c| c.len() == len));
        Self { len, components }
    }

    /// Alters every component by the same one of another vector, each in the same way.
    pub fn components_with(&mut self, other: &Self, mut alter: impl FnMut(&mut [F], &[F])) {
        debug_assert_eq!(self.components.len(), other.components.len());
        let pairs = self.components.iter_mut().zip(&other.components);
        pairs.for_each(|(component, of_other)| alter(component, of_other));
    }

    /// This node's component at a position, to be altered as those at all others are.
    pub fn component_mut(&mut self, position: usize) -> &mut [F] {
        &mut self.components[position]
    }

    /// Alters every component, each in the same way.
    pub fn components_mut(&mut self, mut alter: impl FnMut(&mut [F])) {
        self.components.iter_mut().for_each(|component| alter(component));
    }

    /// Keeps the first `len` elements; the others were wiped where they were read last.
    pub(crate) fn truncate_wiped(&mut self, len: usize) {
        for component in &mut self.components {
            debug_assert!(
                component[len..].iter().all(|element| *element == F::ZERO),
                "what is let go was wiped"
            );
            component.truncate(len);
        }
        self.len = len;
    }

    /// Element-wise combination of two sharings of equal length by a bilinear-free (additive) map.
    fn zip_with(&self, other: &Self, combine: impl Fn(F, F) -> F) -> Self {
        assert_eq!(self.len, other.len, "shared vectors of different lengths are never combined");
        let components = self
            .components
            .iter()
            .zip(&other.components)
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| combine(*a, *b)).collect())
            .collect();
        Self { len: self.len, components }
    }

    /// The element-wise sum.
    pub fn add(&self, other: &Self) -> Self {
        self.zip_with(other, |a, b| a + b)
    }

    /// The element-wise difference.
    pub fn sub(&self, other: &Self) -> Self {
        self.zip_with(other, |a, b| a - b)
    }

    /// Each element times a public factor; as many factors as elements.
    pub fn scale(&self, factors: &[F]) -> Self {
        assert_eq!(self.len, factors.len(), "one factor for each element");
        self.linear(|values, out| out.extend(values.iter().zip(factors).map(|(v, f)| *v * *f)))
    }

    /// The elements of a range, as a sharing of their own.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        self.linear(|values, out| out.extend_from_slice(&values[range.clone()]))
    }

    /// Appends another shared vector.
    pub fn append(&mut self, other: &Self) {
        debug_assert_eq!(self.components.len(), other.components.len());
        for (mine, theirs) in self.components.iter_mut().zip(&other.components) {
            if mine.capacity() - mine.len() < theirs.len() {
                let mut grown = Vec::with_capacity(2 * (mine.len() + theirs.len()));
                grown.extend_from_slice(mine);
                mine.zeroize();
                *mine = grown;
            }
            mine.extend_from_slice(theirs);
        }
        self.len += other.len;
    }
}

impl<F: Field> fmt::Debug for Shared<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shared({} elements, {} components)", self.len, self.components.len())
    }
}

impl<F: Field> Drop for Shared<F> {
    fn drop(&mut self) {
        self.components.iter_mut().for_each(|component| component.as_mut_slice().zeroize());
    }
}
