//! Whether a certified result is what the same answers give in the clear.

use tacit_protocol::job::Payout;
use tacit_scoring::plain::PlainScores;
use tacit_scoring::report::Report;

use super::synthetic::{Size, SyntheticAnswers};

/// How far floating-point numbers may be apart.
const TOLERANCE: f64 = 1e-9;

/// The first difference between a report and what the answers give in the clear, paid by `payout`.
pub(super) fn difference(synthetic: &SyntheticAnswers, payout: &Payout, report: &Report) -> Option<String> {
    let items = synthetic
        .by_item()
        .map(|answers| answers.iter().map(|answer| (answer.contributor, answer.class)));
    let plain = PlainScores::new(synthetic.size.classes, synthetic.size.contributors, items);
    counts_differ(&plain, report)
        .or_else(|| labels_differ(&plain, report))
        .or_else(|| agreement_differs(&plain, report))
        .or_else(|| contributors_differ(synthetic.size, &plain, payout, report))
}

fn counts_differ(plain: &PlainScores, report: &Report) -> Option<String> {
    let differs = |what: &str, theirs: String, ours: String| Some(format!("{what} is {theirs}, in the clear {ours}"));
    let job = &report.job;
    let answers: u64 = plain.class_totals.iter().sum();
    if (job.items, job.answers, job.rejected_answers) != (plain.labels.len() as u64, answers, 0) {
        let ours = format!("{answers} of {} items, 0 rejected", plain.labels.len());
        return differs("the number of answers", format!("{job:?}"), ours);
    }
    let totals = report
        .class_totals
        .iter()
        .flat_map(|totals| totals.0.iter().map(|(_, total)| *total));
    if totals.clone().eq(plain.class_totals.iter().copied()) {
        return None;
    }
    let theirs = format!("{:?}", totals.collect::<Vec<_>>());
    differs("class_totals", theirs, format!("{:?}", plain.class_totals))
}

fn labels_differ(plain: &PlainScores, report: &Report) -> Option<String> {
    if report.labels.len() != plain.labels.len() {
        return Some(format!("there are {} labels for {} items", report.labels.len(), plain.labels.len()));
    }
    let name = |class: u32| report.job.classes.get(class as usize).map(String::as_str);
    let mut both = report.labels.iter().zip(&plain.labels);
    let (theirs, ours) = both.find(|(theirs, ours)| theirs.label != ours.and_then(name))?;
    Some(format!(
        "the label of {} is {:?}, in the clear class {ours:?}",
        theirs.item, theirs.label
    ))
}

fn agreement_differs(plain: &PlainScores, report: &Report) -> Option<String> {
    let ours = plain.agreement.to_array().map(Result::ok);
    let theirs = report.agreement.as_ref().map(|agreement| agreement.0.to_array().map(Result::ok));
    let same = theirs.is_some_and(|theirs| theirs.iter().zip(ours).all(|(theirs, ours)| close(*theirs, ours)));
    (!same).then(|| format!("agreement is {theirs:?}, in the clear {ours:?}"))
}

fn contributors_differ(size: Size, plain: &PlainScores, payout: &Payout, report: &Report) -> Option<String> {
    let active = || plain.contributors.iter().enumerate().filter(|(_, ours)| ours.answers > 0);
    let paid = report.payouts.as_ref().map(|payouts| payouts.items.as_slice()).unwrap_or_default();
    if (report.contributors.len(), paid.len()) != (active().count(), active().count()) {
        let scored = report.contributors.len();
        return Some(format!("{scored} contributors have scores, {} pay", paid.len()));
    }
    let mut total = 0;
    for (((index, ours), theirs), paid) in active().zip(&report.contributors).zip(paid) {
        let pay = ours.pay(payout);
        let named = theirs.contributor == size.name(index) && paid.contributor == theirs.contributor;
        let scored = theirs.answers == ours.answers
            && close(theirs.agreement, ours.mean_agreement())
            && close(theirs.agreement_with_label, Some(ours.label_share()))
            && close(theirs.beyond_chance, ours.mean_beyond_chance());
        if !(named && scored && Some(i128::from(paid.amount)) == pay) {
            let ours = format!("{ours:?} with pay {pay:?} of {}", size.name(index));
            return Some(format!("{theirs:?} with {paid:?} is in the clear {ours}"));
        }
        total += i128::from(paid.amount);
    }
    let theirs = report.payouts.as_ref().map(|payouts| payouts.total);
    (theirs.map(i128::from) != Some(total)).then(|| format!("all pay is {theirs:?}, in the clear {total}"))
}

