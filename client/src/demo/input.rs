//! The input of the demo: answers from a file or the bundled data set, and the job made from them.

use std::collections::{BTreeSet, HashSet};

use anyhow::{Context, Result, ensure};
use tacit_client::answers::{Answers, Expected, parse};
use tacit_client::batches::Batch;
use tacit_client::files;
use tacit_protocol::job::escrow;
use tacit_protocol::job::{Item, JobSpec, MAX_ANSWERS_PER_ITEM, Payout};
use tacit_protocol::question::{Categorical, Question, Release};

use crate::args;
use crate::output;

/// 123 people on the safety of 350 answers of a chatbot; its licence is beside it.
const DICES: &[u8] = include_bytes!("../../data/dices350.csv");
const DICES_CLASSES: [&str; 3] = ["No", "Yes", "Unsure"];
const DICES_NAME: &str = "dices350";
/// The id of the demo's job. It is fixed, so that the same answers give the same result.
pub(super) const JOB: &str = "demo";

const USUAL_BONUS: u64 = 20_000;

/// The answers and their job.
pub(super) struct Input {
    /// A name for people.
    pub name: String,
    pub answers: Answers,
    /// The job's spec.
    pub spec: JobSpec,
}

impl Input {
    /// Reads the answers and makes the job.
    pub(super) fn read(args: &args::Demo) -> Result<Self> {
        let bundled = args.answers.is_none().then(|| DICES_CLASSES.map(str::to_owned).to_vec());
        let classes = args.classes.as_ref().or(bundled.as_ref());
        let question = classes.map(|classes| Question::Categorical(Categorical::new(classes)));
        let expected = Expected {
            question: question.as_ref(),
            ..Expected::default()
        };
        let (name, answers) = match &args.answers {
            None => (DICES_NAME.to_owned(), parse("the bundled data set", DICES, expected)?),
            Some(path) => {
                let (file, stem) = (path.display().to_string(), path.file_stem().unwrap_or_default().to_string_lossy());
                let answers = parse(&file, &files::read(path)?, expected)?;
                output::report_unanswered(&file, answers.unanswered);
                (stem.into_owned(), answers)
            }
        };
        let spec = spec(args, &answers)?;
        spec.clone()
            .check(JOB.parse()?)
            .context("these answers and options make no valid job")?;
        Ok(Self { name, answers, spec })
    }

    /// Each contributor's name and answers, pairs of item index and answer in the order of the file.
    pub(super) fn by_contributor(&self) -> Vec<(&str, Batch)> {
        let mut all: Vec<_> = self.answers.contributors.iter().map(|name| (name.as_str(), Vec::new())).collect();
        for row in &self.answers.rows {
            all[row.contributor as usize].1.push((row.item, row.answer.clone()));
        }
        all
    }
}

fn spec(args: &args::Demo, answers: &Answers) -> Result<JobSpec> {
    let mut release = BTreeSet::from([Release::Agreement, Release::ClassTotals, Release::Labels, Release::Payouts]);
    if args.release_scores {
        release.insert(Release::Scores);
    }
    let answers_per_item = answers_per_item(answers);
    let mut payout = Payout {
        rule: args.pay_rule.into(),
        currency: args.currency.clone(),
        base_per_item: args.base,
        bonus_per_item: args.bonus.unwrap_or(USUAL_BONUS.min(args.base)),
        budget: 0,
    };
    let needed = escrow(&payout, answers.items.len() as u64 * u64::from(answers_per_item));
    ensure!(
        needed <= u128::from(u64::MAX),
        "--base and --bonus: up to {needed} micro-units would fall due, which is more than can be counted"
    );
    payout.budget = needed as u64;
    Ok(JobSpec {
        answers_per_item,
        sensitive: false,
        release,
        payout: Some(payout),
        // The file's name is not used: the same answers must make the same job.
        ..JobSpec::new("demo", answers.question.clone(), answers.items.iter().map(Item::new))
    })
}

/// The largest number of answers to one item, repeated ones included. With it as the limit, the first answer of every contributor
/// counts, and the job, which closes when it is full, stays open until the last answer.
fn answers_per_item(answers: &Answers) -> u32 {
    let mut counts = vec![0; answers.items.len()];
    answers.rows.iter().for_each(|row| counts[row.item as usize] += 1);
    counts
        .into_iter()
        .max()
        .unwrap_or(0)
        .min(MAX_ANSWERS_PER_ITEM.max(contributors_per_item(answers)))
}

/// The largest number of contributors that answered one item.
fn contributors_per_item(answers: &Answers) -> u32 {
    let mut counts = vec![0; answers.items.len()];
    let pairs: HashSet<(u32, u32)> = answers.rows.iter().map(|row| (row.item, row.contributor)).collect();
    pairs.iter().for_each(|(item, _)| counts[*item as usize] += 1);
    counts.into_iter().max().unwrap_or(0)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::Parser;

    /// The demo's arguments, read from these options.
    pub(in crate::demo) fn demo(options: &[&str]) -> args::Demo {
        match args::Args::parse_from(["tacit", "demo"].iter().chain(options)).command {
            args::Command::Demo(demo) => demo,
            _ => panic!("not the demo"),
        }
    }

    #[test]
    fn the_bundled_data_set_makes_a_job() {
        let input = Input::read(&demo(&[])).unwrap();
        assert_eq!(input.spec.question.classes(), DICES_CLASSES);
        assert_eq!(input.spec.items.len(), 350);
        assert_eq!(input.spec.answers_per_item, 123);
        assert_eq!(input.spec.payout.as_ref().unwrap().budget, 43_050 * 40_000);
        let contributors = input.by_contributor();
        assert_eq!(contributors.len(), 123);
        assert!(contributors.iter().all(|(_, answers)| answers.len() == 350));
    }

    #[test]
    fn repeats_keep_the_job_open_until_they_have_come() {
        let text = "item,contributor,answer\ni,u,a\ni,u,b\ni,v,a\nj,u,a\nk,v,\n";
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let input = Input::read(&demo(&[
            "--answers",
            file.path().to_str().unwrap(),
            "--pay-rule",
            "flat",
            "--base",
            "5",
        ]))
        .unwrap();
        assert_eq!(contributors_per_item(&input.answers), 2);
        assert_eq!(input.spec.answers_per_item, 3);
        assert_eq!(input.spec.payout.as_ref().unwrap().budget, 2 * 3 * 5);
    }

    #[test]
    fn pay_that_cannot_be_is_refused() {
        assert!(Input::read(&demo(&["--base", "1", "--bonus", "2"])).is_err());
        assert!(Input::read(&demo(&["--base", &u64::MAX.to_string()])).is_err());
        assert!(Input::read(&demo(&["--classes", "No,Yes"])).is_err());
    }
}
