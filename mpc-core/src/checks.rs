//! The checks a node makes of what others send, by name.
//!
//! The attack suite switches each of them off in turn, to show that the attack it is there for would
//! succeed without it. Only this crate's unit tests can: in every other build [`made`] is `true`.

use crate::network::Network;

/// A check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// All participants were given the same list of submissions.
    List,
    /// All participants are in the same session: same cluster, job, candidates and participants.
    Session,
    /// All holders of a component have the same key.
    Keys,
    /// Every element is the canonical encoding of one.
    #[cfg(test)]
    Canonical,
    /// All holders of a component received the same corrections.
    Corrections,
    /// Every participant has what came before when a coin or a check is opened.
    Settled,
    /// A coin is an opened random sharing, not a constant.
    #[cfg(test)]
    Coins,
    /// Values that are opened fit the digests of their other holders.
    Openings,
    /// Answers are one-hot.
    WellFormed,
    /// Products are right.
    Products,
}

/// Whether a node makes a check.
#[cfg(not(test))]
pub(crate) const fn made<N: Network>(_: &N, _: Check) -> bool {
    true
}

/// Whether a node makes a check: not if the test's world has switched it off.
#[cfg(test)]
pub(crate) fn made<N: Network>(network: &N, check: Check) -> bool {
    !network.deviation().skipped.contains(&check)
}

/// Sees, and may alter, what a node is about to go on with.
#[cfg(test)]
pub type Lie = std::sync::Arc<dyn Fn(Told<'_>) + Send + Sync>;

/// What a test's node does otherwise than the protocol says.
#[cfg(test)]
#[derive(Clone, Default)]
pub struct Deviation {
    /// The checks it does not make.
    pub skipped: Vec<Check>,
    /// Alters what it computed before it goes on with it, as if it were right.
    pub lie: Option<Lie>,
    /// Where claims are cut, if elsewhere: all nodes alike.
    pub cuts: Option<crate::session::Cuts>,
    /// All its masks are zero: it takes shared randomness to be 0.
    pub unmasked: bool,
}

/// What a lying node is about to go on with, or a curious one has learned.
#[cfg(test)]
pub enum Told<'a> {
    /// The sums of products it reshares at a step.
    Products(u32, &'a mut [crate::field::Fp61]),
    /// The same of words of bits, or of their check.
    Words(u32, &'a mut [crate::field::Gf64]),
    /// A component of what is opened at a step.
    Opening(u32, usize, &'a mut [crate::field::Fp61]),
    /// The same of words.
    OpeningWords(u32, usize, &'a mut [crate::field::Gf64]),
    /// What it has just seen opened at a step, and what it is called.
    Opened(u32, &'static str, &'a [crate::field::Fp61]),
    /// The same of words.
    OpenedWords(u32, &'static str, &'a [crate::field::Gf64]),
}

#[cfg(test)]
impl Deviation {
    /// Shows the lie what is about to be told: numbers or words.
    pub fn tell<F: crate::field::Field>(
        &self,
        values: &mut [F],
        numbers: impl FnOnce(&mut [crate::field::Fp61]) -> Told<'_>,
        words: impl FnOnce(&mut [crate::field::Gf64]) -> Told<'_>,
    ) {
        use std::any::Any;
        let Some(lie) = &self.lie else { return };
        let mut told = values.to_vec();
        let any = &mut told as &mut dyn Any;
        if let Some(values) = any.downcast_mut::<Vec<crate::field::Fp61>>() {
            lie(numbers(values));
        } else if let Some(values) = any.downcast_mut::<Vec<crate::field::Gf64>>() {
            lie(words(values));
        }
        values.copy_from_slice(&told);
    }
}
