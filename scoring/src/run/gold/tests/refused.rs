//! Gold answers that do not count, and whose fault that is.

use super::*;
use crate::run;
use crate::submissions::Submissions;
use crate::testing::{TestSubmissions, asked};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::session::Opening;
use tacit_mpc_core::sharing::Party;
use tacit_mpc_core::stored_keys::{OwnKeys, StoredKeys};
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::fixtures::{share, submission_list};
use tacit_protocol::identity::{Purpose, Signed};
use tacit_protocol::question::Answer;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Header, OpenedSubmission, SubmissionError};
use tacit_protocol::verdict::Verdict;

#[test]
fn a_job_with_gold_is_not_scored_without_all_of_it() {
    let members = cluster_with_keys(3, 1);
    let job = job(70_000, 2, 2, PayRule::Gold);
    let answers = [
        submission(&members, &job, 0, &[(0, 1), (69_999, 0)]),
        submission(&members, &job, 1, &[(69_999, 1)]),
    ];
    let parts = gold_submissions(&members, &job, &[(0, 1), (69_999, 0)]);
    assert_eq!(parts.len(), 2);
    let with = |gold: &[Submission]| [answers.as_slice(), gold].concat();
    for (given, part) in [(&parts[..0], 1), (&parts[..1], 2), (&parts[1..], 1)] {
        for result in outcome(&members, &job, &with(given)) {
            assert_eq!(result.unwrap_err(), ScoringError::Gold(GoldError::Missing { part, parts: 2 }));
        }
    }
    let (_, report) = run_to_certificate(&members, NodeSet::all(3), &job, &with(&parts));
    assert_eq!(amounts(&report), [80_000, 0]);
    // Of two that are the same part the first counts.
    let mut twice = with(&parts);
    twice.push(Submission::create_gold(&members.cluster, &job, &gold_key(), &[], 1, &mut ChaCha20Rng::seed_from_u64(5)).unwrap());
    let (certificate, report) = run_to_certificate(&members, NodeSet::all(3), &job, &twice);
    assert_eq!(amounts(&report), [80_000, 0]);
    assert_eq!(
        certificate.facts.rejected.keys().collect::<Vec<_>>(),
        [&RejectReason::DuplicateSubmission]
    );
}

#[test]
fn gold_is_not_answers_and_answers_are_not_gold() {
    let members = cluster_with_keys(3, 1);
    let job = job(6, 3, 3, PayRule::Gold);
    let check = |submission: &Submission| Header::check(&submission.header, &members.cluster, &job);
    let golden = gold_submissions(&members, &job, &V6_GOLD).remove(0);
    assert_eq!(check(&golden), Ok(()));
    let resigned = |purpose, alter: fn(&mut Header)| {
        let mut header = golden.header.value.clone();
        alter(&mut header);
        check(&Submission {
            header: Signed::new(header, purpose, &gold_key()),
            envelopes: golden.envelopes.clone(),
        })
    };
    assert_eq!(resigned(Purpose::Submission, |_| {}), Err(RejectReason::BadSignature));
    assert_eq!(
        resigned(Purpose::Gold, |h| h.statement.contributor = "c001".to_owned()),
        Err(RejectReason::Malformed)
    );
    assert_eq!(
        resigned(Purpose::Gold, |h| h.statement.items = vec![1, 3, 5]),
        Err(RejectReason::Malformed)
    );
    let as_gold = {
        let answers = submission(&members, &job, 1, &of_all_items(&V6_ANSWERS[0]));
        let mut header = answers.header.value.clone();
        header.statement.key = gold_key().public();
        header.statement.contributor = AUTHOR.to_owned();
        header.statement.consent = None;
        Submission {
            header: Signed::new(header, Purpose::Gold, &gold_key()),
            envelopes: answers.envelopes,
        }
    };
    assert_eq!(check(&as_gold), Ok(()), "its header is fine");
    let opened = as_gold.delivery(0).unwrap().open(&members.cluster, &job, 0, &members.sealing[0]);
    assert_eq!(opened.unwrap_err(), RejectReason::Unsealable);

    let rng = &mut ChaCha20Rng::seed_from_u64(1);
    let by_buyer = share(&members.cluster, &job, "c001", &gold_key(), &[(0, Answer::Class(0))], rng);
    assert_eq!(by_buyer.unwrap_err(), SubmissionError::NotAContributor);
    let stranger = tacit_protocol::identity::SecretKey::generate(rng);
    let by_stranger = Submission::create_gold(&members.cluster, &job, &stranger, &[], 0, rng);
    assert_eq!(by_stranger.unwrap_err(), SubmissionError::GoldKey);
    let beyond = Submission::create_gold(&members.cluster, &job, &gold_key(), &[], 1, rng);
    assert_eq!(beyond.unwrap_err(), SubmissionError::GoldPart { part: 1, parts: 1 });
}

