//! Why a file of answers is refused.

use tacit_protocol::name::NAME_RULE;
use thiserror::Error;

use crate::table::{FileLine, TableError};

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
    #[error(
        "{file}: no row is of contributor `{contributor}`{similar}; nothing was sent. The file has rows of {names}: name one with \
         --contributor NAME"
    )]
    NotThisContributor {
        /// The file's name in messages.
        file: String,
        /// The name of the contributor.
        contributor: String,
        /// The name in the file that is most like it, for the message; empty if none is.
        similar: String,
        /// The names of the contributors in the file, for the message.
        names: String,
    },
    /// A contributor answers an item twice.
    #[error(
        "{file}, lines {first} and {second}: item `{item}` is answered twice, {}{more}; nothing was sent. An item has one answer: remove \
         the others",
        if *is_same { "with the same answer" } else { "with different answers" }
    )]
    Repeated {
        /// The file's name in messages.
        file: String,
        /// The line of the first answer.
        first: u64,
        /// The line of the second one.
        second: u64,
        /// The id of the item.
        item: String,
        /// Whether the answers are the same.
        is_same: bool,
        /// How many other items are answered twice, for the message; empty if none is.
        more: String,
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
