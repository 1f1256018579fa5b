//! What commands print: tables and lines for people, JSON for programs. Text of unknown origin is shown to people without control characters.

pub(crate) mod csv;
mod result;
mod status;

use std::io::{ErrorKind, Write};

use anyhow::{Context, Result};
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;
use tacit_client::outcome::{Outcome, explain};
use tacit_client::resending::Resent;
use tacit_client::text::one_line;
use tacit_program::error_line;
use tacit_protocol::reject::RejectReason;

pub(crate) use result::report;
pub(crate) use status::{jobs, status, status_line, time};

/// What `sensitive = false` means, for buyers and contributors.
pub(crate) const PUBLIC_ANSWERS: &str =
    "answers to this job are as good as public: what is published may show what each contributor answered";

/// What is said of a result of a job that was not created here.
pub(crate) const SOME_JOB: &str = "of SOME job with this id: it was not created on this machine";

/// For whom a command prints what it has found or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document on one line.
    Json,
}

impl Format {
    /// Prints the outcome of a command, which the text shows to people.
    pub(crate) fn print(self, outcome: &impl Serialize, text: &str) -> Result<()> {
        match self {
            Self::Text => print(text),
            Self::Json => {
                let mut line = serde_json::to_string(outcome).context("the outcome cannot be written as JSON")?;
                line.push('\n');
                print(&line)
            }
        }
    }

    /// Prints what people see before the outcome, which has the same facts.
    pub(crate) fn print_before(self, text: &str) -> Result<()> {
        match self {
            Self::Text => print(text),
            Self::Json => Ok(()),
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_at_least_cents_and_loses_nothing() {
        assert_eq!(money(20_000, "EUR"), "0.02 EUR");
        assert_eq!(money(12_500_000, "EUR"), "12.50 EUR");
        assert_eq!(money(1, "EUR"), "0.000001 EUR");
        assert_eq!(money(0, "EUR"), "0.00 EUR");
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
}
