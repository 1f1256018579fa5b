//! How much a job takes, in all and of one subject. The coordinator and every node refuse the rest before they store anything of it.

use super::{MAX_ELEMENTS, Role, gold};
use crate::job::Job;

/// How many submissions of one subject a job takes at least.
const SUBMISSIONS: u64 = 64;

/// Two more submissions for every so many items: clients split answers into submissions of this size.
pub const USUAL_ANSWERS: usize = 500;

/// What was taken of somebody, or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    /// Submissions.
    pub submissions: u64,
    /// Answers in them.
    pub answers: u64,
}

impl Used {
    /// The same and one more submission of this many answers.
    #[must_use]
    pub fn and(self, answers: u64) -> Self {
        Self {
            submissions: self.submissions.saturating_add(1),
            answers: self.answers.saturating_add(answers),
        }
    }
}

/// Why a job takes no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// The subject has sent as much as one may.
    Subject,
    /// The job has as many answers as it takes.
    Job,
}

/// The most answers that a job takes, gold answers apart: twice those it asks for, plus [`MAX_ELEMENTS`].
pub fn room(job: &Job) -> u64 {
    2 * job.items().len() as u64 * u64::from(job.terms().answers_per_item) + MAX_ELEMENTS as u64
}

/// The most answers of one subject that count against the room: 1/R of it if the job asks for R answers to an item, and at most half.
pub fn share(job: &Job) -> u64 {
    room(job) / u64::from(job.terms().answers_per_item.max(2))
}

/// The most that a job takes of one subject: two answers to every item, in 64 submissions and two for every [`USUAL_ANSWERS`] items.
pub fn of_subject(job: &Job) -> Used {
    let items = job.items().len();
    let usual = USUAL_ANSWERS.min(gold::items_per_part(job));
    Used {
        submissions: SUBMISSIONS + 2 * items.div_ceil(usual) as u64,
        answers: (2 * items as u64).min(share(job)),
    }
}

/// Whether a job takes a submission of this many answers, if it has taken `by_subject` of its subject, and `in_job` answers of contributors.
///
/// # Errors
/// It does not.
pub fn admit(job: &Job, role: Role, answers: u64, by_subject: Used, in_job: u64) -> Result<(), NoRoom> {
    let (most, after) = (of_subject(job), by_subject.and(answers));
    if after.submissions > most.submissions || after.answers > most.answers {
        return Err(NoRoom::Subject);
    }
    // The buyer's gold answers are bounded by the rule above.
    if role == Role::Answers && in_job.saturating_add(answers) > room(job) {
        return Err(NoRoom::Job);
    }
    Ok(())
}

/// Whether one of `nodes` nodes keeps a submission of this many answers of which it learns otherwise than by a delivery: from peers or from a
/// withdrawal. It has `by_subject` of its subject, and `learnt` answers that it has learnt of.
///
/// An honest coordinator takes no more of a subject, and of a job, than [`admit`] does. One that is not can give every node other submissions,
/// and all nodes together as many times more as there are nodes.
///
/// # Errors
/// It does not.
pub fn admit_learnt(job: &Job, nodes: usize, answers: u64, by_subject: Used, learnt: u64) -> Result<(), NoRoom> {
    let nodes = nodes as u64;
    let (most, after) = (of_subject(job), by_subject.and(answers));
    if after.submissions > most.submissions.saturating_mul(nodes) || after.answers > most.answers.saturating_mul(nodes) {
        return Err(NoRoom::Subject);
    }
    if learnt.saturating_add(answers) > room(job).saturating_mul(nodes) {
        return Err(NoRoom::Job);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::buyer_key;
    use crate::job::{Item, JobSpec};
    use crate::question::{Categorical, Release};
    use tacit_mpc_core::digest::Digest;

    fn job(items: usize, answers_per_item: u32) -> Job {
        let spec = JobSpec {
            answers_per_item,
            sensitive: false,
            release: [Release::Agreement].into(),
            ..JobSpec::new("job", Categorical::new(["a", "b"]), (0..items).map(|i| Item::new(i.to_string())))
        };
        let cluster = Digest::of("cluster", &[]);
        Job::sign(&cluster, "job".parse().unwrap(), spec, &buyer_key()).unwrap()
    }

    #[test]
    fn a_subject_answers_every_item_twice_and_no_more() {
        let job = job(40, 3);
        let none = Used::default();
        assert_eq!(admit(&job, Role::Answers, 40, none.and(40), 0), Ok(()));
        assert_eq!(admit(&job, Role::Answers, 1, none.and(40).and(40), 0), Err(NoRoom::Subject));
        assert_eq!(admit(&job, Role::Gold, 1, none.and(40).and(40), 0), Err(NoRoom::Subject));
        let many = (0..66).fold(none, |used, _| used.and(1));
        assert_eq!(many.submissions, of_subject(&job).submissions);
        assert_eq!(admit(&job, Role::Answers, 1, many, 0), Err(NoRoom::Subject));
        assert_eq!(admit(&job, Role::Answers, u64::MAX, none, 0), Err(NoRoom::Subject));
    }

    #[test]
    fn a_job_takes_twice_what_it_asks_for_and_gold_besides() {
        let job = job(40, 3);
        let room = room(&job);
        assert_eq!(room, 240 + MAX_ELEMENTS as u64);
        assert_eq!(admit(&job, Role::Answers, 40, Used::default(), room - 40), Ok(()));
        assert_eq!(admit(&job, Role::Answers, 40, Used::default(), room - 39), Err(NoRoom::Job));
        assert_eq!(admit(&job, Role::Gold, 40, Used::default(), room), Ok(()));
    }

    #[test]
    fn what_is_learnt_fits_once_for_every_node() {
        let job = job(40, 3);
        let used = (0..5).fold(Used::default(), |used, _| used.and(40));
        assert_eq!(admit_learnt(&job, 3, 40, used, 0), Ok(()));
        assert_eq!(admit_learnt(&job, 3, 41, used, 0), Err(NoRoom::Subject));
        let many = (0..3 * 66).fold(Used::default(), |used, _| used.and(0));
        assert_eq!(admit_learnt(&job, 3, 1, many, 0), Err(NoRoom::Subject));
        assert_eq!(admit_learnt(&job, 3, 40, Used::default(), 3 * room(&job) - 40), Ok(()));
        assert_eq!(admit_learnt(&job, 3, 40, Used::default(), 3 * room(&job) - 39), Err(NoRoom::Job));
    }

    #[test]
    fn usual_submissions_of_all_items_fit_twice() {
        let job = job(100_000, 1);
        let most = of_subject(&job);
        assert!(most.submissions >= 2 * 100_000 / USUAL_ANSWERS as u64);
        // With one answer to an item, half of the room is less than twice the items.
        assert_eq!(most.answers, share(&job));
    }
}
