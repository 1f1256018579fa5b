//! Real nodes with real stores: a node whose data was replaced by an older copy, and peers that are silent or away when something is released.

use std::path::Path;
use std::time::Duration;

use tacit_mpc_core::sharing::NodeSet;
use tacit_tests::impostor::coordinator::ImpostorCoordinator;

/// The time-out of a round. Nodes that were started again may first have to find out that old connections are dead.
const ROUND: Duration = Duration::from_secs(4);

fn set(nodes: &[usize]) -> NodeSet {
    nodes.iter().copied().collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(path, target).unwrap();
        }
    }
}

/// Stops node 0, does something with its data and its copy, and starts it again.
fn while_stopped(impostor: &mut ImpostorCoordinator, body: impl FnOnce(&Path, &Path)) {
    impostor.nodes.kill_node(0);
    let data = impostor.nodes.node_folder(0).join("data");
    body(&data, &impostor.nodes.folder().join("copy"));
    impostor.nodes.start_node(0);
    impostor.nodes.ready();
    impostor.connect();
}

#[test]
fn a_node_with_older_data_releases_no_second_set_while_a_peer_remembers_the_first() {
    let mut impostor = ImpostorCoordinator::start(4, 1, ROUND);
    let work = impostor.prepare("restored");
    while_stopped(&mut impostor, copy);
    let first = impostor.completes(&work, 1, set(&[0, 1, 2]), &work.list());
    while_stopped(&mut impostor, |data, older| {
        std::fs::remove_dir_all(data).unwrap();
        copy(older, data);
    });
    impostor.refuses_second_result(&work, 2000, set(&[0, 2, 3]), &work.list()[..2]);
    let log = impostor.nodes.nodes[0].as_ref().unwrap().log();
    assert!(log.contains("a peer shows that this node has announced another release"), "{log}");
    // The first set is the only one that it computes again, and it gets its result.
    let again = impostor.completes(&work, 3000, set(&[0, 1, 2]), &work.list());
    assert_eq!(again[0].released.subject().accepted, first[0].released.subject().accepted);
    impostor.unharmed("after");
}

#[test]
fn a_peer_that_is_silent_or_away_stops_no_release() {
    let mut impostor = ImpostorCoordinator::start(4, 1, Duration::from_secs(60));
    let [silent, away] = ["silent", "away"].map(|id| impostor.prepare(id));
    // Its connections last until the others find out that it says nothing any more.
    impostor.nodes.nodes[3].as_ref().unwrap().freeze();
    impostor.completes(&silent, 1, set(&[0, 1, 2]), &silent.list());
    impostor.nodes.kill_node(3);
    impostor.completes(&away, 1, set(&[0, 1, 2]), &away.list());
    impostor.nodes.start_node(3);
    impostor.nodes.ready();
    impostor.connect();
    impostor.unharmed("after");
}
