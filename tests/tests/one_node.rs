//! The data folders of one node and the coordinator together reveal no answer: everything that the node can open is opened, and is uniformly
//! random.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tacit_mpc_core::field::{Field, Fp61};
use tacit_protocol::cluster::Cluster;
use tacit_tests::cluster::TestCluster;
use tacit_tests::http::get;
use tacit_tests::stored::{self, Opened};

const NODE: usize = 1;
const AWAY: usize = 2;
const ITEMS: usize = 400;
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
/// For uniform bits in 16 groups, the statistic exceeds this once in 10^10 tests.
const UNIFORM: f64 = 80.0;

/// The class of a contributor's answer to an item.
fn class(contributor: usize, item: usize) -> usize {
    (item * 7 + item / 3 + contributor * item / 11) % 2
}

/// The view of somebody, by contributor: a vector of elements, two for each answer.
type View = Vec<Vec<Fp61>>;

fn sum(components: &[Vec<Fp61>]) -> Vec<Fp61> {
    let (first, others) = components.split_first().unwrap();
    others.iter().fold(first.clone(), |total, component| {
        total.iter().zip(component).map(|(a, b)| *a + *b).collect()
    })
}

/// The view of somebody who has these components of every submission.
fn view(opened: &[Opened], wanted: &[usize]) -> View {
    let component = |name: &str, wanted: usize| {
        let mut held = opened.iter().filter(|o| o.header.statement.contributor == name);
        held.find_map(|o| Some(o.components.iter().find(|(c, _)| *c == wanted)?.1.clone()))
            .unwrap()
    };
    NAMES
        .iter()
        .map(|name| sum(&wanted.iter().map(|c| component(name, *c)).collect::<Vec<_>>()))
        .collect()
}

fn one_hot() -> View {
    let row = |c: usize, item: usize| {
        let mut row = [Fp61::ZERO; 2];
        row[class(c, item)] = Fp61::ONE;
        row
    };
    (0..NAMES.len())
        .map(|c| (0..ITEMS).flat_map(|item| row(c, item)).collect())
        .collect()
}

/// How far the upper and lower bits of elements are from uniform: the largest chi-square statistic over the groups by true class and position
/// in the row.
fn chi_square(view: &View) -> f64 {
    let mut counts: BTreeMap<(usize, usize, &str), [f64; 16]> = BTreeMap::new();
    for (c, elements) in view.iter().enumerate() {
        assert_eq!(elements.len(), 2 * ITEMS);
        for (at, element) in elements.iter().enumerate() {
            let value = element.to_u64();
            for (part, bits) in [("upper", value >> 57), ("lower", value % 16)] {
                counts.entry((class(c, at / 2), at % 2, part)).or_insert([0.0; 16])[bits as usize] += 1.0;
            }
        }
    }
    assert_eq!(counts.len(), 8);
    let distance = |counts: &[f64; 16]| {
        let expected = counts.iter().sum::<f64>() / 16.0;
        assert!(expected > 20.0, "too few elements for the statistic");
        counts.iter().map(|n| (n - expected).powi(2) / expected).sum::<f64>()
    };
    counts.values().map(distance).fold(0.0, f64::max)
}

#[test]
fn one_nodes_folder_with_the_coordinators_is_noise() {
    let mut cluster = TestCluster::start(3, 1);
    let job = cluster.create_job("noise", ITEMS, 9);
    // Stop the programs when most data is there: before the job is closed, and with envelopes that another node has not got yet.
    cluster.kill_node(AWAY);
    for (c, name) in NAMES.iter().enumerate() {
        let answers: Vec<&str> = (0..ITEMS).map(|item| ["no", "yes"][class(c, item)]).collect();
        cluster.answer(&job, name, &answers).ok();
    }
    let delivered = || get(cluster.nodes[NODE].as_ref().unwrap().admin(), "/metrics").contains("{outcome=\"accepted\"} 3");
    let end = Instant::now() + Duration::from_secs(20);
    while !delivered() {
        assert!(Instant::now() < end, "the submissions are not delivered");
        std::thread::sleep(Duration::from_millis(50));
    }
    for process in cluster.nodes.drain(..).flatten().chain(cluster.coordinator.take()) {
        assert!(process.terminate().success());
    }
    let file = Cluster::parse(&std::fs::read(cluster.file()).unwrap()).unwrap();
    let (folder, all) = (cluster.node_folder(NODE), file.access().components());
    let held = file.access().held_by(NODE);
    assert!(held.len() < all, "it misses a component");

    let own = stored::opened(&folder, &file, &job, NODE);
    assert_eq!(own.len(), NAMES.len());
    for opened in &own {
        assert_eq!(opened.components.iter().map(|(c, _)| *c).collect::<Vec<_>>(), held);
    }
    let together = view(&own, &held);
    assert_ne!(together, one_hot());
    for seen in held.iter().map(|c| view(&own, &[*c])).chain([together.clone()]) {
        let distance = chi_square(&seen);
        assert!(distance < UNIFORM, "what node {NODE} holds is not uniform: {distance}");
    }

    // Envelopes for another node open with that node's key and not with this node's.
    let job = stored::job(&folder, &file, &job);
    let (key, others) = (stored::sealing_key(&folder), stored::sealing_key(&cluster.node_folder(AWAY)));
    let envelopes = stored::envelopes(&cluster.coordinator_folder());
    let waiting: Vec<_> = envelopes.iter().filter(|(node, _)| *node == AWAY).map(|(_, d)| d).collect();
    assert_eq!(waiting.len(), NAMES.len());
    let mut everything = own;
    for delivery in waiting {
        for node in [NODE, AWAY] {
            assert!(
                delivery.open(&file, &job, node, &key).is_err(),
                "node {NODE} opens what is for node {AWAY}"
            );
        }
        everything.push(stored::open(delivery, &file, &job, AWAY, &others));
    }

    // The statistic detects answers: it is large with the missing component, and if a part is in the clear.
    let clear = view(&everything, &(0..all).collect::<Vec<_>>());
    assert_eq!(clear, one_hot());
    assert!(chi_square(&clear) > 50.0 * UNIFORM);
    let mut partly = together;
    for (elements, clear) in partly.iter_mut().zip(&clear) {
        elements[..ITEMS / 2].copy_from_slice(&clear[..ITEMS / 2]);
    }
    assert!(chi_square(&partly) > 3.0 * UNIFORM, "a quarter in clear");
}
