//! A validation job: what is asked, of how many, what is released, how it is paid.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::identity::PublicKey;
use tacit_mpc_core::digest::Digest;

mod check;
mod item_ids;
mod labels;
mod pay;

pub use item_ids::ItemIds;
pub use labels::{LabelRule, WEIGHT_ONE};
pub use pay::{MAX_PER_ITEM, escrow};

/// The most items of a job.
pub const MAX_ITEMS: usize = 4_000_000;
/// The most classes of a question.
pub const MAX_CLASSES: usize = 1_000;
/// The most answers to one item.
pub const MAX_ANSWERS_PER_ITEM: u32 = 1_000;
/// The most items × classes of a job: its tally at a node takes eight bytes for each, in every component.
pub const MAX_TALLY: usize = 1 << 24;
/// The most items × answers × classes of a job: what its answers take at a node, likewise.
pub const MAX_ANSWER_ELEMENTS: usize = 1 << 27;
/// The longest item id, class name, contributor name or job name, in bytes.
pub const MAX_NAME: usize = 256;

/// A job's id, chosen by the buyer: 1 to 64 lower-case letters, digits and dashes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobId {
    type Err = JobError;

    fn from_str(text: &str) -> Result<Self, JobError> {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(JobError::field("id", "must be 1 to 64 lower-case letters, digits or dashes"))
        }
    }
}

impl TryFrom<String> for JobId {
    type Error = JobError;

    fn try_from(text: String) -> Result<Self, JobError> {
        text.parse()
    }
}

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({})", self.0)
    }
}

/// What is asked of each item.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Question {
    /// One of the classes.
    Categorical {
        /// The classes; their order breaks ties.
        classes: Vec<String>,
        /// The question as contributors see it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
}

/// One item to be labelled.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its id, unique in the job.
    pub id: String,
    /// What contributors see, or where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a job may publish.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Release {
    /// The consensus label of each item.
    Labels,
    /// Observed agreement, κ, α, AC1.
    Agreement,
    /// How often each class was answered.
    ClassTotals,
    /// Each contributor's agreement.
    Scores,
    /// Each contributor's pay.
    Payouts,
}

/// How pay follows from answers. The formulas are in `scoring/src/payout`.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayRule {
    /// The base for every answer.
    Flat,
    /// A bonus for agreeing with peers.
    PeerAgreement,
    /// A bonus for agreeing with peers more than answers to other items would.
    PeerAgreementBeyondChance,
    /// A bonus for agreeing with the buyer's gold answers.
    Gold,
}

/// Gold answers: the buyer shares them as a contributor shares answers, and no job says what they are or to
/// which items.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// The key they are signed with; nothing else is.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
}

/// The pay of a job, in micro-units (10^-6 of the currency).
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payout {
    /// The rule.
    #[serde(default = "default_rule")]
    pub rule: PayRule,
    /// An ISO 4217 code or another short name.
    pub currency: String,
    /// Base for each answer.
    pub base_per_item: u64,
    /// Bonus for each answer, at most the base.
    #[serde(default)]
    pub bonus_per_item: u64,
    /// What the buyer has set aside; it must cover the most that can fall due.
    pub budget: u64,
}

fn default_rule() -> PayRule {
    PayRule::PeerAgreementBeyondChance
}

fn default_sensitive() -> bool {
    true
}

/// A job as the buyer sends it.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSpec {
    /// A name for people.
    pub name: String,
    /// What is asked.
    pub question: Question,
    /// Of what.
    pub items: Vec<Item>,
    /// How many answers each item gets; further ones do not count.
    pub answers_per_item: u32,
    /// When the job closes by itself, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<String>,
    /// Whether the answers say something about the contributors.
    #[serde(default = "default_sensitive")]
    pub sensitive: bool,
    /// What is published.
    pub release: BTreeSet<Release>,
    /// How many votes the class of a label needs; items with fewer have no consensus. By default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// How the label of an item follows from its answers.
    #[serde(default, skip_serializing_if = "LabelRule::is_usual")]
    pub label_rule: LabelRule,
    /// What the votes of contributors weigh, by name, in hundredths; those of others weigh [`WEIGHT_ONE`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Whose gold answers the job waits for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<Gold>,
    /// The pay, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<Payout>,
}

