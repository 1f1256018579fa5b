//! Rows of answers and of tables, a piece at a time: what is read row by row is put side by side, so that the fields'
//! bulk operations see long vectors in cache.

use std::ops::Range;

use zeroize::Zeroizing;

use tacit_mpc_core::field::{Field, Fp61, rows};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::CountedSubmission;

/// Rows that are worked on at a time.
const PIECE: usize = 128;

/// Rows that are summed side by side, a power of two: a multiple of what a vector of the machine's holds, so that there is
/// no tail whatever the classes.
const GROUP: usize = 8;

/// Answers of one submission that stand in rows one after the other and weigh the same.
pub(super) struct Run<'a> {
    pub contributor: u32,
    /// The items they answer.
    pub items: &'a [u32],
    /// Those that the answers after them answer.
    pub next: &'a [u32],
    /// The rows they stand in.
    pub rows: Range<usize>,
    /// What each of them weighs.
    pub weight: Fp61,
}

/// Cuts the answers of a submission that count into runs of at most as many as are worked on at a time.
pub(super) fn runs<'a>(counted: CountedSubmission<'a>, mut weight: impl FnMut(u32) -> Fp61, mut take: impl FnMut(Run<'a>)) {
    let row = |place: usize| counted.rows().map_or(place, |rows| rows[place] as usize);
    let mut from = 0;
    while from < counted.items.len() {
        let (first, weighs) = (row(from), weight(counted.items[from]));
        let longest = PIECE.min(counted.items.len() - from);
        let mut goes_on = |len: &usize| row(from + len) == first + len && weight(counted.items[from + len]) == weighs;
        let len = (1..longest).take_while(|len| goes_on(len)).count() + 1;
        take(Run {
            contributor: counted.contributor,
            items: &counted.items[from..from + len],
            next: &counted.items[from + len..],
            rows: first..first + len,
            weight: weighs,
        });
        from += len;
    }
}

/// Sums of rows at places: of items, or of contributors.
pub(super) struct RowSums {
    classes: usize,
    sums: Shared<Fp61>,
    room: Zeroizing<Vec<Fp61>>,
}

impl RowSums {
    /// Zeros for so many places.
    pub fn new(party: &Party, places: usize, classes: usize) -> Self {
        Self {
            classes,
            sums: Shared::zeros(party, places * classes),
            room: Zeroizing::new(vec![Fp61::ZERO; PIECE * classes]),
        }
    }

    /// The rows of a table, each times a public factor by how many answers its item has.
    pub fn scaled(party: &Party, table: &Shared<Fp61>, classes: usize, redundancy: &[u32], factor: impl Fn(u32) -> Fp61) -> Self {
        let mut room = Zeroizing::new(vec![Fp61::ZERO; PIECE * classes]);
        let sums = Shared::generate(party, |position| {
            let values = &table.components()[position];
            let mut scaled = Vec::with_capacity(values.len());
            for (rows, answers) in equal_runs(redundancy.len(), |item| redundancy[item]) {
                let values = &values[rows.start * classes..rows.end * classes];
                let room = &mut room[..values.len()];
                Fp61::combine(&[values], &[factor(answers)], room);
                scaled.extend_from_slice(room);
            }
            scaled
        });
        Self { classes, sums, room }
    }

    /// Adds the rows of a run, times a public factor, to those of its items.
    pub fn spread(&mut self, run: &Run<'_>, of_submission: &[&[Fp61]], factor: Fp61) {
        let classes = self.classes;
        for (position, values) in of_submission.iter().enumerate() {
            let mut values = &values[run.rows.start * classes..run.rows.end * classes];
            if factor != Fp61::ONE {
                let scaled = &mut self.room[..values.len()];
                Fp61::combine(&[values], &[factor], scaled);
                values = scaled;
            }
            rows::add_at(self.sums.component_mut(position), classes, run.items, values, run.next);
        }
    }

