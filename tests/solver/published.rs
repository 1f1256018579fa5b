//! A job of real answers, and everything that is published of it, in the form that `certain.py` reads.

use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use tacit_mpc_core::field::{Fp61, MODULUS};
use tacit_mpc_core::sharing::NodeSet;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::fixtures::{cluster_with_keys, issuers, job_of, spec, submission};
use tacit_protocol::job::{JobSpec, MIN_ANSWERS, MIN_ANSWERS_TO_LABEL, MIN_CONTRIBUTORS, PayRule};
use tacit_protocol::question::Release;
use tacit_protocol::release::{NOISE_BITS, OutputName, PairSum, noise_units};
use tacit_scoring::testing::run_to_certificate;

/// How long the solver may take for a job.
const SECONDS: u64 = 120;

/// Answers to the items of one job: for each item, who gave which class.
#[derive(Debug)]
pub struct Crowd {
    /// The number of classes in the data set.
    pub classes: u32,
    /// For each item, the contributors and their classes.
    pub items: Vec<Vec<(u32, u32)>>,
}

/// What `certain.py` is told about a job.
#[derive(Debug, Serialize)]
pub struct Published {
    classes: u32,
    items: Vec<Vec<u32>>,
    quorum: u32,
    labels: Vec<Option<u32>>,
    totals: Vec<(u32, i64, i64)>,
    pairs: Option<(i64, i64)>,
    known: Vec<(usize, usize)>,
    seconds: u64,
}

impl Crowd {
    /// A random crowd as small as the floors let a job be: the fewest answers to an item, and the fewest items and people; `None` if the
    /// data set has too few. `answers` are item, contributor and class.
    pub fn at_the_floors(answers: &[[String; 3]], rng: &mut ChaCha20Rng) -> Option<Self> {
        let index = |field: usize| -> BTreeMap<&String, u32> {
            let names: BTreeSet<&String> = answers.iter().map(|answer| &answer[field]).collect();
            names.into_iter().zip(0..).collect()
        };
        let (people, classes) = (index(1), index(2));
        let mut by_item: BTreeMap<&String, Vec<(u32, u32)>> = BTreeMap::new();
        for [item, contributor, class] in answers {
            by_item.entry(item).or_default().push((people[contributor], classes[class]));
        }
        let mut items: Vec<Vec<(u32, u32)>> = by_item.into_values().collect();
        items.retain(|given| given.len() >= MIN_ANSWERS_TO_LABEL as usize);
        items.shuffle(rng);
        // A data set of few items needs more answers to each of them.
        let per_item = (MIN_ANSWERS.div_ceil(items.len().max(1) as u64) as usize).max(MIN_ANSWERS_TO_LABEL as usize);
        let mut crowd = Self {
            classes: classes.len() as u32,
            items: Vec::new(),
        };
        for given in items.into_iter().filter(|given| given.len() >= per_item) {
            crowd.items.push(given.sample(rng, per_item).copied().collect());
            if (crowd.items.len() * per_item) as u64 >= MIN_ANSWERS && crowd.people().len() >= MIN_CONTRIBUTORS {
                return Some(crowd);
            }
        }
        None
    }

    /// Who answered.
    pub fn people(&self) -> HashSet<u32> {
        self.items.iter().flatten().map(|(contributor, _)| *contributor).collect()
    }

    /// Two people who gave many answers, and collude: where their answers are.
    pub fn answers_of_two(&self) -> Vec<(usize, usize)> {
        let mut numbers: BTreeMap<u32, usize> = BTreeMap::new();
        for (contributor, _) in self.items.iter().flatten() {
            *numbers.entry(*contributor).or_default() += 1;
        }
        let mut busiest: Vec<(u32, usize)> = numbers.into_iter().collect();
        busiest.sort_unstable_by_key(|(contributor, answers)| (usize::MAX - answers, *contributor));
        busiest.truncate(2);
        let of_two = |contributor: u32| busiest.iter().any(|(busy, _)| *busy == contributor);
        let places = self.items.iter().enumerate().flat_map(|(item, given)| {
            let theirs = given.iter().enumerate().filter(|(_, (contributor, _))| of_two(*contributor));
            theirs.map(move |(place, _)| (item, place)).collect::<Vec<_>>()
        });
        places.collect()
    }

    /// Runs the job on a cluster in memory and reads what its certificate publishes. The reader has given the answers `known` itself.
    pub fn publish(&self, sensitive: bool, quorum: Option<u32>, known: Vec<(usize, usize)>) -> Published {
        let members = cluster_with_keys(3, 1);
        let per_item = self.items[0].len() as u32;
        let job = JobSpec {
            sensitive,
            issuers: sensitive.then(|| issuers(1)),
            quorum,
            release: [Release::Labels, Release::ClassTotals, Release::Agreement, Release::Payouts].into(),
            ..spec(self.items.len() as u32, self.classes, per_item, PayRule::Flat)
        };
        let job = job_of("solved", job).unwrap();
        let mut by_contributor: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
        for (item, given) in (0..).zip(&self.items) {
            for (contributor, class) in given {
                by_contributor.entry(*contributor).or_default().push((item, *class));
            }
        }
        let submissions: Vec<_> = by_contributor
            .iter()
            .map(|(who, answers)| submission(&members, &job, *who, answers))
            .collect();
        let (certificate, report) = run_to_certificate(&members, NodeSet::all(3), &job, &submissions);
        let opened = certificate.verify(&members.cluster).unwrap();
        let totals = ranges(&certificate, OutputName::ClassTotals, opened.get(OutputName::ClassTotals).unwrap());
        let agreement = ranges(&certificate, OutputName::Agreement, opened.get(OutputName::Agreement).unwrap());
        // All items have the same number of answers, so the plain sum of pairs says all that the others say.
        assert_eq!(certificate.facts.same_redundancy(), Some(per_item));
        assert_eq!(PairSum::ALL[0], PairSum::Plain);
        Published {
            classes: self.classes,
            items: self
                .items
                .iter()
                .map(|given| given.iter().map(|(_, class)| *class).collect())
                .collect(),
            quorum: quorum.unwrap_or(1),
            labels: report
                .labels
                .iter()
                .map(|one| one.label.map(|class| class.parse().unwrap()))
                .collect(),
            totals: (0..).zip(totals).map(|(class, (least, most))| (class, least, most)).collect(),
            pairs: agreement.first().copied(),
            known,
            seconds: SECONDS,
        }
    }
}

/// What each element can be without its noise: exactly what was opened where it has none.
fn ranges(certificate: &Certificate, name: OutputName, opened: &[Fp61]) -> Vec<(i64, i64)> {
    let Certificate { terms, facts, .. } = certificate;
    let signed = |value: &Fp61| match value.to_u64() {
        negative if negative > MODULUS / 2 => negative as i64 - MODULUS as i64,
        value => value as i64,
    };
    let units = if name.has_noise(terms) {
        noise_units(name, terms, facts)
    } else {
        vec![0; opened.len()]
    };
    // Three components, each with up to half of its bits above or below the middle.
    let most = 3 * i64::from(NOISE_BITS / 2);
    let range = |(value, unit): (&Fp61, u64)| (signed(value) - most * unit as i64, signed(value) + most * unit as i64);
    opened.iter().zip(units).map(range).collect()
}
