//! A validation job: what is asked of which items, how many answers count, what is published and what is paid.

use tacit_mpc_core::digest::Digest;

mod check;
mod error;
mod id;
mod item_ids;
mod labels;
mod names;
mod pay;
mod rules;
mod spec;
mod terms;

pub use check::{MAX_ANSWER_ELEMENTS, MAX_TALLY};
pub use error::JobError;
pub use id::JobId;
pub use item_ids::ItemIds;
pub use labels::{LabelRule, WEIGHT_ONE};
pub use pay::{MAX_PER_ITEM, PayRule, Payout, escrow};
pub use rules::{Gold, MAX_ANSWERS_PER_ITEM};
pub use spec::{Item, JobSpec, MAX_ITEMS};
pub use terms::Terms;

/// A checked job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    terms: Terms,
    items: Vec<Item>,
    digest: Digest,
}

impl Job {
    /// Checks a spec and makes a job of it.
    ///
    /// # Errors
    /// The first field that cannot be used, and why.
    pub fn new(id: JobId, spec: JobSpec) -> Result<Self, JobError> {
        check::items(&spec.items)?;
        let (terms, items) = Terms::from_spec(id, spec);
        terms.check()?;
        Ok(Self {
            digest: terms.digest(),
            terms,
            items,
        })
    }

    /// Everything but the items.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// The job's id.
    pub fn id(&self) -> &JobId {
        &self.terms.id
    }

    /// The items; submissions name them by their index here.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The digest that binds submissions and outputs to this job.
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

#[cfg(test)]
mod tests;
