//! A request of the coordinator, and what a node makes of it before any peer has said a word; peers
//! that repeat what they hear take a computation a little further.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::bench::{BENCH, Bench};
use tacit_fuzz::canonical;
use tacit_fuzz::transcript::compute;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::network::{Expected, Network, NetworkError, Outgoing, Step};
use tacit_mpc_core::probe::Honest;
use tacit_protocol::control::Request;
use tacit_protocol::job::{Job, JobSpec};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::{Delivery, Header};

struct Echo;

impl Network for Echo {
    type Probe = Honest;

    fn probe(&self) -> &Honest {
        &Honest
    }

    fn exchange(&mut self, _: Step, outgoing: Vec<Outgoing>, expected: &[Expected]) -> Result<Vec<Vec<u8>>, NetworkError> {
        let said = |e: &Expected| {
            let heard = outgoing.iter().find(|message| message.to == e.from);
            let mut bytes = heard.map(|message| message.bytes.clone()).unwrap_or_default();
            bytes.resize(e.len, 0);
            bytes
        };
        Ok(expected.iter().map(said).collect())
    }
}

fn examine(digest: &Digest, bytes: &[u8]) -> Result<(), RejectReason> {
    let Bench { cluster, job, sealing, .. } = &*BENCH;
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
            let _ = JobSpec::from_json(&spec).and_then(|spec| Job::new(id, spec));
        }
        Request::Deliver { submissions, .. } => submissions.iter().for_each(|(digest, bytes)| {
            let _ = examine(digest, bytes);
        }),
        Request::Compute { participants, list, .. } => {
            let computed = compute(&BENCH, 0, &list, participants, Echo);
            assert!(
                computed.is_err() || list.is_empty(),
                "peers that only repeat have computed something"
            );
        }
        Request::Cancel { .. } => {}
    }
});
