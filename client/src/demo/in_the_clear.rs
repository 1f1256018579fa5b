//! The verified numbers beside the same numbers computed from the answers in the clear, straight from the published formulas.

use std::collections::{HashMap, HashSet};

use tacit_protocol::question::Answer;
use tacit_scoring::plain::{PlainScores, by_item};
use tacit_scoring::report::Report;
use tacit_scoring::statistic::nominal::{AgreementMeasures, Measure};

use crate::demo::input::Input;
use crate::output;

/// How far floating-point numbers may be apart.
const TOLERANCE: f64 = 1e-9;

/// How many classes have a row of their own; the others share one.
const CLASSES_SHOWN: usize = 10;

/// The column headings of the rows.
pub(super) const HEADER: [&str; 4] = ["number", "verified", "in the clear", "equal"];

/// One number, or several that share a row.
pub(super) struct Compared {
    pub name: String,
    pub verified: String,
    pub in_the_clear: String,
    pub equal: bool,
}

impl Compared {
    /// The cells of a table's row.
    pub(super) fn cells(&self) -> Vec<String> {
        let equal = if self.equal { "yes" } else { "NO" };
        vec![
            self.name.clone(),
            self.verified.clone(),
            self.in_the_clear.clone(),
            equal.to_owned(),
        ]
    }
}

/// Compares all numbers of a report.
pub(super) fn compare(input: &Input, report: &Report) -> Vec<Compared> {
    let classes = input.answers.question.classes();
    let plain = PlainScores::new(
        classes.len(),
        input.answers.contributors.len(),
        by_item(input.answers.items.len(), first_answers(input))
            .iter()
            .map(|votes| votes.iter().copied()),
    );
    let mut rows = vec![answers(&plain, report)];
    rows.extend(agreement(&plain, report));
    rows.extend(class_totals(&plain, report));
    rows.push(labels(&plain, classes, report));
    rows.extend(pay(&plain, input, report));
    rows
}

/// Triples of contributor, item and class. The first answer of a contributor to an item counts.
fn first_answers(input: &Input) -> impl Iterator<Item = (u32, u32, u32)> {
    let mut seen = HashSet::new();
    let rows = input.answers.rows.iter();
    rows.filter(move |row| seen.insert((row.contributor, row.item))).map(|row| {
        let Answer::Class(class) = &row.answer;
        (row.contributor, row.item, *class)
    })
}

fn answers(plain: &PlainScores, report: &Report) -> Compared {
    exact("answers that count", report.job.answers, plain.class_totals.iter().sum())
}

fn exact(name: &str, verified: u64, in_the_clear: u64) -> Compared {
    Compared {
        name: name.to_owned(),
        verified: verified.to_string(),
        in_the_clear: in_the_clear.to_string(),
        equal: verified == in_the_clear,
    }
}

fn agreement(plain: &PlainScores, report: &Report) -> Vec<Compared> {
    let Some(verified) = &report.agreement else { return Vec::new() };
    let show = |measure: Measure| measure.map_or_else(|_| "none".to_owned(), |value| format!("{value:.6}"));
    let both = verified.0.to_array().into_iter().zip(plain.agreement.to_array());
    let row = |(name, (verified, in_the_clear)): (&str, (Measure, Measure))| Compared {
        name: name.to_owned(),
        verified: show(verified),
        in_the_clear: show(in_the_clear),
        equal: match (verified, in_the_clear) {
            (Ok(verified), Ok(in_the_clear)) => (verified - in_the_clear).abs() <= TOLERANCE,
            (Err(_), Err(_)) => true,
            _ => false,
        },
    };
    AgreementMeasures::NAMES.iter().map(|name| name.title).zip(both).map(row).collect()
}

fn class_totals(plain: &PlainScores, report: &Report) -> Vec<Compared> {
    let Some(verified) = &report.class_totals else { return Vec::new() };
    let both: Vec<(&str, u64, u64)> = verified
        .0
        .iter()
        .zip(&plain.class_totals)
        .map(|((class, verified), in_the_clear)| (class.as_str(), *verified, *in_the_clear))
        .collect();
    let (shown, others) = both.split_at(both.len().min(CLASSES_SHOWN));
    let mut rows: Vec<Compared> = shown
        .iter()
        .map(|(class, verified, in_the_clear)| exact(&format!("answers `{class}`"), *verified, *in_the_clear))
        .collect();
    if !others.is_empty() {
        let name = format!("answers to {} more classes", others.len());
        let row = exact(
            &name,
            others.iter().map(|(_, one, _)| one).sum(),
            others.iter().map(|(_, _, one)| one).sum(),
        );
        rows.push(Compared {
            equal: others.iter().all(|(_, verified, in_the_clear)| verified == in_the_clear),
            ..row
        });
    }
    rows
}

/// The row of all labels: equal only if that of every item is.
fn labels(plain: &PlainScores, classes: &[String], report: &Report) -> Compared {
    let name = |class: u32| classes.get(class as usize).map(String::as_str);
    let pairs = report.labels.iter().zip(&plain.labels);
    let differ = pairs.filter(|(verified, plain)| verified.label != plain.and_then(name)).count();
    let with_label = |labelled: usize, all: usize| format!("{labelled} of {all} items");
    Compared {
        name: "labels".to_owned(),
        verified: with_label(
            report.labels.iter().filter(|label| label.label.is_some()).count(),
            report.labels.len(),
        ),
        in_the_clear: with_label(plain.labels.iter().flatten().count(), plain.labels.len()),
        equal: differ == 0 && report.labels.len() == plain.labels.len(),
    }
}

