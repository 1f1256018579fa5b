//! Which answers count, against the plain reference and in cases of note.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::reference::Reference;
use super::{AcceptedSet, AcceptedSetError, CountedAnswer, Outcome, SubmissionEntry};
use crate::check::{Check, skip};
use crate::fixtures::{
    class_answers, cluster_with_keys, create, credential_of, gold_key, invitation_of, issuers, job, job_of, spec, submission,
    submission_list,
};
use crate::identity::SecretKey;
use crate::job::PayRule;
use crate::question::Release;
use crate::reject::RejectReason;
use crate::submission::{Header, Submission};
use crate::verdict::Verdict;
use tacit_mpc_core::digest::Digest;

fn assemble(submissions: &[Submission], verdicts: &[Verdict], answers_per_item: u32) -> Result<AcceptedSet, AcceptedSetError> {
    let job = job(4, 2, answers_per_item, PayRule::Flat);
    AcceptedSet::assemble(&job, &submission_list(submissions), verdicts, |i| {
        Some(&submissions[i].header.value)
    })
}

fn submissions(answers: &[(u32, &[(u32, u32)])]) -> Vec<Submission> {
    let (members, job) = (cluster_with_keys(3, 1), job(4, 2, 5, PayRule::Flat));
    answers
        .iter()
        .map(|(contributor, answers)| submission(&members, &job, *contributor, answers))
        .collect()
}

#[test]
fn the_first_answer_to_an_item_counts() {
    let all = submissions(&[(2, &[(0, 0), (1, 0)]), (1, &[(0, 1)]), (2, &[(1, 1), (2, 1)])]);
    let accepted = assemble(&all, &[Verdict::Accepted; 3], 5).unwrap();
    let all_count = Outcome::Counted(Vec::new());
    let first_does_not = Outcome::Counted(vec![(0, RejectReason::DuplicateAnswer)]);
    assert_eq!(accepted.outcomes(), [all_count.clone(), all_count, first_does_not]);
    assert_eq!(accepted.facts().answers, 4);
    assert_eq!(accepted.facts().rejected[&RejectReason::DuplicateAnswer], 1);
    assert_eq!(accepted.redundancy(), [2, 1, 1, 0]);
    // By name, each with what counts of it.
    let counted: Vec<_> = accepted
        .facts()
        .contributors
        .iter()
        .map(|c| (c.contributor.as_str(), c.answers, c.paired))
        .collect();
    assert_eq!(counted, [("c001", 1, 1), ("c002", 3, 1)]);
}

#[test]
fn items_take_as_many_answers_as_the_job_asks_for() {
    let all = submissions(&[(1, &[(0, 0)]), (2, &[(0, 0), (1, 0)]), (3, &[(0, 1)])]);
    let accepted = assemble(&all, &[Verdict::Accepted; 3], 2).unwrap();
    assert_eq!(accepted.outcomes()[2], Outcome::Counted(vec![(0, RejectReason::ItemFull)]));
    assert_eq!(
        accepted.facts().contributors.len(),
        2,
        "a contributor without a counted answer is left out"
    );
}

#[test]
fn a_name_stands_for_one_key_and_a_key_for_one_name() {
    let all = submissions(&[(1, &[(0, 0)]), (2, &[(0, 0)])]);
    let mut stolen_name = all[1].clone();
    stolen_name.header.value.statement.contributor = "c001".to_owned();
    let mut second_name = all[0].clone();
    second_name.header.value.statement.contributor = "other".to_owned();
    let accepted = assemble(
        &[all[0].clone(), stolen_name, second_name, all[1].clone()],
        &[Verdict::Accepted; 4],
        5,
    )
    .unwrap();
    assert_eq!(accepted.facts().rejected[&RejectReason::KeyConflict], 2);
    assert_eq!(accepted.facts().answers, 2);
}

#[test]
fn no_two_contributors_look_alike() {
    let mut all = submissions(&[(1, &[(0, 0)]), (2, &[(0, 0)]), (3, &[(0, 0)])]);
    // The second with a Cyrillic letter.
    for (submission, name) in all.iter_mut().zip(["scope", "s\u{441}ope", "scope."]) {
        submission.header.value.statement.contributor = name.to_owned();
    }
    let all_hold = skip(&[]);
    let accepted = assemble(&all, &[Verdict::Accepted; 3], 5).unwrap();
    assert_eq!(accepted.outcomes()[1], Outcome::Rejected(RejectReason::KeyConflict));
    let names: Vec<&str> = accepted.facts().contributors.iter().map(|one| one.contributor.as_str()).collect();
    assert_eq!(names, ["scope", "scope."]);
    // Whoever comes first has the name.
    all.swap(0, 1);
    let accepted = assemble(&all, &[Verdict::Accepted; 3], 5).unwrap();
    assert_eq!(accepted.facts().contributors[1].contributor, "s\u{441}ope");

    // Without the check both are paid, under what anybody reads as one name.
    drop(all_hold);
    let _skipped = skip(&[Check::Looks]);
    let accepted = assemble(&all, &[Verdict::Accepted; 3], 5).unwrap();
    assert_eq!(accepted.facts().contributors.len(), 3);
}

