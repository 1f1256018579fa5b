//! A job spec as buyers send it and nodes and contributors check it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::fixture::FIXTURE;
use tacit_fuzz::json;
use tacit_protocol::fixtures::job_of;
use tacit_protocol::job::{Job, SignedSpec, Terms};

fuzz_target!(|data: &[u8]| {
    let Ok(signed) = SignedSpec::from_json(data) else { return };
    json::<SignedSpec>(data).expect("it was read before");
    let cluster = FIXTURE.members.cluster.digest();
    let _ = Job::open(&cluster, "job".parse().expect("an id"), signed.clone());
    let Ok(job) = job_of("job", signed.spec.clone()) else { return };
    assert_eq!(job.to_signed_spec().spec, signed.spec);
    let again = job_of("job", signed.spec).expect("it was a job before");
    assert_eq!(again.digest(), job.digest());
    assert_eq!(job.terms().items, job.items().len() as u64);
    // A certificate contains the terms, and its reader computes their digest again.
    let terms = serde_json::to_vec(job.terms()).expect("terms can be written");
    assert_eq!(json::<Terms>(&terms).expect("terms can be read").digest(), job.digest());
});
