//! Terms below the floors, signed by a buyer: every node refuses them whatever the coordinator says, and the coordinator refuses them
//! whatever the nodes would say. That the client refuses them, too, is tested in `client/tests/commands/answers.rs`.

use std::time::Duration;

use tacit_protocol::control::{Refusal, Reply, Request};
use tacit_protocol::fixtures::{BelowFloor, at_the_floors, below_floors, buyer_key};
use tacit_protocol::job::{Job, SignedSpec};
use tacit_tests::api_client::cluster_file;
use tacit_tests::cluster::{TestCluster, in_a_month};
use tacit_tests::http::{Answer, Connection};
use tacit_tests::impostor::coordinator::ImpostorCoordinator;

fn json(spec: &SignedSpec) -> Vec<u8> {
    serde_json::to_vec(spec).unwrap()
}

/// Asks the coordinator, as the buyer, for a job.
fn create(cluster: &TestCluster, id: &str, spec: &SignedSpec) -> Answer {
    let mut connection = Connection::open(&cluster.api);
    connection.request_as(
        Some(&cluster.token),
        "PUT",
        &format!("/v1/jobs/{id}"),
        "application/json",
        &json(spec),
    )
}

#[test]
fn every_node_refuses_terms_below_a_floor_by_itself() {
    let impostor = ImpostorCoordinator::start(3, 1, Duration::from_secs(600));
    for BelowFloor { id, refusal, signed, .. } in below_floors(&impostor.cluster.digest()) {
        for node in 0..3 {
            let spec = json(&signed);
            let reply = impostor.ask(
                node,
                Request::OpenJob {
                    id: id.parse().unwrap(),
                    spec,
                },
            );
            let Reply::Refused(Refusal::Job(why)) = reply else {
                panic!("{id}: {reply:?}")
            };
            assert!(why.contains(refusal), "{id}: {why}");
        }
    }
}

#[test]
fn a_node_keeps_to_the_first_terms_under_an_id_and_opens_none_that_the_buyer_has_not_signed() {
    let impostor = ImpostorCoordinator::start(3, 1, Duration::from_secs(600));
    let work = impostor.prepare("first");
    let open = |spec: Vec<u8>| {
        let id = work.job.id().clone();
        impostor.ask(0, Request::OpenJob { id, spec })
    };
    assert!(matches!(open(work.other_spec()), Reply::Refused(Refusal::OtherSpec(_))));
    let mut altered = work.job.to_signed_spec();
    altered.spec.name.push('!');
    let reply = open(json(&altered));
    assert!(
        matches!(&reply, Reply::Refused(Refusal::Job(why)) if why.contains("has not signed")),
        "{reply:?}"
    );
    assert!(matches!(open(work.spec.clone()), Reply::Opened(digest) if digest == work.job.digest()));
}

#[test]
fn the_coordinator_refuses_terms_below_a_floor_by_itself() {
    let cluster = TestCluster::start(3, 1);
    let digest = cluster_file(&cluster).digest();
    for BelowFloor { id, refusal, signed, .. } in below_floors(&digest) {
        let answer = create(&cluster, id, &signed);
        assert_eq!(answer.status, 422, "{id}: {}", answer.body);
        assert!(answer.body.contains(refusal), "{id}: {}", answer.body);
    }
    let sign = |alter: &dyn Fn(&mut tacit_protocol::job::JobSpec)| {
        let mut spec = at_the_floors();
        spec.closes_at = Some(in_a_month());
        alter(&mut spec);
        Job::sign(&digest, "fine".parse().unwrap(), spec, &buyer_key())
            .unwrap()
            .to_signed_spec()
    };
    let fine = create(&cluster, "fine", &sign(&|_| ()));
    assert_eq!(fine.status, 201, "at the floors: {}", fine.body);
    let other = create(&cluster, "fine", &sign(&|spec| spec.name.push('!')));
    assert_eq!(other.status, 409, "other terms under the same id: {}", other.body);
}