/// The headers of four submissions: two keys of person 1, both with the same answers, person 2, and person 2's key under number 3.
fn headers_of_a_sybil(job: &crate::job::Job) -> Vec<Submission> {
    let members = cluster_with_keys(3, 1);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let keys: Vec<SecretKey> = (0..3).map(|_| SecretKey::generate(&mut rng)).collect();
    let mut make = |number, key: &SecretKey, answers: &[(u32, u32)]| {
        let credential = credential_of(&members.cluster, job, number, key);
        create(
            &members.cluster,
            job,
            "",
            (key, credential.as_ref()),
            &class_answers(answers),
            &mut rng,
        )
    };
    vec![
        make(1, &keys[0], &[(0, 1), (1, 1)]),
        make(1, &keys[1], &[(0, 1), (1, 1), (2, 1)]),
        make(2, &keys[2], &[(0, 0)]),
        make(3, &keys[2], &[(1, 0)]),
    ]
}

#[test]
fn two_keys_under_one_invitation_are_one_person() {
    let job = invited(job(4, 2, 5, PayRule::Flat));
    let all = headers_of_a_sybil(&job);
    let header = |i: usize| Some(&all[i].header.value);
    let accepted = AcceptedSet::assemble(&job, &submission_list(&all), &[Verdict::Accepted; 4], header).unwrap();
    let facts = accepted.facts();
    assert_eq!(facts.check(job.terms()), Ok(()));
    let paid: Vec<_> = facts.contributors.iter().map(|c| (c.contributor.as_str(), c.answers)).collect();
    assert_eq!(paid, [("crowd/1", 3), ("crowd/2", 1)]);
    assert_eq!(facts.contributors[0].key, all[0].header.value.statement.key);
    assert_eq!(facts.rejected[&RejectReason::DuplicateAnswer], 2);
    assert_eq!(facts.rejected[&RejectReason::KeyConflict], 1, "a key under two numbers");
    assert_eq!(accepted.redundancy(), [2, 1, 1, 0]);

    // With the credentials out of sight the attack works: two contributors, who agree with each other on two items.
    let mut unchecked = all.clone();
    for (i, submission) in unchecked.iter_mut().enumerate() {
        submission.header.value.statement.credential = None;
        submission.header.value.statement.contributor = format!("c{i}");
    }
    let header = |i: usize| Some(&unchecked[i].header.value);
    let job = self::job(4, 2, 5, PayRule::Flat);
    let deceived = AcceptedSet::assemble(&job, &submission_list(&unchecked), &[Verdict::Accepted; 4], header).unwrap();
    assert_eq!(deceived.facts().contributors.len(), 3);
    assert_eq!(deceived.redundancy(), [3, 2, 1, 0]);
}

#[test]
fn names_in_a_certificate_are_numbers_of_the_pool() {
    let job = invited(job(4, 2, 5, PayRule::Flat));
    let all = headers_of_a_sybil(&job);
    let header = |i: usize| Some(&all[i].header.value);
    let accepted = AcceptedSet::assemble(&job, &submission_list(&all), &[Verdict::Accepted; 4], header).unwrap();
    for name in ["c001", "crowd/", "crowd/01", "crowd/+1", "crowd/-1", "crowd/4294967296", "crowds/1"] {
        let mut facts = accepted.facts().clone();
        facts.contributors.truncate(1);
        facts.contributors[0].contributor = name.to_owned();
        facts.answers = 3;
        facts.redundancy = [(1, 3)].into();
        assert!(facts.check(job.terms()).is_err(), "{name}");
        facts.contributors[0].contributor = "crowd/1".to_owned();
        assert_eq!(facts.check(job.terms()), Ok(()));
    }
}

