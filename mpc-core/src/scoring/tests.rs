//! Malformed submissions are found on shares and dropped; the rest ends as if they had never been.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::ScoringError;
use crate::field::Fp61;
use crate::identity::SecretKey;
use crate::job::{Job, PayRule};
use crate::reject::RejectReason;
use crate::sharing::NodeSet;
use crate::submission::Submission;
use crate::testbed::{Members, job, members, run_nodes, run_to_certificate, shared};
use crate::world::World;

/// A submission of two rows of two classes with these integers in place of bits.
fn malformed(members: &Members, job: &Job, contributor: u32, rows: [i64; 4]) -> Submission {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(contributor));
    let key = SecretKey::generate(&mut rng);
    let elements = rows.map(Fp61::from_i64);
    Submission::of_elements(
        &members.cluster,
        job,
        &format!("c{contributor:03}"),
        &key,
        vec![0, 1],
        &elements,
        &mut rng,
    )
    .unwrap()
}

/// Every kind of row that is not one-hot, the other row well-formed.
const BAD: [[i64; 4]; 8] = [
    [1, 1, 1, 0],
    [0, 0, 1, 0],
    [2, -1, 1, 0],
    [1, 0, 0, 2],
    [1 << 59, 1 - (1 << 59), 0, 1],
    [-1, 2, 2, -1],
    [1, 0, i64::MAX, 0],
    [0, 0, 0, 0],
];

fn honest(members: &Members, job: &Job) -> Vec<Submission> {
    (0..4).map(|c| shared(members, job, c, &[(0, c % 2), (1, 0), (2, c / 2)])).collect()
}

#[test]
fn malformed_submissions_are_dropped_and_the_rest_is_untouched() {
    for (nodes, threshold) in [(3, 1), (5, 2)] {
        let members = members(nodes, threshold);
        let job = job(3, 2, 8, PayRule::PeerAgreementBeyondChance);
        let good = honest(&members, &job);
        let (_, expected) = run_to_certificate(&members, NodeSet::all(nodes), &job, &good);
        // Bad ones before, between and after the good ones.
        let mut all = Vec::new();
        for (i, rows) in BAD.iter().enumerate() {
            all.push(malformed(&members, &job, 100 + i as u32, *rows));
            all.extend(good.get(i).cloned());
        }
        let (certificate, mut report) = run_to_certificate(&members, NodeSet::all(nodes), &job, &all);
        assert_eq!(
            certificate.facts.rejected.get(&RejectReason::MalformedAnswer),
            Some(&(2 * BAD.len() as u64))
        );
        assert_eq!(report.job.rejected_answers, 2 * BAD.len() as u64);
        report.job.rejected_answers = 0;
        assert_eq!(report, expected);
    }
}

#[test]
fn a_malformed_first_answer_does_not_take_the_place_of_a_good_one() {
    let members = members(3, 1);
    let job = job(3, 2, 4, PayRule::Flat);
    // Four bad submissions would fill item 0 and 1 before the good ones come.
    let mut all: Vec<Submission> = (0..4).map(|c| malformed(&members, &job, 50 + c, [1, 1, 0, 1])).collect();
    let good = honest(&members, &job);
    all.extend(good.iter().cloned());
    let (certificate, _) = run_to_certificate(&members, NodeSet::all(3), &job, &all);
    assert_eq!(certificate.facts.answers, 12);
}

#[test]
fn thousands_of_bad_submissions_among_good_ones() {
    let members = members(3, 1);
    let job = job(3, 2, 1000, PayRule::Flat);
    let all: Vec<Submission> = (0..300)
        .map(|c| {
            if c % 2 == 0 {
                shared(&members, &job, c, &[(0, 1), (1, 0)])
            } else {
                malformed(&members, &job, c, BAD[c as usize % 8])
            }
        })
        .collect();
    let (certificate, _) = run_to_certificate(&members, NodeSet::all(3), &job, &all);
    assert_eq!(certificate.facts.answers, 300);
    assert_eq!(certificate.facts.rejected[&RejectReason::MalformedAnswer], 300);
}

#[test]
fn one_contributor_cannot_take_the_room_of_the_others() {
    let members = members(3, 1);
    let job = job(30_000, 2, 2, PayRule::Flat);
    let mut rng = ChaCha20Rng::seed_from_u64(99);
    let key = SecretKey::generate(&mut rng);
    let items: Vec<(u32, u32)> = (0..30_000).map(|item| (item, 0)).collect();
    // Exactly all the room there is, before anyone else comes.
    let mut send = |answers| Submission::create(&members.cluster, &job, "greedy", &key, &items[..answers], &mut rng).unwrap();
    let mut all: Vec<Submission> = (0..8).map(|_| send(30_000)).collect();
    all.push(send(2 * 60_000 + (1 << 17) - 8 * 30_000));
    all.extend((0..3).map(|c| shared(&members, &job, c, &[(c, 1), (29_999, c % 2)])));
    let (certificate, _) = run_to_certificate(&members, NodeSet::all(3), &job, &all);
    let counted = |name: &str| {
        let contributors = &certificate.facts.contributors;
        contributors.iter().find(|c| c.contributor == name).map_or(0, |c| c.answers)
    };
    // The last item is full with the first two.
    assert_eq!(["greedy", "c000", "c001", "c002"].map(counted), [30_000, 2, 1, 1]);
    let rejected = |reason| certificate.facts.rejected[&reason];
    assert_eq!(rejected(RejectReason::JobFull), 4 * 30_000 + 11_072);
    assert_eq!(rejected(RejectReason::DuplicateAnswer), 3 * 30_000);
    assert_eq!(rejected(RejectReason::ItemFull), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_are_accepted_exactly_when_they_are_one_hot(rows in proptest::array::uniform4(-2i64..3)) {
        let members = members(3, 1);
        let job = job(3, 2, 8, PayRule::Flat);
        let submission = malformed(&members, &job, 1, rows);
        let world = World::new(members.cluster.access().clone(), 1);
        let scored = run_nodes(&world, &members, &job, &[submission]).remove(0).unwrap();
        let one_hot = |row: &[i64]| row.iter().all(|x| (0..2).contains(x)) && row.iter().sum::<i64>() == 1;
        prop_assert_eq!(scored.verdicts[0] == 0, one_hot(&rows[..2]) && one_hot(&rows[2..]));
    }
}

#[test]
fn lists_that_repeat_or_overclaim_are_refused() {
    let members = members(3, 1);
    let job = job(3, 2, 8, PayRule::Flat);
    let one = shared(&members, &job, 1, &[(0, 0)]);
    let world = World::new(members.cluster.access().clone(), 1);
    for result in run_nodes(&world, &members, &job, &[one.clone(), one]) {
        assert!(matches!(result, Err(ScoringError::Crowd(_))));
    }
}
