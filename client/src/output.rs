//! Output for people: tables and lines. Text of unknown origin is shown without control characters.

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use comfy_table::{Cell, CellAlignment, Table, presets};
use tacit_client::outcome::{Outcome, explain};
use tacit_client::resending::Resent;
use tacit_client::text::one_line;
use tacit_program::error_line;
use tacit_protocol::api::JobStatus;
use tacit_protocol::reject::RejectReason;
use tacit_scoring::report::{Absence, Report, csv_cell};
use tacit_scoring::statistic::class_totals::ClassTotals;
use tacit_scoring::statistic::labels::{LabelReport, LabelsReport};
use tacit_scoring::statistic::nominal::{AgreementMeasures, AgreementReport, Measure};

/// How many contributors the table of payouts shows.
const PAYOUTS_SHOWN: usize = 5;

/// What `sensitive = false` means, for buyers and contributors.
pub(crate) const PUBLIC_ANSWERS: &str =
    "answers to this job are as good as public: what is published may show what each contributor answered";

/// What is said of a result of a job that was not created here.
pub(crate) const SOME_JOB: &str = "of SOME job with this id: it was not created on this machine";

/// Writes to standard output. A closed pipe is no error: the reader wants no more.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("cannot write to standard output"),
        _ => Ok(()),
    }
}

/// Says which submissions the coordinator had lost.
pub(crate) fn report_resent(lost: &Resent) {
    if lost.again > 0 {
        error_line(
            "tacit",
            &format_args!(
                "the coordinator had lost {} submissions that it had acknowledged; they were sent again",
                lost.again
            ),
        );
    }
    for (submission, error) in &lost.refused {
        error_line(
            "tacit",
            &format_args!(
                "submission {submission}: the coordinator has lost it and does not take it again; keep its receipt, and tell the \
             operators: {error}"
            ),
        );
    }
    for (submission, error) in &lost.not_withdrawn {
        error_line("tacit", &format_args!("submission {submission} is not withdrawn: {error}"));
    }
}

/// Reports on standard error what was lost and is sealed to keys that are destroyed, for a command that has no answers to seal again.
pub(crate) fn report_sealed_too_late(lost: &Resent) {
    for (_, submission) in &lost.sealed_too_late {
        error_line(
            "tacit",
            &format_args!(
                "submission {submission}: the coordinator has lost it, and a node has destroyed the key that it is sealed to; to have its \
             answers in the job, run `tacit answer` again with a file that has them as they were, which seals them to the newest keys"
            ),
        );
    }
}

/// Reports on standard error how many rows of a file have no answer.
pub(crate) fn report_unanswered(file: &str, rows: u64) {
    match rows {
        0 => {}
        1 => error_line("tacit", &format_args!("{file}: 1 row has no answer and is left out")),
        _ => error_line("tacit", &format_args!("{file}: {rows} rows have no answer and are left out")),
    }
}

/// A table whose columns are numbers, except the first.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    let aligned = |cells: Vec<String>| {
        cells
            .into_iter()
            .enumerate()
            .map(|(at, text)| Cell::new(text).set_alignment(if at == 0 { CellAlignment::Left } else { CellAlignment::Right }))
            .collect::<Vec<_>>()
    };
    table.set_header(aligned(header.iter().map(|name| (*name).to_owned()).collect()));
    for row in rows {
        table.add_row(aligned(row));
    }
    format!("{}\n", table.trim_fmt())
}

/// An amount in micro-units as a decimal number with its currency.
pub(crate) fn money(micro: u64, currency: &str) -> String {
    let (whole, rest) = (micro / 1_000_000, format!("{:06}", micro % 1_000_000));
    let cents = rest.trim_end_matches('0');
    format!("{whole}.{cents:0<2} {}", one_line(currency))
}

/// A job's status on one line.
pub(crate) fn status_line(status: &JobStatus) -> String {
    let mut line = format!("{} {}", status.id, status.state.name());
    if let Some(phase) = status.phase {
        line += &format!(" ({phase})");
    }
    line += &format!(
        ": {} submissions with {} answers, {} delivered",
        status.submissions, status.answers, status.delivered
    );
    if status.attempt > 1 {
        line += &format!(", attempt {}", status.attempt);
    }
    for waiting in &status.waiting_on {
        let help = if waiting.needs_operator { " (its operator has to act)" } else { "" };
        line += &format!("; waiting on {}{help}: {}", one_line(&waiting.node), one_line(&waiting.reason));
    }
    if let Some(reason) = &status.reason {
        line += &format!("; {}", one_line(reason));
    }
    line
}

