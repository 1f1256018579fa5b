//! A data folder is used by one running program, and never by an older version than the one that made it.

use std::path::Path;

use tacit_tests::cluster::TestCluster;
use tacit_tests::processes::Running;
use tacit_tests::programs::run;

/// Program, folder and store of a node and of the coordinator.
fn programs(cluster: &TestCluster) -> [(&'static str, std::path::PathBuf, &'static str); 2] {
    [
        ("tacit-node", cluster.node_folder(0), "data/node.sqlite"),
        ("tacit-coordinator", cluster.coordinator_folder(), "data/coordinator.sqlite"),
    ]
}

fn refused(name: &str, folder: &Path) -> String {
    let config = folder.join("config.toml");
    run(name, ["run", "--config", config.to_str().unwrap(), "--stop-with-stdin"]).error()
}

#[test]
fn two_programs_on_one_folder() {
    let cluster = TestCluster::lay_out(3, 1);
    for (name, folder, store) in programs(&cluster) {
        let running = Running::start(name, &folder);
        let error = refused(name, &folder);
        assert!(error.contains(store) && error.contains("in use by another process"), "{error}");
        assert!(running.terminate().success());
        drop(Running::start(name, &folder));
    }
}

#[test]
fn a_store_of_a_newer_release() {
    let cluster = TestCluster::lay_out(3, 1);
    for (name, folder, store) in programs(&cluster) {
        drop(Running::start(name, &folder));
        let open = || rusqlite::Connection::open(folder.join(store)).unwrap();
        let known: i64 = open().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        open().pragma_update(None, "user_version", known + 1).unwrap();
        let parts = [
            store.to_owned(),
            format!("schema version {}", known + 1),
            format!("knows {known}"),
            "run the release that made it".to_owned(),
        ];
        let config = folder.join("config.toml");
        let checked = run(name, ["check-config", "--config", config.to_str().unwrap()]).out;
        for line in [refused(name, &folder), checked] {
            assert!(parts.iter().all(|part| line.contains(part)), "{line}");
        }
        open().pragma_update(None, "user_version", known).unwrap();
        drop(Running::start(name, &folder));
    }
}
