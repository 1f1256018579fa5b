//! One-hot rows: every row has a 1 for one class and zeros elsewhere, or, of gold, zeros only.
//!
//! A row x is multiplied by itself once, however many classes there are. With random public r and s,
//!
//! ```text
//! f(x) = <r, x>² - Σ_k r_k² x_k + s·(Σ_k x_k - 1)
//! ```
//!
//! is a polynomial in r and s whose coefficients are `2 x_k x_l`, `x_k² - x_k` and `Σ_k x_k - 1`: all of them are 0 for a row with
//! one 1 and zeros, and for no other. For other rows f(x) is 0 with probability 2/p. Without the last part it is 0 for rows of
//! zeros, too. (Schwartz, [JACM 1980](https://doi.org/10.1145/322217.322225); sums of squares as sketches of unit vectors: Boneh,
//! Boyle, Corrigan-Gibbs, Gilboa, Ishai, [S&P 2021](https://eprint.iacr.org/2021/017).)

use std::collections::BTreeSet;
use std::ops::Range;

use tacit_mpc_core::field::{self, Field, Fp61, uniform};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::session::{Product, Session, SessionError};
use tacit_mpc_core::sharing::{Party, Shared};
use zeroize::Zeroizing;

use super::Combination;
use crate::rows::segment_sums;

/// Elements that are worked on at a time.
const CHUNK_ELEMENTS: usize = 512;

/// Whether a row of zeros is valid beside the one-hot rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zeros {
    Valid,
    Invalid,
}

/// `Σ ρ·f(x)` while it is added up over all rows, for r, s and ρ that a coin decides.
pub(super) struct Sketch {
    /// The elements r_k, `width` of them.
    at: Vec<Fp61>,
    /// `r_k² - s` for each k.
    linear_at: Vec<Fp61>,
    /// s; 0 if a row may be all zeros.
    sum: Fp61,
    /// The random weight ρ of each row.
    weights: Vec<Fp61>,
    /// `<r, x>` for each row, of each component.
    values: Vec<Zeroizing<Vec<Fp61>>>,
    /// `<r, x>` and `Σ_k (r_k² - s) x_k` for each row of the submission that is added, for one component at a time.
    of_rows: [Zeroizing<Vec<Fp61>>; 2],
    /// For each submission that was added, the number of rows so far.
    ends: Vec<usize>,
    /// `Σ ρ·(Σ_k (r_k² - s) x_k + s)` for each submission.
    linear: Vec<Zeroizing<Vec<Fp61>>>,
}

impl Sketch {
    /// For rows of `width` elements; `ends` says where the rows of each submission end. Two rounds.
    ///
    /// # Errors
    /// A round failed.
    pub(super) fn new<N: Network>(session: &mut Session<N>, width: usize, ends: &[usize], zeros: Zeros) -> Result<Self, SessionError> {
        let rows = ends.last().copied().unwrap_or(0);
        let longest = ends.iter().scan(0, |start, end| Some(end - std::mem::replace(start, *end))).max();
        let coin = session.coin()?;
        let (mut drawn, mut weights) = (vec![Fp61::ZERO; width + 1], vec![Fp61::ZERO; rows]);
        uniform::fill(&coin, 0, &mut drawn);
        uniform::fill(&coin, 1, &mut weights);
        let sum = drawn.pop().filter(|_| zeros == Zeros::Invalid).unwrap_or(Fp61::ZERO);
        // With their full capacity from the start: reallocation would leave unwiped copies of shares on the heap.
        let held = session.party().held().len();
        let of_components = |len: usize| (0..held).map(|_| Zeroizing::new(Vec::with_capacity(len))).collect();
        Ok(Self {
            linear_at: drawn.iter().map(|r| *r * *r - sum).collect(),
            at: drawn,
            sum,
            weights,
            values: of_components(rows),
            of_rows: [(); 2].map(|()| Zeroizing::new(vec![Fp61::ZERO; longest.unwrap_or(0)])),
            ends: Vec::new(),
            linear: of_components(ends.len()),
        })
    }
}

