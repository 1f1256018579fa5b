//! Data sets with the results of well-kept libraries, and what follows from them by plain arithmetic.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A data set.
#[derive(Debug)]
pub struct DataSet {
    /// Its name.
    pub name: String,
    /// Its answers as CSV.
    pub answers: PathBuf,
    /// Whether they are those that `tacit demo` brings along.
    pub bundled: bool,
    /// What libraries compute of it.
    pub reference: Value,
}

/// The data sets of this repository, and those of the folder `TACIT_REFERENCE_DATA` if it is set.
pub fn data_sets() -> Vec<DataSet> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let more = std::env::var_os("TACIT_REFERENCE_DATA").map(PathBuf::from);
    let mut sets = Vec::new();
    for folder in [Some(own), more].into_iter().flatten() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let Ok(reference) = std::fs::read(path.join("reference.json")) else {
                continue;
            };
            let answers = path.join("answers.csv");
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // The one set without answers of its own is the demo's.
            let bundled = !answers.exists() && name == "dices350";
            sets.push(DataSet {
                name,
                answers: if bundled { demo_answers() } else { answers },
                bundled,
                reference: serde_json::from_slice(&reference).unwrap(),
            });
        }
    }
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    sets
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

/// How often each class was answered.
pub fn class_totals(answers: &[[String; 3]], classes: &[String]) -> BTreeMap<String, u64> {
    let mut totals: BTreeMap<String, u64> = classes.iter().map(|class| (class.clone(), 0)).collect();
    answers
        .iter()
        .for_each(|[_, _, class]| *totals.entry(class.clone()).or_default() += 1);
    totals
}

/// The label of each item: the class that most answers name, of several the one listed first.
pub fn labels(answers: &[[String; 3]], classes: &[String]) -> BTreeMap<String, String> {
    let mut votes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for [item, _, class] in answers {
        let index = classes.iter().position(|one| one == class).unwrap();
        votes.entry(item).or_insert_with(|| vec![0; classes.len()])[index] += 1;
    }
    let first_of_the_most = |votes: &Vec<usize>| votes.iter().position(|n| n == votes.iter().max().unwrap()).unwrap();
    votes
        .iter()
        .map(|(item, votes)| ((*item).to_owned(), classes[first_of_the_most(votes)].clone()))
        .collect()
}

