//! The noise against plain arithmetic: how much of it is in which number.

mod one_noise;

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::report::Report;
use crate::testing::{TestRecord, publish, run_recording};
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::World;
use tacit_protocol::accepted::{PublicFacts, Scales};
use tacit_protocol::certificate::{Certificate, OpenedOutputs};
use tacit_protocol::fixtures::{ClusterWithKeys, cluster_with_keys, issuers, job_of, spec, submission};
use tacit_protocol::job::{Job, LabelRule, PayRule, Terms};
use tacit_protocol::question::Release;
use tacit_protocol::release::{AgreementLayout, OutputName, PairSum, independent, noise_units};
use tacit_protocol::submission::Submission;

/// A sensitive job of 12 items that releases these things.
fn job(classes: u32, release: &[Release]) -> Job {
    let mut spec = spec(12, classes, 16, PayRule::Flat);
    spec.sensitive = true;
    spec.issuers = Some(issuers(1));
    spec.release = release.iter().copied().collect();
    if release.contains(&Release::Labels) {
        spec.quorum = Some(1);
        spec.label_rule = LabelRule::Plurality;
    }
    spec.payout = None;
    job_of("noise", spec).unwrap()
}

/// A contributor and an item, with the class of the answer.
type Answers = BTreeMap<(u32, u32), u32>;

fn submissions(members: &ClusterWithKeys, job: &Job, answers: &Answers) -> Vec<Submission> {
    let mut of: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    answers
        .iter()
        .for_each(|((contributor, item), class)| of.entry(*contributor).or_default().push((*item, *class)));
    of.iter()
        .map(|(contributor, answers)| submission(members, job, *contributor, answers))
        .collect()
}

/// Answers to all 12 items by 12 people; of the last items fewer, if redundancy `varies`.
fn crowd(classes: u32, varies: bool) -> Answers {
    let answers = (0..12).flat_map(|c| (0..12).map(move |item| ((c, item), (item * item + c * (item % 2)) % classes)));
    answers.filter(|((c, item), _)| !varies || c + item < 20).collect()
}

fn tallies(answers: &Answers, classes: usize) -> Vec<Vec<u64>> {
    let mut tallies = vec![vec![0; classes]; 12];
    answers
        .iter()
        .for_each(|((_, item), class)| tallies[*item as usize][*class as usize] += 1);
    tallies
}

/// The elements of an output without noise, straight from their definitions.
fn exact(name: OutputName, terms: &Terms, facts: &PublicFacts, answers: &Answers) -> Vec<i128> {
    let classes = terms.classes().len();
    let tallies = tallies(answers, classes);
    let count = |row: &Vec<u64>| row.iter().sum::<u64>();
    let by_class = |weight: &dyn Fn(u64) -> u64, classes: usize| -> Vec<i128> {
        let of = |class: usize| tallies.iter().map(|row| i128::from(weight(count(row)) * row[class])).sum();
        (0..classes).map(of).collect()
    };
    if name == OutputName::ClassTotals {
        return by_class(&|_| 1, name.len(terms, facts));
    }
    let layout = AgreementLayout::new(terms, facts);
    let scales = Scales::new(&facts.redundancy, terms.sensitive);
    let pairs = |sum: &PairSum| -> i128 {
        let of_item = |row: &Vec<u64>| {
            let matching: u64 = row.iter().map(|votes| votes * votes.saturating_sub(1)).sum();
            i128::from(sum.weight(&scales, count(row) as u32)) * i128::from(matching)
        };
        tallies.iter().map(of_item).sum()
    };
    let mut elements: Vec<i128> = PairSum::ALL[..layout.pair_sums].iter().map(pairs).collect();
    elements.extend(by_class(&|answers| u64::from(answers >= 2), layout.paired_totals));
    let share = |answers: u64| if answers == 0 { 0 } else { scales.share.weight(answers) };
    elements.extend(by_class(&share, layout.shares));
    elements
}

