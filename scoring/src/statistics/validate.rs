//! Well-formedness without looking: every row has one class, or, of gold, one or none.
//!
//! A row x is multiplied by itself once, whatever number of classes it has. With random public r and s,
//!
//! ```text
//! f(x) = <r, x>² - Σ_k r_k² x_k + s·(Σ_k x_k - 1)
//! ```
//!
//! is a polynomial in r and s whose coefficients are `2 x_k x_l`, `x_k² - x_k` and `Σ_k x_k - 1`: all of them are 0 for a
//! row with one 1 and zeros, and for no other. For other rows it is 0 with probability 2/p. (Schwartz 1980; Boneh,
//! Boyle, Corrigan-Gibbs, Gilboa, Ishai, S&P 2021, for sums of squares as sketches of unit vectors.) Without the
//! last part it is 0 for rows of zeros, too.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use tacit_mpc_core::field::{self, Field, Fp61, uniform};
use tacit_mpc_core::network::Network;
use tacit_mpc_core::probe::Check;
use tacit_mpc_core::session::{Product, Session, SessionError};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::phase::Phase;

use super::answers::Answers;

/// Values that are worked on at a time.
const PIECE: usize = 512;

/// The submissions that are not well-formed: their entries in the list, ascending.
///
/// The accepted set is fixed before, so a contributor's shares cannot depend on the coin. What is opened is
/// `Σ ρ·f(x)` over all rows, with a random weight ρ for each: 0 if they are well-formed, and if not, only with
/// probability 3/p. For every honest contributor it is 0, whatever it answered.
///
/// All is well: one value is opened for the whole job. If not, one for each submission: that finds
/// any number of culprits in one more look, of five rounds, where halving would take many. What is left is then
/// checked as a whole once more, with a fresh coin: so the chance that any malformed row counts is
/// 3/p, however many were sent.
///
/// A node that frames a contributor by a wrong product is found by [`Session::verify`], before anything
/// is released; where that alone could make for another look, all products so far are verified first, so no node
/// can make the others look again and again. `also` sees all rows on the first look, submission by submission, with its entry.
pub fn malformed<N: Network>(
    session: &mut Session<N>,
    answers: &Answers,
    mut also: impl FnMut(usize, &[&[Fp61]]),
) -> Result<Vec<usize>, SessionError> {
    session.enter(Phase::Validate.engine());
    let mut culprits = BTreeSet::new();
    let ends = answers.ends();
    if ends.last().is_none_or(|rows| *rows == 0) {
        return Ok(Vec::new());
    }
    let submissions = ends.len();
    let mut looks = 0u32;
    loop {
        looks += 1;
        let mut sketch = Sketch::new(session, answers.classes(), &ends, true)?;
        sketch.leave_out(&culprits, &ends);
        answers.each(|submission, rows| {
            sketch.look_at(rows);
            if looks == 1 {
                also(answers.entry(submission), rows);
            }
        });
        let all = sketch.deviations(session, &[submissions])?;
        if all == [Fp61::ZERO] || !session.performs(Check::Inputs) {
            break;
        }
        if looks > 1 {
            verify_so_far(session)?;
        }
        let mut sketch = Sketch::new(session, answers.classes(), &ends, true)?;
        sketch.leave_out(&culprits, &ends);
        answers.each(|_, rows| sketch.look_at(rows));
        let each: Vec<usize> = (1..=submissions).collect();
        let deviations = sketch.deviations(session, &each)?;
        let malformed = deviations.iter().enumerate().filter(|(_, deviation)| **deviation != Fp61::ZERO);
        let before = culprits.len();
        culprits.extend(malformed.map(|(submission, _)| submission));
        if culprits.len() == before {
            verify_so_far(session)?;
        }
    }
    Ok(culprits.into_iter().map(|submission| answers.entry(submission)).collect())
}

/// The whole deviates although what made it deviate is left out, or no part of it does: a node lies, but with
/// probability `n·3/p`. It is found here, and what was claimed is let go.
fn verify_so_far<N: Network>(session: &mut Session<N>) -> Result<(), SessionError> {
    session.verify_claims(())?;
    session.enter(Phase::Validate.engine());
    Ok(())
}

/// Whether every row of the buyer's gold answers has one class or none, without looking.
///
/// As with answers, 0 is opened for gold that is well-formed, whatever it is, and for other gold only with
/// probability 3/p. A node that frames the buyer by a wrong product is found by [`Session::verify`]: nothing
/// follows from `false` before that.
pub fn gold_is_well_formed<N: Network>(session: &mut Session<N>, classes: usize, gold: &Shared<Fp61>) -> Result<bool, SessionError> {
    session.enter(Phase::Validate.engine());
    let mut sketch = Sketch::new(session, classes, &[gold.len() / classes], false)?;
    sketch.look_at(&super::answers::rows_of(gold));
    Ok(sketch.deviations(session, &[1])? == [Fp61::ZERO])
}

