//! A job spec as buyers send it and nodes and contributors check it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::json;
use tacit_protocol::job::{Job, JobSpec, Terms};
use tacit_protocol::release::OutputName;

fuzz_target!(|data: &[u8]| {
    let Ok(spec) = JobSpec::from_json(data) else { return };
    json::<JobSpec>(data).expect("it was read before");
    let Ok(job) = Job::new("job".parse().expect("an id"), spec.clone()) else {
        return;
    };
    let again = Job::new(job.id().clone(), spec).expect("it was a job before");
    assert_eq!(again.digest(), job.digest());
    assert_eq!(job.terms().items, job.items().len() as u64);
    let outputs = OutputName::of_job(job.terms());
    assert!(outputs.len() <= 7);
    // A certificate contains the terms, and its reader computes their digest again.
    let terms = serde_json::to_vec(job.terms()).expect("terms can be written");
    assert_eq!(json::<Terms>(&terms).expect("terms can be read").digest(), job.digest());
});
