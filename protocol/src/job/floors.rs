//! The hard floors of sensitive jobs: what keeps one answer from being read off the outputs. Terms below a floor make no job, and
//! outputs below a floor are not opened; nodes, coordinator and clients check the same, and no policy of an operator loosens it.
//!
//! `docs/security/floors.md` has the reason for each number.

use super::{JobError, LabelRule, PayRule, Terms, WEIGHT_ONE};
use crate::check::Check;
use crate::question::Release;

/// The fewest contributors with counted answers of which anything is opened that depends on answers.
pub const MIN_CONTRIBUTORS: usize = 10;
/// The fewest counted answers of which anything is opened that depends on answers.
pub const MIN_ANSWERS: u64 = 100;
/// The fewest counted answers to an item that has a label. As long as contributors choose their items, two that collude on an item
/// must not make the others' answers certain by its label: for that it takes 2·2 + 3 answers.
pub const MIN_ANSWERS_TO_LABEL: u32 = 7;
/// The most that one vote may weigh, in votes of another contributor.
const MAX_WEIGHT_RATIO: u64 = 2;

impl Terms {
    /// The fewest counted answers that an item needs for a label. In a sensitive job they are so many that a label never needs more than the
    /// smallest majority of them: of fewer, a label would say how everyone answered.
    pub fn min_answers_to_label(&self) -> u32 {
        if !self.sensitive {
            return 1;
        }
        let floor = if Check::AnswersToLabel.is_made() { MIN_ANSWERS_TO_LABEL } else { 1 };
        match self.quorum {
            Some(quorum) if Check::QuorumOfCounted.is_made() => floor.max(2 * quorum.saturating_sub(1)),
            _ => floor,
        }
    }

    /// How pay follows from answers, if payouts are published: in sensitive jobs everyone gets the base, whatever the rule, because an
    /// exact bonus says how others answered.
    pub fn pay_rule(&self) -> Option<PayRule> {
        let rule = self.payout()?.rule;
        Some(if self.sensitive && Check::Bonus.is_made() {
            PayRule::Flat
        } else {
            rule
        })
    }
}

/// Checks the terms of a sensitive job against the floors; others have none.
pub(super) fn check(terms: &Terms) -> Result<(), JobError> {
    if !terms.sensitive {
        return Ok(());
    }
    if terms.releases(Release::Scores) && Check::Scores.is_made() {
        let problem = "names scores, which a sensitive job never publishes: an exact score says how others answered; leave it out, or set \
                       `sensitive = false` if the answers are as good as public";
        return Err(JobError::field("release", problem));
    }
    if !terms.releases(Release::Labels) {
        return Ok(());
    }
    let answers = terms.answers_per_item;
    if answers < MIN_ANSWERS_TO_LABEL && Check::AnswersPerItem.is_made() {
        let problem = format!(
            "is {answers}, but a sensitive job publishes no label of fewer than {MIN_ANSWERS_TO_LABEL} answers: ask for \
             {MIN_ANSWERS_TO_LABEL}, or set `sensitive = false` if the answers are as good as public"
        );
        return Err(JobError::field("answers_per_item", problem));
    }
    if terms.quorum.is_some() && terms.label_rule == LabelRule::Weighted && Check::QuorumOfWeights.is_made() {
        let problem = "is not taken together with weights in a sensitive job: with light votes, a label could need those of everyone; leave \
                       one of them out";
        return Err(JobError::field("quorum", problem));
    }
    let most = answers / 2 + 1;
    if terms.quorum.is_some_and(|quorum| quorum > most) && Check::Quorum.is_made() {
        let problem = format!("is above {most}, the most in a sensitive job of {answers} answers: a label would say how everyone answered");
        return Err(JobError::field("quorum", problem));
    }
    weights(terms)
}

