//! Consensus labels: for every item the class that most answers name, while tallies and answers stay shared.

use tacit_mpc_core::circuit::{
    BitPlanes, DecidingLevels, bit_length, first_of_the_greatest, first_to_reach, numbers_of, one_hot, public_number, to_bits, to_numbers,
};
use tacit_mpc_core::field::{BITS_PER_WORD, Fp61, Gf64};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Openable, Session, SessionError, ToOpen};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::phase::Phase;

/// The labels of items, shared: bit by bit, 0 for an item without one, else one more than the class.
///
/// They open after every claim was verified and every participant has recorded the accepted set:
///
/// ```
/// # use tacit_mpc_core::{network::Network, session::{Opened, Session, SessionError}};
/// # use tacit_scoring::statistic::labels::SharedLabels;
/// fn release<N: Network>(session: &mut Session<N>, labels: SharedLabels) -> Result<Opened<Vec<Option<u32>>>, SessionError> {
///     let verified = session.verify_claims(labels)?;
///     // Here the node durably records for which accepted set it is about to release.
///     session.recorded(verified)?.open(session)
/// }
/// ```
///
/// They do not open without that, and code that has only the labels cannot take out the shares of their bits:
///
/// ```compile_fail,E0599
/// # use tacit_mpc_core::{network::Network, session::{Opened, Session, SessionError}};
/// # use tacit_scoring::statistic::labels::SharedLabels;
/// fn release<N: Network>(session: &mut Session<N>, labels: SharedLabels) -> Result<Opened<Vec<Option<u32>>>, SessionError> {
///     labels.open(session)
/// }
/// ```
///
/// ```compile_fail,E0308
/// # use tacit_mpc_core::{field::Gf64, network::Network, session::{Openable, Session, SessionError}};
/// # use tacit_scoring::statistic::labels::SharedLabels;
/// fn release<N: Network>(session: &mut Session<N>, labels: SharedLabels) -> Result<Vec<Gf64>, SessionError> {
///     session.open_check(&labels.to_open(session.party()))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct SharedLabels {
    items: usize,
    classes: usize,
    index: BitPlanes,
}

/// The plurality label of every item: the class with the greatest tally, of several the one listed first;
/// none for an item whose greatest tally is 0 or below `quorum`.
///
/// `tallies` holds one row of `classes` elements for each item, numbers whose sum is at most `max`: the votes for
/// each class, or sums of public weights.
///
/// Where few votes can decide, it is asked who reaches each number of them; else classes meet in a tournament. In
/// that one "none" runs, too, listed before all classes, with one vote less than the quorum: nobody learns more of an
/// item without label than that it has none, and there is no second comparison.
///
/// # Errors
/// The numbers are too large for the masks of this cluster: see [`SessionError::TooWide`]. Otherwise a round
/// failed.
///
/// # Panics
/// Unless there are classes.
pub fn plurality<N: Network>(
    session: &mut Session<N>,
    classes: usize,
    tallies: &Shared<Fp61>,
    max: u64,
    quorum: u64,
) -> Result<SharedLabels, SessionError> {
    assert!(classes > 0, "a job has classes");
    session.enter(Phase::Labels.engine());
    let items = tallies.len() / classes;
    let bits = bit_length(max);
    let votes = to_bits(session, tallies, classes, bits)?;
    if let Some(levels) = DecidingLevels::new(max, quorum) {
        let index = first_to_reach(session, classes, &votes, &levels)?;
        return Ok(SharedLabels { items, classes, index });
    }
    let words = items.div_ceil(BITS_PER_WORD);
    let party = session.party();
    // What nobody can reach nobody can pass either.
    let none = public_number(party, words, quorum.max(1).saturating_sub(1).min(max), bits);
    let candidates = none.iter().zip(&votes).map(|(none, votes)| Shared::concat(party, [none, votes]));
    let candidates = candidates.collect();
    let index = first_of_the_greatest(session, classes + 1, candidates)?;
    Ok(SharedLabels { items, classes, index })
}

impl SharedLabels {
    /// A row of `classes` elements for each item: 1 at the class of its label, 0 elsewhere. For what is
    /// computed from labels that are not released.
    ///
    /// # Errors
    /// A round failed.
    pub fn to_one_hot_numbers<N: Network>(&self, session: &mut Session<N>) -> Result<Shared<Fp61>, SessionError> {
        session.enter(Phase::Labels.engine());
        let bits = to_numbers(session, &self.index, self.items)?;
        let indicators = one_hot(session, bits, self.classes + 1)?;
        let (_, classes) = indicators.split_at(1);
        Ok(Shared::generate(session.party(), |position| {
            let of_item = |item: usize| classes.iter().map(move |class| class.components()[position][item]);
            (0..self.items).flat_map(of_item).collect()
        }))
    }
}

impl Openable for SharedLabels {
    type Field = Gf64;
    /// The class of each item, `None` without consensus.
    type Value = Vec<Option<u32>>;

    fn to_open(&self, party: &Party) -> ToOpen<Gf64> {
        Shared::concat(party, &self.index).into()
    }

    fn read_opened(self, words: &[Gf64]) -> Vec<Option<u32>> {
        let planes: Vec<&[Gf64]> = words.chunks(self.index.first().map_or(0, Shared::len).max(1)).collect();
        let numbers = numbers_of(&planes, self.items);
        numbers.iter().map(|label| (*label as u32).checked_sub(1)).collect()
    }
}

#[cfg(test)]
mod tests;
