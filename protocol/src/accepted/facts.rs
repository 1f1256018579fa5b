//! What is public about an accepted set: the facts that the nodes sign and a certificate repeats.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::MODULUS;
use tacit_mpc_core::sharing::NodeSet;

use super::Scale;
use super::count::are_items;
use crate::check::Check;
use crate::identity::PublicKey;
use crate::job::{MIN_ANSWERS, MIN_CONTRIBUTORS, Terms};
use crate::question::Release;
use crate::reject::RejectReason;

/// What is public about one contributor in a job.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributorFacts {
    /// The contributor's name; where the job names issuers, the pool and the person's number in it.
    pub contributor: String,
    /// The contributor's key: of several keys of one person, that of the first accepted submission in the list.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
    /// How many of the contributor's answers count.
    pub answers: u64,
    /// How many of those are to items with at least two answers: `n` of the pay rules.
    pub paired: u64,
    /// The scale of the contributor's agreement: `L` of the pay rules, over the redundancies of the contributor's items.
    pub scale: Scale,
}

/// What a set of nodes refused: submissions that none of them could use, although each had asked the others for what it missed.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedBy {
    /// The nodes, all participants and more than may be corrupt.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u8>))]
    pub nodes: NodeSet,
    /// How many submissions exactly these nodes refused.
    pub submissions: u64,
    /// How many answers are in them, as the coordinator listed them.
    pub answers: u64,
}

/// What is public about an accepted set. The nodes sign its digest.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicFacts {
    /// How many answers count.
    pub answers: u64,
    /// How many answers do not count, by reason.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, u64>))]
    pub rejected: BTreeMap<RejectReason, u64>,
    /// Who refused the submissions that nodes could not use, ascending by the mask of the nodes. Their answers are among
    /// `rejected`.
    pub refused: Vec<RefusedBy>,
    /// How many items have how many answers: number of answers → number of items. Items without answers are left out.
    #[cfg_attr(feature = "openapi", schema(value_type = BTreeMap<String, u64>))]
    pub redundancy: BTreeMap<u32, u64>,
    /// The items, by index in the job, that have too few answers for a label, unanswered ones included; none where the job publishes no
    /// labels or is not sensitive.
    pub too_few_answers: Vec<u32>,
    /// The contributors with at least one answer that counts, by name: as many as there are people, as far as the job's issuers tell.
    pub contributors: Vec<ContributorFacts>,
}

impl PublicFacts {
    /// The digest that the nodes sign.
    pub fn digest(&self) -> Digest {
        Digest::of("tacit/v1 facts", &[&crate::codec::encode(self)])
    }

    /// Checks that a job of these terms can have such facts. The formulas that read a certificate's numbers rely on these
    /// bounds.
    ///
    /// # Errors
    /// What the job cannot have, in words.
    pub fn check(&self, terms: &Terms) -> Result<(), &'static str> {
        let in_range = |(r, items): (&u32, &u64)| (1..=terms.answers_per_item).contains(r) && (1..=terms.items).contains(items);
        if !self.redundancy.iter().all(in_range) || total(self.redundancy.values().copied()) > u128::from(terms.items) {
            return Err("more answers to an item, or more items, than the job has");
        }
        let answers: u128 = self.redundancy.iter().map(|(r, items)| u128::from(*r) * u128::from(*items)).sum();
        if answers != u128::from(self.answers) || answers != total(self.contributors.iter().map(|c| c.answers)) {
            return Err("the answers to items, of contributors and in all do not add up");
        }
        if !self.contributors.windows(2).all(|pair| pair[0].contributor < pair[1].contributor) {
            return Err("contributors out of order or twice");
        }
        if let Some(issuers) = &terms.issuers
            && !self.contributors.iter().all(|c| is_number_in(&c.contributor, &issuers.pool))
        {
            return Err("a contributor who is no number of the job's pool");
        }
        let plausible = |c: &ContributorFacts| c.answers > 0 && c.paired <= c.answers && (1..MODULUS).contains(&c.scale.value);
        if !self.contributors.iter().all(plausible) {
            return Err("a contributor without answers, with more paired ones than answers, or a scale outside the field");
        }
        let enough = total(self.redundancy.range(terms.min_answers_to_label()..).map(|(_, items)| *items));
        let due = if terms.sensitive && terms.releases(Release::Labels) {
            u128::from(terms.items).saturating_sub(enough)
        } else {
            0
        };
        let too_few = &self.too_few_answers;
        if too_few.len() as u128 != due || !are_items(too_few, terms.items as usize) {
            return Err("other items with too few answers for a label than the numbers of answers say");
        }
        if total(self.rejected.values().copied()) > u128::from(u64::MAX) {
            return Err("more rejected answers than can be counted");
        }
        if !self.refused.windows(2).all(|pair| pair[0].nodes < pair[1].nodes) || self.refused.iter().any(|one| one.submissions == 0) {
            return Err("refusing nodes out of order or twice, or nodes that refuse nothing");
        }
        if total(self.refused.iter().map(|one| one.answers)) > total(self.rejected.values().copied()) {
            return Err("more refused answers than rejected ones");
        }
        Ok(())
    }

    /// Whether anything is opened that depends on answers: in a sensitive job only if enough contributors gave enough answers that
    /// count. Base pay does not depend on what was answered, so it is certified in any case.
    pub fn opens_outputs(&self, terms: &Terms) -> bool {
        let contributors = self.contributors.len() >= MIN_CONTRIBUTORS || !Check::Contributors.is_made();
        let answers = self.answers >= MIN_ANSWERS || !Check::Answers.is_made();
        !terms.sensitive || (contributors && answers)
    }

    /// Checks that only nodes that took part refuse submissions, and always more than may be corrupt: so an honest one is among
    /// them.
    ///
    /// # Errors
    /// What cannot be, in words.
    pub fn check_refusals(&self, participants: NodeSet, threshold: usize) -> Result<(), &'static str> {
        let in_order = |one: &RefusedBy| one.nodes.minus(participants).is_empty() && one.nodes.len() > threshold;
        if self.refused.iter().all(in_order) {
            Ok(())
        } else {
            Err("submissions that nodes refuse which did not take part, or no more nodes than may be corrupt")
        }
    }

    /// What is public about the contributor of this name; `None` if none of its answers counts.
    pub fn contributor(&self, name: &str) -> Option<&ContributorFacts> {
        let found = self.contributors.binary_search_by(|one| one.contributor.as_str().cmp(name));
        found.ok().and_then(|index| self.contributors.get(index))
    }

    /// The number of answers that every answered item has, if it is the same for all of them.
    pub fn same_redundancy(&self) -> Option<u32> {
        same_redundancy(&self.redundancy)
    }

    /// How many answers do not count, for whatever reason.
    pub fn rejected_answers(&self) -> u64 {
        self.rejected.values().sum()
    }
}

/// Whether a name is the one of a person of this pool.
fn is_number_in(name: &str, pool: &str) -> bool {
    let number = name.strip_prefix(pool).and_then(|rest| rest.strip_prefix('/'));
    number.is_some_and(|number| number.parse::<u32>().is_ok_and(|serial| serial.to_string() == number))
}

/// See [`PublicFacts::same_redundancy`].
pub(super) fn same_redundancy(redundancy: &BTreeMap<u32, u64>) -> Option<u32> {
    let (first, last) = redundancy.first_key_value().zip(redundancy.last_key_value())?;
    (first == last).then_some(*first.0)
}

fn total(numbers: impl Iterator<Item = u64>) -> u128 {
    numbers.map(u128::from).sum()
}
