//! The terms of a job: everything but the items themselves. Their digest stands for the job in all that is signed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;

use super::item::image_hosts;
use super::rules::with_rules;
use super::{Item, ItemIds, JobId, JobSpec, PayRule, Payout};
use crate::identity::PublicKey;
use crate::question::{Question, Release};

with_rules! {
    /// A job without its items: what a certificate repeats.
    #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Terms {
        /// The job's id.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub id: JobId,
        /// The key of the buyer, who signs these terms.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub buyer: PublicKey,
        /// A name for people.
        pub name: String,
        /// What is asked of each item.
        pub question: Question,
        /// How many items the job has.
        pub items: u64,
        /// The digest of the items in order.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub items_digest: Digest,
        /// The ids of the items in order where labels are published, because a label is of an item; else none.
        #[serde(default, skip_serializing_if = "ItemIds::is_empty")]
        #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
        pub item_ids: ItemIds,
        /// The hosts from which contributors load images, with their ports where they are not 443: they learn who loads when.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        pub image_hosts: BTreeSet<String>,
    }
}

impl Terms {
    /// The unchecked terms of a spec, and its items.
    pub(super) fn from_spec(id: JobId, buyer: PublicKey, spec: JobSpec) -> (Self, Vec<Item>) {
        let items = spec.items;
        let item_ids = if spec.release.contains(&Release::Labels) {
            items.iter().map(|item| &item.id).collect()
        } else {
            ItemIds::default()
        };
        let terms = Self {
            id,
            buyer,
            name: spec.name,
            question: spec.question,
            items: items.len() as u64,
            items_digest: items_digest(&items),
            item_ids,
            image_hosts: image_hosts(&items),
            answers_per_item: spec.answers_per_item,
            closes_at: spec.closes_at,
            sensitive: spec.sensitive,
            public: spec.public,
            release: spec.release,
            quorum: spec.quorum,
            label_rule: spec.label_rule,
            weights: spec.weights,
            gold: spec.gold,
            issuers: spec.issuers,
            payout: spec.payout,
        };
        (terms, items)
    }

    /// The spec that gives these terms, with their items.
    pub(super) fn to_spec(&self, items: Vec<Item>) -> JobSpec {
        JobSpec {
            name: self.name.clone(),
            question: self.question.clone(),
            items,
            answers_per_item: self.answers_per_item,
            closes_at: self.closes_at.clone(),
            sensitive: self.sensitive,
            public: self.public,
            release: self.release.clone(),
            quorum: self.quorum,
            label_rule: self.label_rule,
            weights: self.weights.clone(),
            gold: self.gold.clone(),
            issuers: self.issuers.clone(),
            payout: self.payout.clone(),
        }
    }

    /// The job's digest: over the JSON of the terms, in which a digest stands for the items.
    pub fn digest(&self) -> Digest {
        #[expect(clippy::expect_used, reason = "these types have string keys only and no failing Serialize")]
        let json = serde_json::to_vec(self).expect("terms serialise");
        Digest::of("tacit/v1 job", &[&json])
    }

    /// The names of the question's classes, in the order of its rows.
    pub fn classes(&self) -> &[String] {
        self.question.classes()
    }

    /// Whether the job publishes this.
    pub fn releases(&self, release: Release) -> bool {
        self.release.contains(&release)
    }

    /// Whether pay or scores depend on the gold answers. In a sensitive job nothing does, and the job takes none.
    pub fn scores_gold(&self) -> bool {
        self.gold.is_some() && (self.releases(Release::Scores) || self.pay_rule() == Some(PayRule::Gold))
    }

    /// The pay, if payouts are published.
    pub fn payout(&self) -> Option<&Payout> {
        self.payout.as_ref().filter(|_| self.releases(Release::Payouts))
    }
}

/// Over the JSON of each item: there a field that is left out can be told from one that is there, in the binary encoding it cannot.
fn items_digest(items: &[Item]) -> Digest {
    #[expect(clippy::expect_used, reason = "these types have string keys only and no failing Serialize")]
    let json = |item: &Item| serde_json::to_vec(item).expect("items serialise");
    let encoded: Vec<Vec<u8>> = items.iter().map(json).collect();
    let parts: Vec<&[u8]> = encoded.iter().map(Vec::as_slice).collect();
    Digest::of("tacit/v1 items", &parts)
}
