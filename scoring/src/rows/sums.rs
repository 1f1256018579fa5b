//! Sums of rows.

use tacit_mpc_core::field::{Field, Fp61, rows};
use tacit_mpc_core::sharing::{Party, Shared};
use zeroize::Zeroizing;

use super::CHUNK_ROWS;
use super::runs::{RowRun, equal_runs};

/// Rows that are added side by side, a power of two: a multiple of what a vector register holds, so that no elements remain
/// whatever the width.
const GROUP: usize = 8;

/// One row for each item, or for each contributor, to which others are added.
pub(crate) struct RowSums {
    width: usize,
    sums: Shared<Fp61>,
    scratch: Zeroizing<Vec<Fp61>>,
}

impl RowSums {
    /// `count` rows of zeros.
    pub(crate) fn new(party: &Party, count: usize, width: usize) -> Self {
        Self {
            width,
            sums: Shared::zeros(party, count * width),
            scratch: Zeroizing::new(vec![Fp61::ZERO; CHUNK_ROWS * width]),
        }
    }

    /// The rows of a table with one row for each item, each times a public factor by how many answers its item has.
    pub(crate) fn scaled(party: &Party, table: &Shared<Fp61>, width: usize, redundancy: &[u32], factor: impl Fn(u32) -> Fp61) -> Self {
        let mut scratch = Zeroizing::new(vec![Fp61::ZERO; CHUNK_ROWS * width]);
        let sums = Shared::generate(party, |position| {
            let values = &table.components()[position];
            let mut scaled = Vec::with_capacity(values.len());
            for (rows, answers) in equal_runs(redundancy.len(), |item| redundancy[item]) {
                let values = &values[rows.start * width..rows.end * width];
                let scratch = &mut scratch[..values.len()];
                Fp61::combine(&[values], &[factor(answers)], scratch);
                scaled.extend_from_slice(scratch);
            }
            scaled
        });
        Self { width, sums, scratch }
    }

    /// Adds the rows of a run, times a public factor, each to the row of its item. `submission` has one vector for each
    /// component.
    pub(crate) fn add_run(&mut self, run: &RowRun<'_>, submission: &[&[Fp61]], factor: Fp61) {
        for (position, values) in submission.iter().enumerate() {
            let mut values = run.of(values, self.width);
            if factor != Fp61::ONE {
                let scaled = &mut self.scratch[..values.len()];
                Fp61::combine(&[values], &[factor], scaled);
                values = scaled;
            }
            rows::add_at(self.sums.component_mut(position), self.width, run.items, values, run.upcoming);
        }
    }

    /// Adds one component of a row, times a public factor, to the row at `index`.
    pub(crate) fn add_row(&mut self, index: u32, position: usize, row: &[Fp61], factor: Fp61) {
        let range = index as usize * self.width..(index as usize + 1) * self.width;
        let sum = &mut self.sums.component_mut(position)[range];
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += factor * *value);
    }

    /// The sums, row after row.
    pub(crate) fn into_shared(self) -> Shared<Fp61> {
        self.sums
    }
}

/// Adds many rows up to one.
pub(crate) struct RowTotal {
    width: usize,
    scratch: Zeroizing<Vec<Fp61>>,
}

impl RowTotal {
    /// For rows of `width` elements.
    pub(crate) fn new(width: usize) -> Self {
        Self {
            width,
            scratch: Zeroizing::new(vec![Fp61::ZERO; GROUP * width]),
        }
    }

    /// The sum of these rows, which stand one after the other.
    pub(crate) fn of(&mut self, rows: &[Fp61]) -> &[Fp61] {
        let width = self.width;
        self.scratch.fill(Fp61::ZERO);
        let groups = rows.chunks(GROUP * width);
        groups.for_each(|group| Fp61::add_vector(&mut self.scratch[..group.len()], group));
        let mut count = GROUP;
        while count > 1 {
            count /= 2;
            let (sums, others) = self.scratch[..2 * count * width].split_at_mut(count * width);
            Fp61::add_vector(sums, others);
        }
        &self.scratch[..width]
    }
}

/// The sum of each segment of a vector, given where the segments end.
pub(crate) fn segment_sums(values: &[Fp61], ends: &[usize]) -> Vec<Fp61> {
    let mut start = 0;
    let segments = ends.iter().map(|end| &values[std::mem::replace(&mut start, *end)..*end]);
    segments
        .map(|values| values.iter().fold(Fp61::ZERO, |sum, value| sum + *value))
        .collect()
}
