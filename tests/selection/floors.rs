//! One attack for each floor.

use std::collections::BTreeMap;

use super::crowd::{CLASSES, answer, answers, crowd, job, labels, members, published};
use tacit_protocol::check::{Check, skip};
use tacit_protocol::fixtures::{contributor_key, gold_submissions, submission};
use tacit_protocol::job::{Job, LabelRule, PayRule};
use tacit_protocol::question::Release;
use tacit_protocol::submission::{Header, Submission};
use tacit_scoring::report::Absence;

/// Twelve people answer ten items each, and nobody answers what another does.
fn own_items(c: u32) -> Vec<u32> {
    (c * 10..c * 10 + 10).collect()
}

/// What they answered.
fn answers_to_own_items() -> Vec<Option<u32>> {
    (0..120).map(|item| Some(answer(item / 10, item))).collect()
}

#[test]
fn a_label_of_one_answer_is_the_answer() {
    let members = members();
    let with = |answers_per_item| {
        let job = job(120, answers_per_item, PayRule::Flat, |_| ())?;
        let report = published(&members, &job, &crowd(&members, &job, 12, own_items));
        Ok::<_, tacit_protocol::job::JobError>(report)
    };
    {
        let _all = skip(&[]);
        let refused = with(1).unwrap_err().to_string();
        assert!(refused.contains("no label of fewer than 7 answers"), "{refused}");
        // The terms are fine, but only one answer to each item comes.
        let report = with(7).unwrap();
        assert_eq!(labels(&report), vec![None; 120]);
        assert!(report.labels.iter().all(|one| one.reason == Some(Absence::TooFewAnswers)));
        assert_eq!(report.payouts.unwrap().items[0].amount, 10 * 20_000, "who answered is paid");
    }
    {
        let _skipped = skip(&[Check::AnswersPerItem]);
        assert_eq!(labels(&with(1).unwrap()), vec![None; 120], "the second floor holds alone");
    }
    {
        let _skipped = skip(&[Check::AnswersToLabel]);
        assert_eq!(labels(&with(7).unwrap()), answers_to_own_items());
        assert!(with(1).is_err(), "the first floor holds alone");
    }
    let _skipped = skip(&[Check::AnswersPerItem, Check::AnswersToLabel]);
    assert_eq!(labels(&with(1).unwrap()), answers_to_own_items());
}

#[test]
fn a_heavy_vote_is_the_label() {
    const VICTIM: u32 = 4;
    let members = members();
    let heavy = || {
        job(12, 12, PayRule::Flat, |spec| {
            spec.label_rule = LabelRule::Weighted;
            spec.weights = BTreeMap::from([(contributor_key(VICTIM).public(), 1300)]);
        })
    };
    {
        let _all = skip(&[]);
        let refused = heavy().unwrap_err().to_string();
        assert!(refused.contains("no vote weighs more than twice another"), "{refused}");
    }
    let _skipped = skip(&[Check::Weights]);
    let job = heavy().unwrap();
    let report = published(&members, &job, &crowd(&members, &job, 12, |_| (0..12).collect()));
    assert_eq!(labels(&report), answers(VICTIM, 12).into_iter().map(Some).collect::<Vec<_>>());
}

#[test]
fn sybils_that_weigh_next_to_nothing_leave_one_real_vote() {
    const VICTIM: u32 = 0;
    let members = members();
    let light = |weight| {
        job(12, 12, PayRule::Flat, |spec| {
            spec.label_rule = LabelRule::Weighted;
            spec.weights = (1..12).map(|sybil| (contributor_key(sybil).public(), weight)).collect();
        })
    };
    {
        let _all = skip(&[]);
        for weight in [0, 1, 49] {
            let refused = light(weight).unwrap_err().to_string();
            assert!(refused.contains("no vote weighs more than twice another"), "{refused}");
        }
    }
    let _skipped = skip(&[Check::Weights]);
    for weight in [0, 1, 9] {
        let job = light(weight).unwrap();
        let report = published(&members, &job, &crowd(&members, &job, 12, |_| (0..12).collect()));
        let due: Vec<Option<u32>> = answers(VICTIM, 12).into_iter().map(Some).collect();
        assert_eq!(labels(&report), due, "weight {weight}");
    }
}

