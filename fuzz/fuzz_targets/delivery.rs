//! What a contributor seals to a node: an envelope that opens, with any content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::Bytes;
use tacit_fuzz::fixture::{FIXTURE, Fixture, NODES, randomness};
use tacit_fuzz::forged::ForgedParts;
use tacit_protocol::fixtures::ClusterWithKeys;
use tacit_protocol::submission::Header;

fuzz_target!(|data: &[u8]| {
    let Fixture {
        members, job, contributor, ..
    } = &*FIXTURE;
    let ClusterWithKeys { cluster, sealing, .. } = members;
    let mut data = Bytes(data);
    let node = usize::from(data.byte()) % NODES;
    let parts = ForgedParts::read(&mut data, cluster.access().components());
    let elements = parts.items.len() * job.terms().question.width();
    let submission = parts.seal_to(node, cluster, job, &contributor.key, &mut randomness(3));
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
