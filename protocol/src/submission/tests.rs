//! Bad submissions of every kind, each with its reason; good ones open to what was shared.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::envelope::{aad, envelope_digest, info};
use super::{Delivery, Header, MAX_ELEMENTS, MAX_HEADER_BYTES, Role, Submission, SubmissionError, most_answers};
use crate::codec::{decode, encode};
use crate::credential::MAX_ISSUERS;
use crate::fixtures::{ClusterWithKeys, at_the_floors, class_answers, cluster_with_keys, issuers, job, job_of, share, spec, submission};
use crate::identity::{Purpose, SecretKey, Signed};
use crate::job::{Gold, Job, JobSpec, PayRule, Payout};
use crate::question::Release;
use crate::reject::RejectReason;
use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::{AccessStructure, MAX_NODES};

/// What node 0 says of a delivery.
fn verdict(members: &ClusterWithKeys, job: &Job, delivery: &Delivery) -> Result<(), RejectReason> {
    Header::check(&delivery.header, &members.cluster, job)?;
    delivery.open(&members.cluster, job, 0, &members.sealing[0]).map(drop)
}

/// A submission whose header was altered and signed again by its contributor.
pub(super) fn resigned(submission: &Submission, contributor: u64, alter: impl FnOnce(&mut Header)) -> Submission {
    let key = SecretKey::generate(&mut ChaCha20Rng::seed_from_u64(contributor));
    let mut header = submission.header.value.clone();
    alter(&mut header);
    Submission {
        header: Signed::new(header, Purpose::Submission, &key),
        envelopes: submission.envelopes.clone(),
    }
}

#[test]
fn components_of_all_nodes_add_up_to_the_answers() {
    for (nodes, threshold) in [(3, 1), (4, 1), (5, 2)] {
        let members = cluster_with_keys(nodes, threshold);
        let job = job(4, 3, 5, PayRule::Flat);
        let answers = [(0, 2), (2, 0), (3, 1)];
        let submission = submission(&members, &job, 7, &answers);
        assert!(submission.is_complete());
        let access = members.cluster.access();
        let mut components = vec![None; access.components()];
        for node in 0..nodes {
            let delivery = submission.delivery(node).unwrap();
            assert_eq!(decode::<Delivery>(&encode(&delivery), "a delivery").unwrap(), delivery);
            let parts = Delivery::encode_parts(&encode(&delivery.header), &delivery.envelope);
            assert_eq!(parts, encode(&delivery));
            let opened = delivery.open(&members.cluster, &job, node, &members.sealing[node]).unwrap();
            for (position, component) in access.held_by(node).into_iter().enumerate() {
                let values = opened.expand(position);
                assert!(
                    components[component]
                        .replace(values.clone())
                        .is_none_or(|earlier| earlier == values)
                );
            }
        }
        let mut sum = vec![Fp61::ZERO; 9];
        for component in components.into_iter().flatten() {
            sum.iter_mut().zip(component.iter()).for_each(|(sum, value)| *sum += *value);
        }
        let one_hot: Vec<u64> = answers
            .iter()
            .flat_map(|(_, class)| (0..3).map(move |k| u64::from(k == *class)))
            .collect();
        assert_eq!(sum.into_iter().map(Fp61::to_u64).collect::<Vec<_>>(), one_hot);
    }
}

