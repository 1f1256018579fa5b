//! What one node asks another about submissions, and what it answers: no question gets what the asking node must not hold, and no
//! answer puts anything into a submission but what its contributor signed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::canonical;
use tacit_fuzz::fixture::{FIXTURE, NODES};
use tacit_mpc_core::sharing::Component;
use tacit_protocol::codec::encode;
use tacit_protocol::peer::{Answer, Question};
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

fn answered(answer: Answer) {
    let Answer::Parts(parts) = answer else { return };
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
        if let Some(question) = canonical::<Question>(question) {
            asked(&question);
        }
    }
    Some((_, answer)) => {
        if let Some(answer) = canonical::<Answer>(answer) {
            answered(answer);
        }
    }
    None => {}
});
