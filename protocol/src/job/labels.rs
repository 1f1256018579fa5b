//! Labels: how much the answers of contributors weigh as votes, and how many votes a label needs.

use serde::{Deserialize, Serialize};

use super::names::ids;
use super::{JobError, Terms, check};
use crate::identity::PublicKey;
use crate::question::Release;
use tacit_mpc_core::circuit::hidden_bits;
use tacit_mpc_core::sharing::AccessStructure;

/// The weight of an ordinary vote, in hundredths.
pub const WEIGHT_ONE: u32 = 100;

/// How the label of an item follows from its answers; a tie goes to the class that is listed first.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelRule {
    /// The class with the most answers.
    #[default]
    Plurality,
    /// The class whose answers weigh most.
    Weighted,
}

impl LabelRule {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Terms {
    /// Whether the nodes decide labels: to publish them, or to score contributors by them.
    pub fn decides_labels(&self) -> bool {
        self.releases(Release::Labels) || self.releases(Release::Scores)
    }

    /// The weight of a contributor's vote: 1 for every vote if the label rule is plurality, else in hundredths.
    pub fn weight_of(&self, contributor: &PublicKey) -> u64 {
        match self.label_rule {
            LabelRule::Plurality => 1,
            LabelRule::Weighted => self.weights.get(contributor).copied().unwrap_or(WEIGHT_ONE).into(),
        }
    }

    /// The least total weight of the votes for a class that can be a label, in the unit of [`Self::weight_of`].
    pub fn votes_needed(&self) -> u64 {
        let unit = match self.label_rule {
            LabelRule::Plurality => 1,
            LabelRule::Weighted => u64::from(WEIGHT_ONE),
        };
        self.quorum.map_or(1, |quorum| u64::from(quorum) * unit)
    }

    /// Checks that the nodes of a cluster can hold the job and compare the votes for two classes on shares.
    ///
    /// # Errors
    /// The job is too large for nodes that hold so many components, or the votes for one class may weigh more than the nodes can compare: a
    /// mask must hide their total.
    pub fn fits(&self, access: &AccessStructure) -> Result<(), JobError> {
        check::held(self, access)?;
        let heaviest = match self.label_rule {
            LabelRule::Plurality => 1,
            LabelRule::Weighted => u64::from(self.weights.values().copied().fold(WEIGHT_ONE, u32::max)),
        };
        let max = (1 << hidden_bits(access)) - 1;
        if !self.decides_labels() || heaviest * u64::from(self.answers_per_item) <= max {
            return Ok(());
        }
        let problem = format!(
            "reach {heaviest} hundredths, too many for {} answers to an item: {} nodes of which {} may collude compare up to {max} hundredths; \
             ask for at most {} answers{}",
            self.answers_per_item,
            access.nodes(),
            access.threshold(),
            max / heaviest,
            if heaviest > u64::from(WEIGHT_ONE) {
                ", or make the greatest weights smaller"
            } else {
                ""
            }
        );
        Err(JobError::field("weights", problem))
    }
}

/// Checks the options of labels, and that the ids of items are there if labels are published.
pub(super) fn fit(terms: &Terms) -> Result<(), JobError> {
    let Terms {
        quorum,
        label_rule,
        weights,
        answers_per_item,
        ..
    } = terms;
    for (field, given) in options(terms) {
        if given && !terms.decides_labels() {
            let problem = "is of no use: `release` names neither labels nor scores";
            return Err(JobError::field(field, problem));
        }
    }
    if quorum.is_some_and(|quorum| !(1..=*answers_per_item).contains(&quorum)) {
        return Err(JobError::field(
            "quorum",
            format!("must be between 1 and `answers_per_item`, {answers_per_item}"),
        ));
    }
    match label_rule {
        LabelRule::Plurality if !weights.is_empty() => {
            return Err(JobError::field("weights", "are for `label_rule` weighted only"));
        }
        LabelRule::Weighted if weights.is_empty() => {
            return Err(JobError::field("weights", "are missing, but `label_rule` is weighted"));
        }
        LabelRule::Plurality | LabelRule::Weighted => {}
    }
    for key in weights.keys() {
        key.check()
            .map_err(|error| JobError::field("weights", format!("name a key that cannot be used, {key}: {error}")))?;
    }
    items(terms)
}

/// Checks that there is an id for each item if labels are published, and no id otherwise.
fn items(terms: &Terms) -> Result<(), JobError> {
    let due = if terms.releases(Release::Labels) { terms.items } else { 0 };
    if terms.item_ids.len() as u64 != due {
        return Err(JobError::field("item_ids", format!("must be {due}")));
    }
    ids("item_ids", terms.item_ids.iter())
}

/// The fields that concern labels only, and whether the terms have them.
fn options(terms: &Terms) -> [(&'static str, bool); 3] {
    [
        ("quorum", terms.quorum.is_some()),
        ("label_rule", !terms.label_rule.is_default()),
        ("weights", !terms.weights.is_empty()),
    ]
}