/// The computations of a cluster in which these nodes say that they did not get the gold.
fn with_gold_refused_by(nodes: usize, threshold: usize, refusing: &[usize]) -> Vec<Result<Scored, ScoringError>> {
    let members = cluster_with_keys(nodes, threshold);
    let job = job(6, 3, 3, PayRule::Gold);
    let mut submissions = v6(&members, &job);
    submissions.extend(gold_submissions(&members, &job, &V6_GOLD));
    let list = submission_list(&submissions);
    World::new(members.cluster.access().clone(), 1).run(|party, network, mut rng| {
        let mut verdicts = vec![Verdict::Accepted; list.len()];
        if refusing.contains(&party.me()) {
            verdicts[list.len() - 1] = Verdict::Rejected(RejectReason::NotDelivered);
        }
        let mut own = TestSubmissions::look_up(&members, &job, party.me(), &submissions, &list);
        own.verdicts = verdicts;
        run(party, network, &members.cluster, &job, asked(&list), &own, &mut rng)
    })
}

#[test]
fn gold_that_few_nodes_refuse_is_their_fault_and_that_more_refuse_the_buyers() {
    for (nodes, threshold) in [(3, 1), (4, 1), (5, 2)] {
        let few: Vec<usize> = (nodes - threshold..nodes).collect();
        let results = with_gold_refused_by(nodes, threshold, &few);
        for result in &results[..nodes - threshold] {
            let Err(ScoringError::Disputed(dispute)) = result else {
                panic!("{result:?}")
            };
            assert_eq!(
                (dispute.refusing, dispute.suspects),
                (few.iter().copied().collect(), dispute.refusing)
            );
        }
        let more: Vec<usize> = (nodes - threshold - 1..nodes).collect();
        for result in with_gold_refused_by(nodes, threshold, &more) {
            assert_eq!(result.unwrap_err(), ScoringError::Gold(GoldError::Missing { part: 1, parts: 1 }));
        }
    }
}

/// A node that has recorded another accepted set before.
struct Recorded<'a>(TestSubmissions<'a>);

impl Submissions for Recorded<'_> {
    fn verdicts(&self) -> &[Verdict] {
        self.0.verdicts()
    }

    fn header(&self, entry: usize) -> Option<&Header> {
        self.0.header(entry)
    }

    fn open(&self, entry: usize) -> Option<OpenedSubmission> {
        self.0.open(entry)
    }

    fn permits(&self, _: &tacit_protocol::accepted::PublicFacts) -> bool {
        true
    }

    fn record_release(&self, _: &Digest) -> bool {
        false
    }

    fn noise_keys(&self, _: &Party) -> Result<Option<OwnKeys>, ScoringError> {
        Ok(None)
    }

    fn store_noise_keys(&self, _: &StoredKeys) -> bool {
        true
    }
}

#[test]
fn nothing_about_gold_is_opened_for_a_second_set() {
    let members = cluster_with_keys(3, 1);
    let job = job(6, 3, 3, PayRule::Gold);
    let mut submissions = v6(&members, &job);
    submissions.extend(gold_submissions(&members, &job, &V6_GOLD));
    let list = submission_list(&submissions);
    for recorded_before in [false, true] {
        let opened = Arc::new(Mutex::new(BTreeSet::new()));
        let log = Arc::clone(&opened);
        let listener = Misbehaviour {
            tamper: Some(Arc::new(move |told| {
                if let Observed::Opened(_, what, _) = told {
                    log.lock().unwrap().insert(what);
                }
            })),
            ..Misbehaviour::default()
        };
        let world = World::new(members.cluster.access().clone(), 1).misbehave(0, listener);
        let results = world.run(|party, network, mut rng| {
            let own = TestSubmissions::look_up(&members, &job, party.me(), &submissions, &list);
            let cluster = &members.cluster;
            if recorded_before {
                return run(party, network, cluster, &job, asked(&list), &Recorded(own), &mut rng).is_ok();
            }
            run(party, network, cluster, &job, asked(&list), &own, &mut rng).is_ok()
        });
        assert!(results.iter().all(|released| *released != recorded_before));
        let asked = opened.lock().unwrap().contains(&Opening::MaskedFactors);
        assert_eq!(asked, !recorded_before, "{opened:?}");
    }
}
