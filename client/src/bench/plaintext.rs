//! The result of a crowd in the clear, from the definitions in docs/results.md, and whether a certified one is the same.
//!
//! It is for crowds of [`super::synthetic`]: every item has `R ≥ 2` answers, so every weight is 1 and every
//! scale `L = R - 1`.

use tacit_scoring::report::Report;

use super::synthetic::{AcceptedSet, PAY, name};

/// How far floating-point numbers may be apart.
const TOLERANCE: f64 = 1e-9;

/// What must come out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plaintext {
    /// The class of each item's label: the one named most often, of several the first.
    labels: Vec<u32>,
    /// How often each class was answered.
    class_totals: Vec<u64>,
    /// Observed, pooled, κ, α, AC1; none where it is not defined.
    agreement: [Option<f64>; 5],
    contributors: Vec<Contributor>,
}

/// What must come out for one contributor.
#[derive(Debug, Clone, PartialEq)]
struct Contributor {
    answers: u64,
    agreement: f64,
    with_label: f64,
    beyond_chance: Option<f64>,
    pay: u64,
}

/// Counts of one contributor.
#[derive(Clone)]
struct Counts {
    answers: i128,
    /// Others that agreed with it, over all its items.
    agreeing: i128,
    labels: i128,
    /// How often it answered each class.
    given: Vec<i128>,
    /// How often others answered each class to its items.
    met: Vec<i128>,
}

impl Plaintext {
    /// Scores a crowd in the clear.
    pub fn of(crowd: &AcceptedSet) -> Self {
        let size = crowd.size;
        let mut class_totals = vec![0u64; size.classes];
        let (mut labels, mut matching) = (Vec::with_capacity(size.items), 0u64);
        let none = Counts {
            answers: 0,
            agreeing: 0,
            labels: 0,
            given: vec![0; size.classes],
            met: vec![0; size.classes],
        };
        let mut counts = vec![none; size.contributors];
        for answers in crowd.by_item() {
            let mut tally = vec![0u64; size.classes];
            answers.iter().for_each(|answer| tally[answer.class as usize] += 1);
            // Of several maxima the last one in this order, which is the first class.
            let label = (0..size.classes).rev().max_by_key(|class| tally[*class]).unwrap_or_default();
            labels.push(label as u32);
            for (total, votes) in class_totals.iter_mut().zip(&tally) {
                *total += votes;
                matching += votes * votes.saturating_sub(1);
            }
            for answer in answers {
                let (own, class) = (&mut counts[answer.contributor as usize], answer.class as usize);
                own.answers += 1;
                own.agreeing += i128::from(tally[class]) - 1;
                own.labels += i128::from(class == label);
                own.given[class] += 1;
                own.met.iter_mut().zip(&tally).for_each(|(met, votes)| *met += i128::from(*votes));
                own.met[class] -= 1;
            }
        }
        let redundancy = size.answers_per_item as u64;
        Self {
            agreement: agreement(size.items as u64, redundancy, matching, &class_totals),
            labels,
            class_totals,
            contributors: counts
                .iter()
                .map(|counts| contributor(counts, i128::from(redundancy) - 1))
                .collect(),
        }
    }

    /// The first thing in which a report differs from this.
    pub fn difference(&self, report: &Report) -> Option<String> {
        let differs = |what: &str, theirs: String, ours: String| Some(format!("{what} is {theirs}, in the clear {ours}"));
        let job = &report.job;
        let answers: u64 = self.class_totals.iter().sum();
        if (job.items, job.answers, job.rejected_answers) != (self.labels.len() as u64, answers, 0) {
            let ours = format!("{answers} of {} items, 0 rejected", self.labels.len());
            return differs("the number of answers", format!("{job:?}"), ours);
        }
        let totals = report
            .class_totals
            .iter()
            .flat_map(|totals| totals.0.iter().map(|(_, total)| *total));
        if !totals.clone().eq(self.class_totals.iter().copied()) {
            return differs(
                "class_totals",
                format!("{:?}", totals.collect::<Vec<_>>()),
                format!("{:?}", self.class_totals),
            );
        }
        self.labels_differ(report)
            .or_else(|| self.agreement_differs(report))
            .or_else(|| self.contributors_differ(report))
    }

    fn labels_differ(&self, report: &Report) -> Option<String> {
        if report.labels.len() != self.labels.len() {
            return Some(format!("there are {} labels for {} items", report.labels.len(), self.labels.len()));
        }
        let mut both = report.labels.iter().zip(&self.labels);
        let (theirs, class) = both.find(|(theirs, class)| theirs.label != report.job.classes.get(**class as usize).map(String::as_str))?;
        Some(format!(
            "the label of {} is {:?}, in the clear class {class}",
            theirs.item, theirs.label
        ))
    }

    fn agreement_differs(&self, report: &Report) -> Option<String> {
        let theirs = report.agreement.as_ref().map(|agreement| agreement.0.to_array().map(Result::ok));
        let same = theirs.is_some_and(|theirs| theirs.iter().zip(self.agreement).all(|(theirs, ours)| close(*theirs, ours)));
        (!same).then(|| format!("agreement is {theirs:?}, in the clear {:?}", self.agreement))
    }

