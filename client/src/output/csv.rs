//! Parts of a result as CSV. The first line names the columns; a cell without a value is empty. Every number has all its digits.

use tacit_scoring::report::{ContributorReport, Report, csv_cell};
use tacit_scoring::statistic::class_totals::ClassTotals;
use tacit_scoring::statistic::labels::LabelReport;
use tacit_scoring::statistic::nominal::{AgreementMeasures, AgreementReport};

/// The label of each item.
pub(crate) fn labels(report: &Report) -> String {
    let row = |label: LabelReport<'_>| format!("{},{}\n", csv_cell(label.item), csv_cell(label.label.unwrap_or_default()));
    with_header("item,label", report.labels.iter().map(row))
}

/// The agreement statistics, or why one has no value; `None` where the result has none.
pub(crate) fn agreement(report: &Report) -> Option<String> {
    let AgreementReport(measures) = report.agreement?;
    let rows = AgreementMeasures::NAMES.iter().zip(measures.to_array());
    let rows = rows.map(|(name, measure)| match measure {
        Ok(value) => format!("{},{value},\n", name.key),
        Err(reason) => format!("{},,{}\n", name.key, csv_cell(&reason.to_string())),
    });
    Some(with_header("measure,value,reason", rows))
}

/// How often each class was answered; `None` where the result does not say.
pub(crate) fn class_totals(report: &Report) -> Option<String> {
    let ClassTotals(totals) = report.class_totals.as_ref()?;
    let rows = totals.iter().map(|(class, total)| format!("{},{total}\n", csv_cell(class)));
    Some(with_header("class,answers", rows))
}

/// The scores of each contributor.
pub(crate) fn scores(report: &Report) -> String {
    let score = |score: Option<f64>| score.map(|score| score.to_string()).unwrap_or_default();
    let row = |one: &ContributorReport| {
        format!(
            "{},{},{},{},{},{},{}\n",
            csv_cell(&one.contributor),
            one.key,
            one.answers,
            score(one.agreement_with_label),
            score(one.agreement),
            score(one.beyond_chance),
            score(one.gold)
        )
    };
    with_header(
        "contributor,key,answers,agreement_with_label,agreement,beyond_chance,gold",
        report.contributors.iter().map(row),
    )
}

fn with_header(header: &str, rows: impl Iterator<Item = String>) -> String {
    std::iter::once(format!("{header}\n")).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tacit_scoring::statistic::labels::LabelsReport;

    const KEY: &str = "0b513ad9b4924015ca0902ed079044d3ac5dbec2306f06948c10da8eb6e39f2d";

    fn sample() -> Report {
        serde_json::from_str(&format!(
            r#"{{
                "job": {{ "id": "j", "items": 2, "contributors": 1, "answers": 3, "rejected_answers": 0, "classes": ["=1", "b"] }},
                "agreement": {{
                    "observed": 0.1, "observed_pooled": 0.30000000000000004, "fleiss_kappa": null,
                    "fleiss_kappa_reason": "all answers name the same class", "krippendorff_alpha": -0.125, "gwet_ac1": 1.0
                }},
                "class_totals": {{ "=1": 3, "b": 0 }},
                "labels": [{{ "item": "a,b", "label": "=1" }}, {{ "item": "c", "label": null }}],
                "contributors": [{{
                    "contributor": "=me", "key": "{KEY}", "answers": 3, "agreement": 0.5, "agreement_with_label": 1.0,
                    "beyond_chance": null, "beyond_chance_reason": "needs two answers on items that others answered"
                }}],
                "payouts": null, "payouts_reason": "the job does not release it", "certificate": "certificate.json"
            }}"#
        ))
        .unwrap()
    }

    #[test]
    fn labels_without_consensus_are_empty_cells() {
        let mut report = sample();
        assert_eq!(labels(&report), "item,label\n\"a,b\",'=1\nc,\n");
        report.labels = LabelsReport::default();
        assert_eq!(labels(&report), "item,label\n");
    }

    #[test]
    fn agreement_has_all_digits_or_a_reason() {
        let mut report = sample();
        let due = "measure,value,reason\nobserved,0.1,\nobserved_pooled,0.30000000000000004,\nfleiss_kappa,,all answers name the same class\n\
                   krippendorff_alpha,-0.125,\ngwet_ac1,1,\n";
        assert_eq!(agreement(&report).unwrap(), due);
        report.agreement = None;
        assert_eq!(agreement(&report), None);
    }

    #[test]
    fn class_totals_are_in_the_order_of_the_classes() {
        let mut report = sample();
        assert_eq!(class_totals(&report).unwrap(), "class,answers\n'=1,3\nb,0\n");
        report.class_totals = None;
        assert_eq!(class_totals(&report), None);
    }

    #[test]
    fn a_score_without_a_value_is_an_empty_cell() {
        let header = "contributor,key,answers,agreement_with_label,agreement,beyond_chance,gold\n";
        assert_eq!(scores(&sample()), format!("{header}'=me,{KEY},3,1,0.5,,\n"));
    }
}
