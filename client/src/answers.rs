//! Answers as CSV: `item,contributor,answer`, or crowd-kit's `task,worker,label`.

use std::collections::HashMap;

use tacit_protocol::name::{NAME_RULE, is_id, is_name};
use tacit_protocol::question::{Answer, Categorical, Question};
use thiserror::Error;

use crate::table::{FileLine, Table, TableError};

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

/// What the id of an item must be, to follow the name of its field.
const ITEM_RULE: &str = "must be 1 to 256 bytes without control characters";

/// Why a file of answers is refused. Messages begin with the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnswersError {
    /// The file is not a table with these columns.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An item or contributor is empty.
    #[error("{at}: field `{field}` is empty")]
    EmptyField {
        /// Where the row begins.
        at: FileLine,
        /// The name of the field.
        field: &'static str,
    },
    /// A name or id cannot be one.
    #[error("{at}: field `{field}` {}", if *field == "item" { ITEM_RULE } else { NAME_RULE })]
    Name {
        /// Where the row begins.
        at: FileLine,
        /// The name of the field.
        field: &'static str,
    },
    /// An answer is not a class of the question.
    #[error("{at}: field `answer`: `{class}` is not a class; the classes are {known}")]
    UnknownClass {
        /// Where the row begins.
        at: FileLine,
        /// The answer as it is written in the file.
        class: String,
        /// The names of the classes, in the order of the job.
        known: String,
    },
    /// An item is not an item of the job.
    #[error("{at}: field `item`: the job has no item `{item}`")]
    UnknownItem {
        /// Where the row begins.
        at: FileLine,
        /// The id of the item.
        item: String,
    },
    /// No row has an answer.
    #[error("{file}: no answers: the field `answer` is empty in every row{of}")]
    NoAnswers {
        /// The file's name in messages.
        file: String,
        /// The contributor whose rows are meant, for the message.
        of: String,
    },
    /// The contributor has no row.
    #[error("{file}: no row is of contributor `{contributor}`; name the contributor as the file does")]
    NotThisContributor {
        /// The file's name in messages.
        file: String,
        /// The name of the contributor.
        contributor: String,
    },
    /// Neither the file nor the command line names the contributor.
    #[error("{file}, line 1: no column `contributor` says whose answers these are: add it, or give --contributor NAME")]
    NoContributor {
        /// The file's name in messages.
        file: String,
    },
    /// The file has answers of several contributors, and the command line names none.
    #[error("{file}: has answers of several contributors ({names}): say whose to send with --contributor NAME")]
    SeveralContributors {
        /// The file's name in messages.
        file: String,
        /// The names of the contributors.
        names: String,
    },
    /// More than 2^32 items, contributors or classes.
    #[error("{file}: more than 4294967295 different values of `{field}`")]
    TooMany {
        /// The file's name in messages.
        file: String,
        /// The name of the field.
        field: &'static str,
    },
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
        if expected.contributor.is_some_and(|wanted| wanted != contributor) {
            others += 1;
            return Ok(());
        }
        if field(answer_at).is_empty() {
            unanswered += 1;
            return Ok(());
        }
        let (item, contributor, answer) = (
            items.index(line, field(item_at))?,
            contributors.index(line, contributor)?,
            choices.answer(line, field(answer_at))?,
        );
        rows.push(Row { item, contributor, answer });
        Ok(())
    })?;
    if let Some(contributor) = expected.contributor
        && others == total
    {
        return Err(AnswersError::NotThisContributor {
            file: file.to_owned(),
            contributor: contributor.to_owned(),
        });
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

/// The only contributor of a file.
pub fn only_contributor(file: &str, bytes: &[u8]) -> Result<String, AnswersError> {
    let table = Table::new(file, bytes, WANTED)?;
    let (contributor, _) = convention(&table)?;
    let Some(at) = table.column(contributor, &[])? else {
        return Err(AnswersError::NoContributor { file: file.to_owned() });
    };
    let mut names = Names::new(file, "contributor", None);
    table.rows::<AnswersError>(|line, record| match record.get(at).unwrap_or_default() {
        "" => Err(AnswersError::EmptyField {
            at: FileLine::new(file, line),
            field: "contributor",
        }),
        name => names.index(line, name).map(drop),
    })?;
    match names.list.as_slice() {
        [name] => Ok(name.clone()),
        several => Err(AnswersError::SeveralContributors {
            file: file.to_owned(),
            names: quoted(several),
        }),
    }
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

/// Names and their indices; a closed list, the items of a job, if it was given beforehand.
struct Names<'a> {
    file: &'a str,
    field: &'static str,
    closed: bool,
    list: Vec<String>,
    indices: HashMap<String, u32>,
}

impl<'a> Names<'a> {
    fn new(file: &'a str, field: &'static str, known: Option<&[String]>) -> Self {
        let list = known.unwrap_or_default().to_vec();
        let indices = list.iter().cloned().zip(0..).collect();
        Self {
            file,
            field,
            closed: known.is_some(),
            list,
            indices,
        }
    }

    fn index(&mut self, line: u64, name: &str) -> Result<u32, AnswersError> {
        if let Some(index) = self.indices.get(name) {
            return Ok(*index);
        }
        let (at, field) = (FileLine::new(self.file, line), self.field);
        let fits = if field == "item" { is_id(name) } else { is_name(name) };
        if !fits {
            return Err(AnswersError::Name { at, field });
        }
        if self.closed {
            return Err(AnswersError::UnknownItem { at, item: name.to_owned() });
        }
        let index = u32::try_from(self.list.len()).map_err(|_| AnswersError::TooMany {
            file: self.file.to_owned(),
            field,
        })?;
        self.list.push(name.to_owned());
        self.indices.insert(name.to_owned(), index);
        Ok(index)
    }
}

fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

#[cfg(test)]
mod tests;
