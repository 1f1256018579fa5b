//! What `t` corrupt nodes see of a whole computation does not depend on the answers: every word that they receive, hold or see
//! opened is either the same for all answers or uniformly random.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tacit_mpc_core::session::Opening;

use super::scenario::{CLUSTERS, Scenario, tamper};
use tacit_mpc_core::field::{Field, Fp61};
use tacit_mpc_core::sharing::NodeSet;
use tacit_mpc_core::testing::{Fate, Wire, World};
use tacit_mpc_core::testing::{Misbehaviour, Observed};
use tacit_protocol::phase::Phase;

/// Number of runs of each computation, with fresh randomness of contributors and honest nodes.
const RUNS: u32 = 160;
/// Greatest chi-square statistic, with 15 degrees of freedom, that passes for uniform: chance exceeds it once in `10^10` tests.
pub const UNIFORM: f64 = 80.0;
/// Once all contributors answer the same, once they differ. Both jobs have the same shape.
const ANSWERS: [[[u32; 3]; 4]; 2] = [
    [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]],
    [[0, 1, 0], [1, 0, 1], [0, 0, 1], [1, 0, 0]],
];

/// Where a word stands in a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum WordAt {
    /// In the components of a submission, at a corrupt node: entry, position of the component, element.
    Held(usize, usize, usize, usize),
    /// In a message: step, sender, receiver, word.
    Received(u32, usize, usize, usize),
    /// In an opened vector: step, element.
    Opened(u32, usize),
    /// In a vector of numbers that were opened under integer masks: step, element.
    Masked(u32, usize),
    /// The difference of a word and the one before it in the same message.
    Beside(u32, usize, usize, usize),
    /// The difference of a word and the one at the same place in the message before.
    Before(u32, usize, usize, usize),
}

/// The words at each place, in the order of the runs.
type View = BTreeMap<WordAt, Vec<u64>>;

/// The words of 8 bytes of a message, without the byte that says that a node has received everything.
fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    let (words, _) = bytes[bytes.len() % 8..].as_chunks::<8>();
    words.iter().map(|word| u64::from_le_bytes(*word))
}

/// What the nodes of `corrupt` hold of submissions that are shared anew in every run.
fn held(nodes: usize, threshold: usize, corrupt: NodeSet, answers: &[[u32; 3]]) -> View {
    let mut view = View::new();
    for run in 0..RUNS {
        let scenario = Scenario::numbered(nodes, threshold, answers, 1000 * run);
        for node in corrupt.iter() {
            for (entry, opened) in scenario.opened_by(node).iter().enumerate() {
                for position in 0..scenario.members.cluster.access().held_by(node).len() {
                    for (element, value) in opened.expand(position).iter().enumerate() {
                        let place = WordAt::Held(node, entry, position, element);
                        view.entry(place).or_default().push(value.to_u64());
                    }
                }
            }
        }
    }
    view
}

/// What the nodes of `corrupt` receive and see opened in computations on the same submissions, in which only the nodes' randomness
/// is drawn anew. So the messages reveal nothing even to somebody who knows all components of the submissions.
fn view(nodes: usize, threshold: usize, corrupt: NodeSet, answers: &[[u32; 3]], masked: bool) -> View {
    let scenario = Scenario::numbered(nodes, threshold, answers, 0);
    let view = Arc::new(Mutex::new(View::new()));
    // The session id is public; it is sent when keys are confirmed.
    let id = scenario.run(&scenario.world())[0].as_ref().unwrap().subject.session;
    let id: Vec<u64> = words(id.as_bytes()).collect();
    for run in 0..RUNS {
        let (log, id) = (Arc::clone(&view), id.clone());
        let mut world = World::new(scenario.members.cluster.access().clone(), u64::from(run)).intercept(move |wire: Wire<'_>| {
            if !corrupt.contains(wire.from) && corrupt.contains(wire.to) && Phase::from(wire.step.phase) != Phase::AcceptedSet {
                for (index, word) in words(wire.bytes).enumerate().filter(|(_, word)| !id.contains(word)) {
                    let place = WordAt::Received(wire.step.number, wire.from, wire.to, index);
                    log.lock().unwrap().entry(place).or_default().push(word);
                }
            }
            Fate::Deliver
        });
        let first = corrupt.iter().next().unwrap();
        for node in 0..nodes {
            let opened = Arc::clone(&view);
            let seen = tamper(move |observed| {
                // Results are published, and differ with the answers.
                if let Observed::Opened(step, what, values) = observed
                    && what != Opening::Result
                {
                    for (index, value) in values.iter().enumerate() {
                        let place = match what {
                            Opening::MaskedNumbers => WordAt::Masked(step, index),
                            _ => WordAt::Opened(step, index),
                        };
                        opened.lock().unwrap().entry(place).or_default().push(value.to_u64());
                    }
                }
            });
            let curious = if node == first { seen } else { Misbehaviour::default() };
            world = world.misbehave(
                node,
                Misbehaviour {
                    zero_masks: !masked,
                    ..curious
                },
            );
        }
        assert!(scenario.run(&world).iter().all(Result::is_ok));
    }
    let mut view = Arc::into_inner(view).unwrap().into_inner().unwrap();
    add_differences(&mut view);
    view
}

