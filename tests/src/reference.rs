//! Data sets with the results of established libraries, and what Tacit's plain formulas give for them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tacit_protocol::job::{PayRule, Payout};
use tacit_scoring::plain::{PlainContributor, PlainScores, by_item};
use tacit_scoring::report::Report;
use tacit_scoring::statistic::nominal::AgreementMeasures;

/// A data set.
#[derive(Debug)]
pub struct DataSet {
    /// The name of its folder.
    pub name: String,
    /// The file of its answers, CSV.
    pub answers: PathBuf,
    /// Whether the answers are the ones that `tacit demo` contains.
    pub bundled: bool,
    /// What the libraries compute for it.
    pub reference: Value,
}

/// The data sets of this repository, and those of the folder `TACIT_REFERENCE_DATA` if it is set.
pub fn data_sets() -> Vec<DataSet> {
    let mut sets = Vec::new();
    for path in folders() {
        let Ok(reference) = std::fs::read(path.join("reference.json")) else {
            continue;
        };
        let answers = path.join("answers.csv");
        let name = name_of(&path);
        // The set without answers of its own is the demo's.
        let bundled = !answers.exists() && name == "dices350";
        sets.push(DataSet {
            name,
            answers: if bundled { demo_answers() } else { answers },
            bundled,
            reference: serde_json::from_slice(&reference).unwrap(),
        });
    }
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    sets
}

/// The names of the data sets, whether libraries have computed anything for them or not, and their answers as [`read_answers`] gives
/// them. A set that stands in several places is there once.
pub fn answer_sets() -> BTreeMap<String, Vec<[String; 3]>> {
    let paths = folders().into_iter().map(|path| (name_of(&path), path.join("answers.csv")));
    let demo = ("dices350".to_owned(), demo_answers());
    let sets = paths.chain([demo]).filter(|(_, answers)| answers.exists());
    sets.map(|(name, answers)| (name, read_answers(&answers).0)).collect()
}

/// The folders of all data sets.
fn folders() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let more = std::env::var_os("TACIT_REFERENCE_DATA").map(PathBuf::from);
    let sets = [Some(own), more].into_iter().flatten();
    sets.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect()
}

fn name_of(folder: &Path) -> String {
    folder.file_name().unwrap().to_str().unwrap().to_owned()
}

fn demo_answers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/data/dices350.csv")
}

/// Answers as (item, contributor, class) with repeats removed: the first one counts.
pub fn read_answers(path: &Path) -> (Vec<[String; 3]>, usize) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut seen = HashSet::new();
    let mut repeats = 0;
    let mut answers = Vec::new();
    // The reference sets have no quoted fields.
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [item, contributor, class] = fields[..] else {
            panic!("{}: {line}", path.display())
        };
        if seen.insert((item, contributor)) {
            answers.push([item, contributor, class].map(str::to_owned));
        } else {
            repeats += 1;
        }
    }
    (answers, repeats)
}

/// What follows from answers without repeats, with the names that results use.
#[derive(Debug)]
pub struct Expected {
    items: Vec<String>,
    classes: Vec<String>,
    contributors: Vec<String>,
    scores: PlainScores,
}

impl Expected {
    /// Scores the answers of a job with these classes, in the job's order.
    pub fn of(answers: &[[String; 3]], classes: &[String]) -> Self {
        let names = |field: usize| -> Vec<String> {
            let all: BTreeSet<&String> = answers.iter().map(|answer| &answer[field]).collect();
            all.into_iter().cloned().collect()
        };
        let (items, contributors) = (names(0), names(1));
        let index = |list: &[String]| -> HashMap<String, u32> { list.iter().cloned().zip(0..).collect() };
        let (item, contributor, class) = (index(&items), index(&contributors), index(classes));
        let indexed = answers.iter().map(|[i, c, k]| (contributor[c], item[i], class[k]));
        let by_item = by_item(items.len(), indexed);
        let votes = by_item.iter().map(|votes| votes.iter().copied());
        Self {
            scores: PlainScores::new(classes.len(), contributors.len(), votes),
            items,
            classes: classes.to_vec(),
            contributors,
        }
    }

    /// How often each class was answered.
    pub fn class_totals(&self) -> BTreeMap<String, u64> {
        self.classes.iter().cloned().zip(self.scores.class_totals.iter().copied()).collect()
    }

    /// The agreement statistics by their names in `result.json`; `None` where something would be divided by zero.
    pub fn agreement(&self) -> Vec<(&'static str, Option<f64>)> {
        let names = AgreementMeasures::NAMES.iter().map(|name| name.key);
        names.zip(self.scores.agreement.to_array().map(Result::ok)).collect()
    }

    /// Each contributor's pay by the rule `peer_agreement_beyond_chance`.
    pub fn payouts(&self, base: u64, bonus: u64) -> BTreeMap<String, i128> {
        let payout = Payout {
            rule: PayRule::PeerAgreementBeyondChance,
            currency: "EUR".to_owned(),
            base_per_item: base,
            bonus_per_item: bonus,
            budget: u64::MAX,
        };
        let pay = |one: &PlainContributor| one.pay(&payout).unwrap();
        self.contributors
            .iter()
            .cloned()
            .zip(self.scores.contributors.iter().map(pay))
            .collect()
    }

    /// Checks the labels of a result, and how many of each contributor's answers are labels.
    pub fn assert_labels(&self, result: &Report, what: &str) {
        let name = |class: &Option<u32>| class.map(|class| self.classes[class as usize].as_str());
        let expected: BTreeMap<&str, Option<&str>> = self
            .items
            .iter()
            .map(String::as_str)
            .zip(self.scores.labels.iter().map(name))
            .collect();
        let published: BTreeMap<&str, Option<&str>> = result.labels.iter().map(|one| (one.item, one.label)).collect();
        for (item, label) in &published {
            assert_eq!(*label, expected.get(item).copied().flatten(), "{what}: label of {item}");
        }
        assert!(
            expected.keys().all(|item| published.contains_key(item)),
            "{what}: an item has no label"
        );
        let scored: BTreeMap<&String, &PlainContributor> = self.contributors.iter().zip(&self.scores.contributors).collect();
        for one in &result.contributors {
            let (ours, share) = (one.agreement_with_label.unwrap(), scored[&one.contributor].label_share());
            assert!(
                (ours - share).abs() < 1e-12,
                "{what}: {} agrees {ours}, not {share}",
                one.contributor
            );
        }
    }
}
