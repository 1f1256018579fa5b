//! Which outputs a job opens: a fact of its terms.

use super::OutputName;
use crate::job::{PayRule, Terms};
use crate::question::Release;

/// Which outputs a job needs opened, in the order they are computed.
pub fn outputs_of(terms: &Terms) -> Vec<OutputName> {
    let rule = terms.payout().map(|payout| payout.rule);
    let scores = terms.releases(Release::Scores);
    let wanted = [
        (OutputName::ClassTotals, terms.releases(Release::ClassTotals)),
        (OutputName::Agreement, terms.releases(Release::Agreement)),
        (OutputName::ContributorAgreement, scores || rule == Some(PayRule::PeerAgreement)),
        (
            OutputName::ContributorBeyondChance,
            scores || rule == Some(PayRule::PeerAgreementBeyondChance),
        ),
        (OutputName::ContributorGold, terms.scores_gold()),
        (OutputName::Labels, terms.releases(Release::Labels)),
        (OutputName::ContributorLabelAgreement, scores),
    ];
    wanted.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name).collect()
}