#[test]
fn rejected_submissions_are_counted_by_reason() {
    let all = submissions(&[(1, &[(0, 0), (1, 1)]), (2, &[(0, 0)])]);
    let accepted = assemble(&all, &[Verdict::Rejected(RejectReason::Unsealable), Verdict::Accepted], 5).unwrap();
    assert_eq!(accepted.facts().rejected[&RejectReason::Unsealable], 2);
    assert_eq!(accepted.facts().rejected_answers(), 2);
    assert_ne!(accepted.digest(), assemble(&all, &[Verdict::Accepted; 2], 5).unwrap().digest());
}

#[test]
fn who_refuses_a_submission_stands_in_the_facts() {
    let all = submissions(&[(1, &[(0, 0), (1, 1)]), (2, &[(0, 0)]), (3, &[(0, 1)]), (4, &[(2, 1)])]);
    let by = |nodes: &[usize]| nodes.iter().copied().collect::<tacit_mpc_core::sharing::NodeSet>();
    let refused = |nodes: &[usize]| Verdict::Refused(RejectReason::NotDelivered, by(nodes));
    let verdicts = [refused(&[1, 2]), refused(&[0, 1]), refused(&[1, 2]), Verdict::Accepted];
    let accepted = assemble(&all, &verdicts, 5).unwrap();
    assert_eq!(accepted.outcomes()[0], Outcome::Refused(RejectReason::NotDelivered, by(&[1, 2])));
    let facts = accepted.facts();
    let found: Vec<_> = facts.refused.iter().map(|one| (one.nodes, one.submissions, one.answers)).collect();
    assert_eq!(found, [(by(&[0, 1]), 1, 1), (by(&[1, 2]), 2, 3)]);
    assert_eq!(facts.rejected[&RejectReason::NotDelivered], 4);
    let terms = job(4, 2, 5, PayRule::Flat).terms().clone();
    facts.check(&terms).unwrap();
    facts.check_refusals(by(&[0, 1, 2]), 1).unwrap();
    assert!(facts.check_refusals(by(&[0, 1, 2]), 2).is_err(), "no honest node need be among two");
    assert!(facts.check_refusals(by(&[0, 1]), 1).is_err(), "node 2 did not take part");
    let alterations: [fn(&mut super::PublicFacts); 3] = [
        |facts| facts.refused.swap(0, 1),
        |facts| facts.refused[0].submissions = 0,
        |facts| facts.refused[0].answers = 9,
    ];
    for alter in alterations {
        let mut altered = facts.clone();
        alter(&mut altered);
        assert!(altered.check(&terms).is_err(), "{:?}", altered.refused);
    }
    // Other nodes that refuse the same are another set, which other signatures stand under.
    let other = assemble(&all, &[refused(&[0, 1]), refused(&[0, 1]), refused(&[1, 2]), Verdict::Accepted], 5).unwrap();
    assert_ne!((other.digest(), other.facts().digest()), (accepted.digest(), facts.digest()));
}

#[test]
fn lists_that_do_not_fit_are_refused() {
    let all = submissions(&[(1, &[(0, 0), (1, 1)])]);
    assert_eq!(assemble(&all, &[], 5), Err(AcceptedSetError::Verdicts));
    let job = job(4, 2, 5, PayRule::Flat);
    let mut list = submission_list(&all);
    list[0].answers = 3;
    assert_eq!(
        AcceptedSet::assemble(&job, &list, &[Verdict::Accepted], |i| Some(&all[i].header.value)),
        Err(AcceptedSetError::Entry(0))
    );
    assert_eq!(
        AcceptedSet::assemble(&job, &submission_list(&all), &[Verdict::Accepted], |_| None),
        Err(AcceptedSetError::Entry(0))
    );
}

#[test]
fn items_that_are_not_the_jobs_in_order_are_refused() {
    let all = submissions(&[(1, &[(0, 0), (1, 1)])]);
    for items in [[1, 0], [1, 1], [1, 4]] {
        let mut altered = all.clone();
        altered[0].header.value.statement.items = items.to_vec();
        assert_eq!(
            assemble(&altered, &[Verdict::Accepted], 5),
            Err(AcceptedSetError::Entry(0)),
            "{items:?}"
        );
    }
}

/// The same job for people of the pool of tests alone.
fn invited(job: crate::job::Job) -> crate::job::Job {
    let mut spec = job.to_signed_spec().spec;
    spec.issuers = Some(issuers(1));
    job_of("test", spec).unwrap()
}

/// One header, of which the others are made: counting checks no signature.
static HEADER: LazyLock<Header> = LazyLock::new(|| submissions(&[(1, &[(0, 0)])]).remove(0).header.value);

