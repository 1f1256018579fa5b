//! The scoring program of a categorical job, the same at every node.

use crate::crowd::Crowd;
use crate::field::Fp61;
use crate::job::{PayRule, Release, Terms};
use crate::network::{Network, Phase};
use crate::release::OutputName;
use crate::session::{Outputs, Session, SessionError};
use crate::sharing::Shared;

use super::labels::Ballot;
use super::plurality::plurality;
use super::{agreement, contributor, gold, labels, tally};

/// Which outputs a job needs opened, in the order they are computed.
pub(crate) fn outputs_of(terms: &Terms) -> Vec<OutputName> {
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

/// Computes what the job releases and nothing else, in one round for all products; shares of gold take more.
///
/// `answers` holds one one-hot row for each of the crowd's counted answers, in its order; `gold` one row for
/// each item, where the job has gold. The length of each output follows from public data: see
/// [`OutputName::len`].
///
/// Labels that are released, and what shares of gold need, are opened within the session, once all products so
/// far are verified and `record` has durably recorded the accepted set; `None` if it has not.
pub fn score<N: Network>(
    session: &mut Session<N>,
    terms: &Terms,
    crowd: &Crowd,
    answers: &Shared<Fp61>,
    gold: Option<&Shared<Fp61>>,
    record: impl Fn() -> bool,
) -> Result<Option<Outputs>, SessionError> {
    session.enter(Phase::Agreement);
    let classes = terms.classes().len();
    let wanted = outputs_of(terms);
    let votes = tally::tally(crowd, classes, answers);

    let mut factors = Vec::new();
    let agreement = wanted.contains(&OutputName::Agreement);
    if agreement {
        factors.extend(agreement::factors(session.party(), crowd, classes, &votes));
    }
    let beyond_chance = wanted.contains(&OutputName::ContributorBeyondChance);
    let peer_agreement = wanted.contains(&OutputName::ContributorAgreement);
    if peer_agreement || beyond_chance {
        let (with_peers, at_chance) = contributor::factors(crowd, classes, answers, &votes);
        factors.push(with_peers);
        if beyond_chance {
            factors.push(at_chance);
        }
    }
    let with_gold = gold.filter(|_| wanted.contains(&OutputName::ContributorGold));
    let asked = with_gold.map(|gold| {
        let with_gold = gold::factors(crowd, classes, answers, gold);
        let asked = gold::asked(&with_gold);
        factors.push(with_gold);
        asked
    });
    let mut products = session.inner_products(factors)?.into_iter();
    let mut next = || products.next().unwrap_or_else(|| Shared::zeros(session.party(), 0));

    let matches = agreement.then(|| {
        let mut values = next();
        (0..3).for_each(|_| values.append(&next()));
        values.append(&agreement::summed_shares(crowd, classes, &votes));
        values
    });
    let with_peers = (peer_agreement || beyond_chance).then(&mut next);
    let at_chance = beyond_chance.then(&mut next);
    let right = asked.is_some().then(&mut next);
    let of_gold = match right.zip(asked) {
        Some(counts) => {
            // What is opened on the way to shares tells who answered no item with gold: that is released, too.
            let verified = session.verify_claims(counts)?;
            if !record() {
                return Ok(None);
            }
            let recorded = session.recorded(verified)?;
            Some(gold::shares(session, recorded)?)
        }
        None => None,
    };

    let mut decided = None;
    let mut with_label = None;
    if terms.decides_labels() {
        let ballot = Ballot::new(terms, crowd, answers, &votes);
        let shared = plurality(session, classes, &ballot.tallies, ballot.most_votes, ballot.quorum)?;
        if wanted.contains(&OutputName::Labels) {
            // Opened before the session ends, so verified and recorded before, like all that is released.
            let verified = session.verify_claims(shared)?;
            if !record() {
                return Ok(None);
            }
            let labels = session.recorded(verified)?.open(session)?;
            with_label = Some(labels::agreement(crowd, classes, answers, &labels));
            decided = Some(Shared::public(session.party(), &labels::to_values(&labels)));
        } else {
            let one_hot = shared.to_one_hot_numbers(session)?;
            let factors = gold::factors(crowd, classes, answers, &one_hot);
            with_label = session.inner_products(vec![factors])?.pop();
        }
    }

    let mut outputs = Outputs::default();
    for name in wanted {
        let values = match name {
            OutputName::ClassTotals => Some(tally::class_totals(classes, answers)),
            OutputName::Agreement => matches.clone(),
            OutputName::ContributorAgreement => with_peers.clone(),
            OutputName::ContributorBeyondChance => with_peers.as_ref().zip(at_chance.as_ref()).map(|(a, b)| {
                let paired: Vec<Fp61> = crowd.facts().contributors.iter().map(|c| Fp61::reduce(c.paired)).collect();
                a.scale(&paired).sub(b)
            }),
            OutputName::ContributorGold => of_gold.clone(),
            OutputName::Labels => decided.clone(),
            OutputName::ContributorLabelAgreement => with_label.clone(),
        };
        outputs.push(name, values.unwrap_or_else(|| Shared::zeros(session.party(), 0)));
    }
    Ok(Some(outputs))
}
