//! The rules of a job: how many answers it takes, what it publishes and what it pays. A spec and the terms of a job both have
//! them, as fields beside their own.

use serde::{Deserialize, Serialize};

use crate::identity::PublicKey;

/// The most answers to one item.
pub const MAX_ANSWERS_PER_ITEM: u32 = 1_000;

/// Gold answers: the buyer's own answers to some items, by which contributors are scored. The buyer shares them as a
/// contributor shares answers, and no job says what they are or which items have one.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gold {
    /// The key that signs the gold answers; it signs nothing else.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: PublicKey,
}

/// Answers are taken to say something about contributors unless the spec says that they do not.
pub(super) fn sensitive_by_default() -> bool {
    true
}

/// Declares a struct that has the rules of a job as its last fields.
///
/// A nested struct with serde's `flatten` gives the same JSON, but is read from a buffer, so that errors lose their line and
/// column, and its OpenAPI schema is one that no value matches: each half forbids the fields of the other.
macro_rules! with_rules {
    ($(#[$attribute:meta])* pub struct $name:ident { $($(#[$field_attribute:meta])* pub $field:ident: $type:ty,)* }) => {
        $(#[$attribute])*
        pub struct $name {
            $($(#[$field_attribute])* pub $field: $type,)*
            /// How many answers each item gets; further ones do not count.
            pub answers_per_item: u32,
            /// When the job closes by itself: date and time with an offset, RFC 3339. Without it the buyer closes the job.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub closes_at: Option<String>,
            /// Whether the answers say something about the contributors themselves; by default they do. If not, they are as good as
            /// public: the floors that keep single answers from being read off the outputs do not hold.
            #[serde(default = "crate::job::rules::sensitive_by_default")]
            pub sensitive: bool,
            /// Whether anyone may read the spec, the result and the payouts; by default only the buyer and the contributors.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            pub public: bool,
            /// What is published.
            pub release: std::collections::BTreeSet<crate::question::Release>,
            /// How many votes the class of a label needs; items with fewer have no consensus. By default one.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub quorum: Option<u32>,
            /// How the label of an item follows from its answers.
            #[serde(default, skip_serializing_if = "crate::job::LabelRule::is_default")]
            pub label_rule: crate::job::LabelRule,
            /// The weights of contributors' votes by key, in hundredths; the votes of all others weigh 100.
            #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
            pub weights: std::collections::BTreeMap<crate::identity::PublicKey, u32>,
            /// The gold answers that the job waits for before it can be closed, if any.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub gold: Option<crate::job::Gold>,
            /// Whose people may answer, and who vouches for them; without it whoever is enrolled. Sensitive jobs name issuers.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub issuers: Option<crate::credential::Issuers>,
            /// The pay, if any.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub payout: Option<crate::job::Payout>,
        }
    };
}

pub(super) use with_rules;