/// Checks the labels of a result, and how many of each contributor's answers are labels.
pub fn assert_labels(result: &serde_json::Value, answers: &[[String; 3]], what: &str) {
    let classes: Vec<String> = serde_json::from_value(result["job"]["classes"].clone()).unwrap();
    let expected = labels(answers, &classes);
    let published: BTreeMap<String, Option<String>> = result["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["item"].as_str().unwrap().to_owned(), one["label"].as_str().map(str::to_owned)))
        .collect();
    for (item, label) in &published {
        assert_eq!(label.as_ref(), expected.get(item), "{what}: label of {item}");
    }
    assert!(
        expected.keys().all(|item| published.contains_key(item)),
        "{what}: an item has no label"
    );
    for one in result["contributors"].as_array().unwrap() {
        let name = one["contributor"].as_str().unwrap();
        let own: Vec<_> = answers.iter().filter(|[_, contributor, _]| contributor == name).collect();
        let agreeing = own.iter().filter(|[item, _, class]| expected[item] == *class).count();
        let share = agreeing as f64 / own.len() as f64;
        let ours = one["agreement_with_label"].as_f64().unwrap();
        assert!((ours - share).abs() < 1e-12, "{what}: {name} agrees {ours}, not {share}");
    }
}

/// The agreement statistics of answers without repeats, by their names in `result.json`: as product.md
/// defines them, in floating point, item by item. `None` where something would be divided by zero.
pub fn agreement(answers: &[[String; 3]], classes: usize) -> BTreeMap<&'static str, Option<f64>> {
    let mut tallies: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for [item, _, class] in answers {
        *tallies.entry(item).or_default().entry(class).or_default() += 1.0;
    }
    let size = |tally: &BTreeMap<&str, f64>| tally.values().sum::<f64>();
    let matching = |tally: &BTreeMap<&str, f64>| tally.values().map(|n| n * (n - 1.0)).sum::<f64>();
    let paired: Vec<_> = tallies.values().filter(|tally| size(tally) > 1.0).collect();
    let pairs = |tally: &BTreeMap<&str, f64>| size(tally) * (size(tally) - 1.0);
    let sum = |of: &dyn Fn(&BTreeMap<&str, f64>) -> f64| paired.iter().map(|tally| of(tally)).sum::<f64>();
    let ratio = |a: f64, b: f64| (b.abs() > 1e-12).then(|| a / b);

    let observed = ratio(sum(&|t| matching(t) / pairs(t)), paired.len() as f64);
    let pooled = ratio(sum(&matching), sum(&pairs));
    let (mut shares, mut totals): (BTreeMap<&str, f64>, BTreeMap<&str, f64>) = Default::default();
    for tally in tallies.values() {
        for (class, n) in tally {
            *shares.entry(class).or_default() += n / size(tally) / tallies.len() as f64;
            if size(tally) > 1.0 {
                *totals.entry(class).or_default() += n;
            }
        }
    }
    let beyond = |expected: f64| observed.and_then(|observed| ratio(observed - expected, 1.0 - expected));
    let kappa = beyond(shares.values().map(|p| p * p).sum());
    let spread: f64 = shares.values().map(|p| p * (1.0 - p)).sum();
    let ac1 = ratio(spread, classes as f64 - 1.0).and_then(beyond);

    let all: f64 = totals.values().sum();
    let disagreeing = sum(&|t| (pairs(t) - matching(t)) / (size(t) - 1.0));
    let by_chance = ratio(all * all - totals.values().map(|n| n * n).sum::<f64>(), all - 1.0);
    let alpha = by_chance.and_then(|by_chance| ratio(disagreeing, by_chance)).map(|d| 1.0 - d);
    BTreeMap::from([
        ("observed", observed),
        ("observed_pooled", pooled),
        ("fleiss_kappa", kappa),
        ("krippendorff_alpha", alpha),
        ("gwet_ac1", ac1),
    ])
}

/// Each contributor's pay by the rule `peer_agreement_beyond_chance`, in exact rational arithmetic
/// over the lcm of each contributor's own denominators.
pub fn payouts(answers: &[[String; 3]], base: i128, bonus: i128) -> BTreeMap<String, i128> {
    let classes: BTreeSet<&str> = answers.iter().map(|a| a[2].as_str()).collect();
    let class: HashMap<&str, usize> = classes.iter().enumerate().map(|(i, c)| (*c, i)).collect();
    let mut tallies: HashMap<&str, Vec<i128>> = HashMap::new();
    for [item, _, answer] in answers {
        tallies.entry(item).or_insert_with(|| vec![0; classes.len()])[class[answer.as_str()]] += 1;
    }
    let mut of: BTreeMap<&str, Vec<(&str, usize)>> = BTreeMap::new();
    for [item, contributor, answer] in answers {
        of.entry(contributor).or_default().push((item, class[answer.as_str()]));
    }
    let pay = |own: &[(&str, usize)]| {
        let others = |item: &str| tallies[item].iter().sum::<i128>() - 1;
        let paired: Vec<_> = own.iter().filter(|(item, _)| others(item) > 0).collect();
        let n = paired.len() as i128;
        let scale = paired.iter().fold(1, |l, (item, _)| l / gcd(l, others(item)) * others(item));
        let (mut agreement, mut given, mut met) = (0, vec![0; classes.len()], vec![0; classes.len()]);
        for (item, answer) in paired {
            let weight = scale / others(item);
            given[*answer] += 1;
            for (k, votes) in tallies[item].iter().enumerate() {
                met[k] += weight * (votes - i128::from(k == *answer));
            }
            agreement += weight * (tallies[item][*answer] - 1);
        }
        let q: i128 = n * agreement - given.iter().zip(&met).map(|(a, b)| a * b).sum::<i128>();
        let extra = if n > 1 { (bonus * q).div_euclid(scale * (n - 1)) } else { 0 };
        base * own.len() as i128 + extra
    };
    of.iter().map(|(contributor, own)| ((*contributor).to_owned(), pay(own))).collect()
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}
