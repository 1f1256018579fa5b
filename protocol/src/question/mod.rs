//! What is asked of each item, and how an answer becomes a row of field elements.
//!
//! Each kind of question is one file with one type that implements [`AnswerType`]. [`Question`] is a closed enum of these
//! types and not a plug-in: every member of a cluster must turn the same bytes into the same rows. A new kind is a new file,
//! a variant of [`Question`], and, unless its answers are one of several classes, a variant of [`Answer`]. A question has the
//! methods of its kind: it dereferences to it.

use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};
use tacit_mpc_core::field::Fp61;
use thiserror::Error;
use zeroize::Zeroize;

mod categorical;
mod release;
#[cfg(feature = "openapi")]
mod schema;

pub use categorical::{Categorical, MAX_CLASSES};
pub use release::Release;

/// What is asked of each item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Question {
    /// Which of the classes is it?
    Categorical(Categorical),
}

/// One answer in the clear, as a contributor's or a buyer's client has it before it is shared.
///
/// Answers are secret: [`fmt::Debug`] does not show them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// One of [`AnswerType::classes`], by index.
    Class(u32),
}

/// Overwritten when it is dropped, so that no list of answers stays in memory after its use.
impl Drop for Answer {
    fn drop(&mut self) {
        match self {
            Self::Class(class) => class.zeroize(),
        }
    }
}

/// Which rows are well-formed. The nodes check it on shares, once for every submission.
///
/// Kinds to come will add rows of bits without a constraint on their sum, and rows of bits that encode a number in a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// Exactly one element is 1, the others are 0.
    OneHot,
    /// At most one element is 1, the others are 0.
    OneHotOrNone,
}

/// The question has no such answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the question has no such answer")]
pub struct NoSuchAnswer;

/// A question that no job can ask.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("field `{field}` {problem}")]
pub struct QuestionError {
    /// The field of the job's spec, for example `question.classes`.
    pub field: &'static str,
    /// What is wrong with it, to follow the field's name.
    pub problem: String,
}

/// One kind of question: its limits, and how its answers are read, encoded, checked and reported.
pub trait AnswerType {
    /// Checks the limits of the kind.
    ///
    /// # Errors
    /// The first field outside its limits.
    fn check(&self) -> Result<(), QuestionError>;

    /// The number of field elements in the row of one answer; at least 1 for a question that passed [`Self::check`].
    fn width(&self) -> usize;

    /// Reads an answer from one cell of a CSV file, exactly as written; `None` if the question has no such answer.
    fn parse(&self, cell: &str) -> Option<Answer>;

    /// Writes the row of an answer. `row` has [`Self::width`] elements, all zero.
    ///
    /// # Errors
    /// The question has no such answer; the row is then still zero.
    fn encode(&self, answer: &Answer, row: &mut [Fp61]) -> Result<(), NoSuchAnswer>;

    /// Which rows a contributor may send.
    fn validity(&self) -> Validity;

    /// Which rows the buyer's gold answers may have: the row of an answer, or the row that stands for "no gold".
    fn gold_validity(&self) -> Validity;

    /// What a job that asks this question may publish.
    fn releases(&self) -> &'static [Release];

    /// The names of the classes in the order of the row, under which labels and totals are reported.
    fn classes(&self) -> &[String];
}

impl From<Categorical> for Question {
    fn from(kind: Categorical) -> Self {
        Self::Categorical(kind)
    }
}

impl Deref for Question {
    type Target = dyn AnswerType;

    /// The kind of the question.
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Categorical(kind) => kind,
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(secret)")
    }
}
