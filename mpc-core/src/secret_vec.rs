//! A vector for secrets that never reallocates.

use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::{Zeroize, Zeroizing};

/// A vector of secrets with a fixed capacity, wiped when it is dropped.
///
/// A [`Vec`] that grows beyond its capacity moves to new memory and leaves an unwiped copy of the secrets on the heap. This
/// one refuses to grow.
pub struct SecretVec<T: Zeroize>(Zeroizing<Vec<T>>);

impl<T: Zeroize> SecretVec<T> {
    /// An empty vector for at most `capacity` elements.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(capacity)))
    }

    /// Appends an element.
    ///
    /// # Panics
    /// The vector is full.
    pub fn push(&mut self, element: T) {
        self.assert_room(1);
        self.0.push(element);
    }

    /// Appends elements.
    ///
    /// # Panics
    /// They do not fit.
    pub fn extend_from_slice(&mut self, elements: &[T])
    where
        T: Clone,
    {
        self.assert_room(elements.len());
        self.0.extend_from_slice(elements);
    }

    /// The elements, no longer wiped when dropped: whoever takes them wipes them.
    pub fn into_vec(mut self) -> Vec<T> {
        std::mem::take(&mut *self.0)
    }

    fn assert_room(&self, further: usize) {
        assert!(self.0.capacity() - self.0.len() >= further, "a vector of secrets does not grow");
    }
}

impl<T: Zeroize> Deref for SecretVec<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Zeroize> DerefMut for SecretVec<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Zeroize> fmt::Debug for SecretVec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretVec({} elements)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_out_as_they_went_in_and_never_move() {
        let mut secrets = SecretVec::with_capacity(3);
        secrets.push(1u64);
        let before = secrets.as_ptr();
        secrets.extend_from_slice(&[2, 3]);
        assert_eq!(secrets.as_ptr(), before);
        assert_eq!(format!("{secrets:?}"), "SecretVec(3 elements)");
        assert_eq!(secrets.into_vec(), [1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "a vector of secrets does not grow")]
    fn growth_is_refused() {
        let mut secrets = SecretVec::with_capacity(2);
        let capacity = secrets.0.capacity();
        (0..=capacity).for_each(|i| secrets.push(i as u64));
    }
}
