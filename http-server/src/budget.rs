//! An amount of something, such as places or memory, of which nobody takes more than a part.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Why something cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoneLeft {
    /// All of it is taken.
    InAll,
    /// One owner has as much as it may have.
    OfOwner,
}

/// An amount, counted in all and for each owner. Clones share it.
#[derive(Debug)]
pub struct Budget<K> {
    in_all: usize,
    taken: Arc<Mutex<Taken<K>>>,
}

#[derive(Debug)]
struct Taken<K> {
    in_all: usize,
    /// Owners that have nothing are not in it, so it is no longer than what is taken.
    by_owner: HashMap<K, usize>,
}

/// What somebody has taken, until it is dropped. It counts for each of its owners: for an address and for the network around it, for example.
#[derive(Debug)]
pub struct Reservation<K: Eq + Hash> {
    in_all: usize,
    /// The owners, and how much each may have.
    owners: Vec<(K, usize)>,
    amount: usize,
    taken: Arc<Mutex<Taken<K>>>,
}

impl<K> Clone for Budget<K> {
    fn clone(&self) -> Self {
        Self {
            in_all: self.in_all,
            taken: Arc::clone(&self.taken),
        }
    }
}

impl<K: Eq + Hash + Clone> Budget<K> {
    /// This much in all.
    pub fn new(in_all: usize) -> Self {
        let taken = Taken {
            in_all: 0,
            by_owner: HashMap::new(),
        };
        Self {
            in_all,
            taken: Arc::new(Mutex::new(taken)),
        }
    }

    /// Takes an amount for these owners, each of which may have as much as stands beside it.
    ///
    /// # Errors
    /// There is not as much left in all, or for one of them.
    pub fn take(&self, owners: Vec<(K, usize)>, amount: usize) -> Result<Reservation<K>, NoneLeft> {
        let mut reservation = Reservation {
            in_all: self.in_all,
            owners,
            amount: 0,
            taken: Arc::clone(&self.taken),
        };
        reservation.grow_to(amount)?;
        Ok(reservation)
    }

    /// How much is taken.
    pub fn taken(&self) -> usize {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).in_all
    }

    /// How many owners have something.
    #[cfg(test)]
    pub fn owners(&self) -> usize {
        self.taken.lock().unwrap().by_owner.len()
    }
}

impl<K: Eq + Hash + Clone> Reservation<K> {
    /// Takes more, until it is this amount in all; an amount that is not larger changes nothing.
    ///
    /// # Errors
    /// There is not as much left. What was taken before stays taken.
    pub fn grow_to(&mut self, amount: usize) -> Result<(), NoneLeft> {
        let more = amount.saturating_sub(self.amount);
        if more == 0 {
            return Ok(());
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if more > self.in_all.saturating_sub(taken.in_all) {
            return Err(NoneLeft::InAll);
        }
        let of = |taken: &Taken<K>, owner| taken.by_owner.get(owner).copied().unwrap_or(0);
        if self
            .owners
            .iter()
            .any(|(owner, most)| more > most.saturating_sub(of(&taken, owner)))
        {
            return Err(NoneLeft::OfOwner);
        }
        taken.in_all += more;
        for (owner, _) in &self.owners {
            *taken.by_owner.entry(owner.clone()).or_default() += more;
        }
        self.amount = amount;
        Ok(())
    }
}

impl<K: Eq + Hash> Drop for Reservation<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.in_all = taken.in_all.saturating_sub(self.amount);
        for (owner, _) in &self.owners {
            if let Some(of_owner) = taken.by_owner.get_mut(owner) {
                *of_owner = of_owner.saturating_sub(self.amount);
                if *of_owner == 0 {
                    taken.by_owner.remove(owner);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_its_part_and_everything_is_given_back() {
        let budget = Budget::new(10);
        let mut ada = budget.take(vec![("ada", 4), ("house", 6)], 3).unwrap();
        assert_eq!(budget.take(vec![("ada", 4)], 2).unwrap_err(), NoneLeft::OfOwner);
        ada.grow_to(4).unwrap();
        assert_eq!(ada.grow_to(5), Err(NoneLeft::OfOwner));
        let bob = budget.take(vec![("bob", 4), ("house", 6)], 2).unwrap();
        let third = budget.take(vec![("eve", 4), ("house", 6)], 1);
        assert_eq!(third.unwrap_err(), NoneLeft::OfOwner, "the house has all of its part");
        let other = budget.take(vec![("other", 4)], 4).unwrap();
        assert_eq!(budget.take(vec![("more", 4)], 1).unwrap_err(), NoneLeft::InAll);
        assert_eq!((budget.taken(), budget.owners()), (10, 4));
        drop((ada, bob, other));
        assert_eq!((budget.taken(), budget.owners()), (0, 0));
        assert_eq!(budget.take(vec![("ada", usize::MAX)], usize::MAX).unwrap_err(), NoneLeft::InAll);
    }
}