    fn contributors_differ(&self, report: &Report) -> Option<String> {
        let active = || self.contributors.iter().enumerate().filter(|(_, due)| due.answers > 0);
        let paid = report.payouts.as_ref().map(|payouts| payouts.items.as_slice()).unwrap_or_default();
        if (report.contributors.len(), paid.len()) != (active().count(), active().count()) {
            return Some(format!(
                "{} contributors have scores, {} pay",
                report.contributors.len(),
                paid.len()
            ));
        }
        for (((index, due), theirs), paid) in active().zip(&report.contributors).zip(paid) {
            let named = theirs.contributor == name(index) && paid.contributor == theirs.contributor;
            let scored = theirs.answers == due.answers
                && close(theirs.agreement, Some(due.agreement))
                && close(theirs.agreement_with_label, Some(due.with_label))
                && close(theirs.beyond_chance, due.beyond_chance);
            if !(named && scored && paid.amount == due.pay) {
                return Some(format!("{theirs:?} with {paid:?} is in the clear {due:?} of {}", name(index)));
            }
        }
        let total: u64 = self.contributors.iter().map(|due| due.pay).sum();
        let theirs = report.payouts.as_ref().map(|payouts| payouts.total);
        (theirs != Some(total)).then(|| format!("all pay is {theirs:?}, in the clear {total}"))
    }
}

fn close(theirs: Option<f64>, ours: Option<f64>) -> bool {
    match (theirs, ours) {
        (Some(theirs), Some(ours)) => (theirs - ours).abs() <= TOLERANCE,
        (None, None) => true,
        _ => false,
    }
}

/// The agreement of `items` items with `redundancy` answers each, of which `matching` ordered pairs match.
fn agreement(items: u64, redundancy: u64, matching: u64, class_totals: &[u64]) -> [Option<f64>; 5] {
    let answers = (items * redundancy) as f64;
    // As many answers to every item: the mean over items is the pooled one.
    let observed = matching as f64 / (answers * (redundancy - 1) as f64);
    let shares = || class_totals.iter().map(|total| *total as f64 / answers);
    let varied = class_totals.iter().filter(|total| **total > 0).count() > 1;
    let beyond = |expected: f64| (observed - expected) / (1.0 - expected);
    let squares: f64 = class_totals.iter().map(|total| (*total as f64).powi(2)).sum();
    let alpha = 1.0 - (answers - 1.0) * answers * (1.0 - observed) / (answers * answers - squares);
    let ac1 = beyond(shares().map(|p| p * (1.0 - p)).sum::<f64>() / (class_totals.len() as f64 - 1.0));
    [
        Some(observed),
        Some(observed),
        varied.then(|| beyond(shares().map(|p| p * p).sum())),
        varied.then_some(alpha),
        Some(ac1),
    ]
}

