//! This node's components of all answers, expanded where they are looked at.
//!
//! A million items with five answers of ten classes are 400 MB for each component, but seeds and one component
//! in full take a sixth of that at N = 3. To expand a seed again is faster than to read from memory what it
//! expands to, and memory that is never taken never has to be wiped.

use zeroize::Zeroizing;

use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::{Party, Shared};
use tacit_protocol::accepted::{AcceptedSet, CountedSubmission};
use tacit_protocol::submission::OpenedSubmission;

/// The opened submissions that are scored: one row of as many elements as there are classes for each answer.
#[derive(Debug)]
pub struct Answers {
    classes: usize,
    /// How many components this node holds.
    components: usize,
    /// Which entry of the list each one is, ascending.
    submissions: Vec<(usize, OpenedSubmission)>,
}

impl Answers {
    /// The submissions of these entries of the list, ascending.
    ///
    /// # Panics
    /// Unless every submission holds whole rows.
    pub fn new(party: &Party, classes: usize, submissions: Vec<(usize, OpenedSubmission)>) -> Self {
        let whole = |(_, opened): &(usize, OpenedSubmission)| opened.elements().is_multiple_of(classes);
        assert!(submissions.iter().all(whole), "an answer has an element for each class");
        Self {
            classes,
            components: party.held().len(),
            submissions,
        }
    }

    /// How many classes there are: the elements of a row.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }

    /// Where the rows of each submission end.
    pub(super) fn ends(&self) -> Vec<usize> {
        let ends = self.submissions.iter().scan(0, |end, (_, opened)| {
            *end += opened.elements() / self.classes;
            Some(*end)
        });
        ends.collect()
    }

    /// The entry of the list that a submission is.
    pub(super) fn entry(&self, submission: usize) -> usize {
        self.submissions[submission].0
    }

    /// Shows every submission's rows, one component after the other; they are wiped afterwards.
    pub(super) fn each(&self, mut show: impl FnMut(usize, &[&[Fp61]])) {
        let mut room = Room::new(self);
        for (submission, (_, opened)) in self.submissions.iter().enumerate() {
            show(submission, &room.expand(opened));
        }
    }

    /// The same for those of which an answer counts.
    pub(super) fn each_counted(&self, crowd: &AcceptedSet, mut show: impl FnMut(CountedSubmission<'_>, &[&[Fp61]])) {
        let mut room = Room::new(self);
        let mut counted = crowd.submissions().peekable();
        for (entry, opened) in &self.submissions {
            if let Some(counted) = counted.next_if(|counted| counted.submission as usize == *entry) {
                show(counted, &room.expand(opened));
            }
        }
        assert!(counted.next().is_none(), "every submission of which an answer counts was opened");
    }
}

/// Where the components of one submission are expanded.
struct Room(Vec<Zeroizing<Vec<Fp61>>>);

impl Room {
    fn new(answers: &Answers) -> Self {
        let longest = answers.submissions.iter().map(|(_, opened)| opened.elements()).max().unwrap_or(0);
        Self(vec![Zeroizing::new(vec![Fp61::ZERO; longest]); answers.components])
    }

    fn expand<'r>(&'r mut self, opened: &'r OpenedSubmission) -> Vec<&'r [Fp61]> {
        let positions = self.0.iter_mut().enumerate();
        positions.map(|(position, room)| opened.component(position, room)).collect()
    }
}

/// The components of a vector, as those of answers are shown.
pub(super) fn rows_of(rows: &Shared<Fp61>) -> Vec<&[Fp61]> {
    rows.components().iter().map(Vec::as_slice).collect()
}