/// The row of all pay: equal only if that of every contributor is.
fn pay(plain: &PlainScores, input: &Input, report: &Report) -> Option<Compared> {
    let (verified, payout) = (report.payouts.as_ref()?, input.spec.payout.as_ref()?);
    let due: HashMap<&str, i128> = input
        .answers
        .contributors
        .iter()
        .zip(&plain.contributors)
        .filter_map(|(name, one)| Some((name.as_str(), one.pay(payout)?)))
        .collect();
    let total: i128 = due.values().sum();
    let is_due = |name: &str, amount: u64| due.get(name) == Some(&i128::from(amount));
    Some(Compared {
        name: format!("pay of {} contributors", verified.items.len()),
        verified: output::money(verified.total, &verified.currency),
        in_the_clear: u64::try_from(total).map_or_else(|_| total.to_string(), |total| output::money(total, &payout.currency)),
        equal: verified.items.len() == due.len() && verified.items.iter().all(|one| is_due(&one.contributor, one.amount)),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::demo::input::tests::demo;

    /// Two people answer three items; one repeats an answer, which does not count.
    pub(in crate::demo) fn input() -> Input {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "item,contributor,answer\ni,u,a\ni,v,b\ni,u,b\nj,u,a\nj,v,a\nk,v,b\n").unwrap();
        let options = ["--answers", file.path().to_str().unwrap(), "--pay-rule", "peer_agreement"];
        Input::read(&demo(&options)).unwrap()
    }

    /// What a cluster publishes of these answers: of five answers two agree, and each gets 20000 for an answer, and as much for one that agrees.
    pub(in crate::demo) fn report() -> Report {
        let key = "01".repeat(32);
        let text = format!(
            r#"{{
                "job": {{ "id": "demo", "items": 3, "contributors": 2, "answers": 5, "rejected_answers": 1, "classes": ["a", "b"] }},
                "agreement": {{ "observed": 0.5, "observed_pooled": 0.5, "fleiss_kappa": null, "fleiss_kappa_reason": "the question has one class only",
                    "krippendorff_alpha": 0.0, "gwet_ac1": 0.0 }},
                "class_totals": {{ "a": 3, "b": 2 }},
                "labels": [{{ "item": "i", "label": "a" }}, {{ "item": "j", "label": "a" }}, {{ "item": "k", "label": "b" }}],
                "contributors": [],
                "payouts": {{ "currency": "EUR", "total": 140000, "items": [
                    {{ "contributor": "u", "key": "{key}", "amount": 60000 }}, {{ "contributor": "v", "key": "{key}", "amount": 80000 }} ] }},
                "certificate": "certificate.json"
            }}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    /// The names of the rows that differ.
    fn different(report: &Report) -> Vec<String> {
        let rows = compare(&input(), report);
        rows.into_iter().filter(|row| !row.equal).map(|row| row.name).collect()
    }

    #[test]
    fn each_number_that_differs_is_found() {
        let plain = PlainScores::new(2, 2, by_item(3, first_answers(&input())).iter().map(|votes| votes.iter().copied()));
        let mut right = report();
        right.agreement.as_mut().unwrap().0 = plain.agreement;
        assert_eq!(different(&right), [""; 0]);

        let mut wrong = right.clone();
        wrong.agreement.as_mut().unwrap().0.observed = Ok(0.5 + 1e-8);
        wrong.class_totals.as_mut().unwrap().0[1].1 = 3;
        wrong.job.answers = 6;
        assert_eq!(different(&wrong), ["answers that count", "observed agreement", "answers `b`"]);

        let mut wrong = right.clone();
        let payouts = wrong.payouts.as_mut().unwrap();
        // The same total, paid to others.
        payouts.items[0].amount += 1;
        payouts.items[1].amount -= 1;
        assert_eq!(different(&wrong), ["pay of 2 contributors"]);

        let mut wrong = right;
        let labels = serde_json::json!([{ "item": "i", "label": "b" }, { "item": "j", "label": "a" }, { "item": "k", "label": "b" }]);
        wrong.labels = serde_json::from_value(labels).unwrap();
        assert_eq!(different(&wrong), ["labels"]);
    }

    #[test]
    fn many_classes_share_a_row_and_are_compared_one_by_one() {
        let mut report = report();
        let totals: Vec<(String, u64)> = (0..12).map(|class| (class.to_string(), class)).collect();
        report.class_totals.as_mut().unwrap().0.clone_from(&totals);
        let mut plain = PlainScores::new(12, 1, std::iter::empty::<std::vec::IntoIter<(u32, u32)>>());
        plain.class_totals = totals.iter().map(|(_, total)| *total).collect();
        let rows = class_totals(&plain, &report);
        assert_eq!(rows.len(), 11);
        assert!(rows.iter().all(|row| row.equal));
        assert_eq!(
            (rows[10].name.as_str(), rows[10].verified.as_str()),
            ("answers to 2 more classes", "21")
        );
        plain.class_totals.swap(10, 11);
        assert!(!class_totals(&plain, &report)[10].equal);
    }
}
