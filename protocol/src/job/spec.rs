//! A job as the buyer sends it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::rules::{sensitive_by_default, with_rules};
use super::{Item, JobError, LabelRule};
use crate::question::Question;

/// The most items of a job.
pub const MAX_ITEMS: usize = 4_000_000;

with_rules! {
    /// A job as the buyer sends it.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct JobSpec {
        /// A name for people.
        pub name: String,
        /// What is asked of each item.
        pub question: Question,
        /// The items; submissions name them by their place in this list.
        pub items: Vec<Item>,
    }
}

impl JobSpec {
    /// A spec with the usual rules: one answer to each item, sensitive, unweighted votes, no closing time, gold or pay. It
    /// publishes nothing yet: no job can be made of it before [`Self::release`] names something.
    pub fn new(name: impl Into<String>, question: impl Into<Question>, items: impl IntoIterator<Item = Item>) -> Self {
        Self {
            name: name.into(),
            question: question.into(),
            items: items.into_iter().collect(),
            answers_per_item: 1,
            closes_at: None,
            sensitive: sensitive_by_default(),
            public: false,
            release: BTreeSet::new(),
            quorum: None,
            label_rule: LabelRule::default(),
            weights: BTreeMap::new(),
            gold: None,
            issuers: None,
            payout: None,
        }
    }

    /// Reads a spec from JSON. Whether a job can be made of it is for [`super::Job::open`] to say.
    ///
    /// # Errors
    /// [`JobError::Syntax`]: not JSON, or not the fields of a spec.
    pub fn from_json(bytes: &[u8]) -> Result<Self, JobError> {
        serde_json::from_slice(bytes).map_err(|e| JobError::Syntax(e.to_string()))
    }
}
