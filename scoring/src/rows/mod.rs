//! Rows of field elements: those of answers, and those of tables with one row for each item.
//!
//! A row has as many elements as the question encodes an answer in: its width. Rows are worked on a chunk at a time: what is
//! read row by row is put side by side, so that the fields' bulk operations see long vectors in cache.

pub(crate) mod answer_products;
mod answers;
mod gathered;
mod runs;
mod sums;
mod tally;

pub use answers::Answers;
pub use tally::{Tally, tally};

pub(crate) use answer_products::{AnswerProducts, Weight};
pub(crate) use answers::rows_of;
pub(crate) use gathered::GatheredRows;
pub(crate) use runs::{RowRun, equal_runs, row_runs};
pub(crate) use sums::{RowSums, RowTotal, segment_sums};
pub(crate) use tally::Totals;

/// Rows that are worked on at a time.
const CHUNK_ROWS: usize = 128;