/// The noise of each element in units: over all components, counted bit by bit from the words of their keys.
fn noise(members: &ClusterWithKeys, records: &[TestRecord], name: OutputName, elements: usize) -> Vec<i128> {
    let access = members.cluster.access();
    let mut noise = vec![0i128; elements];
    for component in 0..access.components() {
        // Every holder has the same words, so any one that took part serves.
        let mut words = access.holders(component).iter().filter_map(|holder| {
            let keys = records[holder].keys(access, holder)?;
            let position = access.held_by(holder).binary_search(&component).unwrap();
            Some(keys.words(position, &name.to_string(), elements).to_vec())
        });
        let first = words.next().unwrap();
        assert!(words.all(|other| other == first));
        for (noise, word) in noise.iter_mut().zip(first) {
            *noise += (0..64).map(|bit| i128::from(word >> bit & 1)).sum::<i128>() - 32;
        }
    }
    noise
}

fn signed(element: Fp61) -> i128 {
    let value = i128::from(element.to_u64());
    if value > (1 << 60) { value - ((1 << 61) - 1) } else { value }
}

/// A computation by these nodes at which all records are written.
fn compute(
    world: &World,
    members: &ClusterWithKeys,
    job: &Job,
    answers: &Answers,
    present: NodeSet,
    records: &[TestRecord],
) -> (Certificate, Report, OpenedOutputs) {
    let submissions = submissions(members, job, answers);
    let results = run_recording(&world.clone().present(present), members, job, &submissions, records);
    let (certificate, report) = publish(members, present, job, &submissions, results).unwrap();
    let opened = certificate.verify(&members.cluster).unwrap();
    (certificate, report, opened)
}

fn records(nodes: usize) -> Vec<TestRecord> {
    (0..nodes).map(|_| TestRecord::default()).collect()
}

fn world(members: &ClusterWithKeys, seed: u64) -> World {
    World::new(members.cluster.access().clone(), seed)
}

/// The answers of so many people, who answer this share of the 12 items each: redundancy varies, and where the share is small, some items
/// have one answer, some none.
fn any_crowd(people: u32, share: f64) -> impl Strategy<Value = (u32, Answers)> {
    (1u32..5).prop_flat_map(move |classes| {
        let pairs = (0..people).flat_map(|c| (0..12).map(move |item| (c, item))).collect::<Vec<_>>();
        let answers = proptest::collection::vec(proptest::option::weighted(share, 0..classes), pairs.len());
        let given = move |answers: Vec<Option<u32>>| -> Answers {
            let given = pairs.iter().zip(answers).filter_map(|(pair, class)| Some((*pair, class?)));
            given.collect()
        };
        (
            Just(classes),
            answers.prop_map(given).prop_filter("nobody answers", |answers| !answers.is_empty()),
        )
    })
}

