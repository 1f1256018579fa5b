//! The node's policy: what its operator asks of jobs beyond what the protocol does. A policy only tightens.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::accepted::PublicFacts;
use tacit_protocol::codec::encode;
use tacit_protocol::control::Refusal;
use tacit_protocol::credential::Issuers;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::Terms;

/// The table `[policy]` of the config file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Policy {
    /// Whether jobs whose answers are as good as public are refused.
    pub refuse_public_answers: bool,
    /// The fewest contributors of a sensitive job that is released.
    pub min_contributors: u64,
    /// The fewest counted answers of a sensitive job that is released.
    pub min_answers: u64,
    /// After how many days a job is erased that nobody has ended.
    pub max_job_age_days: u32,
    /// Who may invite the contributors of a sensitive job: the issuers of the job are one of these sets. If absent, every issuer is accepted,
    /// unless the buyer's key alone can sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuers: Option<Vec<AcceptedIssuers>>,
}

/// Issuers that the operator accepts: these keys, and no others, of which so many must sign each invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptedIssuers {
    /// How many of the keys must sign.
    pub need: u8,
    /// The keys, in any order.
    pub keys: Vec<PublicKey>,
}

impl AcceptedIssuers {
    /// Whether the issuers of a job are these. A job that asks for fewer signatures, or names one key more or less, has others: whoever may
    /// invite alone could invent the whole crowd.
    fn are(&self, issuers: &Issuers) -> bool {
        let mut keys = self.keys.clone();
        keys.sort_unstable();
        let mut theirs = issuers.keys.clone();
        theirs.sort_unstable();
        self.need == issuers.need && keys == theirs
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            issuers: None,
            refuse_public_answers: false,
            min_contributors: 0,
            min_answers: 0,
            max_job_age_days: 90,
        }
    }
}

impl Policy {
    /// Whether it asks for nothing but what is asked by default.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Checks the keys in the config file.
    pub(crate) fn check(&self) -> Result<()> {
        for set in self.issuers.iter().flatten() {
            for key in &set.keys {
                ensure!(key.check().is_ok(), "field `policy.issuers` has {key}, which is not a key");
            }
            ensure!(
                (1..=set.keys.len()).contains(&usize::from(set.need)),
                "field `policy.issuers` has a set of {} keys of which {} must sign: `need` must be at least 1, and at most the number of keys",
                set.keys.len(),
                set.need
            );
        }
        ensure!(self.max_job_age_days > 0, "field `policy.max_job_age_days` must be at least 1");
        Ok(())
    }

    /// After how many seconds a job is erased that nobody has ended.
    pub(crate) fn max_job_age(&self) -> u64 {
        u64::from(self.max_job_age_days) * 24 * 60 * 60
    }

    /// Refuses a job that would be erased before it closes, if it is opened now, in Unix time.
    ///
    /// # Errors
    /// [`Refusal::Policy`] with the rule.
    pub(crate) fn permits_closing(&self, terms: &Terms, now: u64) -> Result<(), Refusal> {
        // The terms were checked, so the time can be read.
        match terms.closes_at_seconds() {
            Ok(Some(closes_at)) if closes_at > now.saturating_add(self.max_job_age()) => {
                let days = self.max_job_age_days;
                let detail = format!("the job closes by itself in more than {days} days, and this node keeps no job for longer");
                Err(refusal("max_job_age_days", &detail))
            }
            _ => Ok(()),
        }
    }

    /// The digest that the log shows, so that operators can compare their policies.
    pub(crate) fn digest(&self) -> Digest {
        let Self {
            issuers,
            refuse_public_answers,
            min_contributors,
            min_answers,
            max_job_age_days,
        } = self;
        let issuers = issuers.as_ref().map(|sets| {
            let of = |set: &AcceptedIssuers| (set.need, set.keys.clone());
            sets.iter().map(of).collect::<Vec<_>>()
        });
        let encoded = encode(&(issuers, refuse_public_answers, min_contributors, min_answers, max_job_age_days));
        Digest::of("tacit/v1 node policy", &[&encoded])
    }

