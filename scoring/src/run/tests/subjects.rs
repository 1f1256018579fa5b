//! Contributors are people: credentials that are forged, and one person with several keys, each with what happens where nobody asks for
//! credentials.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::run::capacity::over_capacity;
use crate::testing::run_to_certificate;
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::fixtures::{ClusterWithKeys, class_answers, cluster_with_keys, create, credential_of, issuers, job, job_of};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, PayRule};
use tacit_protocol::submission::Submission;
use tacit_protocol::verdict::Verdict;

/// A job for people of a pool, of whom two of three issuers must sign.
fn invited(job: &Job) -> Job {
    let mut spec = job.to_signed_spec().spec;
    spec.issuers = Some(issuers(2));
    job_of("test", spec).unwrap()
}

/// Six answers to the one item of interest: person 1 says 0, and says 1 under two further keys; person 2 says 0.
fn answers_of_a_sybil(members: &ClusterWithKeys, job: &Job) -> Vec<Submission> {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut by = |number: u32, name: &str, class: u32| {
        let key = SecretKey::generate(&mut rng);
        let credential = credential_of(&members.cluster, job, number, &key);
        create(
            &members.cluster,
            job,
            name,
            (&key, credential.as_ref()),
            &class_answers(&[(0, class)]),
            &mut rng,
        )
    };
    vec![by(1, "a", 0), by(1, "b", 1), by(1, "c", 1), by(2, "d", 0)]
}

#[test]
fn a_person_with_three_keys_counts_once_in_every_number() {
    let members = cluster_with_keys(3, 1);
    let open = job(2, 2, 5, PayRule::PeerAgreement);
    let job = invited(&open);
    let totals = |job: &Job| {
        let (certificate, report) = run_to_certificate(&members, NodeSet::all(3), job, &answers_of_a_sybil(&members, job));
        let people = certificate.facts.contributors.len();
        (
            people,
            report
                .class_totals
                .unwrap()
                .0
                .iter()
                .map(|(_, answers)| *answers)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(totals(&job), (2, vec![2, 0]));
    // Where no credential is asked for, the attack works: two votes more, and two people who are paid.
    assert_eq!(totals(&open), (4, vec![2, 2]));
}

#[test]
fn one_person_fills_no_job_however_many_keys_it_has() {
    let members = cluster_with_keys(3, 1);
    let open = job(1, 2, 2, PayRule::Flat);
    let job = invited(&open);
    // A job of one item has room for MAX_ELEMENTS and some answers, of which one contributor may use half.
    let refused = |job: &Job| {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let mut list = Vec::new();
        let submissions: Vec<Submission> = (0..3)
            .map(|_| {
                let key = SecretKey::generate(&mut rng);
                let credential = credential_of(&members.cluster, job, 1, &key);
                let name = format!("c{}", list.len());
                let one = create(
                    &members.cluster,
                    job,
                    &name,
                    (&key, credential.as_ref()),
                    &class_answers(&[(0, 1)]),
                    &mut rng,
                );
                // Only what the list says counts here.
                list.push(SubmissionEntry {
                    submission: one.header.value.digest(),
                    answers: 1 << 15,
                });
                one
            })
            .collect();
        let mut verdicts = vec![Verdict::Accepted; 3];
        over_capacity(job, &list, |entry| Some(&submissions[entry].header.value), &mut verdicts).unwrap();
        verdicts.iter().filter(|verdict| !verdict.is_accepted()).count()
    };
    assert_eq!(refused(&job), 1);
    assert_eq!(refused(&open), 0, "three keys that nobody vouches for are three contributors");
}