/// A job's status in full.
pub(crate) fn status(status: &JobStatus) -> String {
    let mut rows = vec![
        ("job", status.id.to_string()),
        ("name", one_line(&status.name)),
        ("digest", status.digest.to_string()),
        ("state", status.state.name().to_owned()),
        ("items", status.items.to_string()),
        ("answers per item", status.answers_per_item.to_string()),
        (
            "submissions",
            format!(
                "{} with {} answers, {} delivered to every node",
                status.submissions, status.answers, status.delivered
            ),
        ),
    ];
    if status.attempt > 0 {
        rows.push(("attempt", status.attempt.to_string()));
    }
    rows.extend(status.phase.map(|phase| ("phase", phase.to_string())));
    rows.extend(status.reason.as_ref().map(|reason| ("reason", one_line(reason))));
    for waiting in &status.waiting_on {
        let help = if waiting.needs_operator { "; its operator has to act" } else { "" };
        rows.push((
            "waiting on",
            format!("{}: {}{help}", one_line(&waiting.node), one_line(&waiting.reason)),
        ));
    }
    rows.iter().map(|(name, value)| format!("{name:<17}{value}\n")).collect()
}

/// The answers that do not count, by reason. Their number is certified, their items are the coordinator's word.
pub(crate) fn rejected(outcome: &Outcome) -> String {
    let line = |(reason, items): (&RejectReason, &Vec<String>)| {
        let list = items.iter().map(|item| one_line(item)).collect::<Vec<_>>().join(", ");
        format!(
            "{} rejected as {reason} ({}); as the coordinator says: {list}\n",
            items.len(),
            explain(*reason)
        )
    };
    outcome.rejected.iter().map(line).collect()
}

/// A table of jobs.
pub(crate) fn jobs(jobs: &[JobStatus]) -> String {
    if jobs.is_empty() {
        return "no jobs\n".to_owned();
    }
    let row = |job: &JobStatus| {
        vec![
            job.id.to_string(),
            one_line(&job.name),
            job.state.name().to_owned(),
            job.items.to_string(),
            job.submissions.to_string(),
            job.answers.to_string(),
        ]
    };
    table(&["job", "name", "state", "items", "submissions", "answers"], jobs.iter().map(row))
}

/// The labels of a result as CSV.
pub(crate) fn labels(report: &Report) -> String {
    let row = |label: LabelReport<'_>| format!("{},{}\n", csv_cell(label.item), csv_cell(label.label.unwrap_or_default()));
    std::iter::once("item,label\n".to_owned())
        .chain(report.labels.iter().map(row))
        .collect()
}

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

fn payouts(report: &Report) -> String {
    let Some(payouts) = &report.payouts else {
        return absent("payouts", report.payouts_reason);
    };
    let amount = |micro: u64| money(micro, &payouts.currency);
    let shown = payouts.items.iter().take(PAYOUTS_SHOWN);
    let mut rows: Vec<Vec<String>> = shown.map(|item| vec![one_line(&item.contributor), amount(item.amount)]).collect();
    if payouts.items.len() > PAYOUTS_SHOWN {
        rows.push(vec![format!("and {} more", payouts.items.len() - PAYOUTS_SHOWN), String::new()]);
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

    #[test]
    fn money_has_at_least_cents_and_loses_nothing() {
        assert_eq!(money(20_000, "EUR"), "0.02 EUR");
        assert_eq!(money(12_500_000, "EUR"), "12.50 EUR");
        assert_eq!(money(1, "EUR"), "0.000001 EUR");
        assert_eq!(money(0, "EUR"), "0.00 EUR");
    }

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
    fn labels_without_consensus_are_empty_cells() {
        let mut report = sample();
        assert_eq!(labels(&report), "item,label\n\"a,b\",'=1\nc,\n");
        let counts = label_counts(&report.labels);
        assert!(counts.contains("with a label") && counts.contains("no consensus"), "{counts}");
        report.labels = LabelsReport::default();
        assert_eq!(labels(&report), "item,label\n");
        assert_eq!(label_counts(&report.labels), "");
    }

    #[test]
    fn rejected_answers_are_grouped_by_reason() {
        let items = ["a", "b\n", "c"].map(str::to_owned).to_vec();
        let outcome = Outcome {
            accepted: 1,
            rejected: [(RejectReason::DuplicateAnswer, items)].into(),
            ..Outcome::default()
        };
        let line = "3 rejected as duplicate_answer (an earlier answer of yours to the item counts); as the coordinator says: a, b";
        assert_eq!(rejected(&outcome), format!("{line}, c\n"));
        // Who refused is not told on the coordinator's word.
        let outcome = Outcome {
            refused_by: ["node-1", "node-2"].map(str::to_owned).into(),
            ..outcome
        };
        assert_eq!(rejected(&outcome), format!("{line}, c\n"));
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
}
