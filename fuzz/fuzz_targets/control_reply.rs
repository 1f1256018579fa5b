//! A reply of a node, and the certificate that the coordinator assembles from it. Node 2 signs whatever the fuzzer says, the others
//! are honest: the only certificate that may come out is the honest one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::canonical;
use tacit_fuzz::fixture::{FIXTURE, Fixture};
use tacit_fuzz::transcript::{HONEST, Transcript};
use tacit_protocol::accepted::AcceptedSet;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::control::{Computed, Refusal, Reply};
use tacit_protocol::fixtures::ClusterWithKeys;
use tacit_protocol::identity::Purpose;
use tacit_protocol::receipt::RootStatement;
use tacit_protocol::release::{Released, statement};
use tacit_protocol::sealing_epoch::SealingEpoch;

fn assemble(mut computed: Computed) {
    let Fixture {
        members, job, submissions, ..
    } = &*FIXTURE;
    let ClusterWithKeys { cluster, identities, .. } = members;
    let Transcript {
        list,
        certificate: honest,
        computed: others,
        ..
    } = &*HONEST;
    let accepted = AcceptedSet::assemble(job, list, &computed.verdicts, |entry| {
        submissions.get(entry).map(|s| &s.header.value)
    });
    let facts = accepted.as_ref().map_or(&honest.facts, AcceptedSet::facts);
    let theirs = &mut computed.released;
    let _ = Certificate::assemble(cluster, job, facts, vec![theirs.clone()]);
    let (subject, node, outputs) = (theirs.subject(), theirs.node(), theirs.outputs());
    let signature = identities[2].sign(Purpose::Release, &statement(subject, node, outputs));
    let records = theirs.records();
    let records_signature = RootStatement::new(subject, records).sign(&identities[2]);
    let signed = decode(
        &encode(&(subject, node, outputs, signature, records, records_signature)),
        "a release",
    );
    *theirs = signed.expect("the parts of a release are its encoding");
    let released: Vec<Released> = [&others[0].released, &others[1].released, theirs].map(Clone::clone).into();
    if let Ok(certificate) = Certificate::assemble(cluster, job, facts, released) {
        assert_eq!(certificate.certificate(), honest, "one node has changed a certificate");
    }
}

fuzz_target!(|data: &[u8]| {
    match canonical::<Reply>(data) {
        Some(Reply::Computed(computed)) => assemble(*computed),
        Some(Reply::Refused(refusal)) => {
            let _ = refusal.to_string();
            if let Refusal::Session { suspects, .. } = refusal {
                suspects.iter().for_each(|node| drop(FIXTURE.members.cluster.node_name(node)));
            }
        }
        Some(Reply::SealingKey(signed)) => {
            let cluster = &FIXTURE.members.cluster;
            let _ = SealingEpoch::check(&signed, &cluster.digest(), &cluster.nodes()[0].identity, 0);
        }
        _ => {}
    }
});