/// Adds differences of received words: if a mask is used twice, both words are uniform, but their difference is that of two secrets.
fn add_differences(view: &mut View) {
    let minus = |a: &[u64], b: &[u64]| -> Vec<u64> {
        let difference = |(a, b): (&u64, &u64)| (Fp61::reduce(*a) - Fp61::reduce(*b)).to_u64();
        a.iter().zip(b).map(difference).collect()
    };
    let received: Vec<_> = view
        .iter()
        .filter_map(|(place, words)| match place {
            WordAt::Received(step, from, to, index) => Some(((*from, *to, *step, *index), words.clone())),
            _ => None,
        })
        .collect();
    let words: BTreeMap<_, _> = received.iter().map(|(place, words)| (*place, words)).collect();
    let steps: BTreeSet<_> = words.keys().map(|(from, to, step, _)| (*from, *to, *step)).collect();
    for ((from, to, step, index), of) in &words {
        if let Some(beside) = index.checked_sub(1).and_then(|index| words.get(&(*from, *to, *step, index))) {
            view.insert(WordAt::Beside(*step, *from, *to, *index), minus(of, beside));
        }
        let last = steps.range((*from, *to, 0)..(*from, *to, *step)).next_back();
        if let Some(before) = last.and_then(|(.., last)| words.get(&(*from, *to, *last, *index))) {
            view.insert(WordAt::Before(*step, *from, *to, *index), minus(of, before));
        }
    }
}

/// The chi-square statistic of words against the uniform distribution, in their upper or lower four bits, whichever is greater.
pub fn distance(words: &[u64]) -> f64 {
    let mut counts = [[0.0f64; 16]; 2];
    for word in words {
        counts[0][(word >> 57 & 15) as usize] += 1.0;
        counts[1][(word & 15) as usize] += 1.0;
    }
    let expected = words.len() as f64 / 16.0;
    let chi_square = |counts: &[f64; 16]| counts.iter().map(|n| (n - expected).powi(2) / expected).sum();
    counts.iter().map(chi_square).fold(0.0, f64::max)
}

/// The chi-square statistic of two samples against each other, in their upper or lower four bits, whichever is greater.
fn difference(a: &[u64], b: &[u64]) -> f64 {
    let histogram = |words: &[u64], shift: u32| {
        let mut counts = [0.0f64; 16];
        words.iter().for_each(|word| counts[(word >> shift & 15) as usize] += 1.0);
        counts
    };
    let chi_square = |shift| {
        let (a, b) = (histogram(a, shift), histogram(b, shift));
        let terms = a.iter().zip(&b).filter(|(a, b)| *a + *b > 0.0);
        terms.map(|(a, b)| (a - b).powi(2) / (a + b)).sum::<f64>()
    };
    chi_square(57).max(chi_square(0))
}

/// The places whose words depend on the answers.
fn telling(views: &[View; 2]) -> Vec<WordAt> {
    let [a, b] = views;
    assert!(a.keys().eq(b.keys()), "the shapes of what is seen differ");
    let constant = |words: &[u64]| words.iter().all(|word| *word == words[0]).then(|| words[0]);
    // Numbers under integer masks are not uniform, but have the same distribution whatever they hide. The message that opens them
    // is the opened number minus what the receiver holds.
    let behind_integers: BTreeSet<u32> = a
        .keys()
        .filter_map(|place| match place {
            WordAt::Masked(step, _) => Some(*step),
            _ => None,
        })
        .collect();
    a.iter()
        .zip(b.values())
        .filter(|((place, a), b)| match place {
            WordAt::Masked(..) => difference(a, b) > UNIFORM,
            WordAt::Received(step, ..) | WordAt::Beside(step, ..) | WordAt::Before(step, ..) if behind_integers.contains(step) => false,
            _ => match (constant(a), constant(b)) {
                (Some(a), Some(b)) => a != b,
                _ => distance(a).max(distance(b)) > UNIFORM,
            },
        })
        .map(|((place, _), _)| *place)
        .collect()
}

