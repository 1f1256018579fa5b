//! Bodies of the HTTP API in both directions: what the coordinator reads from contributors, and what contributors and buyers read
//! from the coordinator. Also the ids in paths.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::fixture::{FIXTURE, NODES};
use tacit_fuzz::json;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::{ClusterInfo, Enrolment, JobList, JobStatus, Problem, Receipt, SubmissionStatus, enrolment_statement};
use tacit_protocol::identity::{PublicKey, Purpose, Signature};
use tacit_protocol::job::JobId;
use tacit_protocol::submission::SubmissionId;

fuzz_target!(|data: &[u8]| {
    json::<ClusterInfo>(data);
    json::<JobList>(data);
    json::<JobStatus>(data);
    json::<Problem>(data);
    json::<SubmissionStatus>(data);
    if let Some(enrolment) = json::<Enrolment>(data) {
        let statement = enrolment_statement(&FIXTURE.members.cluster.digest(), &enrolment.contributor);
        let _ = enrolment.key.verify(Purpose::Enrolment, &statement, &enrolment.signature);
    }
    if let Some(receipt) = json::<Receipt>(data) {
        let _ = receipt.verify(Purpose::Receipt, &FIXTURE.members.identities[NODES].public());
    }
    if let Ok(text) = std::str::from_utf8(data) {
        same::<JobId>(text);
        same::<SubmissionId>(text);
        same::<Digest>(text);
        same::<PublicKey>(text);
        same::<Signature>(text);
    }
});

/// Checks that an id is written as it was read.
fn same<T: std::str::FromStr + ToString>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text);
    }
}
