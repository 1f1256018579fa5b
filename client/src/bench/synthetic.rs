//! Answers that follow from a seed, and the job they belong to.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tacit_client::batches::Batch;
use tacit_protocol::credential::Issuers;
use tacit_protocol::job::escrow;
use tacit_protocol::job::{Item, JobSpec, PayRule, Payout};
use tacit_protocol::question::{self, Categorical, Release};

/// The base and the bonus for each answer, in micro-units.
const PAY: u64 = 20_000;
/// The accuracy of contributors: each answers correctly with a probability in this range.
const ACCURACY: std::ops::Range<f64> = 0.7..0.9;
pub(super) const JOB: &str = "bench";
/// The name of the pool whose people answer, where the job names issuers.
pub(super) const POOL: &str = "bench";
/// The number of the first contributor in the pool. All numbers have as many digits as this one, so that names sort in the order of the indices.
const FIRST_NUMBER: u32 = 100_000_000;

/// The size of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// The number of items.
    pub items: usize,
    /// The number of answers to each item, of as many contributors.
    pub answers_per_item: usize,
    /// The number of classes.
    pub classes: usize,
    /// The number of contributors.
    pub contributors: usize,
    /// The number of issuers who vouch for the contributors; with none, the contributors are enrolled.
    pub issuers: u8,
}

/// One answer to a known item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// Index of the contributor.
    pub contributor: u32,
    /// Index of the class.
    pub class: u32,
}

/// All answers, in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SyntheticAnswers {
    /// The size of the job.
    pub size: Size,
    /// The answers to the first item, to the second, and so on, with the same number for each item.
    pub answers: Vec<Answer>,
}

impl Size {
    /// Checks that a job can have this size.
    pub(super) fn check(&self) -> Result<()> {
        ensure!(self.items > 0, "--items must be at least 1");
        // The statistics need pairs of answers, and more than one class.
        ensure!(self.answers_per_item >= 2, "--answers-per-item must be at least 2");
        ensure!(self.classes >= 2, "--classes must be at least 2");
        ensure!(
            self.contributors >= self.answers_per_item,
            "--contributors must be at least --answers-per-item: nobody answers an item twice"
        );
        Ok(())
    }

    /// The number of all answers.
    pub(super) fn answers(&self) -> usize {
        self.items * self.answers_per_item
    }

    /// The name of a contributor, by its index.
    pub(super) fn name(&self, contributor: usize) -> String {
        name(contributor, self.issuers > 0)
    }

    /// The job of this size, for the people of these issuers.
    pub(super) fn spec(&self, issuers: Option<Issuers>) -> Result<JobSpec> {
        let mut payout = Payout {
            rule: PayRule::PeerAgreementBeyondChance,
            currency: "EUR".to_owned(),
            base_per_item: PAY,
            bonus_per_item: PAY,
            budget: 0,
        };
        payout.budget = escrow(&payout, self.answers() as u64)
            .try_into()
            .context("--items and --answers-per-item: too much would fall due")?;
        let question = Categorical::new((0..self.classes).map(|class| format!("class-{class}")));
        let items = (0..self.items).map(|index| Item::new(format!("item-{index}")));
        let spec = JobSpec {
            answers_per_item: self.answers_per_item.try_into().context("--answers-per-item")?,
            sensitive: false,
            issuers,
            release: BTreeSet::from([
                Release::Labels,
                Release::Agreement,
                Release::ClassTotals,
                Release::Scores,
                Release::Payouts,
            ]),
            payout: Some(payout),
            ..JobSpec::new("bench", question, items)
        };
        spec.clone().check(JOB.parse()?).context("no job can have this size")?;
        Ok(spec)
    }
}