    /// Refuses a job that may not be opened here.
    ///
    /// # Errors
    /// [`Refusal::Policy`] with the rule.
    pub(crate) fn permits(&self, terms: &Terms) -> Result<(), Refusal> {
        if !terms.sensitive {
            return if self.refuse_public_answers {
                Err(refusal(
                    "refuse_public_answers",
                    "the job has `sensitive = false`, and this node takes sensitive jobs only",
                ))
            } else {
                Ok(())
            };
        }
        // A sensitive job without issuers is refused by its terms.
        let Some(issuers) = &terms.issuers else { return Ok(()) };
        match &self.issuers {
            Some(accepted) if accepted.iter().any(|set| set.are(issuers)) => Ok(()),
            Some(_) => Err(refusal(
                "issuers",
                "the job's issuers, with how many of them must sign, are none of the sets that this node accepts",
            )),
            None if is_alone(&terms.buyer, issuers) => Err(refusal(
                "issuers",
                "the buyer's own key can invite contributors alone: name issuers who are not the buyer, or let more than one sign",
            )),
            None => Ok(()),
        }
    }

    /// Refuses to release a job with too few counted answers or people.
    ///
    /// # Errors
    /// [`Refusal::Policy`] with the rule.
    pub(crate) fn permits_release(&self, terms: &Terms, facts: &PublicFacts) -> Result<(), Refusal> {
        if !terms.sensitive {
            return Ok(());
        }
        let contributors = facts.contributors.len() as u64;
        if contributors < self.min_contributors {
            let detail = format!(
                "the job has {contributors} contributors whose answers count, and this node wants {}",
                self.min_contributors
            );
            return Err(refusal("min_contributors", &detail));
        }
        if facts.answers < self.min_answers {
            let detail = format!(
                "{} answers to the job count, and this node wants {}",
                facts.answers, self.min_answers
            );
            return Err(refusal("min_answers", &detail));
        }
        Ok(())
    }
}

/// Whether this key can sign credentials without any other issuer. A buyer may have other keys that nobody knows as the buyer's: only a
/// list of issuers excludes those.
fn is_alone(buyer: &PublicKey, issuers: &Issuers) -> bool {
    issuers.need == 1 && issuers.keys.contains(buyer)
}