/// Every set of t nodes.
fn coalitions(nodes: usize, threshold: usize) -> Vec<NodeSet> {
    (0u8..1 << nodes)
        .filter(|set| set.count_ones() as usize == threshold)
        .map(|set| (0..nodes).filter(|node| set >> node & 1 == 1).collect())
        .collect()
}

#[test]
fn what_corrupt_nodes_hold_is_independent_of_the_answers() {
    for (nodes, threshold) in CLUSTERS {
        for corrupt in coalitions(nodes, threshold) {
            let views = ANSWERS.map(|answers| held(nodes, threshold, corrupt, &answers));
            assert_eq!(telling(&views), [], "N={nodes} {corrupt:?}");
        }
    }
}

#[test]
fn what_corrupt_nodes_see_is_independent_of_the_answers() {
    for (nodes, threshold) in CLUSTERS {
        for corrupt in coalitions(nodes, threshold) {
            let views = ANSWERS.map(|answers| view(nodes, threshold, corrupt, &answers, true));
            assert_eq!(telling(&views), [], "N={nodes} {corrupt:?}");
            // Every step in which honest nodes send elements or digests was tested.
            let scenario = Scenario::new(nodes, threshold);
            let honest = (0..nodes).filter(|node| !corrupt.contains(*node));
            for sent in honest.flat_map(|node| scenario.sent_by(node)) {
                let looked_at = |place: &WordAt| matches!(place, WordAt::Received(step, ..) if *step == sent.step);
                let telling = sent.bytes.len() >= 8 && sent.phase != Phase::AcceptedSet && corrupt.contains(sent.to);
                assert!(!telling || views[0].keys().any(looked_at), "{sent:?}");
            }
        }
    }
}

#[test]
fn the_statistic_sees_masks_that_are_missing() {
    let (nodes, threshold) = CLUSTERS[0];
    let corrupt = [0].into_iter().collect();
    let telling = telling(&ANSWERS.map(|answers| view(nodes, threshold, corrupt, &answers, false)));
    assert!(telling.iter().any(|place| matches!(place, WordAt::Received(..))), "{telling:?}");
    assert!(telling.iter().any(|place| matches!(place, WordAt::Opened(..))), "{telling:?}");
}

#[test]
fn nothing_is_opened_but_coins_checks_and_what_is_published() {
    for (nodes, threshold) in CLUSTERS {
        let scenario = Scenario::new(nodes, threshold);
        let opened = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&opened);
        let listener = tamper(move |observed| {
            if let Observed::Opened(_, what, values) = observed {
                log.lock().unwrap().push((what, values.to_vec()));
            }
        });
        let outcome = scenario.run(&scenario.world().misbehave(0, listener));
        let outputs = scenario.published(&outcome).unwrap();
        // The numbers about contributors, one output after the other.
        let published = |values: &[Fp61]| {
            let of_contributors = outputs.iter().filter(|(name, _)| name.is_about_contributors());
            let all: Vec<Fp61> = of_contributors.flat_map(|(_, elements)| elements.to_vec()).collect();
            values == all
        };
        let opened = opened.lock().unwrap();
        for (what, values) in opened.iter() {
            match *what {
                Opening::Coin => assert_eq!(values.len(), 5),
                // 0 for an honest contributor, whatever it answered.
                Opening::InputCheck if values.len() > 1 => {
                    // The last submission is the malformed one.
                    let honest = &values[..values.len() - 1];
                    assert!(honest.iter().all(|value| *value == Fp61::ZERO));
                }
                Opening::InputCheck => {}
                // Hidden by masks that are more than 2^40 times as large.
                Opening::MaskedNumbers => {}
                Opening::ProductCheck => assert!(matches!(values[..], [f, g, h] if f * g == h)),
                Opening::Result => assert!(published(&values[..])),
                _ => panic!("{what:?} was opened"),
            }
        }
        // One check of all submissions, one of each, and one of the remaining ones.
        let checks = |opened: &[(Opening, Vec<Fp61>)]| -> Vec<usize> {
            let of_answers = opened.iter().filter(|(what, _)| *what == Opening::InputCheck);
            of_answers.map(|(_, values)| values.len()).collect()
        };
        assert_eq!(checks(&opened), [1, scenario.submissions.len(), 1]);
    }
}

#[test]
fn where_all_answers_are_well_formed_one_number_is_opened_for_the_whole_job() {
    let scenario = Scenario::honest(3, 1);
    let opened = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&opened);
    let listener = tamper(move |observed| {
        if let Observed::Opened(_, Opening::InputCheck, values) = observed {
            log.lock().unwrap().push(values.to_vec());
        }
    });
    assert!(scenario.run(&scenario.world().misbehave(0, listener)).iter().all(Result::is_ok));
    assert_eq!(*opened.lock().unwrap(), [[Fp61::ZERO]]);
}
