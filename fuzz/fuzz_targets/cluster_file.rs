//! A cluster file, as a file and as the text that a coordinator sends, and the cards it is made of.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_protocol::api::ClusterInfo;
use tacit_protocol::card::{Card, cluster_text};
use tacit_protocol::cluster::Cluster;

fuzz_target!(|data: &[u8]| {
    if let Ok(card) = Card::parse(data) {
        let text = toml::to_string(&card).expect("what was read can be written");
        assert_eq!(Card::parse(text.as_bytes()), Ok(card.clone()));
        if let Ok(text) = cluster_text("name", 1, [card]) {
            Cluster::parse(text.as_bytes()).expect("what was made can be read");
        }
    }
    let cluster = match Cluster::parse(data) {
        Ok(cluster) => cluster,
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "an error is one line: {error}");
            return;
        }
    };
    assert_eq!(cluster.access().nodes(), cluster.nodes().len());
    let text = toml::to_string(cluster.file()).expect("what was read can be written");
    let again = Cluster::parse(text.as_bytes()).expect("what was written can be read");
    assert_eq!(again.file(), cluster.file());
    let file = String::from_utf8(data.to_vec()).expect("a cluster file is text");
    assert_eq!(
        ClusterInfo::new(&cluster, file, vec![None; cluster.nodes().len()]).nodes.len(),
        cluster.nodes().len()
    );
});
