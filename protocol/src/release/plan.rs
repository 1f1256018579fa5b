//! Which outputs a job opens. It follows from the terms of the job.

use super::OutputName;
use crate::job::{PayRule, Terms};
use crate::question::Release;

/// The outputs that a job opens, in the order in which they are computed.
pub(super) fn outputs_of(terms: &Terms) -> Vec<OutputName> {
    let rule = terms.payout().map(|payout| payout.rule);
    let scores = terms.releases(Release::Scores);
    // Behind noise no number is opened twice, so agreement is read from class totals, too.
    let totals = terms.releases(Release::ClassTotals) || terms.sensitive && terms.releases(Release::Agreement);
    let wanted = [
        (OutputName::ClassTotals, totals),
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