    /// Adds a row, times a public factor, to the one at a place.
    pub fn add(&mut self, place: u32, position: usize, row: &[Fp61], factor: Fp61) {
        let of_place = place as usize * self.classes..(place as usize + 1) * self.classes;
        let to = &mut self.sums.component_mut(position)[of_place];
        to.iter_mut().zip(row).for_each(|(to, value)| *to += factor * *value);
    }

    /// What they came to.
    pub fn into_shared(self) -> Shared<Fp61> {
        self.sums
    }
}

/// Neighbours with the same value of a public map, at most as many as are worked on at a time.
pub(super) fn equal_runs<T: PartialEq>(len: usize, of: impl Fn(usize) -> T) -> impl Iterator<Item = (Range<usize>, T)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let first = (from < len).then(|| of(from))?;
        let longest = PIECE.min(len - from);
        let run = (1..longest).take_while(|next| of(from + next) == first).count() + 1;
        from += run;
        Some((from - run..from, first))
    })
}

/// Where many rows are summed into one.
pub(super) struct RowSum {
    classes: usize,
    room: Zeroizing<Vec<Fp61>>,
}

impl RowSum {
    /// For rows of so many elements.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            room: Zeroizing::new(vec![Fp61::ZERO; GROUP * classes]),
        }
    }

    /// The sum of these rows.
    pub fn of(&mut self, rows: &[Fp61]) -> &[Fp61] {
        let classes = self.classes;
        self.room.fill(Fp61::ZERO);
        let groups = rows.chunks(GROUP * classes);
        groups.for_each(|group| Fp61::add_vector(&mut self.room[..group.len()], group));
        let mut count = GROUP;
        while count > 1 {
            count /= 2;
            let (sums, others) = self.room[..2 * count * classes].split_at_mut(count * classes);
            Fp61::add_vector(sums, others);
        }
        &self.room[..classes]
    }
}

/// Rows of a table side by side, and this node's part of their products with other rows.
pub(super) struct Gathered {
    classes: usize,
    /// One vector for each component.
    components: Vec<Zeroizing<Vec<Fp61>>>,
    partners: Zeroizing<Vec<Fp61>>,
    rows: usize,
}

impl Gathered {
    /// Room for a piece.
    pub fn new(party: &Party, classes: usize) -> Self {
        let room = || Zeroizing::new(vec![Fp61::ZERO; PIECE * classes]);
        Self {
            classes,
            components: party.held().iter().map(|_| room()).collect(),
            partners: room(),
            rows: 0,
        }
    }

    /// Takes the rows of these items; those of the next ones are taken later.
    pub fn take(&mut self, table: &Shared<Fp61>, items: &[u32], next: &[u32]) {
        self.rows = items.len();
        for (gathered, values) in self.components.iter_mut().zip(table.components()) {
            rows::copy_from(values, self.classes, items, &mut gathered[..items.len() * self.classes], next);
        }
    }

    /// A component of the rows that were taken.
    pub fn component(&self, position: usize) -> &[Fp61] {
        &self.components[position][..self.rows * self.classes]
    }

    /// This node's part of the inner product of other rows, these of all, with those that were taken.
    pub fn product(&mut self, party: &Party, rows: &[&[Fp61]], these: &Range<usize>) -> Fp61 {
        let len = self.rows * self.classes;
        let these = these.start * self.classes..these.end * self.classes;
        let mut total = Fp61::ZERO;
        for (s, values) in rows.iter().enumerate() {
            let Some((first, others)) = party.products_with(s).split_first() else {
                continue;
            };
            let mut partner = &self.components[*first][..len];
            if !others.is_empty() {
                self.partners[..len].copy_from_slice(partner);
                for t in others {
                    Fp61::add_vector(&mut self.partners[..len], &self.components[*t][..len]);
                }
                partner = &self.partners[..len];
            }
            total += Fp61::inner_product(&values[these.clone()], partner);
        }
        total
    }
}
