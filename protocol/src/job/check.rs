//! The limits of a job: which specs and terms are accepted.

use std::collections::BTreeSet;

use super::floors;
use super::image::is_host;
use super::names::{ids, name};
use super::pay::{MAX_PER_ITEM, escrow};
use super::{Item, JobError, MAX_ANSWERS_PER_ITEM, MAX_ITEMS, PayRule, Payout, Terms, issuers, labels};
use crate::question::Release;
use tacit_mpc_core::sharing::AccessStructure;

/// The most items × elements of a row: each node holds a tally of this many elements, eight bytes each, for every component
/// that it holds. [`Terms::fits`] takes the number of components into account.
pub const MAX_TALLY: usize = 1 << 24;
/// The most items × answers × elements of a row: each node holds this many elements of answers for every component that it
/// holds.
pub const MAX_ANSWER_ELEMENTS: usize = 1 << 27;
/// The most hosts from which contributors load the images of one job: consent names each of them.
const MAX_IMAGE_HOSTS: usize = 16;
/// How many components a node may hold of a job as large as [`MAX_TALLY`] and [`MAX_ANSWER_ELEMENTS`] allow: as many as a node of five
/// holds, of which two may collude: seven gigabytes. Where nodes hold more components, jobs must be smaller.
const COMPONENTS_OF_LARGEST_JOB: usize = 6;

impl Terms {
    /// Checks everything but the items themselves, as [`super::Job::open`] does: for terms that come without their job, in a
    /// certificate.
    ///
    /// # Errors
    /// The first field that cannot be used, and why.
    pub fn check(&self) -> Result<(), JobError> {
        name("name", &self.name)?;
        self.question.check()?;
        count(self.items)?;
        image_hosts(&self.image_hosts)?;
        let answers_per_item = self.answers_per_item;
        if !(1..=MAX_ANSWERS_PER_ITEM).contains(&answers_per_item) {
            return Err(JobError::field(
                "answers_per_item",
                format!("must be between 1 and {MAX_ANSWERS_PER_ITEM}"),
            ));
        }
        let tally = self.items as usize * self.question.width();
        if tally > MAX_TALLY || tally * answers_per_item as usize > MAX_ANSWER_ELEMENTS {
            let problem = format!(
                "and the classes of the question multiply to {tally}, times {answers_per_item} answers: a job has at most {MAX_TALLY}, \
                 times answers at most {MAX_ANSWER_ELEMENTS}; split the items over several jobs"
            );
            return Err(JobError::field("items", problem));
        }
        if self.release.is_empty() {
            return Err(JobError::field("release", "must name at least one output"));
        }
        if let Some(other) = self.release.iter().find(|release| !self.question.releases().contains(release)) {
            let problem = format!("names {}, which does not exist for this kind of question", other.name());
            return Err(JobError::field("release", problem));
        }
        let planned = self.items * u64::from(answers_per_item);
        payout(self.payout.as_ref(), self.releases(Release::Payouts), planned)?;
        gold(self)?;
        self.closes_at_seconds()?;
        issuers::fit(self)?;
        labels::fit(self)?;
        floors::check(self)
    }
}

/// Checks that a node of this cluster can hold what the job may have: memory grows with the components that a node holds.
pub(super) fn held(terms: &Terms, access: &AccessStructure) -> Result<(), JobError> {
    let held = access.held_by(0).len();
    let tally = terms.items as usize * terms.question.width() * held;
    let answers = tally * terms.answers_per_item as usize;
    let (most_tally, most_answers) = (
        MAX_TALLY * COMPONENTS_OF_LARGEST_JOB,
        MAX_ANSWER_ELEMENTS * COMPONENTS_OF_LARGEST_JOB,
    );
    if tally <= most_tally && answers <= most_answers {
        return Ok(());
    }
    let problem = format!(
        "and the classes of the question multiply to {tally} elements at each of these {} nodes, which hold {held} components, and the \
         answers to {answers}: at most {most_tally} and {most_answers} fit; split the items over several jobs",
        access.nodes()
    );
    Err(JobError::field("items", problem))
}

fn count(items: u64) -> Result<(), JobError> {
    if (1..=MAX_ITEMS as u64).contains(&items) {
        Ok(())
    } else {
        Err(JobError::field("items", format!("must list 1 to {MAX_ITEMS} items")))
    }
}

fn image_hosts(hosts: &BTreeSet<String>) -> Result<(), JobError> {
    if hosts.len() > MAX_IMAGE_HOSTS {
        let problem = format!(
            "have images on {} hosts: contributors consent to at most {MAX_IMAGE_HOSTS}",
            hosts.len()
        );
        return Err(JobError::field("items", problem));
    }
    match hosts.iter().find(|host| !is_host(host)) {
        Some(host) => Err(JobError::field("image_hosts", format!("lists `{host}`, which is no host"))),
        None => Ok(()),
    }
}

pub(super) fn items(items: &[Item]) -> Result<(), JobError> {
    count(items.len() as u64)?;
    for (index, item) in items.iter().enumerate() {
        item.check(&format!("items[{index}]"))?;
    }
    ids("items", items.iter().map(|item| item.id.as_str()))
}

fn payout(payout: Option<&Payout>, released: bool, planned: u64) -> Result<(), JobError> {
    let Some(payout) = payout else {
        return if released {
            Err(JobError::field("payout", "is missing, but `release` names payouts"))
        } else {
            Ok(())
        };
    };
    if payout.currency.is_empty() || payout.currency.len() > 16 || !payout.currency.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(JobError::field("payout.currency", "must be 1 to 16 letters or digits"));
    }
    if payout.bonus_per_item > payout.base_per_item {
        return Err(JobError::field(
            "payout.bonus_per_item",
            "must not be above `payout.base_per_item`, or pay could become negative",
        ));
    }
    if payout.base_per_item > MAX_PER_ITEM {
        return Err(JobError::field(
            "payout.base_per_item",
            format!("must not be above {}", MAX_PER_ITEM),
        ));
    }
    let needed = escrow(payout, planned);
    if u128::from(payout.budget) < needed {
        return Err(JobError::Budget {
            budget: payout.budget,
            needed,
        });
    }
    Ok(())
}

fn gold(terms: &Terms) -> Result<(), JobError> {
    let pays_by_gold = terms.payout.as_ref().is_some_and(|payout| payout.rule == PayRule::Gold);
    let Some(gold) = &terms.gold else {
        return if pays_by_gold {
            Err(JobError::field(
                "payout.rule",
                "is gold, but the job has no `gold` answers to pay by",
            ))
        } else {
            Ok(())
        };
    };
    if pays_by_gold && terms.classes().len() < 2 {
        return Err(JobError::field(
            "payout.rule",
            "is gold, but the question has one class: there is nothing to get wrong",
        ));
    }
    if !pays_by_gold && !terms.releases(Release::Scores) {
        return Err(JobError::field(
            "gold",
            "is of no use: neither does `release` name scores nor payouts by the rule gold",
        ));
    }
    gold.key
        .check()
        .map_err(|error| JobError::field("gold.key", format!("cannot be used: {error}")))
}
