//! The keys that contributors seal to: they are passed on as nodes sign them, and kept; what is sealed to older ones is refused.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use tacit_protocol::api::ClusterInfo;
use tacit_protocol::fixtures::{cluster_with_keys, epochs};
use tacit_protocol::sealing_epoch::SignedEpoch;

use super::{Bench, kind};
use crate::testing::{contributor_key, eventually, spec};

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

async fn served(bench: &Bench) -> Vec<Option<SignedEpoch>> {
    let (_, body) = bench.get("/v1/cluster").await;
    let info: ClusterInfo = serde_json::from_slice(&body).unwrap();
    info.nodes.into_iter().map(|node| node.sealing).collect()
}

#[tokio::test]
async fn keys_are_passed_on_as_nodes_sign_them_and_kept() {
    let bench = Bench::new(3, 1).await;
    let members = cluster_with_keys(3, 1);
    let signed = epochs(&members, now(), now() + 1000);
    for (node, signed) in bench.cluster.nodes.iter().zip(&signed) {
        node.set_sealing_key(signed.clone().unwrap());
    }
    eventually("the keys are served", async || served(&bench).await == signed).await;
    // A key of another node is none, and an older one does not come back.
    bench.cluster.nodes[0].set_sealing_key(signed[1].clone().unwrap());
    bench.cluster.nodes[1].set_sealing_key(epochs(&members, now() - 100, now() + 1000)[1].clone().unwrap());
    let bench = bench.again().await;
    assert_eq!(served(&bench).await, signed, "before any node was asked");
    for node in [0, 1] {
        let node = &bench.cluster.nodes[node];
        let asked = node.asked_for_sealing_key();
        // Two more: what it gave to the first of them was looked at before the second.
        eventually("the node is asked again", async || node.asked_for_sealing_key() >= asked + 2).await;
    }
    assert_eq!(served(&bench).await, signed, "and after");
    let newer = epochs(&members, now() + 5, now() + 1000);
    bench.cluster.nodes[2].set_sealing_key(newer[2].clone().unwrap());
    eventually("the newer key is served", async || served(&bench).await[2] == newer[2]).await;
    assert_eq!(served(&bench).await[..2], signed[..2]);
}

#[tokio::test]
async fn what_a_node_does_not_open_any_more_is_refused_and_not_stored() {
    let bench = Bench::new(3, 1).await;
    let job = bench.open("signs", spec(2)).await;
    let key = contributor_key(1);
    bench.enrol("ada", &key).await;
    let submission = bench.cluster.submission(&job, "ada", &key, &[0, 1]);
    let path = format!("/v1/jobs/signs/submissions/{}", submission.header.value.statement.id);
    let mut newest = epochs(&cluster_with_keys(3, 1), now(), now() + 1000)[1].clone().unwrap();
    let node = bench.app.nodes.get(1).unwrap();
    node.set_sealing_key(newest.clone());
    let (status, body) = bench.submit(&submission).await;
    assert_eq!((status, kind(&body).as_str()), (StatusCode::CONFLICT, "sealing_key_expired"));
    assert!(String::from_utf8(body).unwrap().contains("node-1"));
    assert_eq!(bench.get(&path).await.0, StatusCode::NOT_FOUND);

    newest.value.opens_older_until = now() + 500;
    node.set_sealing_key(newest.clone());
    assert_eq!(bench.submit(&submission).await.0, StatusCode::CREATED);
    // What is stored has its receipt for good.
    newest.value.opens_older_until = 0;
    node.set_sealing_key(newest);
    assert_eq!(bench.submit(&submission).await.0, StatusCode::OK);
}
