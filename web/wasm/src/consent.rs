//! What a contributor has agreed to.

use serde::Serialize;
use tacit_protocol::consent::ConsentRecord;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::jobs::Job;
use crate::keys::Key;
use crate::values::{from_json, time, to_json, to_object};

/// The signed record of what a contributor has agreed to. It is kept before the first item is shown, and stays with the contributor.
#[wasm_bindgen]
pub struct Consent(ConsentRecord);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConsentView {
    agreed_at: u64,
    job: String,
    terms: String,
    key: String,
    digest: String,
}

#[wasm_bindgen]
impl Consent {
    /// Agrees to a job with a key. `now` is the time in Unix seconds. Throws `time`.
    pub fn agree(cluster: &Cluster, job: &Job, key: &Key, now: f64) -> Result<Self, Failure> {
        let record = ConsentRecord::new(cluster.inner(), job.inner().terms(), key.inner(), time(now)?, &mut rand::rng());
        Ok(Self(record))
    }

    /// Reads what `bytes` gave. Throws `syntax`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        Ok(Self(from_json(bytes, "the record of consent")?))
    }

    /// The record with its salt, as JSON, to be kept.
    pub fn bytes(&self) -> Result<Vec<u8>, Failure> {
        to_json(&self.0)
    }

    /// Checks that it is of this job, these terms and this cluster, and signed. Throws `consent`.
    pub fn check(&self, cluster: &Cluster, job: &Job) -> Result<(), Failure> {
        self.0.check(cluster.inner(), job.inner().terms()).map_err(as_code(Code::Consent))
    }

    /// What people may want to see of it.
    #[wasm_bindgen(unchecked_return_type = "ConsentView")]
    pub fn view(&self) -> Result<JsValue, Failure> {
        let said = &self.0.consent.value;
        to_object(&ConsentView {
            agreed_at: said.agreed_at,
            job: said.job.to_string(),
            terms: said.terms.to_string(),
            key: said.key.to_string(),
            digest: self.0.digest().to_string(),
        })
    }
}

impl Consent {
    pub(crate) fn inner(&self) -> &ConsentRecord {
        &self.0
    }
}
