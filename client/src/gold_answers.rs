//! Reading the buyer's gold answers: a CSV file `item,answer`.

use std::collections::{BTreeMap, HashMap};

use tacit_protocol::job::Item;
use tacit_protocol::question::{Answer, Question};
use thiserror::Error;

use crate::table::{FileLine, Table, TableError};

/// The percentage of items with gold above which the buyer is advised to use less: contributors recognise gold more easily if there is
/// much of it.
const MOST_PERCENT: usize = 20;
/// With fewer gold answers than this, pay depends mostly on luck.
const FEWEST: usize = 5;

/// Why gold answers cannot be used. Messages begin with the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GoldAnswersError {
    /// Not a table with these columns.
    #[error(transparent)]
    Table(#[from] TableError),
    /// An item is none of the job's.
    #[error("{at}: field `item`: the job has no item `{item}`")]
    Item {
        /// Where the row begins.
        at: FileLine,
        /// The text of the field.
        item: String,
    },
    /// An answer is none of the classes.
    #[error("{at}: field `answer`: `{class}` is not a class of the question")]
    Class {
        /// Where the row begins.
        at: FileLine,
        /// The text of the field.
        class: String,
    },
    /// An item has two gold answers.
    #[error("{at}: field `item`: `{item}` has a gold answer already")]
    Twice {
        /// Where the row begins.
        at: FileLine,
        /// The id of the item.
        item: String,
    },
    /// No row has an answer.
    #[error("{0}: no gold: the field `answer` is empty in every row")]
    Nothing(String),
}

/// Advice for the buyer about this many gold answers to this many items, if there is any.
pub fn advice(gold: usize, items: usize) -> Option<String> {
    if gold * 100 > items * MOST_PERCENT {
        Some(format!(
            "gold to {gold} of {items} items: with more than {MOST_PERCENT} % contributors find out which"
        ))
    } else if gold < FEWEST {
        Some(format!(
            "gold to {gold} items only: with fewer than {FEWEST} for each contributor luck decides"
        ))
    } else {
        None
    }
}

/// Reads gold answers: pairs of item index and answer, items ascending. Rows without an answer are left out. `file` is the name for messages.
///
/// # Errors
/// What is wrong, and in which line.
pub fn parse(file: &str, bytes: &[u8], items: &[Item], question: &Question) -> Result<Vec<(u32, Answer)>, GoldAnswersError> {
    let table = Table::new(file, bytes, "item,answer")?;
    let item_at = table.required("item", &["task"])?;
    let answer_at = table.required("answer", &["label"])?;
    let items: HashMap<&str, u32> = items.iter().map(|item| item.id.as_str()).zip(0..).collect();
    let mut gold = BTreeMap::new();
    table.rows::<GoldAnswersError>(|line, record| {
        let (item, cell) = (record.get(item_at).unwrap_or_default(), record.get(answer_at).unwrap_or_default());
        if cell.is_empty() {
            return Ok(());
        }
        let index = *items.get(item).ok_or_else(|| GoldAnswersError::Item {
            at: FileLine::new(file, line),
            item: item.to_owned(),
        })?;
        let answer = question.parse(cell).ok_or_else(|| GoldAnswersError::Class {
            at: FileLine::new(file, line),
            class: cell.to_owned(),
        })?;
        if gold.insert(index, answer).is_some() {
            return Err(GoldAnswersError::Twice {
                at: FileLine::new(file, line),
                item: item.to_owned(),
            });
        }
        Ok(())
    })?;
    if gold.is_empty() {
        return Err(GoldAnswersError::Nothing(file.to_owned()));
    }
    Ok(gold.into_iter().collect())
}

#[cfg(test)]
pub(crate) mod tests {
    use tacit_protocol::job::JobSpec;

    use super::*;

    /// A spec of two items and two classes, without gold answers.
    pub(crate) fn spec() -> JobSpec {
        JobSpec::from_json(
            br#"{ "name": "n", "question": { "kind": "categorical", "classes": ["no", "yes"] }, "items": [{ "id": "a" }, { "id": "b" }],
                  "answers_per_item": 1, "release": ["agreement"] }"#,
        )
        .unwrap()
    }

    fn read(text: &str) -> Result<Vec<(u32, Answer)>, String> {
        parse("g.csv", text.as_bytes(), &spec().items, &spec().question).map_err(|e| e.to_string())
    }

    #[test]
    fn rows_in_any_order_with_other_columns() {
        assert_eq!(
            read("answer,note,item\nyes,,b\nno,x,a\n"),
            Ok(vec![(0, Answer::Class(0)), (1, Answer::Class(1))])
        );
        assert_eq!(read("task,label\na,\nb,no\n"), Ok(vec![(1, Answer::Class(0))]));
    }

    #[test]
    fn errors_name_file_line_and_field() {
        let says = |text: &str| read(text).unwrap_err();
        assert_eq!(
            says("item,answer\na,no\nc,no\n"),
            "g.csv, line 3: field `item`: the job has no item `c`"
        );
        assert_eq!(
            says("item,answer\na,No\n"),
            "g.csv, line 2: field `answer`: `No` is not a class of the question"
        );
        assert_eq!(
            says("item,answer\na,no\na,no\n"),
            "g.csv, line 3: field `item`: `a` has a gold answer already"
        );
        assert_eq!(
            says("item,answer\na,\n"),
            "g.csv: no gold: the field `answer` is empty in every row"
        );
        assert_eq!(
            says("item\na\n"),
            "g.csv, line 1: no column `answer` (or `label`); the header has `item`"
        );
    }
}