fn close(theirs: Option<f64>, ours: Option<f64>) -> bool {
    match (theirs, ours) {
        (Some(theirs), Some(ours)) => (theirs - ours).abs() <= TOLERANCE,
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::synthetic::Answer;
    use tacit_protocol::identity::PublicKey;
    use tacit_protocol::job::PayRule;
    use tacit_scoring::plain::PlainContributor;
    use tacit_scoring::report::{ContributorReport, JobReport, PayoutReport, PayoutsReport};
    use tacit_scoring::statistic::class_totals::ClassTotals;
    use tacit_scoring::statistic::labels::LabelsReport;
    use tacit_scoring::statistic::nominal::AgreementReport;

    fn payout() -> Payout {
        Payout {
            rule: PayRule::PeerAgreementBeyondChance,
            currency: "EUR".to_owned(),
            base_per_item: 20_000,
            bonus_per_item: 20_000,
            budget: 1 << 40,
        }
    }

    /// Three people answer four items: (a, a, b), (a, a, a), (b, b, a), (a, b, a).
    fn small() -> SyntheticAnswers {
        let rows = [[0, 0, 1], [0, 0, 0], [1, 1, 0], [0, 1, 0]];
        let answer = |(contributor, class): (usize, u32)| Answer {
            contributor: contributor as u32,
            class,
        };
        SyntheticAnswers {
            size: Size {
                items: 4,
                answers_per_item: 3,
                classes: 2,
                contributors: 3,
                issuers: 0,
            },
            answers: rows.iter().flat_map(|row| row.iter().copied().enumerate().map(answer)).collect(),
        }
    }

    fn key() -> PublicKey {
        PublicKey::from_bytes([1; 32])
    }

    fn labels(items: usize, labels: Vec<Option<u32>>) -> LabelsReport {
        let items = (0..items).map(|item| item.to_string()).collect();
        LabelsReport::new(items, vec!["a".to_owned(), "b".to_owned()], labels)
    }

    /// What a cluster would publish of [`small`].
    fn report() -> Report {
        let synthetic = small();
        let items = synthetic
            .by_item()
            .map(|answers| answers.iter().map(|answer| (answer.contributor, answer.class)));
        let plain = PlainScores::new(2, 3, items);
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let scores = |(index, one): (usize, &PlainContributor)| ContributorReport {
            contributor: small().size.name(index),
            key: key(),
            answers: one.answers,
            agreement: one.mean_agreement(),
            agreement_reason: None,
            agreement_with_label: Some(one.label_share()),
            agreement_with_label_reason: None,
            beyond_chance: one.mean_beyond_chance(),
            beyond_chance_reason: None,
            gold: None,
            gold_reason: None,
        };
        let amount = |one: &PlainContributor| u64::try_from(one.pay(&payout()).unwrap()).unwrap();
        let pay = |(index, one): (usize, &PlainContributor)| PayoutReport {
            contributor: small().size.name(index),
            key: key(),
            amount: amount(one),
        };
        let totals = classes.iter().cloned().zip(plain.class_totals.iter().copied()).collect();
        let job = JobReport {
            id: "bench".to_owned(),
            items: 4,
            contributors: 3,
            answers: 12,
            rejected_answers: 0,
            refused: Vec::new(),
            classes,
        };
        let payouts = PayoutsReport {
            currency: "EUR".to_owned(),
            total: plain.contributors.iter().map(amount).sum(),
            items: plain.contributors.iter().enumerate().map(pay).collect(),
        };
        // As JSON, so that fields which this job has not need not be named.
        let report = serde_json::json!({
            "job": job,
            "agreement": AgreementReport(plain.agreement),
            "class_totals": ClassTotals(totals),
            "labels": labels(4, plain.labels.clone()),
            "contributors": plain.contributors.iter().enumerate().map(scores).collect::<Vec<_>>(),
            "payouts": payouts,
            "certificate": "certificate.json",
        });
        serde_json::from_value(report).unwrap()
    }

    #[test]
    fn whatever_is_wrong_is_found_and_named() {
        let difference = |report: &Report| difference(&small(), &payout(), report);
        assert_eq!(difference(&report()), None);
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
                report.contributors[2].agreement_with_label = Some(0.9);
            }),
            ("amount", |report| report.payouts.as_mut().unwrap().items[0].amount -= 1),
            ("pay", |report| report.payouts.as_mut().unwrap().total += 1),
        ];
        for (named, spoil) in wrong {
            let mut report = report();
            spoil(&mut report);
            let said = difference(&report);
            assert!(said.as_ref().is_some_and(|said| said.contains(named)), "{named}: {said:?}");
        }
    }
}