/// Whether everyone gives the same answer to an item: to the first one, and to no other.
fn unanimous_at_first(c: u32, item: u32) -> u32 {
    if item == 0 { 2 } else { c % CLASSES }
}

#[test]
fn light_votes_would_make_a_small_quorum_need_everyone() {
    let members = members();
    // Seven votes of weight 1 are needed, and twelve of .59 are 7.08: without any of them there is no label.
    let light = || {
        job(12, 12, PayRule::Flat, |spec| {
            spec.label_rule = LabelRule::Weighted;
            spec.quorum = Some(7);
            spec.weights = (0..12).map(|who| (contributor_key(who).public(), 59)).collect();
        })
    };
    {
        let _all = skip(&[]);
        let refused = light().unwrap_err().to_string();
        assert!(refused.contains("`quorum` is not taken together with weights"), "{refused}");
    }
    let _skipped = skip(&[Check::QuorumOfWeights]);
    let job = light().unwrap();
    let share = |c: u32| {
        let answers: Vec<(u32, u32)> = (0..12).map(|item| (item, unanimous_at_first(c, item))).collect();
        submission(&members, &job, c, &answers)
    };
    let report = published(&members, &job, &(0..12).map(share).collect::<Vec<_>>());
    let mut due = vec![None; 12];
    due[0] = Some(2);
    assert_eq!(labels(&report), due);
}

#[test]
fn a_quorum_would_need_all_votes_where_few_answers_come() {
    let members = members();
    let published = || {
        let job = job(20, 13, PayRule::Flat, |spec| spec.quorum = Some(7)).unwrap();
        // Seven of thirteen people answer each item.
        let share = |c: u32| {
            let items = (0..20).filter(|item| (item + c) % 13 < 7);
            let answers: Vec<(u32, u32)> = items.map(|item| (item, unanimous_at_first(c, item))).collect();
            submission(&members, &job, c, &answers)
        };
        published(&members, &job, &(0..13).map(share).collect::<Vec<_>>())
    };
    {
        let _all = skip(&[]);
        let report = published();
        assert_eq!(labels(&report), vec![None; 20]);
        assert!(report.labels.iter().all(|one| one.reason == Some(Absence::TooFewAnswers)));
    }
    let _skipped = skip(&[Check::QuorumOfCounted]);
    let mut due = vec![None; 20];
    due[0] = Some(2);
    assert_eq!(labels(&published()), due, "a label is the answer of seven people, and none is not");
}

#[test]
fn totals_without_noise_would_be_everyones_answer() {
    let members = members();
    let totals = || {
        let job = job(10, 12, PayRule::Flat, |spec| spec.release = [Release::ClassTotals].into()).unwrap();
        // Noise on totals of nothing or of everything could be cut off at their bounds, and not be seen.
        let answers: Vec<(u32, u32)> = (0..10).map(|item| (item, 1 + item % 2)).collect();
        let share = |c: u32| submission(&members, &job, c, &answers);
        let report = published(&members, &job, &(0..12).map(share).collect::<Vec<_>>());
        report
            .class_totals
            .unwrap()
            .0
            .into_iter()
            .map(|(_, total)| total)
            .collect::<Vec<_>>()
    };
    let exact = [0, 60, 60, 0];
    {
        let _all = skip(&[]);
        assert_ne!(totals(), exact);
    }
    let _skipped = skip(&[Check::Noise]);
    assert_eq!(totals(), exact, "how often each class was answered, exactly");
}

