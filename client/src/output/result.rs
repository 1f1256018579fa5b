//! A result in tables, for people.

use tacit_client::text::one_line;
use tacit_scoring::report::{Absence, ContributorReport, Report};
use tacit_scoring::statistic::class_totals::ClassTotals;
use tacit_scoring::statistic::labels::LabelsReport;
use tacit_scoring::statistic::nominal::{AgreementMeasures, AgreementReport, Measure};

use super::{money, table};

/// How many contributors the tables of scores and of payouts show.
const CONTRIBUTORS_SHOWN: usize = 5;

/// A result in tables below a title.
pub(crate) fn report(title: &str, report: &Report) -> String {
    let job = &report.job;
    let mut text = format!(
        "{}: {} answers of {} contributors to {} items; {} rejected\n\n",
        one_line(title),
        job.answers,
        job.contributors,
        job.items,
        job.rejected_answers
    );
    text += &agreement(report);
    text += &class_totals(report);
    text += &noise(report);
    text += &label_counts(&report.labels);
    text += &scores(report);
    text += &payouts(report);
    text
}

fn agreement(report: &Report) -> String {
    let Some(AgreementReport(measures)) = report.agreement else {
        return absent("agreement", report.agreement_reason);
    };
    let value = |measure: Measure| match measure {
        Ok(value) => format!("{value:.6}"),
        Err(reason) => format!("none: {reason}"),
    };
    let rows = AgreementMeasures::NAMES.iter().zip(measures.to_array());
    table(
        &["agreement", ""],
        rows.map(|(name, measure)| vec![name.title.to_owned(), value(measure)]),
    )
}

/// A table of how many items have a label. The labels themselves are in the files.
fn label_counts(labels: &LabelsReport) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let without = labels.iter().filter(|label| label.label.is_none()).count();
    let rows = [("with a label", labels.len() - without), ("no consensus", without)];
    table(
        &["labels", "items"],
        rows.map(|(name, items)| vec![name.to_owned(), items.to_string()]),
    )
}

fn class_totals(report: &Report) -> String {
    let Some(ClassTotals(totals)) = &report.class_totals else {
        return absent("class totals", report.class_totals_reason);
    };
    let all = report.job.answers.max(1) as f64;
    let row = |(class, total): &(String, u64)| vec![one_line(class), total.to_string(), format!("{:.1} %", 100.0 * *total as f64 / all)];
    table(&["class", "answers", "share"], totals.iter().map(row))
}

/// What noise means for the numbers above, in plain words; nothing where they are exact.
fn noise(report: &Report) -> String {
    let Some(noise) = report.noise else { return String::new() };
    let mut text = format!(
        "the nodes added noise to these numbers, so that they say little about any one answer.\n\
         standard deviation of the noise: {:.1} answers in each class total",
        noise.class_totals
    );
    if let (Some(observed), Some(pooled)) = (noise.observed, noise.observed_pooled) {
        text += &format!(", {observed:.6} in observed agreement, {pooled:.6} in observed, pooled");
    }
    text + "\n\n"
}

/// A table of the scores of the first contributors; nothing where the job releases none.
fn scores(report: &Report) -> String {
    if report.contributors.is_empty() {
        return String::new();
    }
    let has_gold = report
        .contributors
        .iter()
        .any(|one| one.gold.is_some() || one.gold_reason.is_some());
    let score = |score: Option<f64>| score.map_or_else(|| "none".to_owned(), |score| format!("{score:.6}"));
    let row = |one: &ContributorReport| {
        let mut cells = vec![
            one_line(&one.contributor),
            one.answers.to_string(),
            score(one.agreement_with_label),
            score(one.agreement),
            score(one.beyond_chance),
        ];
        if has_gold {
            cells.push(score(one.gold));
        }
        cells
    };
    let mut header = vec!["scores", "answers", "with the label", "with others", "beyond chance"];
    header.extend(has_gold.then_some("gold"));
    let mut rows: Vec<Vec<String>> = report.contributors.iter().take(CONTRIBUTORS_SHOWN).map(row).collect();
    if report.contributors.len() > CONTRIBUTORS_SHOWN {
        rows.push(vec![format!("and {} more", report.contributors.len() - CONTRIBUTORS_SHOWN)]);
    }
    table(&header, rows)
}