fn refusal(rule: &str, detail: &str) -> Refusal {
    Refusal::Policy {
        rule: rule.to_owned(),
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tacit_protocol::fixtures::{buyer_key, issuers, job};
    use tacit_protocol::job::PayRule;

    use super::*;

    /// Terms of a sensitive or another job with these issuers. They are not checked: floors are none of the policy's business.
    fn terms(sensitive: bool, issuers: Option<Issuers>) -> Terms {
        let mut terms = job(4, 2, 3, PayRule::Flat).terms().clone();
        (terms.sensitive, terms.issuers) = (sensitive, issuers);
        terms
    }

    fn rule(outcome: Result<(), Refusal>) -> Option<String> {
        match outcome {
            Ok(()) => None,
            Err(Refusal::Policy { rule, .. }) => Some(rule),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_buyer_who_alone_invites_is_refused() {
        let policy = Policy::default();
        let with_buyer = |need: u8| {
            let mut issuers = issuers(need);
            issuers.keys[2] = buyer_key().public();
            issuers.keys.sort_unstable();
            issuers
        };
        let of = |issuers| rule(policy.permits(&terms(true, Some(issuers))));
        assert_eq!(of(with_buyer(1)), Some("issuers".to_owned()));
        assert_eq!(of(with_buyer(2)), None);
        assert_eq!(of(issuers(1)), None);
        // With the rule switched off, by accepting these issuers, the attack works.
        let listed = accepting(&with_buyer(1));
        assert_eq!(rule(listed.permits(&terms(true, Some(with_buyer(1))))), None);
    }

    /// The policy that accepts these issuers alone.
    fn accepting(issuers: &Issuers) -> Policy {
        let mut keys = issuers.keys.clone();
        keys.reverse();
        Policy {
            issuers: Some(vec![AcceptedIssuers { need: issuers.need, keys }]),
            ..Policy::default()
        }
    }

    #[test]
    fn issuers_are_accepted_as_a_whole_set_with_its_number() {
        // Each operator is an issuer, and two of three must sign.
        let policy = accepting(&issuers(2));
        assert!(policy.check().is_ok());
        let of = |issuers: Issuers| rule(policy.permits(&terms(true, Some(issuers))));
        let refused = Some("issuers".to_owned());
        assert_eq!(of(issuers(2)), None);
        // One operator and the buyer would like to invite alone.
        let mut alone = issuers(1);
        alone.keys.truncate(1);
        assert_eq!(of(alone), refused);
        assert_eq!(of(issuers(1)), refused, "the same keys, of which one is enough");
        let mut fewer = issuers(2);
        fewer.keys.truncate(2);
        assert_eq!(of(fewer), refused);
        let mut stranger = issuers(2);
        stranger.keys[2] = buyer_key().public();
        assert_eq!(of(stranger), refused);
        assert_eq!(rule(policy.permits(&terms(false, Some(issuers(1))))), None);
        for need in [0, 4] {
            assert!(accepting(&issuers(need)).check().is_err());
        }
    }

    #[test]
    fn answers_as_good_as_public_can_be_refused() {
        let policy = Policy {
            refuse_public_answers: true,
            ..Policy::default()
        };
        assert_eq!(rule(policy.permits(&terms(false, None))), Some("refuse_public_answers".to_owned()));
        assert_eq!(rule(policy.permits(&terms(true, Some(issuers(1))))), None);
        assert_eq!(rule(Policy::default().permits(&terms(false, None))), None);
    }

    #[test]
    fn small_crowds_are_not_released() {
        let policy = Policy {
            min_contributors: 1,
            min_answers: 3,
            ..Policy::default()
        };
        let facts = |contributors: usize, answers: u64| PublicFacts {
            refused: Vec::new(),
            answers,
            rejected: BTreeMap::new(),
            redundancy: BTreeMap::new(),
            too_few_answers: Vec::new(),
            contributors: vec![contributor(); contributors],
        };
        let of = |sensitive, facts: &PublicFacts| rule(policy.permits_release(&terms(sensitive, None), facts));
        assert_eq!(of(true, &facts(0, 3)), Some("min_contributors".to_owned()));
        assert_eq!(of(true, &facts(1, 2)), Some("min_answers".to_owned()));
        assert_eq!(of(true, &facts(1, 3)), None);
        assert_eq!(of(false, &facts(0, 0)), None);
    }

    #[test]
    fn a_job_that_would_be_erased_before_it_closes_is_refused() {
        let policy = Policy {
            max_job_age_days: 2,
            ..Policy::default()
        };
        let day = 24 * 60 * 60;
        let mut terms = terms(false, None);
        let at = |terms: &Terms, now| rule(policy.permits_closing(terms, now));
        assert_eq!(at(&terms, 0), None);
        terms.closes_at = Some("1970-01-05T00:00:00Z".to_owned());
        assert_eq!(at(&terms, 2 * day), None);
        assert_eq!(at(&terms, 2 * day - 1), Some("max_job_age_days".to_owned()));
        let never = Policy {
            max_job_age_days: 0,
            ..Policy::default()
        };
        assert!(never.check().is_err());
    }

    fn contributor() -> tacit_protocol::accepted::ContributorFacts {
        tacit_protocol::accepted::ContributorFacts {
            contributor: "crowd/1".to_owned(),
            key: buyer_key().public(),
            answers: 3,
            paired: 0,
            scale: tacit_protocol::accepted::Scale { value: 1, exact: true },
        }
    }

    #[test]
    fn the_digest_tells_policies_apart() {
        let policies = [
            Policy::default(),
            Policy {
                issuers: Some(Vec::new()),
                ..Policy::default()
            },
            Policy {
                refuse_public_answers: true,
                ..Policy::default()
            },
            Policy {
                min_contributors: 1,
                ..Policy::default()
            },
            Policy {
                min_answers: 1,
                ..Policy::default()
            },
            Policy {
                max_job_age_days: 1,
                ..Policy::default()
            },
        ];
        let digests: std::collections::BTreeSet<_> = policies.iter().map(Policy::digest).collect();
        assert_eq!(digests.len(), policies.len());
    }
}