/// The heaviest vote weighs at most twice the lightest. Contributors who are not named have the usual weight.
fn weights(terms: &Terms) -> Result<(), JobError> {
    if terms.label_rule != LabelRule::Weighted || !Check::Weights.is_made() {
        return Ok(());
    }
    let all = || terms.weights.values().copied().chain([WEIGHT_ONE]);
    let (Some(lightest), Some(heaviest)) = (all().min(), all().max()) else {
        return Ok(());
    };
    if u64::from(heaviest) <= MAX_WEIGHT_RATIO * u64::from(lightest) {
        return Ok(());
    }
    let problem = format!(
        "reach from {lightest} to {heaviest} hundredths, and {WEIGHT_ONE} for all others: in a sensitive job no vote weighs more than twice \
         another"
    );
    Err(JobError::field("weights", problem))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{buyer_key, issuers, job_of, spec};
    use crate::identity::SecretKey;
    use crate::job::{Gold, JobSpec};

    fn sensitive() -> JobSpec {
        JobSpec {
            sensitive: true,
            issuers: Some(issuers(1)),
            release: [Release::Agreement, Release::Labels, Release::Payouts].into(),
            ..spec(20, 2, 7, PayRule::Flat)
        }
    }

    /// The error for a sensitive job that was altered so; not sensitive, it would be a job.
    fn refused(alter: impl Fn(&mut JobSpec)) -> String {
        let mut spec = sensitive();
        alter(&mut spec);
        let open = JobSpec {
            sensitive: false,
            ..spec.clone()
        };
        job_of("open", open).unwrap();
        job_of("sensitive", spec).unwrap_err().to_string()
    }

    #[test]
    fn terms_below_a_floor_make_no_sensitive_job() {
        job_of("sensitive", sensitive()).unwrap();
        assert!(refused(|s| s.answers_per_item = 6).contains("`answers_per_item`"));
        assert!(refused(|s| s.answers_per_item = 1).contains("no label of fewer than 7"));
        assert!(refused(|s| _ = s.release.insert(Release::Scores)).contains("`release` names scores"));
        assert!(refused(|s| s.quorum = Some(5)).contains("`quorum` is above 4"));
        let weighted = |weights: &[(u8, u32)]| {
            let weights = weights
                .iter()
                .map(|(who, weight)| (SecretKey::from_bytes(&[*who; 32]).public(), *weight));
            let weights: std::collections::BTreeMap<_, _> = weights.collect();
            move |spec: &mut JobSpec| {
                spec.label_rule = LabelRule::Weighted;
                spec.weights.clone_from(&weights);
            }
        };
        for steep in [&[(1, 201)][..], &[(1, 49)], &[(1, 0)], &[(1, 150), (2, 70)], &[(1, 500)]] {
            assert!(refused(weighted(steep)).contains("no vote weighs more than twice another"));
        }
        let mut fine = sensitive();
        weighted(&[(1, 100), (2, 200)])(&mut fine);
        job_of("sensitive", fine.clone()).unwrap();
        fine.quorum = Some(4);
        let error = job_of("sensitive", fine).unwrap_err().to_string();
        assert!(error.contains("`quorum` is not taken together with weights"), "{error}");
    }

    #[test]
    fn a_label_needs_at_most_a_majority_of_the_answers_that_count() {
        for (quorum, fewest) in [(None, 7), (Some(1), 7), (Some(4), 7), (Some(5), 8), (Some(6), 10), (Some(7), 12)] {
            let mut spec = sensitive();
            (spec.answers_per_item, spec.quorum) = (13, quorum);
            let mut open = spec.clone();
            open.sensitive = false;
            let terms = job_of("sensitive", spec).unwrap().terms().clone();
            assert_eq!(terms.min_answers_to_label(), fewest, "{quorum:?}");
            assert!(quorum.unwrap_or(1) <= fewest / 2 + 1);
            assert_eq!(job_of("open", open).unwrap().terms().min_answers_to_label(), 1);
        }
    }

    #[test]
    fn few_answers_to_an_item_are_enough_where_no_label_is_published() {
        let mut spec = sensitive();
        spec.release.remove(&Release::Labels);
        spec.answers_per_item = 2;
        job_of("sensitive", spec).unwrap();
    }

    #[test]
    fn sensitive_jobs_pay_the_base_whatever_the_rule() {
        for rule in [PayRule::PeerAgreement, PayRule::PeerAgreementBeyondChance, PayRule::Gold] {
            let mut spec = sensitive();
            spec.payout.as_mut().unwrap().rule = rule;
            spec.gold = (rule == PayRule::Gold).then(|| Gold { key: buyer_key().public() });
            let mut open = spec.clone();
            open.sensitive = false;
            let (closed, open) = (job_of("closed", spec).unwrap(), job_of("open", open).unwrap());
            assert_eq!(
                (closed.terms().pay_rule(), open.terms().pay_rule()),
                (Some(PayRule::Flat), Some(rule))
            );
            assert!(!closed.terms().scores_gold());
            assert_eq!(open.terms().scores_gold(), rule == PayRule::Gold);
        }
    }
}