fn payouts(report: &Report) -> String {
    let Some(payouts) = &report.payouts else {
        return absent("payouts", report.payouts_reason);
    };
    let amount = |micro: u64| money(micro, &payouts.currency);
    let shown = payouts.items.iter().take(CONTRIBUTORS_SHOWN);
    let mut rows: Vec<Vec<String>> = shown.map(|item| vec![one_line(&item.contributor), amount(item.amount)]).collect();
    if payouts.items.len() > CONTRIBUTORS_SHOWN {
        rows.push(vec![
            format!("and {} more", payouts.items.len() - CONTRIBUTORS_SHOWN),
            String::new(),
        ]);
    }
    rows.push(vec!["total".to_owned(), amount(payouts.total)]);
    table(&["payouts", ""], rows)
}

fn absent(what: &str, reason: Option<Absence>) -> String {
    let reason = reason.map_or_else(|| "no reason given".to_owned(), |reason| reason.to_string());
    format!("no {what}: {reason}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_scoring::statistic::nominal::Unavailable;

    /// A result of two items and no contributors.
    fn sample() -> Report {
        serde_json::from_str(
            r#"{
                "job": { "id": "j", "items": 2, "contributors": 0, "answers": 0, "rejected_answers": 0, "classes": ["=1"] },
                "agreement": null, "agreement_reason": "the job does not release it",
                "class_totals": { "=1": 0 },
                "labels": [{ "item": "a,b", "label": "=1" }, { "item": "c", "label": null }],
                "contributors": [],
                "payouts": { "currency": "EUR", "total": 0, "items": [] },
                "certificate": "certificate.json"
            }"#,
        )
        .unwrap()
    }

    #[test]
    fn items_without_a_label_are_counted() {
        let mut report = sample();
        let counts = label_counts(&report.labels);
        assert!(counts.contains("with a label") && counts.contains("no consensus"), "{counts}");
        report.labels = LabelsReport::default();
        assert_eq!(label_counts(&report.labels), "");
    }

    #[test]
    fn noise_is_said_in_plain_words_where_there_is_any() {
        let mut result = sample();
        assert!(!report("j", &result).contains("noise"));
        let noise = tacit_scoring::noise::NoiseReport {
            class_totals: 6.928_203,
            observed: None,
            observed_pooled: None,
        };
        result.noise = Some(noise);
        let text = report("j", &result);
        assert!(
            text.contains("standard deviation of the noise: 6.9 answers in each class total\n"),
            "{text}"
        );
        result.noise = Some(tacit_scoring::noise::NoiseReport {
            observed: Some(0.25),
            observed_pooled: Some(0.125),
            ..noise
        });
        let text = report("j", &result);
        assert!(
            text.contains("6.9 answers in each class total, 0.250000 in observed agreement, 0.125000 in observed, pooled\n"),
            "{text}"
        );
    }

    #[test]
    fn what_is_not_released_says_why() {
        let mut result = sample();
        assert!(report("j", &result).contains("no agreement: the job does not release it"));
        let none = Err(Unavailable::OneClassAsked);
        result.agreement = Some(AgreementReport(AgreementMeasures {
            observed: Ok(0.5),
            observed_pooled: Ok(0.5),
            fleiss_kappa: none,
            krippendorff_alpha: none,
            gwet_ac1: none,
        }));
        let text = report("j", &result);
        assert!(text.contains("none: the question has one class only"), "{text}");
        assert!(text.contains("0.500000"), "{text}");
    }

    #[test]
    fn scores_are_shown_where_they_are_released() {
        let mut result = sample();
        assert!(!report("j", &result).contains("scores"));
        let one: ContributorReport = serde_json::from_str(
            r#"{
                "contributor": "c", "key": "0b513ad9b4924015ca0902ed079044d3ac5dbec2306f06948c10da8eb6e39f2d", "answers": 2,
                "agreement": 0.25, "agreement_with_label": null, "agreement_with_label_reason": "the job has no labels", "beyond_chance": -0.5
            }"#,
        )
        .unwrap();
        result.contributors = vec![one.clone(); CONTRIBUTORS_SHOWN + 2];
        let text = report("j", &result);
        let header = ["scores", "answers", "with the label", "with others", "beyond chance"];
        for cell in header.into_iter().chain(["0.250000", "none", "-0.500000", "and 2 more"]) {
            assert!(text.contains(cell), "{cell}: {text}");
        }
        assert!(!text.contains("gold"), "{text}");
        result.contributors = vec![ContributorReport { gold: Some(1.0), ..one }];
        let text = report("j", &result);
        assert!(
            text.contains("gold") && text.contains("1.000000") && !text.contains("more"),
            "{text}"
        );
    }
}
