//! A request of the coordinator, and what a node does with it before any peer has sent anything. In a computation, the peers send
//! every message back to its sender.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::canonical;
use tacit_fuzz::fixture::{FIXTURE, Fixture};
use tacit_fuzz::transcript::compute;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::{Expected, Network, NetworkError, Outgoing, Step};
use tacit_mpc_core::probe::Honest;
use tacit_protocol::codec::decode;
use tacit_protocol::control::Request;
use tacit_protocol::fixtures::ClusterWithKeys;
use tacit_protocol::identity::Signed;
use tacit_protocol::job::{Job, SignedSpec};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Delivery, Header};
use tacit_protocol::withdrawal::Withdrawal;

/// A network whose peers send back what they receive.
struct Echo;

impl Network for Echo {
    type Probe = Honest;

    fn probe(&self) -> &Honest {
        &Honest
    }

    fn exchange(&mut self, _: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError> {
        let reply = |e: &Expected| {
            let received = outgoing.iter().find(|message| message.to == e.from);
            let mut bytes = received.map(|message| message.bytes.clone()).unwrap_or_default();
            bytes.resize(e.len, 0);
            bytes
        };
        Ok(expected.iter().map(reply).collect())
    }
}

fn examine(digest: &Digest, bytes: &[u8]) -> Result<(), RejectReason> {
    let Fixture { members, job, .. } = &*FIXTURE;
    let ClusterWithKeys { cluster, sealing, .. } = members;
    let delivery = Delivery::decode(bytes)?;
    if delivery.header.value.digest() != *digest {
        return Err(RejectReason::Malformed);
    }
    Header::check(&delivery.header, cluster, job)?;
    delivery.open(cluster, job, 0, &sealing[0]).map(drop)
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = canonical::<Request>(data) else { return };
    assert!(!format!("{request:?}").is_empty());
    match request {
        Request::OpenJob { id, spec } => {
            let cluster = FIXTURE.members.cluster.digest();
            let _ = SignedSpec::from_json(&spec).and_then(|spec| Job::open(&cluster, id, spec));
        }
        Request::Deliver { submissions, .. } => submissions.iter().for_each(|(digest, bytes)| {
            let _ = examine(digest, bytes);
        }),
        Request::Compute { participants, list, .. } => {
            let computed = compute(&FIXTURE, 0, &list, participants, Echo);
            assert!(
                computed.is_err() || list.is_empty(),
                "a computation with peers that only send messages back succeeded"
            );
        }
        Request::Cancel { .. } | Request::Certified { .. } | Request::SealingKey => {}
        Request::Withdraw { header, signature, .. } => {
            if let Ok(header) = decode::<Signed<Header>>(&header, "a header") {
                let _ = Withdrawal::check(&header, &signature, &FIXTURE.members.cluster, &FIXTURE.job);
            }
        }
        Request::Revoke(revocation) => {
            let _ = revocation.check();
        }
    }
});