#[test]
fn every_kind_of_bad_submission_has_its_reason() {
    let members = cluster_with_keys(3, 1);
    let job = job(4, 3, 5, PayRule::Flat);
    let other_job = self::job(5, 3, 5, PayRule::Flat);
    let good = submission(&members, &job, 7, &[(0, 2), (2, 0)]);
    let delivery = |submission: &Submission| submission.delivery(0).unwrap();
    assert_eq!(verdict(&members, &job, &delivery(&good)), Ok(()));

    // Replayed into another job, or made for another cluster.
    assert_eq!(verdict(&members, &other_job, &delivery(&good)), Err(RejectReason::WrongJob));
    let elsewhere = submission(&cluster_with_keys(4, 1), &job, 7, &[(0, 2)]);
    assert_eq!(verdict(&members, &job, &delivery(&elsewhere)), Err(RejectReason::WrongJob));

    // Lists that do not fit.
    let shapes: [fn(&mut Header); 7] = [
        |h| h.statement.items.clear(),
        |h| h.statement.items = vec![2, 0],
        |h| h.statement.items = vec![2, 2],
        |h| h.statement.items = vec![0, 4],
        |h| h.statement.components.truncate(2),
        |h| h.envelopes.truncate(2),
        |h| h.statement.contributor.push('\n'),
    ];
    for alter in shapes {
        assert_eq!(
            verdict(&members, &job, &delivery(&resigned(&good, 7, alter))),
            Err(RejectReason::Malformed)
        );
    }

    // Signed by someone else, or altered after signing.
    assert_eq!(
        verdict(&members, &job, &delivery(&resigned(&good, 8, |_| {}))),
        Err(RejectReason::BadSignature)
    );
    let mut altered = delivery(&good);
    altered.header.value.statement.contributor = "mallory".to_owned();
    assert_eq!(verdict(&members, &job, &altered), Err(RejectReason::BadSignature));

    // The envelope of another node, a truncated or altered one, with and without the header's consent.
    let foreign = Delivery {
        header: good.header.clone(),
        envelope: good.envelopes[1].clone(),
    };
    assert_eq!(verdict(&members, &job, &foreign), Err(RejectReason::DigestMismatch));
    let mut swapped = good.clone();
    swapped.envelopes.swap(0, 1);
    let swapped = resigned(&swapped, 7, |h| h.envelopes.swap(0, 1));
    assert!(swapped.is_complete());
    assert_eq!(verdict(&members, &job, &delivery(&swapped)), Err(RejectReason::Unsealable));
    for cut in [0, 10, good.envelopes[0].len() - 1] {
        let mut short = good.clone();
        short.envelopes[0].truncate(cut);
        assert!(!short.is_complete());
        let digest = envelope_digest(&short.envelopes[0]);
        let short = resigned(&short, 7, |h| h.envelopes[0] = digest);
        assert_eq!(verdict(&members, &job, &delivery(&short)), Err(RejectReason::Unsealable));
    }

    // Bound to what the contributor signed: another item or component digest does not open.
    let moved = resigned(&good, 7, |h| h.statement.items = vec![0, 3]);
    assert_eq!(verdict(&members, &job, &delivery(&moved)), Err(RejectReason::Unsealable));
    // And to the epoch of the key.
    let epoch = resigned(&good, 7, |h| h.statement.epochs[0] += 1);
    assert_eq!(verdict(&members, &job, &delivery(&epoch)), Err(RejectReason::Unsealable));
    let other = good.header.value.statement.components[0];
    let digest = resigned(&good, 7, |h| h.statement.components[1] = other);
    assert_eq!(verdict(&members, &job, &delivery(&digest)), Err(RejectReason::Unsealable));
}

#[test]
fn a_contributor_that_seals_something_else_than_it_names_is_found_out() {
    let members = cluster_with_keys(3, 1);
    let job = job(4, 3, 5, PayRule::Flat);
    let good = submission(&members, &job, 7, &[(0, 2)]);
    let statement = good.header.value.statement.clone();
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let opened = {
        let binding = crate::sealing::Binding {
            info: &info(Role::Answers, &statement, 0),
            aad: &aad(&statement, 0),
        };
        members.sealing[0].open(binding, &good.envelopes[0]).unwrap().to_vec()
    };
    for position in [0, 31, 32, 63, opened.len() - 1, opened.len()] {
        let mut plaintext = opened.clone();
        if position == opened.len() {
            plaintext.push(0);
        } else {
            plaintext[position] ^= 1;
        }
        let binding = crate::sealing::Binding {
            info: &info(Role::Answers, &statement, 0),
            aad: &aad(&statement, 0),
        };
        let envelope = members.cluster.sealing_keys()[0].key.seal(binding, &plaintext, &mut rng).unwrap();
        let digest = envelope_digest(&envelope);
        let mut lying = good.clone();
        lying.envelopes[0] = envelope;
        let lying = resigned(&lying, 7, |h| h.envelopes[0] = digest);
        assert_eq!(
            verdict(&members, &job, &lying.delivery(0).unwrap()),
            Err(RejectReason::DigestMismatch),
            "byte {position}"
        );
    }
}

