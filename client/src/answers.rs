//! Answers as CSV: `item,contributor,answer`, or crowd-kit's `task,worker,label`.

use tacit_protocol::name::is_name;
use tacit_protocol::question::{Answer, Categorical, Question};
use tacit_scoring::report::csv_cell;

use crate::table::{FileLine, Table, TableError};

mod error;
mod names;
mod repeated;
mod template;
mod whose;

pub use error::AnswersError;
use names::{Names, quoted};
pub use template::template;
pub use whose::whose_rows;

const WANTED: &str = "item,contributor,answer";

/// Answers in the order of the file; items and contributors by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// The items: those of the job, or by first appearance.
    pub items: Vec<String>,
    /// The contributors by first appearance.
    pub contributors: Vec<String>,
    /// The question: the job's, or, if it is not known, that for one of the classes in the file, sorted by name.
    pub question: Question,
    /// One row for each line of the file, in its order.
    pub rows: Vec<Row>,
    /// Rows whose answer is empty; they are left out.
    pub unanswered: u64,
}

/// What one contributor answered to one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Index of the item.
    pub item: u32,
    /// Index of the contributor.
    pub contributor: u32,
    /// The answer, as the question encodes it.
    pub answer: Answer,
    /// The line of the file on which the row begins.
    pub line: u64,
}

/// What is known beforehand, and what the answers must fit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The question, if it is known beforehand.
    pub question: Option<&'a Question>,
    /// The items, if they are known beforehand.
    pub items: Option<&'a [String]>,
    /// The one contributor whose answers count; then the column is optional, and rows of others are
    /// left out.
    pub contributor: Option<&'a str>,
}

/// Reads answers. `file` is the name for messages.
pub fn parse(file: &str, bytes: &[u8], expected: Expected<'_>) -> Result<Answers, AnswersError> {
    let table = Table::new(file, bytes, WANTED)?;
    let item_at = table.required("item", &["task"])?;
    let (contributor, answer) = convention(&table)?;
    let contributor_at = match expected.contributor {
        None => Some(table.required(contributor, &[])?),
        Some(_) => table.column(contributor, &[])?,
    };
    let answer_at = table.required(answer, &[])?;

    let mut items = Names::new(file, "item", expected.items);
    let mut contributors = Names::new(file, "contributor", None);
    let mut choices = Choices::new(file, expected.question);
    let (mut rows, mut unanswered, mut others) = (Vec::new(), 0, 0);
    let total = table.rows::<AnswersError>(|line, record| {
        let field = |at: usize| record.get(at).unwrap_or_default();
        let contributor = contributor_at.map(field).or(expected.contributor).unwrap_or_default();
        for (name, text) in [("item", field(item_at)), ("contributor", contributor)] {
            if text.is_empty() {
                return Err(AnswersError::EmptyField {
                    at: FileLine::new(file, line),
                    field: name,
                });
            }
        }
        if expected.contributor.is_some_and(|wanted| !is_cell_of(wanted, contributor)) {
            others += 1;
            return Ok(());
        }
        if field(answer_at).is_empty() {
            unanswered += 1;
            return Ok(());
        }
        let (item, contributor, answer) = (
            items.index(line, field(item_at))?,
            contributors.index(line, expected.contributor.unwrap_or(contributor))?,
            choices.answer(line, field(answer_at))?,
        );
        rows.push(Row {
            item,
            contributor,
            answer,
            line,
        });
        Ok(())
    })?;
    if let Some(contributor) = expected.contributor
        && others == total
    {
        // It names who is in the file instead.
        whose_rows(file, bytes, Some(contributor), None)?;
    }
    if rows.is_empty() {
        let of = expected
            .contributor
            .filter(|_| others > 0)
            .map(|name| format!(" of `{name}`"))
            .unwrap_or_default();
        return Err(AnswersError::NoAnswers { file: file.to_owned(), of });
    }
    Ok(Answers {
        items: items.list,
        contributors: contributors.list,
        question: choices.question(&mut rows),
        rows,
        unanswered,
    })
}

/// The names of the columns of contributor and answer: those of one convention or of the other, because a mix is more likely a
/// mistake.
fn convention(table: &Table<'_>) -> Result<(&'static str, &'static str), TableError> {
    Ok(if table.column("item", &[])?.is_some() {
        ("contributor", "answer")
    } else {
        ("worker", "label")
    })
}

/// Whether a cell of a file stands for this text: as it is, or as a template writes it, which keeps spreadsheets from taking it for a
/// formula.
fn is_cell_of(text: &str, cell: &str) -> bool {
    cell == text || (cell.strip_prefix('\'') == Some(text) && is_formula(text))
}

/// Whether a spreadsheet may take a cell for a formula, or for a text that was kept from being one. [`csv_cell`] puts an apostrophe before
/// it.
///
/// [`csv_cell`]: tacit_scoring::report::csv_cell
fn is_formula(text: &str) -> bool {
    csv_cell(text).trim_start_matches('"').starts_with('\'')
}

/// What can be answered: what the question allows, or any class where no question is known.
enum Choices<'a> {
    Known { file: &'a str, question: &'a Question },
    Any(Names<'a>),
}

impl<'a> Choices<'a> {
    fn new(file: &'a str, question: Option<&'a Question>) -> Self {
        match question {
            Some(question) => Self::Known { file, question },
            None => Self::Any(Names::new(file, "answer", None)),
        }
    }

    fn answer(&mut self, line: u64, cell: &str) -> Result<Answer, AnswersError> {
        let (file, question) = match self {
            Self::Known { file, question } => (*file, *question),
            Self::Any(classes) => return classes.index(line, cell).map(Answer::Class),
        };
        question.parse(cell).ok_or_else(|| match is_name(cell) {
            true => AnswersError::UnknownClass {
                at: FileLine::new(file, line),
                class: cell.to_owned(),
                known: quoted(question.classes()),
            },
            false => AnswersError::Name {
                at: FileLine::new(file, line),
                field: "answer",
            },
        })
    }

    /// The question. Classes that were not known beforehand are sorted, so that they do not depend on the order of the rows.
    fn question(self, rows: &mut [Row]) -> Question {
        let found = match self {
            Self::Known { question, .. } => return question.clone(),
            Self::Any(classes) => classes.list,
        };
        let mut order: Vec<(usize, String)> = found.into_iter().enumerate().collect();
        order.sort_by(|a, b| a.1.cmp(&b.1));
        let mut rank = vec![0; order.len()];
        for (new, (old, _)) in order.iter().enumerate() {
            rank[*old] = new as u32;
        }
        for row in rows {
            let Answer::Class(class) = &mut row.answer;
            *class = rank[*class as usize];
        }
        Question::Categorical(Categorical::new(order.into_iter().map(|(_, class)| class)))
    }
}

#[cfg(test)]
mod tests;