/// `scale` is `L`, one less than the answers to an item.
fn contributor(counts: &Counts, scale: i128) -> Contributor {
    let n = counts.answers;
    let at_chance: i128 = counts.given.iter().zip(&counts.met).map(|(given, met)| given * met).sum();
    let q = n * counts.agreeing - at_chance;
    let pay = i128::from(PAY);
    let bonus = if n > 1 { (pay * q).div_euclid(scale * (n - 1)) } else { 0 };
    Contributor {
        answers: n as u64,
        agreement: counts.agreeing as f64 / (scale * n) as f64,
        with_label: counts.labels as f64 / n as f64,
        beyond_chance: (n > 1).then(|| q as f64 / (scale * n * (n - 1)) as f64),
        pay: (pay * n + bonus).max(0) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::synthetic::{Answer, Size};
    use tacit_scoring::report::{ContributorReport, JobReport, PayoutReport, PayoutsReport};
    use tacit_scoring::statistic::class_totals::ClassTotals;
    use tacit_scoring::statistic::labels::LabelsReport;
    use tacit_scoring::statistic::nominal::AgreementReport;
    use tacit_scoring::statistic::nominal::{AgreementMeasures, Unavailable};

    /// Three people answer four items: (a, a, b), (a, a, a), (b, b, a), (a, b, a).
    fn small() -> AcceptedSet {
        let rows = [[0, 0, 1], [0, 0, 0], [1, 1, 0], [0, 1, 0]];
        let answer = |(contributor, class): (usize, u32)| Answer {
            contributor: contributor as u32,
            class,
        };
        AcceptedSet {
            size: Size {
                items: 4,
                answers_per_item: 3,
                classes: 2,
                contributors: 3,
            },
            answers: rows.iter().flat_map(|row| row.iter().copied().enumerate().map(answer)).collect(),
        }
    }

    #[test]
    fn a_crowd_that_can_be_worked_out_by_hand() {
        let plain = Plaintext::of(&small());
        assert_eq!(plain.labels, [0, 0, 1, 0]);
        assert_eq!(plain.class_totals, [8, 4]);
        // Matching ordered pairs: 2, 6, 2, 2 of 6 each. Fleiss: (1/2 - 5/9) / (4/9). α: 1 - 11·6 / (144 - 80). AC1: Pe = 4/9.
        let due = [0.5, 0.5, -0.125, 1.0 - 66.0 / 64.0, 0.1];
        for (ours, due) in plain.agreement.into_iter().zip(due) {
            assert!(close(ours, Some(due)), "{ours:?} is not {due}");
        }
        // The first person answers a, a, b, a; others agree 1, 2, 1, 1 times of 2; a is met 5 times, b 3 times.
        let first = &plain.contributors[0];
        assert_eq!((first.answers, first.agreement, first.with_label), (4, 5.0 / 8.0, 1.0));
        // Q = 4·5 - (3·5 + 1·3) = 2, over L·n·(n-1) = 24; bonus 20000·2 / (2·3).
        assert!(close(first.beyond_chance, Some(2.0 / 24.0)));
        assert_eq!(first.pay, 80_000 + 6_666);
    }

    fn labels(items: usize, labels: Vec<Option<u32>>) -> LabelsReport {
        let items = (0..items).map(|item| item.to_string()).collect();
        LabelsReport::new(items, vec!["a".to_owned(), "b".to_owned()], labels)
    }

    /// What a cluster would publish of [`small`].
    fn report() -> Report {
        let plain = Plaintext::of(&small());
        let [observed, observed_pooled, fleiss_kappa, krippendorff_alpha, gwet_ac1] =
            plain.agreement.map(|measure| measure.ok_or(Unavailable::NoPairs));
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let scores = |(index, one): (usize, &Contributor)| ContributorReport {
            contributor: name(index),
            answers: one.answers,
            agreement: Some(one.agreement),
            agreement_reason: None,
            agreement_with_label: Some(one.with_label),
            agreement_with_label_reason: None,
            beyond_chance: one.beyond_chance,
            beyond_chance_reason: None,
            gold: None,
            gold_reason: None,
        };
        let pay = |(index, one): (usize, &Contributor)| PayoutReport {
            contributor: name(index),
            amount: one.pay,
        };
        Report {
            agreement: Some(AgreementReport(AgreementMeasures {
                observed,
                observed_pooled,
                fleiss_kappa,
                krippendorff_alpha,
                gwet_ac1,
            })),
            agreement_reason: None,
            class_totals: Some(ClassTotals(
                classes.iter().cloned().zip(plain.class_totals.iter().copied()).collect(),
            )),
            class_totals_reason: None,
            labels: labels(4, plain.labels.iter().map(|class| Some(*class)).collect()),
            labels_reason: None,
            contributors: plain.contributors.iter().enumerate().map(scores).collect(),
            payouts: Some(PayoutsReport {
                currency: "EUR".to_owned(),
                total: plain.contributors.iter().map(|one| one.pay).sum(),
                items: plain.contributors.iter().enumerate().map(pay).collect(),
            }),
            payouts_reason: None,
            certificate: "certificate.json".into(),
            job: JobReport {
                id: "bench".to_owned(),
                items: 4,
                contributors: 3,
                answers: 12,
                rejected_answers: 0,
                classes,
            },
        }
    }

    #[test]
    fn whatever_is_wrong_is_found_and_named() {
        let plain = Plaintext::of(&small());
        assert_eq!(plain.difference(&report()), None);
        type Spoil = fn(&mut Report);
        let wrong: [(&str, Spoil); 10] = [
            ("answers", |report| report.job.rejected_answers = 1),
            ("class_totals", |report| report.class_totals = None),
            ("class_totals", |report| report.class_totals.as_mut().unwrap().0[1].1 += 1),
            ("label", |report| report.labels = labels(4, vec![Some(0); 4])),
            ("labels", |report| report.labels = labels(3, vec![Some(0); 3])),
            ("agreement", |report| report.agreement.as_mut().unwrap().0.gwet_ac1 = Ok(0.1 + 1e-8)),
            ("beyond_chance", |report| report.contributors[1].beyond_chance = None),
            ("agreement_with_label", |report| {
                report.contributors[2].agreement_with_label = Some(0.9)
            }),
            ("amount", |report| report.payouts.as_mut().unwrap().items[0].amount -= 1),
            ("pay", |report| report.payouts.as_mut().unwrap().total += 1),
        ];
        for (named, spoil) in wrong {
            let mut report = report();
            spoil(&mut report);
            let said = plain.difference(&report);
            assert!(said.as_ref().is_some_and(|said| said.contains(named)), "{named}: {said:?}");
        }
    }

    #[test]
    fn ties_go_to_the_first_class_and_one_class_has_no_kappa() {
        let mut crowd = small();
        crowd.size = Size {
            items: 6,
            answers_per_item: 2,
            ..crowd.size
        };
        assert_eq!(Plaintext::of(&crowd).labels, [0, 0, 0, 1, 0, 0]);
        crowd.answers.iter_mut().for_each(|answer| answer.class = 1);
        assert_eq!(Plaintext::of(&crowd).agreement, [Some(1.0), Some(1.0), None, None, Some(1.0)]);
    }
}