#[test]
fn a_node_sees_the_same_distribution_whatever_was_answered() {
    // For each node: the top three bits of all it holds, for answers of class 0 and of class 1. Clear
    // or partly clear answers would put one of them in few of the eight bins.
    let members = cluster_with_keys(3, 1);
    let job = job(1, 2, 5, PayRule::Flat);
    let mut bins = [[[0u32; 8]; 2]; 3];
    let rounds = 400;
    for seed in 0..rounds {
        for class in 0..2u32 {
            let submission = submission(&members, &job, seed * 2 + class, &[(0, class)]);
            for (node, bins) in bins.iter_mut().enumerate() {
                let opened = submission
                    .delivery(node)
                    .unwrap()
                    .open(&members.cluster, &job, node, &members.sealing[node])
                    .unwrap();
                let sum = opened
                    .expand(0)
                    .iter()
                    .zip(opened.expand(1).iter())
                    .fold(Fp61::ZERO, |sum, (a, b)| sum + *a + *b);
                bins[class as usize][(sum.to_u64() >> 58) as usize] += 1;
            }
        }
    }
    for of_node in bins {
        for counts in of_node {
            let expected = f64::from(rounds) / 8.0;
            let chi: f64 = counts.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
            // Seven degrees of freedom: above 40 has probability 1e-6; all in one bin gives 2800.
            assert!(chi < 40.0, "{counts:?}");
        }
    }
}

#[test]
fn a_contributor_is_told_what_cannot_be_shared() {
    let members = cluster_with_keys(3, 1);
    let job = job(4, 3, 5, PayRule::Flat);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let key = SecretKey::generate(&mut rng);
    let mut create =
        |name: &str, answers: &[(u32, u32)]| share(&members.cluster, &job, name, &key, &class_answers(answers), &mut rng).map(drop);
    assert_eq!(
        create("c", &[]),
        Err(SubmissionError::Size {
            answers: 0,
            max: most_answers(3)
        })
    );
    assert_eq!(create("c", &[(0, 3)]), Err(SubmissionError::Answer(0)));
    assert_eq!(create("c", &[(1, 0), (0, 0)]), Err(SubmissionError::Answer(1)));
    assert_eq!(create("c", &[(4, 0)]), Err(SubmissionError::Answer(0)));
    assert_eq!(create("", &[(0, 0)]), Err(SubmissionError::Name));
    assert_eq!(create("c", &[(0, 0)]), Ok(()));
}

#[test]
fn the_longest_header_has_room() {
    let members = cluster_with_keys(3, 1);
    let spec = JobSpec {
        issuers: Some(issuers(1)),
        ..spec(4, 3, 5, PayRule::Flat)
    };
    let invited = submission(&members, &job_of(&"j".repeat(64), spec).unwrap(), 7, &[(0, 1)]);
    let mut header = invited.header.value;
    let statement = &mut header.statement;
    statement.contributor = format!("{}/{}", "p".repeat(64), u32::MAX);
    statement.items = (0..MAX_ELEMENTS as u32).collect();
    let signatures = &mut statement.credential.as_mut().unwrap().signatures;
    *signatures = vec![signatures[0].clone(); MAX_ISSUERS];
    // Of the largest number of components.
    let largest = AccessStructure::new(MAX_NODES, MAX_NODES.div_ceil(2) - 1).unwrap();
    statement.components = vec![statement.components[0]; largest.components()];
    statement.epochs = vec![statement.epochs[0]; MAX_NODES];
    header.envelopes = vec![header.envelopes[0]; MAX_NODES];
    let signed = Signed::new(header, Purpose::Submission, &SecretKey::from_bytes(&[99; 32]));
    let bytes = encode(&signed).len();
    assert!(
        bytes > 4 * MAX_ELEMENTS && bytes <= MAX_HEADER_BYTES,
        "{bytes} of {MAX_HEADER_BYTES} bytes"
    );
}

/// A buyer names a contributor's key as the one for gold, of which a sensitive job takes none.
#[test]
fn nobody_is_shut_out_by_a_gold_key_that_is_of_no_use() {
    let members = cluster_with_keys(3, 1);
    let victim = submission(&members, &job_of("other", at_the_floors()).unwrap(), 7, &[(0, 1)]);
    let spec = JobSpec {
        gold: Some(Gold {
            key: victim.header.value.statement.key,
        }),
        release: [Release::Payouts].into(),
        payout: Some(Payout {
            rule: PayRule::Gold,
            ..at_the_floors().payout.unwrap()
        }),
        ..at_the_floors()
    };
    let job = job_of("attacked", spec).unwrap();
    let answers = submission(&members, &job, 7, &[(0, 1)]);
    assert_eq!(answers.header.value.statement.key, victim.header.value.statement.key);
    assert_eq!(Header::check(&answers.header, &members.cluster, &job), Ok(()));
}
