//! Runs: neighbouring rows that are treated alike.

use std::ops::Range;

use tacit_mpc_core::field::Fp61;
use tacit_protocol::accepted::CountedSubmission;

use super::CHUNK_ROWS;

/// Counted answers of one submission that stand in consecutive rows and whose items have equally many answers.
pub(crate) struct RowRun<'a> {
    /// Index of the contributor in the public facts.
    pub contributor: u32,
    /// The answered items, one for each row.
    pub items: &'a [u32],
    /// The items of the rows after this run, to be fetched into cache meanwhile.
    pub upcoming: &'a [u32],
    /// Which rows of the submission these are.
    pub rows: Range<usize>,
    /// How many counted answers each of the items has.
    pub redundancy: u32,
}

impl RowRun<'_> {
    /// The run's rows of `width` elements in one component of its submission.
    pub(crate) fn of<'v>(&self, values: &'v [Fp61], width: usize) -> &'v [Fp61] {
        &values[self.rows.start * width..self.rows.end * width]
    }
}

/// Splits the counted answers of a submission into runs of at most [`CHUNK_ROWS`] rows. `redundancy` says how many answers an
/// item has.
pub(crate) fn row_runs<'a>(counted: CountedSubmission<'a>, redundancy: impl Fn(u32) -> u32, mut take: impl FnMut(RowRun<'a>)) {
    let row = |index: usize| counted.rows().map_or(index, |rows| rows[index] as usize);
    let mut from = 0;
    while from < counted.items.len() {
        let (first, answers) = (row(from), redundancy(counted.items[from]));
        let longest = CHUNK_ROWS.min(counted.items.len() - from);
        let continues = |len: &usize| row(from + len) == first + len && redundancy(counted.items[from + len]) == answers;
        let len = (1..longest).take_while(continues).count() + 1;
        take(RowRun {
            contributor: counted.contributor,
            items: &counted.items[from..from + len],
            upcoming: &counted.items[from + len..],
            rows: first..first + len,
            redundancy: answers,
        });
        from += len;
    }
}

/// Ranges of neighbours among `0..len` that have the same value of a public map, each with that value; at most
/// [`CHUNK_ROWS`] long.
pub(crate) fn equal_runs<T: PartialEq>(len: usize, of: impl Fn(usize) -> T) -> impl Iterator<Item = (Range<usize>, T)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = (from < len).then(|| of(from))?;
        let longest = CHUNK_ROWS.min(len - from);
        let run = (1..longest).take_while(|next| of(from + next) == first).count() + 1;
        from += run;
        Some((from - run..from, first))
    })
}