const AGREEMENT: [Release; 1] = [Release::Agreement];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_opens_is_the_plain_sum_and_the_noise_of_all_components(
        (classes, answers) in any_crowd(16, 0.8),
        (nodes, threshold, taking_part) in prop_oneof![Just((3, 1, 3)), Just((4, 1, 3)), Just((5, 2, 5))],
    ) {
        let members = cluster_with_keys(nodes, threshold);
        let job = job(classes, &AGREEMENT);
        let records = records(nodes);
        let (certificate, report, opened) = compute(&world(&members, 3), &members, &job, &answers, NodeSet::all(taking_part), &records);
        let Certificate { terms, facts, .. } = &certificate;
        for name in [OutputName::ClassTotals, OutputName::Agreement] {
            let elements: Vec<i128> = opened.get(name).unwrap().iter().copied().map(signed).collect();
            let units = noise_units(name, terms, facts);
            let exact = exact(name, terms, facts, &answers);
            let noise = noise(&members, &records, name, elements.len());
            prop_assert_eq!(elements.len(), name.len(terms, facts));
            let due: Vec<i128> = exact.iter().zip(&noise).zip(&units).map(|((exact, noise), unit)| exact + noise * i128::from(*unit)).collect();
            prop_assert_eq!(elements, due);
        }
        // Whatever the noise, the report stays in its ranges.
        let totals = &report.class_totals.as_ref().unwrap().0;
        prop_assert!(totals.iter().all(|(_, total)| *total <= facts.answers));
        prop_assert!(classes > 2 || totals.iter().map(|(_, total)| total).sum::<u64>() == facts.answers);
        for (index, measure) in report.agreement.as_ref().unwrap().0.to_array().into_iter().enumerate() {
            let least = if index < 2 { 0.0 } else { -1.0 };
            prop_assert!(measure.is_err() || (least..=1.0).contains(&measure.unwrap()), "{:?}", measure);
        }
        let text = String::from_utf8(report.to_json()).unwrap();
        prop_assert!(!text.contains("NaN") && !text.contains("inf"));
        prop_assert!(text.contains("\"noise\""));
        prop_assert_eq!(Certificate::from_json(&certificate.to_json()).unwrap(), certificate);
    }

    #[test]
    fn a_unit_is_how_far_one_answer_can_change_a_number((classes, answers) in any_crowd(8, 0.3), change in (0usize..96, 0u32..4)) {
        let terms = job(classes, &AGREEMENT).terms().clone();
        let facts = facts(&answers);
        let mut changed = answers.clone();
        let place = *answers.keys().nth(change.0 % answers.len()).unwrap();
        changed.insert(place, change.1 % classes);
        for name in [OutputName::ClassTotals, OutputName::Agreement] {
            let [before, after] = [&answers, &changed].map(|answers| exact(name, &terms, &facts, answers));
            for ((before, after), unit) in before.iter().zip(&after).zip(noise_units(name, &terms, &facts)) {
                prop_assert!((before - after).abs() <= i128::from(unit), "{name}: {before} -> {after}, unit {unit}");
            }
        }
    }
}

fn facts(answers: &Answers) -> PublicFacts {
    let mut redundancy = BTreeMap::new();
    for row in tallies(answers, 4) {
        *redundancy.entry(row.iter().sum::<u64>() as u32).or_insert(0) += 1;
    }
    redundancy.remove(&0);
    PublicFacts {
        answers: answers.len() as u64,
        rejected: BTreeMap::new(),
        refused: Vec::new(),
        redundancy,
        too_few_answers: Vec::new(),
        contributors: Vec::new(),
    }
}

#[test]
fn units_are_reached_and_numbers_that_follow_from_others_are_left_out() {
    // Redundancies, and how many sums of pairs, paired totals and shares are opened for three classes.
    for (redundancies, layout) in [
        (vec![5, 5, 5], (1, 0, 0)),
        (vec![1, 1], (1, 0, 0)),
        (vec![1, 5, 5], (1, 3, 0)),
        (vec![2, 5], (3, 0, 3)),
        (vec![1, 2, 3, 7], (3, 3, 3)),
    ] {
        let terms = job(3, &AGREEMENT).terms().clone();
        let people = |(item, count): (usize, &u32)| (0..*count).map(move |c| ((c, item as u32), u32::from(c > 0))).collect::<Vec<_>>();
        let unlike: Answers = redundancies.iter().enumerate().flat_map(people).collect();
        let facts = facts(&unlike);
        let found = AgreementLayout::new(&terms, &facts);
        assert_eq!((found.pair_sums, found.paired_totals, found.shares), layout, "{redundancies:?}");
        assert!(!found.squares);
        // One answer against all others of its item joins them: the greatest change of a sum of pairs; of a total and a share any
        // change is.
        let greatest = |name: OutputName| -> Vec<i128> {
            let before = exact(name, &terms, &facts, &unlike);
            let mut greatest = vec![0; before.len()];
            for item in 0..redundancies.len() as u32 {
                let mut joined = unlike.clone();
                joined.insert((0, item), 1);
                for ((greatest, before), after) in greatest.iter_mut().zip(&before).zip(exact(name, &terms, &facts, &joined)) {
                    *greatest = (*greatest).max((before - after).abs());
                }
            }
            greatest
        };
        for name in [OutputName::ClassTotals, OutputName::Agreement] {
            let units = noise_units(name, &terms, &facts);
            for (index, (reached, unit)) in greatest(name).into_iter().zip(units).enumerate() {
                // Nobody names the third class here.
                if reached > 0 {
                    assert_eq!(reached, i128::from(unit), "{name} {index} of {redundancies:?}");
                }
            }
        }
    }
    assert_eq!([1, 2, 3].map(independent), [1, 1, 3]);
}