impl SyntheticAnswers {
    /// The answers of a seed, the same every time.
    ///
    /// Every item has a true class, every contributor an accuracy; wrong answers spread over the other classes. Items form blocks of as
    /// many items as there are contributors. In each block, every contributor gives `answers_per_item` answers, with other peers than
    /// in the block before.
    pub(super) fn new(size: Size, seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let (people, classes) = (size.contributors, size.classes as u32);
        let accuracy: Vec<f64> = (0..people).map(|_| rng.random_range(ACCURACY)).collect();
        let mut answers = Vec::with_capacity(size.answers());
        let mut shifts = Vec::new();
        for item in 0..size.items {
            if item % people == 0 {
                shifts = rand::seq::index::sample(&mut rng, people, size.answers_per_item).into_vec();
            }
            let right = rng.random_range(0..classes);
            for shift in &shifts {
                let contributor = (item + shift) % people;
                let class = if rng.random_bool(accuracy[contributor]) {
                    right
                } else {
                    (right + rng.random_range(1..classes)) % classes
                };
                answers.push(Answer {
                    contributor: contributor as u32,
                    class,
                });
            }
        }
        Self { size, answers }
    }

    /// The answers to each item.
    pub(super) fn by_item(&self) -> impl Iterator<Item = &[Answer]> + Clone {
        self.answers.chunks_exact(self.size.answers_per_item)
    }

    /// Each contributor's answers, pairs of item index and answer, items ascending.
    pub(super) fn by_contributor(&self) -> Vec<Batch> {
        let mut all = vec![Vec::new(); self.size.contributors];
        for (item, answers) in self.by_item().enumerate() {
            for answer in answers {
                all[answer.contributor as usize].push((item as u32, question::Answer::Class(answer.class)));
            }
        }
        all
    }
}

/// A contributor's name. Names sort in the order of the indices.
pub(super) fn name(contributor: usize, invited: bool) -> String {
    if invited {
        format!("{POOL}/{}", FIRST_NUMBER as usize + contributor)
    } else {
        format!("person-{contributor:08}")
    }
}

/// A contributor's number in the pool; `None` if there are too many contributors.
pub(super) fn number(contributor: usize) -> Option<u32> {
    FIRST_NUMBER.checked_add(u32::try_from(contributor).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const SIZE: Size = Size {
        items: 230,
        answers_per_item: 5,
        classes: 4,
        contributors: 23,
        issuers: 0,
    };

    #[test]
    fn a_seed_makes_one_crowd() {
        assert_eq!(SyntheticAnswers::new(SIZE, 7), SyntheticAnswers::new(SIZE, 7));
        assert_ne!(SyntheticAnswers::new(SIZE, 7), SyntheticAnswers::new(SIZE, 8));
    }

    #[test]
    fn everyone_answers_as_often_and_nobody_twice() {
        let synthetic = SyntheticAnswers::new(SIZE, 1);
        assert_eq!(synthetic.answers.len(), SIZE.answers());
        for answers in synthetic.by_item() {
            let people: HashSet<u32> = answers.iter().map(|answer| answer.contributor).collect();
            assert_eq!(people.len(), 5);
        }
        for own in synthetic.by_contributor() {
            assert_eq!(own.len(), 50);
            assert!(own.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn answers_are_mostly_but_not_always_right() {
        let synthetic = SyntheticAnswers::new(
            Size {
                items: 5_000,
                contributors: 50,
                ..SIZE
            },
            1,
        );
        let matching: usize = synthetic
            .by_item()
            .map(|all| all.iter().filter(|one| one.class == all[0].class).count() - 1)
            .sum();
        let share = matching as f64 / (4 * 5_000) as f64;
        // On average 0.8² + 0.2²/3 of the pairs match.
        assert!((0.6..0.7).contains(&share), "{share}");
        let classes: HashSet<u32> = synthetic.answers.iter().map(|answer| answer.class).collect();
        assert_eq!(classes.len(), 4);
    }

    #[test]
    fn the_job_is_one_and_sizes_that_make_none_are_refused() {
        let spec = SIZE.spec(None).unwrap();
        assert_eq!((spec.items.len(), spec.question.classes().len()), (230, 4));
        SIZE.check().unwrap();
        let wrong = [
            Size { items: 0, ..SIZE },
            Size {
                answers_per_item: 1,
                ..SIZE
            },
            Size { classes: 1, ..SIZE },
            Size { contributors: 4, ..SIZE },
        ];
        assert!(wrong.iter().all(|size| size.check().is_err()));
    }
}