#[test]
fn a_label_that_needs_all_votes_says_what_everyone_answered() {
    let members = members();
    let unanimous = || job(12, 12, PayRule::Flat, |spec| spec.quorum = Some(12));
    {
        let _all = skip(&[]);
        let refused = unanimous().unwrap_err().to_string();
        assert!(refused.contains("`quorum` is above 7"), "{refused}");
    }
    let published = || {
        let job = unanimous().unwrap();
        let share = |c: u32| {
            let answers: Vec<(u32, u32)> = (0..12).map(|item| (item, unanimous_at_first(c, item))).collect();
            submission(&members, &job, c, &answers)
        };
        labels(&published(&members, &job, &(0..12).map(share).collect::<Vec<_>>()))
    };
    {
        let _skipped = skip(&[Check::Quorum]);
        assert_eq!(published(), vec![None; 12], "the second floor holds alone");
    }
    let _skipped = skip(&[Check::Quorum, Check::QuorumOfCounted]);
    let mut due = vec![None; 12];
    due[0] = Some(2);
    assert_eq!(published(), due, "a label is everyone's answer, and none is not");
}

#[test]
fn nothing_is_opened_of_few_contributors_or_answers() {
    let members = members();
    let published = |contributors, items| {
        let job = job(items, contributors, PayRule::Flat, |_| ()).unwrap();
        published(&members, &job, &crowd(&members, &job, contributors, |_| (0..items).collect()))
    };
    for (contributors, items, floor) in [(9, 20, Check::Contributors), (12, 8, Check::Answers)] {
        {
            let _all = skip(&[]);
            let report = published(contributors, items);
            assert_eq!(
                (report.labels.len(), report.labels_reason),
                (0, Some(Absence::TooLittle)),
                "{floor:?}"
            );
            assert!(report.payouts.unwrap().total > 0, "base pay is certified all the same");
        }
        let _skipped = skip(&[floor]);
        assert_eq!(published(contributors, items).labels.len(), items as usize, "{floor:?}");
    }
}

#[test]
fn gold_to_one_item_would_tell_every_answer_to_it() {
    const GOLD: (u32, u32) = (5, 1);
    let members = members();
    let paid = || {
        let job = job(10, 12, PayRule::Gold, |spec| spec.release = [Release::Payouts].into()).unwrap();
        let mut submissions = crowd(&members, &job, 12, |_| (0..10).collect());
        if job.terms().scores_gold() {
            submissions.extend(gold_submissions(&members, &job, &[GOLD]));
        }
        published(&members, &job, &submissions).payouts.unwrap().items
    };
    {
        let _all = skip(&[]);
        assert!(paid().iter().all(|paid| paid.amount == 10 * 20_000), "everyone gets the base");
    }
    let _skipped = skip(&[Check::Bonus]);
    let says: Vec<bool> = paid().iter().map(|paid| paid.amount > 10 * 20_000).collect();
    let truth: Vec<bool> = (0..12).map(|c| answer(c, GOLD.0) == GOLD.1).collect();
    assert_eq!(says, truth);
}

#[test]
fn the_pay_of_one_answer_would_be_the_tally() {
    const ITEM: u32 = 3;
    const CLASS: u32 = 1;
    let members = members();
    let paid = || {
        let job = job(10, 12, PayRule::PeerAgreement, |spec| spec.release = [Release::Payouts].into()).unwrap();
        let mut submissions = crowd(&members, &job, 11, |_| (0..10).collect());
        submissions.push(submission(&members, &job, 99, &[(ITEM, CLASS)]));
        let report = published(&members, &job, &submissions).payouts.unwrap();
        report.items.into_iter().find(|paid| paid.contributor == "crowd/99").unwrap().amount
    };
    {
        let _all = skip(&[]);
        assert_eq!(paid(), 20_000);
    }
    let _skipped = skip(&[Check::Bonus]);
    let tally = (0..11).filter(|c| answer(*c, ITEM) == CLASS).count() as u64;
    assert_eq!(paid(), 20_000 + 20_000 * tally / 11);
}

