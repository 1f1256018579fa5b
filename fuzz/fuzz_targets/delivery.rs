//! What a contributor has sealed for a node: an envelope that opens, with anything inside.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::Bytes;
use tacit_fuzz::bench::{BENCH, Bench, NODES, randomness};
use tacit_fuzz::forge::Forgery;
use tacit_protocol::submission::Header;

fuzz_target!(|data: &[u8]| {
    let Bench {
        cluster,
        job,
        sealing,
        contributor,
        ..
    } = &*BENCH;
    let mut data = Bytes(data);
    let node = usize::from(data.byte()) % NODES;
    let forgery = Forgery::read(&mut data, cluster.access().components());
    let elements = forgery.items.len() * job.terms().classes().len();
    let submission = forgery.seal(cluster, [node].into_iter().collect(), job, contributor, &mut randomness(3));
    assert!(submission.is_complete());
    if Header::check(&submission.header, cluster, job).is_err() {
        return;
    }
    let delivery = submission.delivery(node).expect("an envelope for each node");
    if let Ok(opened) = delivery.open(cluster, job, node, &sealing[node]) {
        for position in 0..cluster.access().held_by(node).len() {
            assert_eq!(opened.expand(position).len(), elements);
        }
    }
});
