//! What of a file of answers is new: an item that has an answer in the job gets no second one, whichever file it comes from.

use std::collections::{BTreeMap, HashMap, HashSet};

use tacit_mpc_core::digest::Digest;
use tacit_protocol::question::Answer;
use tacit_protocol::submission::SubmissionId;

use crate::answers::Row;
use crate::state::{AnswerHasher, State, StateError};

/// A submission that was made here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeSubmission {
    /// Its index in the folder.
    pub index: usize,
    /// Its id.
    pub id: SubmissionId,
    /// The items that it answers.
    pub items: Vec<u32>,
    /// The hashes of its answers, in their order.
    pub digests: Vec<Digest>,
    /// Whether it was taken back, or is to be.
    pub is_taken_back: bool,
}

impl MadeSubmission {
    /// Those of a folder, without the ones in whose place there are others.
    ///
    /// # Errors
    /// A file is not what was written.
    pub fn all(state: &State) -> Result<Vec<Self>, StateError> {
        let mut all = Vec::new();
        for index in state.plan().all() {
            let Some(submission) = state.submission(index)? else { continue };
            if state.plan().replacements(index).any(|newer| state.submission_path(newer).exists()) {
                continue;
            }
            let (statement, digests) = (submission.header.value.statement, state.answer_digests(index)?);
            if statement.items.len() != digests.len() {
                return Err(StateError::Damaged(state.submission_path(index)));
            }
            all.push(Self {
                index,
                id: statement.id,
                items: statement.items,
                digests,
                is_taken_back: state.is_taken_back(index)?,
            });
        }
        Ok(all)
    }
}

/// The rows of a file that answer items of a submission which is in the job: places among the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SentRows {
    /// Those with the answers that were sent.
    pub same: Vec<usize>,
    /// Those with other answers.
    pub changed: Vec<usize>,
}

/// The rows of a file, by what becomes of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SortedRows {
    /// Those to be sent: places among the rows, in their order.
    pub new: Vec<usize>,
    /// Those whose items are answered by a submission that was made here, by its index.
    pub sent: BTreeMap<usize, SentRows>,
    /// How many were taken back and have not changed since.
    pub taken_back: usize,
    /// How many are of items that the key has answered elsewhere.
    pub elsewhere: usize,
}

/// Sorts the rows of a file in which each item stands once.
///
/// `elsewhere` are the items that the key has answered in submissions that were not made here. What was taken back is sent again if an
/// answer of the same submission has changed, if nothing else is in the job, or if `send_withdrawn` asks for it.
pub fn sort(
    rows: &[Row],
    hasher: &AnswerHasher<'_>,
    made: &[MadeSubmission],
    elsewhere: &HashSet<u32>,
    send_withdrawn: bool,
) -> SortedRows {
    // Of several submissions with an item the newest one says what was answered; at most one of them is in the job.
    let mut known: HashMap<u32, (&MadeSubmission, &Digest)> = HashMap::new();
    for submission in made {
        for (item, digest) in submission.items.iter().zip(&submission.digests) {
            if known.get(item).is_none_or(|(earlier, _)| earlier.is_taken_back) {
                known.insert(*item, (submission, digest));
            }
        }
    }
    let (mut sorted, mut taken_back) = (SortedRows::default(), BTreeMap::<usize, SentRows>::new());
    for (place, row) in rows.iter().enumerate() {
        let is_same = |digest: &Digest| hasher.digest(row.item, &row.answer) == *digest;
        let group = match known.get(&row.item) {
            Some((submission, digest)) if !submission.is_taken_back => {
                let rows = sorted.sent.entry(submission.index).or_default();
                if is_same(digest) { &mut rows.same } else { &mut rows.changed }
            }
            _ if elsewhere.contains(&row.item) => {
                sorted.elsewhere += 1;
                continue;
            }
            Some((submission, digest)) => {
                let rows = taken_back.entry(submission.index).or_default();
                if is_same(digest) { &mut rows.same } else { &mut rows.changed }
            }
            None => &mut sorted.new,
        };
        group.push(place);
    }
    let sends_all = send_withdrawn || made.iter().all(|submission| submission.is_taken_back);
    for rows in taken_back.into_values() {
        if sends_all || !rows.changed.is_empty() {
            sorted.new.extend(rows.same.into_iter().chain(rows.changed));
        } else {
            sorted.taken_back += rows.same.len();
        }
    }
    sorted.new.sort_unstable();
    sorted
}

