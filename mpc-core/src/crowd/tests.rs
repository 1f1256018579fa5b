//! Who counts, and for what.

use super::{Crowd, CrowdError};
use crate::job::PayRule;
use crate::reject::RejectReason;
use crate::submission::Submission;
use crate::testbed::{job, listed, members, shared};

fn assemble(submissions: &[Submission], verdicts: &[u8], answers_per_item: u32) -> Result<Crowd, CrowdError> {
    let job = job(4, 2, answers_per_item, PayRule::Flat);
    Crowd::assemble(&job, &listed(submissions), verdicts, |i| Some(&submissions[i].header.value))
}

fn submissions(answers: &[(u32, &[(u32, u32)])]) -> Vec<Submission> {
    let (members, job) = (members(3, 1), job(4, 2, 5, PayRule::Flat));
    answers
        .iter()
        .map(|(contributor, answers)| shared(&members, &job, *contributor, answers))
        .collect()
}

#[test]
fn the_first_answer_to_an_item_counts() {
    let all = submissions(&[(2, &[(0, 0), (1, 0)]), (1, &[(0, 1)]), (2, &[(1, 1), (2, 1)])]);
    let crowd = assemble(&all, &[0; 3], 5).unwrap();
    assert_eq!(
        crowd.outcomes(),
        [vec![None, None], vec![None], vec![Some(RejectReason::DuplicateAnswer), None]]
    );
    assert_eq!(crowd.facts().answers, 4);
    assert_eq!(crowd.facts().rejected[&RejectReason::DuplicateAnswer], 1);
    assert_eq!(crowd.redundancy(), [2, 1, 1, 0]);
    // By name, each with what counts of it.
    let counted: Vec<_> = crowd
        .facts()
        .contributors
        .iter()
        .map(|c| (c.contributor.as_str(), c.answers, c.paired))
        .collect();
    assert_eq!(counted, [("c001", 1, 1), ("c002", 3, 1)]);
    assert_eq!(crowd.contributor_ends(), [1, 4]);
}

#[test]
fn items_take_as_many_answers_as_the_job_asks_for() {
    let all = submissions(&[(1, &[(0, 0)]), (2, &[(0, 0), (1, 0)]), (3, &[(0, 1)])]);
    let crowd = assemble(&all, &[0; 3], 2).unwrap();
    assert_eq!(crowd.outcomes()[2], [Some(RejectReason::ItemFull)]);
    assert_eq!(
        crowd.facts().contributors.len(),
        2,
        "who has no counted answer is not part of the crowd"
    );
}

#[test]
fn a_name_stands_for_one_key_and_a_key_for_one_name() {
    let all = submissions(&[(1, &[(0, 0)]), (2, &[(0, 0)])]);
    let mut stolen_name = all[1].clone();
    stolen_name.header.value.statement.contributor = "c001".to_owned();
    let mut second_name = all[0].clone();
    second_name.header.value.statement.contributor = "other".to_owned();
    let crowd = assemble(&[all[0].clone(), stolen_name, second_name, all[1].clone()], &[0; 4], 5).unwrap();
    assert_eq!(crowd.facts().rejected[&RejectReason::KeyConflict], 2);
    assert_eq!(crowd.facts().answers, 2);
}

#[test]
fn rejected_submissions_are_counted_by_reason() {
    let all = submissions(&[(1, &[(0, 0), (1, 1)]), (2, &[(0, 0)])]);
    let crowd = assemble(&all, &[RejectReason::Unsealable.code(), 0], 5).unwrap();
    assert_eq!(crowd.facts().rejected[&RejectReason::Unsealable], 2);
    assert_eq!(crowd.facts().rejected_answers(), 2);
    assert_ne!(crowd.digest(), assemble(&all, &[0, 0], 5).unwrap().digest());
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let all = submissions(&[(1, &[(0, 0), (1, 1)])]);
    assert_eq!(assemble(&all, &[], 5), Err(CrowdError::Verdicts));
    assert_eq!(assemble(&all, &[99], 5), Err(CrowdError::Verdicts));
    let job = job(4, 2, 5, PayRule::Flat);
    let mut list = listed(&all);
    list[0].answers = 3;
    assert_eq!(
        Crowd::assemble(&job, &list, &[0], |i| Some(&all[i].header.value)),
        Err(CrowdError::Entry(0))
    );
    assert_eq!(Crowd::assemble(&job, &listed(&all), &[0], |_| None), Err(CrowdError::Entry(0)));
}