#[test]
fn answers_given_to_other_terms_under_the_same_id_would_count() {
    let members = members();
    let with = |release: Release| {
        let release = [release, Release::Payouts].into();
        job(12, 12, PayRule::Flat, |spec| spec.release = release).unwrap()
    };
    let (asked, other) = (with(Release::Payouts), with(Release::Labels));
    let answers_to_asked = crowd(&members, &asked, 12, |_| (0..12).collect());
    // What the nodes take for the other terms.
    let taken = || {
        let takes = |one: &&Submission| Header::check(&one.header, &members.cluster, &other) == Ok(());
        answers_to_asked.iter().filter(takes).cloned().collect::<Vec<_>>()
    };
    {
        let _all = skip(&[]);
        assert_eq!(taken(), []);
    }
    let _skipped = skip(&[Check::Terms]);
    let report = published(&members, &other, &taken());
    assert_eq!(
        labels(&report).len(),
        12,
        "labels of people who were promised that none are published"
    );
}

#[test]
fn terms_that_the_buyer_has_not_signed_would_be_computed() {
    let members = members();
    let asked = job(12, 12, PayRule::Flat, |spec| spec.release = [Release::Payouts].into()).unwrap();
    // The coordinator wants the labels for itself, and passes on the buyer's signature.
    let mut altered = asked.to_signed_spec();
    altered.spec.release = [Release::Labels, Release::Payouts].into();
    let open = || Job::open(&members.cluster.digest(), asked.id().clone(), altered.clone());
    {
        let _all = skip(&[]);
        assert!(open().unwrap_err().to_string().contains("signature"));
    }
    let _skipped = skip(&[Check::Buyer]);
    let opened = open().unwrap();
    let report = published(&members, &opened, &crowd(&members, &opened, 12, |_| (0..12).collect()));
    assert_eq!(labels(&report).len(), 12, "labels that the buyer has not asked for");
}

#[test]
fn exact_scores_would_be_equations_about_others() {
    let members = members();
    let scored = || job(10, 12, PayRule::Flat, |spec| spec.release = [Release::Scores].into());
    {
        let _all = skip(&[]);
        assert!(scored().unwrap_err().to_string().contains("names scores"));
    }
    let _skipped = skip(&[Check::Scores]);
    let job = scored().unwrap();
    let mut submissions = crowd(&members, &job, 11, |_| (0..10).collect());
    submissions.push(submission(&members, &job, 99, &[(3, 1)]));
    let report = published(&members, &job, &submissions);
    let score = report.contributors.iter().find(|one| one.contributor == "crowd/99").unwrap();
    let tally = (0..11).filter(|c| answer(*c, 3) == 1).count();
    assert!((score.agreement.unwrap() - tally as f64 / 11.0).abs() < 1e-12);
}

#[test]
fn one_item_under_several_ids_would_be_several_outputs_about_one_answer() {
    let members = members();
    // The same picture, followed by different numbers of characters that nobody sees.
    let shown = |items: u32| {
        job(items, 12, PayRule::Flat, |spec| {
            for (index, item) in spec.items.iter_mut().enumerate() {
                item.text = Some(format!("the same picture{}", "\u{200b}".repeat(index)));
            }
        })
    };
    let published = |items: u32| {
        let job = shown(items).unwrap();
        // Everyone gives one answer to the picture, however often it is shown.
        let share = |c: u32| submission(&members, &job, c, &(0..items).map(|item| (item, c % 2)).collect::<Vec<_>>());
        published(&members, &job, &(0..12).map(share).collect::<Vec<_>>())
    };
    {
        let _all = skip(&[]);
        assert!(shown(12).unwrap_err().to_string().contains("shows the same as"));
        // One picture is too little for any output.
        assert_eq!(published(1).labels_reason, Some(Absence::TooLittle));
    }
    let _skipped = skip(&[Check::Items]);
    assert_eq!(labels(&published(12)), vec![Some(0); 12], "a hundred answers, all to one picture");
}
