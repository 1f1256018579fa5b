//! The memory that a node reserves at its start.

use tacit_tests::cluster::TestCluster;
use tacit_tests::processes::Running;

const MB: u64 = 1_000_000;

#[test]
fn a_node_keeps_what_it_reserves_and_refuses_to_reserve_more_than_there_is() {
    let mut cluster = TestCluster::lay_out(3, 1);
    TestCluster::configure(&cluster.node_folder(0), "reserve_memory_mb", 300);
    TestCluster::configure(&cluster.node_folder(2), "reserve_memory_mb", 1 << 40);
    cluster.start_node(0);
    cluster.start_node(1);
    let memory = |node: usize| cluster.nodes[node].as_ref().unwrap().memory();
    assert!(memory(0) >= 300 * MB, "{}", memory(0));
    assert!(memory(1) < 200 * MB, "{}", memory(1));

    let refused = Running::try_start("tacit-node", &cluster.node_folder(2)).unwrap_err();
    assert!(
        refused.contains("cannot be reserved") && refused.contains("reserve_memory_mb"),
        "{refused}"
    );
}
