//! What one node asks another about submissions and releases, and what it answers: no question gets what the asking node must not hold, no
//! answer puts anything into a submission but what its contributor signed, and nothing but what a node has signed forbids it a release.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::canonical;
use tacit_fuzz::fixture::{FIXTURE, NODES};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::Component;
use tacit_protocol::codec::encode;
use tacit_protocol::peer::{Answer, PeerQuestion, Question};
use tacit_protocol::release_notice::{ReleaseNotice, SignedNotice};
use tacit_protocol::submission::Gathering;

fn asked(question: &Question) {
    let access = FIXTURE.members.cluster.access();
    for asking in 0..NODES {
        if question.check(access, asking).is_ok() {
            let held = access.held_by(asking);
            let asked_for = question.wanted.iter().flat_map(|one| &one.components);
            assert!(asked_for.into_iter().all(|component| held.contains(&Component::from(*component))));
        }
    }
}

/// A notice that comes from outside is nobody's: the keys of the cluster have signed none.
fn shown(notice: &SignedNotice) {
    let cluster = &FIXTURE.members.cluster;
    for node in 0..NODES {
        assert!(!ReleaseNotice::is_by(notice, node, cluster, &FIXTURE.job.digest()));
        let announced = ReleaseNotice {
            cluster: cluster.digest(),
            job_digest: FIXTURE.job.digest(),
            accepted: Digest::of("accepted", &[]),
            noise: None,
            node: node as u8,
        };
        assert!(!announced.is_forbidden_by(notice, cluster));
    }
}

fn answered(answer: Answer) {
    let parts = match answer {
        Answer::Parts(parts) => parts,
        Answer::Notice(Some(notice)) => return shown(&notice),
        Answer::Notice(None) | Answer::Refused(_) => return,
    };
    let (cluster, job) = (&FIXTURE.members.cluster, &FIXTURE.job);
    let submission = &FIXTURE.submissions[0];
    let digest = submission.header.value.digest();
    for mut one in parts {
        let _ = format!("{one:?} of {} bytes", one.bytes());
        if let Ok(gathering) = Gathering::new(&one.header, &digest, cluster, job, 2) {
            assert_eq!(gathering.signed_header(), encode(&submission.header));
        }
        let mut gathering = Gathering::new(&encode(&submission.header), &digest, cluster, job, 2).expect("an honest header");
        let missing = gathering.missing_bytes();
        for (component, payload) in one.payloads.drain(..).enumerate() {
            let length = payload.len();
            // Nobody guesses a salt.
            assert!(!gathering.take(component, payload), "{length} bytes");
        }
        assert_eq!(gathering.missing_bytes(), missing);
    }
}

fuzz_target!(|data: &[u8]| match data.split_first() {
    Some((0, question)) => {
        match canonical::<PeerQuestion>(question) {
            Some(PeerQuestion::Parts(question)) => asked(&question),
            Some(PeerQuestion::Notice(question)) => question.notice.iter().for_each(shown),
            None => {}
        }
    }
    Some((_, answer)) => {
        if let Some(answer) = canonical::<Answer>(answer) {
            answered(answer);
        }
    }
    None => {}
});
