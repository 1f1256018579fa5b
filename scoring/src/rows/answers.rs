//! The answers of a job at one node, in the form they were sent in.
//!
//! A million items with five answers of ten classes are 400 MB for each component, but seeds and one component in full take a
//! sixth of that at N = 3. Expanding a seed again is faster than reading from memory what it expands to, and memory that is
//! never taken never has to be wiped.

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, CountedSubmission};
use tacit_protocol::submission::OpenedSubmission;
use zeroize::Zeroizing;

/// The opened submissions that are scored: one row of `width` elements for each answer.
#[derive(Debug)]
pub struct Answers {
    width: usize,
    /// How many components this node holds.
    components: usize,
    /// The index of each submission in the list, ascending, and its components.
    submissions: Vec<(usize, OpenedSubmission)>,
}

impl Answers {
    /// The submissions with these indices in the list, ascending.
    ///
    /// # Panics
    /// A submission does not consist of whole rows.
    pub fn new(party: &Party, width: usize, submissions: Vec<(usize, OpenedSubmission)>) -> Self {
        let whole = |(_, opened): &(usize, OpenedSubmission)| opened.elements().is_multiple_of(width);
        assert!(submissions.iter().all(whole), "a submission consists of whole rows");
        Self {
            width,
            components: party.held().len(),
            submissions,
        }
    }

    /// Elements of a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// Where the rows of each submission end, counting the rows of all of them.
    pub(crate) fn ends(&self) -> Vec<usize> {
        let ends = self.submissions.iter().scan(0, |end, (_, opened)| {
            *end += opened.elements() / self.width;
            Some(*end)
        });
        ends.collect()
    }

    /// The index in the list of the submission with this number here.
    pub(crate) fn entry(&self, submission: usize) -> usize {
        self.submissions[submission].0
    }

    /// Shows every submission's rows, one vector for each component. They are wiped afterwards.
    pub(crate) fn for_each(&self, mut show: impl FnMut(usize, &[&[Fp61]])) {
        let mut expansion = Expansion::new(self);
        for (submission, (_, opened)) in self.submissions.iter().enumerate() {
            show(submission, &expansion.expand(opened));
        }
    }

    /// Shows the rows of every submission of which an answer counts, as [`Self::for_each`].
    pub(crate) fn for_each_counted(&self, accepted: &AcceptedSet, mut show: impl FnMut(CountedSubmission<'_>, &[&[Fp61]])) {
        let mut expansion = Expansion::new(self);
        let mut counted = accepted.submissions().peekable();
        for (entry, opened) in &self.submissions {
            if let Some(counted) = counted.next_if(|counted| counted.submission as usize == *entry) {
                show(counted, &expansion.expand(opened));
            }
        }
        assert!(counted.next().is_none(), "every submission of which an answer counts was opened");
    }
}

/// Memory in which the components of one submission are expanded, wiped when it is dropped.
struct Expansion(Vec<Zeroizing<Vec<Fp61>>>);

impl Expansion {
    fn new(answers: &Answers) -> Self {
        let longest = answers.submissions.iter().map(|(_, opened)| opened.elements()).max().unwrap_or(0);
        Self(vec![Zeroizing::new(vec![Fp61::ZERO; longest]); answers.components])
    }

    fn expand<'r>(&'r mut self, opened: &'r OpenedSubmission) -> Vec<&'r [Fp61]> {
        let positions = self.0.iter_mut().enumerate();
        positions.map(|(position, memory)| opened.component(position, memory)).collect()
    }
}

/// The components of a shared vector, in the form in which [`Answers`] shows rows.
pub(crate) fn rows_of(rows: &Shared<Fp61>) -> Vec<&[Fp61]> {
    rows.components().iter().map(Vec::as_slice).collect()
}
