//! Which outputs a job opens. It follows from the terms of the job and from public facts about its accepted set.

use super::OutputName;
use crate::accepted::PublicFacts;
use crate::job::{PayRule, Terms};
use crate::question::Release;

/// The outputs that a job opens, in the order in which they are computed: none where too little counts, see
/// [`PublicFacts::opens_outputs`].
pub(super) fn outputs_of(terms: &Terms, facts: &PublicFacts) -> Vec<OutputName> {
    if !facts.opens_outputs(terms) {
        return Vec::new();
    }
    let rule = terms.pay_rule();
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