/// The answers of rows, as a submission takes them.
pub fn answers_of(rows: &[Row], places: &[usize]) -> Vec<(u32, Answer)> {
    let rows = places.iter().filter_map(|place| rows.get(*place));
    rows.map(|row| (row.item, row.answer.clone())).collect()
}

#[cfg(test)]
mod tests {
    use tacit_protocol::fixtures::job;
    use tacit_protocol::identity::SecretKey;
    use tacit_protocol::job::PayRule;

    use super::*;

    /// Items and classes.
    type Pairs<'a> = &'a [(u32, u32)];

    fn rows(answers: Pairs<'_>) -> Vec<Row> {
        let row = |(line, (item, class)): (u64, &(u32, u32))| Row {
            item: *item,
            contributor: 0,
            answer: Answer::Class(*class),
            line,
        };
        (2..).zip(answers).map(row).collect()
    }

    /// What becomes of rows after submissions of these answers, of which the marked ones were taken back.
    fn sorted(answers: Pairs<'_>, made: &[(Pairs<'_>, bool)], elsewhere: &[u32], send_withdrawn: bool) -> SortedRows {
        let (key, job) = (SecretKey::from_bytes(&[1; 32]), job(9, 3, 5, PayRule::Flat));
        let hasher = AnswerHasher::new(&key, &job);
        let submission = |(index, (answers, is_taken_back)): (usize, &(Pairs<'_>, bool))| MadeSubmission {
            index,
            id: SubmissionId::from_bytes([index as u8; 16]),
            items: answers.iter().map(|(item, _)| *item).collect(),
            digests: answers
                .iter()
                .map(|(item, class)| hasher.digest(*item, &Answer::Class(*class)))
                .collect(),
            is_taken_back: *is_taken_back,
        };
        let made: Vec<_> = made.iter().enumerate().map(submission).collect();
        sort(&rows(answers), &hasher, &made, &elsewhere.iter().copied().collect(), send_withdrawn)
    }

    fn sent(same: &[usize], changed: &[usize]) -> SentRows {
        SentRows {
            same: same.to_vec(),
            changed: changed.to_vec(),
        }
    }

    #[test]
    fn a_later_sitting_adds_what_is_new_and_finds_what_has_changed() {
        let first: Pairs<'_> = &[(0, 1), (1, 0)];
        let found = sorted(&[(2, 1), (1, 2), (0, 1), (3, 0)], &[(first, false)], &[3], false);
        let due = SortedRows {
            new: vec![0],
            sent: [(0, sent(&[2], &[1]))].into(),
            taken_back: 0,
            elsewhere: 1,
        };
        assert_eq!(found, due);
        assert_eq!(sorted(&[(2, 1), (0, 0)], &[], &[], false).new, [0, 1]);
    }

    #[test]
    fn what_was_taken_back_is_sent_again_if_it_has_changed_or_nothing_else_is_in_the_job() {
        let (back, stays): (Pairs<'_>, Pairs<'_>) = (&[(0, 1), (1, 0)], &[(2, 0)]);
        let file = [(0, 1), (1, 0), (2, 0)];
        let unchanged = sorted(&file, &[(back, true), (stays, false)], &[], false);
        assert_eq!((unchanged.new.as_slice(), unchanged.taken_back), (&[][..], 2));
        assert_eq!(unchanged.sent, [(1, sent(&[2], &[]))].into());
        assert_eq!(sorted(&file, &[(back, true), (stays, false)], &[], true).new, [0, 1]);
        // The whole submission was taken back for the one answer that was wrong.
        let corrected = sorted(&[(0, 1), (1, 2), (2, 0)], &[(back, true), (stays, false)], &[], false);
        assert_eq!((corrected.new.as_slice(), corrected.taken_back), (&[0, 1][..], 0));
        assert_eq!(sorted(&file, &[(back, true), (stays, true)], &[], false).new, [0, 1, 2]);
        // Once the corrected answers are sent, they are what was sent.
        let again: Pairs<'_> = &[(0, 1), (1, 2)];
        let file = [(0, 1), (1, 2), (2, 0)];
        let found = sorted(&file, &[(back, true), (stays, false), (again, false)], &[], false);
        assert_eq!((found.new.as_slice(), found.taken_back), (&[][..], 0));
        assert_eq!(found.sent, [(1, sent(&[2], &[])), (2, sent(&[0, 1], &[]))].into());
        // Another machine has answered it meanwhile.
        assert_eq!(sorted(&file, &[(back, true)], &[1], false).new, [0, 2]);
    }
}