/// One credential, of which the others are made.
static CREDENTIAL: LazyLock<crate::credential::Credential> = LazyLock::new(|| {
    let (issuers, key) = (issuers(1), SecretKey::from_bytes(&[1; 32]));
    invitation_of(&issuers, 1).credential(&Digest::of("test", &[]), &issuers, &key.public())
});

/// An entry of the list: who sends it (name and key), what it answers, and the verdict on it.
type Entry = ((u8, u8), BTreeSet<u32>, Verdict);

/// Sets of nodes that refuse a submission.
const SETS: [&[usize]; 4] = [&[0, 1], &[0, 2], &[1, 2], &[0, 1, 2]];

fn entry(items: u32) -> impl Strategy<Value = Entry> {
    // Few people, so that each sends several submissions; some under the name of another, and gold now and then.
    let who = prop_oneof![8 => (0u8..9).prop_map(|who| (who, who)), 1 => (0u8..9, 0u8..10)];
    let verdict = prop_oneof![
        6 => Just(Verdict::Accepted),
        1 => proptest::sample::select(&RejectReason::ALL[..]).prop_map(Verdict::Rejected),
        1 => (proptest::sample::select(&RejectReason::ALL[..]), proptest::sample::select(&SETS[..]))
            .prop_map(|(reason, by)| Verdict::Refused(reason, by.iter().copied().collect())),
    ];
    (who, proptest::collection::btree_set(0..items, 0..8), verdict)
}

proptest! {
    #[test]
    fn it_is_the_set_of_the_plain_count(entries in proptest::collection::vec(entry(12), 0..60), answers_per_item in 1u32..9, open: bool) {
        let mut spec = spec(12, 2, answers_per_item, PayRule::Gold);
        // A sensitive job publishes no label of fewer answers.
        if answers_per_item >= 7 {
            spec.sensitive = true;
            spec.issuers = Some(issuers(1));
            spec.release = [Release::Labels, Release::Payouts].into();
        }
        if !open {
            spec.issuers = Some(issuers(1));
        }
        let by_invitation = spec.issuers.is_some();
        let job = job_of("test", spec).unwrap();
        // Where gold is of no use, the key for gold is one as any other.
        let takes_gold = job.terms().scores_gold();
        let header = |((name, key), items, _): &Entry| {
            let mut header = HEADER.clone();
            header.statement.contributor = format!("c{name}");
            header.statement.key = if *key == 9 {
                gold_key().public()
            } else {
                SecretKey::from_bytes(&[*key; 32]).public()
            };
            header.statement.items = items.iter().copied().collect();
            if by_invitation && !(takes_gold && *key == 9) {
                let mut credential = CREDENTIAL.clone();
                credential.grant.serial = (*name).into();
                header.statement.credential = Some(credential);
            }
            header
        };
        let headers: Vec<Header> = entries.iter().map(header).collect();
        let verdicts: Vec<Verdict> = entries.iter().map(|(_, _, verdict)| *verdict).collect();
        let list: Vec<SubmissionEntry> = headers
            .iter()
            .map(|header| SubmissionEntry {
                submission: Digest::of("test", &[]),
                answers: header.statement.items.len() as u32,
            })
            .collect();
        let due = Reference::assemble(&job, &list, &verdicts, &headers);
        let accepted = AcceptedSet::assemble(&job, &list, &verdicts, |entry| headers.get(entry)).unwrap();

        prop_assert_eq!(accepted.facts(), &due.facts);
        prop_assert_eq!(accepted.redundancy(), due.redundancy);
        let mut in_order = due.answers.clone();
        in_order.sort_by_key(|answer| (answer.submission, answer.row));
        let listed: Vec<CountedAnswer> = accepted.submissions().flat_map(super::CountedSubmission::answers).collect();
        prop_assert_eq!(listed, in_order);
        for (entry, (outcome, due)) in accepted.outcomes().iter().zip(&due.outcomes).enumerate() {
            let each: Vec<Option<RejectReason>> = match outcome {
                Outcome::Rejected(reason) | Outcome::Refused(reason, _) => vec![Some(*reason)],
                Outcome::Counted(_) if takes_gold && headers[entry].statement.key == gold_key().public() => Vec::new(),
                Outcome::Counted(left_out) => {
                    let mut each = vec![None; headers[entry].statement.items.len()];
                    left_out.iter().for_each(|(row, reason)| each[*row as usize] = Some(*reason));
                    each
                }
            };
            prop_assert_eq!(&each, due);
        }
        for submission in accepted.submissions() {
            let all = submission.items.len() == headers[submission.submission as usize].statement.items.len();
            prop_assert_eq!(submission.rows().is_none(), all);
        }
    }
}