impl<N: Network> Combination<N> for Sketch {
    fn leave_out(&mut self, submissions: &BTreeSet<usize>, ends: &[usize]) {
        for submission in submissions {
            let start = submission.checked_sub(1).map_or(0, |before| ends[before]);
            self.weights[start..ends[*submission]].fill(Fp61::ZERO);
        }
    }

    fn add(&mut self, rows: &[&[Fp61]]) {
        let width = self.at.len();
        let start = self.ends.last().copied().unwrap_or(0);
        let end = start + rows.first().map_or(0, |rows| rows.len() / width);
        let weights = &self.weights[start..end];
        let [values, linear] = self.of_rows.each_mut().map(|scratch| &mut scratch[..end - start]);
        for (position, rows) in rows.iter().enumerate() {
            field::rows::products(rows, [&self.at, &self.linear_at], [values, linear]);
            self.values[position].extend_from_slice(values);
            self.linear[position].push(Fp61::inner_product(linear, weights));
        }
        self.ends.push(end);
    }

    fn open(self: Box<Self>, session: &mut Session<N>, groups: &[usize]) -> Result<Vec<Fp61>, SessionError> {
        let Self {
            sum,
            weights,
            mut values,
            ends,
            linear,
            ..
        } = *self;
        let party = session.party().clone();
        let values = Shared::generate(&party, |position| std::mem::take(&mut *values[position]));
        let ends: Vec<usize> = groups
            .iter()
            .map(|group| group.checked_sub(1).map_or(0, |last| ends[last]))
            .collect();
        let of_ones: Vec<Fp61> = segment_sums(&weights, &ends).into_iter().map(|weights| sum * weights).collect();
        let linear = Shared::generate(&party, |position| segment_sums(&linear[position], groups));
        let squares = session.products(vec![squares(&party, weights, values, ends)])?;
        let squares = squares.into_iter().next().unwrap_or_else(|| Shared::zeros(&party, 0));
        let deviations = squares.sub(&linear).sub(&Shared::public(&party, &of_ones));
        session.open_check(&deviations)
    }
}

/// `Σ ρ·v²` over each segment of rows. Both factors are made of the values when they are needed: to check them.
fn squares(party: &Party, weights: Vec<Fp61>, values: Shared<Fp61>, ends: Vec<usize>) -> Product<Fp61> {
    let mut start = 0;
    let own = ends.iter().map(|end| {
        let rows = std::mem::replace(&mut start, *end)..*end;
        own_square(party, &weights[rows.clone()], &values, rows)
    });
    let own = Zeroizing::new(own.collect());
    Product::Custom {
        own,
        terms: values.len() as u64,
        combine: Box::new(move |of_segments| {
            let mut factors = weights;
            let mut start = 0;
            for (end, of_segment) in ends.iter().zip(of_segments) {
                let rows = &mut factors[std::mem::replace(&mut start, *end)..*end];
                rows.iter_mut().for_each(|factor| *factor = *factor * *of_segment);
            }
            let mut x = values.clone();
            x.components_mut(|values| Fp61::mul_vector(values, &factors));
            (x, values)
        }),
    }
}

/// This node's part of `Σ ρ·v²` over some rows.
fn own_square(party: &Party, weights: &[Fp61], values: &Shared<Fp61>, rows: Range<usize>) -> Fp61 {
    let (mut weighed, mut scratch) = (
        Zeroizing::new(vec![Fp61::ZERO; CHUNK_ELEMENTS]),
        Zeroizing::new(vec![Fp61::ZERO; CHUNK_ELEMENTS]),
    );
    let mut total = Fp61::ZERO;
    for (weights, at) in weights.chunks(CHUNK_ELEMENTS).zip(rows.step_by(CHUNK_ELEMENTS)) {
        let of = |position: usize| &values.components()[position][at..at + weights.len()];
        for s in 0..party.held().len() {
            if let Some(sum) = party.partner_sum(s, of, &mut scratch[..weights.len()]) {
                let weighed = &mut weighed[..weights.len()];
                weighed.copy_from_slice(of(s));
                Fp61::mul_vector(weighed, weights);
                total += Fp61::inner_product(weighed, sum);
            }
        }
    }
    total
}
