//! `tacit demo --report`: one HTML page with the tables, plots and explanation. It loads nothing and runs no script.

mod figures;
mod page;
mod plots;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tacit_client::files::{self, Access, FileError};
use tacit_client::text::one_line;
use tacit_client::verify::Verified;

use crate::demo::explain::Part;
use crate::demo::hidden;
use page::Page;

/// How every page begins, so that a later run knows what it may overwrite.
const MARK: &str = "<!DOCTYPE html><!-- Written by `tacit demo --report`. -->\n";

/// Where the page goes: a file that does not exist, or that an earlier run wrote.
pub(super) struct ReportFile(PathBuf);

/// What the page is made of.
pub(super) struct Contents<'a> {
    /// The name of the answers.
    pub name: &'a str,
    pub verified: &'a Verified,
    pub hidden: &'a [String],
    pub explanation: &'a [Part],
    pub times: &'a [(&'static str, Duration)],
    /// The command that checks the result again.
    pub check: String,
}

impl ReportFile {
    /// Checks before the run that the page can be written there.
    pub(super) fn new(path: &Path) -> Result<Self> {
        ensure_replaceable(path)?;
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        tempfile::tempfile_in(folder).with_context(|| format!("--report: {}: nothing can be written there", folder.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// Writes the page. Returns a line that says where it is.
    pub(super) fn write(&self, contents: &Contents<'_>) -> Result<String> {
        let page = html(contents).context("--report: a plot cannot be drawn")?;
        // Somebody may have made the file since.
        ensure_replaceable(&self.0)?;
        files::write(&self.0, page.as_bytes(), Access::Public).context("--report")?;
        Ok(format!("report: {}\n", self.0.display()))
    }
}

fn html(contents: &Contents<'_>) -> Result<String> {
    let Verified { report, .. } = contents.verified;
    let signers: Vec<String> = contents
        .verified
        .signers()
        .iter()
        .map(|(name, operator)| format!("{name} ({operator})"))
        .collect();
    let job = &report.job;
    let page = Page {
        title: format!(
            "{}: what a Tacit cluster found out without seeing an answer",
            one_line(contents.name)
        ),
        introduction: vec![
            format!(
                "{} answers of {} contributors to {} items; {} rejected.",
                job.answers, job.contributors, job.items, job.rejected_answers
            ),
            format!("Verified: the certificate holds, signed by {}.", signers.join(", ")),
        ],
        note: format!("Mind that {}.", hidden::NOTE),
        hidden: contents.hidden,
        figures: figures::figures(report, contents.times)?,
        explanation: contents.explanation,
        check: contents.check.clone(),
    };
    Ok(format!("{MARK}{}\n", page.html()))
}

/// Refuses a file that no earlier run wrote.
fn ensure_replaceable(path: &Path) -> Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        file => file.map_err(|error| FileError::new(path, &error)).context("--report")?,
    };
    let mut beginning = Vec::new();
    file.take(MARK.len() as u64)
        .read_to_end(&mut beginning)
        .map_err(|error| FileError::new(path, &error))
        .context("--report")?;
    ensure!(
        beginning == MARK.as_bytes(),
        "--report: {} exists, and `tacit demo` did not write it: it is not overwritten; name another file, or remove it",
        path.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests;