#[test]
fn exact_jobs_keep_their_numbers_and_say_nothing_of_noise() {
    let members = cluster_with_keys(3, 1);
    let mut spec = spec(12, 3, 12, PayRule::Flat);
    spec.payout = None;
    spec.release = AGREEMENT.into();
    let job = job_of("exact", spec).unwrap();
    let answers = crowd(3, true);
    let records = records(3);
    let (certificate, report, opened) = compute(&world(&members, 1), &members, &job, &answers, NodeSet::all(3), &records);
    assert_eq!((report.noise, report.class_totals), (None, None));
    assert!(opened.get(OutputName::ClassTotals).is_none());
    let layout = AgreementLayout::new(&certificate.terms, &certificate.facts);
    assert_eq!(
        (layout.pair_sums, layout.squares, layout.paired_totals, layout.shares),
        (3, true, 0, 3)
    );
    assert!(records.iter().all(TestRecord::is_recorded) && records[0].keys(members.cluster.access(), 0).is_none());
}

#[test]
fn the_result_says_how_far_noise_moves_its_numbers() {
    for (nodes, threshold, deviation) in [(3, 1, 4.0 * 3f64.sqrt()), (5, 2, 4.0 * 10f64.sqrt())] {
        let members = cluster_with_keys(nodes, threshold);
        let job = job(2, &AGREEMENT);
        let (_, report, _) = compute(
            &world(&members, 1),
            &members,
            &job,
            &crowd(2, false),
            NodeSet::all(nodes),
            &records(nodes),
        );
        let noise = report.noise.unwrap();
        assert_eq!(noise.class_totals, deviation);
        // One answer to an item with twelve changes 22 of the 132 ordered pairs of an item, of twelve.
        let due = deviation * 22.0 / (12.0 * 132.0);
        assert!((noise.observed.unwrap() - due).abs() < 1e-12 && noise.observed == noise.observed_pooled);
    }
}

#[test]
fn measures_are_the_exact_ones_where_noise_is_small_beside_the_answers() {
    // As the plain formulas say, with the noise taken out: put the exact elements into the certificate's place.
    for varies in [false, true] {
        let members = cluster_with_keys(3, 1);
        let answers = crowd(3, varies);
        let (noisy, open) = (job(3, &AGREEMENT), {
            let mut spec = spec(12, 3, 12, PayRule::Flat);
            (spec.payout, spec.release) = (None, AGREEMENT.into());
            job_of("exact", spec).unwrap()
        });
        let (_, exact_report, _) = compute(&world(&members, 1), &members, &open, &answers, NodeSet::all(3), &records(3));
        let facts = facts(&answers);
        let elements = |name| -> Vec<Fp61> {
            let exact = exact(name, noisy.terms(), &facts, &answers);
            exact.into_iter().map(|element| Fp61::from_i64(element as i64)).collect()
        };
        let totals = elements(OutputName::ClassTotals);
        let measures = crate::statistic::nominal::noisy_measures(noisy.terms(), &facts, &totals, &elements(OutputName::Agreement)).unwrap();
        let pairs = measures.to_array().into_iter().zip(exact_report.agreement.unwrap().0.to_array());
        for (noisy, exact) in pairs {
            assert!((noisy.unwrap() - exact.unwrap()).abs() < 1e-9, "{noisy:?} instead of {exact:?}");
        }
    }
}
