//! Shared vectors, and linear operations on them.

use std::fmt;

use zeroize::Zeroize;

use super::access::Party;
use crate::field::Field;

/// This node's components of a secret vector, in the order of [`Party::held`].
///
/// All operations are linear, and therefore local. Operands must belong to one party and have equal length. Components are
/// wiped when the vector is dropped. `Debug` shows the shape only.
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
            // Not `vec![..; n]`: zeroed memory comes from the system without being written, a clone has to be.
            components: party.held().iter().map(|_| vec![F::ZERO; len]).collect(),
        }
    }

    /// A sharing of public values: component 0 has the values, all others are zero.
    pub fn public(party: &Party, values: &[F]) -> Self {
        let mut shared = Self::zeros(party, values.len());
        if let Some(position) = party.position(0) {
            shared.components[position].copy_from_slice(values);
        }
        shared
    }

    /// The sharing whose held component at each position is what `component` returns for the position.
    ///
    /// # Panics
    /// `component` returns vectors of different lengths.
    pub fn generate(party: &Party, component: impl FnMut(usize) -> Vec<F>) -> Self {
        let components: Vec<Vec<F>> = (0..party.held().len()).map(component).collect();
        let len = components.first().map_or(0, Vec::len);
        assert!(
            components.iter().all(|c| c.len() == len),
            "components of one sharing have one length"
        );
        Self { len, components }
    }

    /// The concatenation of shared vectors.
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

    /// The number of shared elements.
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

    /// This node's components, to be reused in place. They are no longer wiped when dropped: whoever takes them wipes them.
    pub fn into_components(mut self) -> Vec<Vec<F>> {
        std::mem::take(&mut self.components)
    }

    /// Applies a public linear map to every component: `map(values, out)` is called once for each, and appends the same number
    /// of elements to `out` every time, at most as many as the vector has, so that `out` does not reallocate.
    pub fn linear(&self, mut map: impl FnMut(&[F], &mut Vec<F>)) -> Self {
        self.linear_with(self, |values, _, out| map(values, out))
    }

    /// Applies a public linear map of two vectors to every component; see [`Self::linear`]. The vectors may differ in length.
    pub fn linear_with(&self, other: &Self, mut map: impl FnMut(&[F], &[F], &mut Vec<F>)) -> Self {
        assert_eq!(self.components.len(), other.components.len(), "vectors of one party");
        let components: Vec<Vec<F>> = self
            .components
            .iter()
            .zip(&other.components)
            .map(|(values, others)| {
                // Reallocation would leave unwiped copies of shares on the heap: see `SecretVec`.
                let mut out = Vec::with_capacity(values.len());
                map(values, others, &mut out);
                out
            })
            .collect();
        let len = components.first().map_or(0, Vec::len);
        debug_assert!(components.iter().all(|c| c.len() == len));
        Self { len, components }
    }

    /// Changes every component in place, given the same component of another vector.
    pub fn components_with(&mut self, other: &Self, mut alter: impl FnMut(&mut [F], &[F])) {
        debug_assert_eq!(self.components.len(), other.components.len());
        let pairs = self.components.iter_mut().zip(&other.components);
        pairs.for_each(|(component, of_other)| alter(component, of_other));
    }

    /// This node's component at a position. Whoever changes it has to change all others in the same way.
    pub fn component_mut(&mut self, position: usize) -> &mut [F] {
        &mut self.components[position]
    }

    /// Changes every component in place, each in the same way.
    pub fn components_mut(&mut self, mut alter: impl FnMut(&mut [F])) {
        self.components.iter_mut().for_each(|component| alter(component));
    }

    /// Keeps the first `len` elements. The caller has wiped the others already.
    pub(crate) fn truncate_wiped(&mut self, len: usize) {
        for component in &mut self.components {
            debug_assert!(
                component[len..].iter().all(|element| *element == F::ZERO),
                "truncated elements were wiped"
            );
            component.truncate(len);
        }
        self.len = len;
    }

    /// Combines two vectors of equal length element by element.
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

    /// Each element times the public factor at the same index.
    ///
    /// # Panics
    /// There are not as many factors as elements.
    pub fn scale(&self, factors: &[F]) -> Self {
        assert_eq!(self.len, factors.len(), "one factor for each element");
        self.linear(|values, out| out.extend(values.iter().zip(factors).map(|(v, f)| *v * *f)))
    }

    /// The elements of a range.
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