/// A job without its items: what a certificate repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The job's id.
    pub id: JobId,
    /// A name for people.
    pub name: String,
    /// What is asked.
    pub question: Question,
    /// How many items the job has.
    pub items: u64,
    /// Digest of the items in order.
    pub items_digest: Digest,
    /// The ids of the items in order, where labels are published: a label is of an item.
    #[serde(default, skip_serializing_if = "ItemIds::is_empty")]
    pub item_ids: ItemIds,
    /// How many answers each item gets.
    pub answers_per_item: u32,
    /// When the job closes by itself, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<String>,
    /// Whether the answers say something about the contributors.
    pub sensitive: bool,
    /// What is published.
    pub release: BTreeSet<Release>,
    /// How many votes the class of a label needs; items with fewer have no consensus. By default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
    /// How the label of an item follows from its answers.
    #[serde(default, skip_serializing_if = "LabelRule::is_usual")]
    pub label_rule: LabelRule,
    /// What the votes of contributors weigh, by name, in hundredths; those of others weigh [`WEIGHT_ONE`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Whose gold answers the job waits for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gold: Option<Gold>,
    /// The pay, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payout: Option<Payout>,
}

/// A checked job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    terms: Terms,
    items: Vec<Item>,
    digest: Digest,
}

/// Why a job is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JobError {
    /// The text is not a job.
    #[error("not a job: {0}")]
    Syntax(String),
    /// A field's value cannot be used.
    #[error("field `{field}` {problem}")]
    Field {
        /// Which.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The budget is below what can fall due.
    #[error(
        "field `payout.budget` is {budget}, but up to {needed} micro-units can fall due: raise it to that, or lower the pay or the answers"
    )]
    Budget {
        /// What the job sets aside.
        budget: u64,
        /// What it must.
        needed: u128,
    },
}

impl JobError {
    fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }
}

impl JobSpec {
    /// Reads a job spec from JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Self, JobError> {
        serde_json::from_slice(bytes).map_err(|e| JobError::Syntax(e.to_string()))
    }
}

impl Job {
    /// Checks a spec.
    pub fn new(id: JobId, spec: JobSpec) -> Result<Self, JobError> {
        let JobSpec {
            name,
            question,
            items,
            answers_per_item,
            closes_at,
            sensitive,
            release,
            quorum,
            label_rule,
            weights,
            gold,
            payout,
        } = spec;
        check::items(&items)?;
        let encoded: Vec<Vec<u8>> = items.iter().map(crate::codec::encode).collect();
        let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
        let items_digest = Digest::of("tacit/v1 items", &parts);
        let item_ids = if release.contains(&Release::Labels) {
            items.iter().map(|item| &item.id).collect()
        } else {
            ItemIds::default()
        };
        let terms = Terms {
            id,
            name,
            question,
            items: items.len() as u64,
            items_digest,
            item_ids,
            answers_per_item,
            closes_at,
            sensitive,
            release,
            quorum,
            label_rule,
            weights,
            gold,
            payout,
        };
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

impl Terms {
    /// The job's digest: over its canonical JSON, in which the items stand as their digest.
    pub fn digest(&self) -> Digest {
        #[expect(clippy::expect_used, reason = "these types have string keys only and no failing Serialize")]
        let json = serde_json::to_vec(self).expect("terms serialise");
        Digest::of("tacit/v1 job", &[&json])
    }

    /// The classes of the question.
    pub fn classes(&self) -> &[String] {
        match &self.question {
            Question::Categorical { classes, .. } => classes,
        }
    }

    /// Whether an output is to be published.
    pub fn releases(&self, release: Release) -> bool {
        self.release.contains(&release)
    }

    /// Whether pay or scores depend on the gold answers.
    pub fn scores_gold(&self) -> bool {
        self.gold.is_some() && (self.releases(Release::Scores) || self.payout().is_some_and(|payout| payout.rule == PayRule::Gold))
    }

    /// The pay, when payouts are published.
    pub fn payout(&self) -> Option<&Payout> {
        self.payout.as_ref().filter(|_| self.releases(Release::Payouts))
    }
}

/// Whether a text is a usable name: not empty, not too long, no control characters.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