/// One look at all rows, by one coin.
struct Sketch {
    /// r.
    at: Vec<Fp61>,
    /// `r_k² - s`.
    linear_at: Vec<Fp61>,
    /// s; 0 where a row may be all zeros.
    sum: Fp61,
    /// ρ, one for each row.
    weights: Vec<Fp61>,
    /// `<r, x>` for each row, of each component.
    values: Vec<Zeroizing<Vec<Fp61>>>,
    /// `<r, x>` and `Σ_k (r_k² - s) x_k` for each row of the submission that is looked at, of one component after the
    /// other.
    of_rows: [Zeroizing<Vec<Fp61>>; 2],
    /// How many rows of it are there, after each submission.
    ends: Vec<usize>,
    /// `Σ ρ·(Σ_k (r_k² - s) x_k + s)` for each submission.
    linear: Vec<Zeroizing<Vec<Fp61>>>,
}

impl Sketch {
    fn new<N: Network>(session: &mut Session<N>, classes: usize, ends: &[usize], one_each: bool) -> Result<Self, SessionError> {
        let rows = ends.last().copied().unwrap_or(0);
        let longest = ends.iter().scan(0, |start, end| Some(end - std::mem::replace(start, *end))).max();
        let coin = session.coin()?;
        let (mut drawn, mut weights) = (vec![Fp61::ZERO; classes + 1], vec![Fp61::ZERO; rows]);
        uniform::fill(&coin, 0, &mut drawn);
        uniform::fill(&coin, 1, &mut weights);
        let sum = drawn.pop().filter(|_| one_each).unwrap_or(Fp61::ZERO);
        // Vectors that grow would leave copies behind.
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

    /// Rows of these submissions weigh nothing.
    fn leave_out(&mut self, submissions: &BTreeSet<usize>, ends: &[usize]) {
        for submission in submissions {
            let start = submission.checked_sub(1).map_or(0, |before| ends[before]);
            self.weights[start..ends[*submission]].fill(Fp61::ZERO);
        }
    }

    /// Takes the rows of the submission that follows.
    fn look_at(&mut self, rows: &[&[Fp61]]) {
        let classes = self.at.len();
        let start = self.ends.last().copied().unwrap_or(0);
        let end = start + rows.first().map_or(0, |rows| rows.len() / classes);
        let weights = &self.weights[start..end];
        let [values, linear] = self.of_rows.each_mut().map(|room| &mut room[..end - start]);
        for (position, rows) in rows.iter().enumerate() {
            field::rows::products(rows, [&self.at, &self.linear_at], [values, linear]);
            self.values[position].extend_from_slice(values);
            self.linear[position].push(Fp61::inner_product(linear, weights));
        }
        self.ends.push(end);
    }

    /// `Σ ρ·f(x)` for each group of submissions, opened; `groups` says where each ends.
    fn deviations<N: Network>(self, session: &mut Session<N>, groups: &[usize]) -> Result<Vec<Fp61>, SessionError> {
        let Self {
            sum,
            weights,
            mut values,
            ends,
            linear,
            ..
        } = self;
        let party = session.party().clone();
        let values = Shared::generate(&party, |position| std::mem::take(&mut *values[position]));
        let ends: Vec<usize> = groups
            .iter()
            .map(|group| group.checked_sub(1).map_or(0, |last| ends[last]))
            .collect();
        let of_ones: Vec<Fp61> = sums(&weights, &ends).into_iter().map(|weights| sum * weights).collect();
        let linear = Shared::generate(&party, |position| sums(&linear[position], groups));
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
    Product::Worked {
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
fn own_square(party: &Party, weights: &[Fp61], values: &Shared<Fp61>, rows: std::ops::Range<usize>) -> Fp61 {
    let (mut weighed, mut partners) = (Zeroizing::new(vec![Fp61::ZERO; PIECE]), Zeroizing::new(vec![Fp61::ZERO; PIECE]));
    let mut total = Fp61::ZERO;
    for (weights, at) in weights.chunks(PIECE).zip(rows.step_by(PIECE)) {
        let of = |position: usize| &values.components()[position][at..at + weights.len()];
        for s in 0..party.held().len() {
            if let Some((first, others)) = party.products_with(s).split_first() {
                let (weighed, partners) = (&mut weighed[..weights.len()], &mut partners[..weights.len()]);
                weighed.copy_from_slice(of(s));
                Fp61::mul_vector(weighed, weights);
                partners.copy_from_slice(of(*first));
                others.iter().for_each(|t| Fp61::add_vector(partners, of(*t)));
                total += Fp61::inner_product(weighed, partners);
            }
        }
    }
    total
}

/// Sums over segments.
pub(super) fn sums(values: &[Fp61], ends: &[usize]) -> Vec<Fp61> {
    let mut start = 0;
    let segments = ends.iter().map(|end| &values[std::mem::replace(&mut start, *end)..*end]);
    segments
        .map(|values| values.iter().fold(Fp61::ZERO, |sum, value| sum + *value))
        .collect()
}
