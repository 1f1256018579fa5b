//! Jobs of a buyer: making one of a spec, and ending it.

use tacit_protocol::job::{self, Cancellation, Gold};
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::jobs::Job;
use crate::keys::Key;
use crate::specs::Spec;
use crate::values::{digest, job_id, to_json};

#[wasm_bindgen]
impl Job {
    /// Makes and signs a job of a spec. Throws `job_id`, `job`.
    pub fn sign(
        cluster: &Cluster,
        id: &str,
        spec: &Spec,
        key: &Key,
        #[wasm_bindgen(js_name = goldKey)] gold_key: Option<String>,
    ) -> Result<Self, Failure> {
        let mut spec = spec.job().clone();
        if let Some(gold_key) = gold_key {
            let wrong = |_| {
                Failure::new(
                    Code::Syntax,
                    "the key for gold answers is not a public key of 64 hexadecimal digits",
                )
            };
            spec.gold = Some(Gold {
                key: gold_key.parse().map_err(wrong)?,
            });
        }
        let cluster = cluster.inner();
        let job = job::Job::sign(&cluster.digest(), job_id(id)?, spec, key.inner()).map_err(as_code(Code::Job))?;
        job.terms().fits(cluster.access()).map_err(as_code(Code::Job))?;
        Ok(Self::new(job))
    }

    /// The body of `PUT /v1/jobs/{id}`.
    #[wasm_bindgen(js_name = signedSpec)]
    pub fn signed_spec(&self) -> Result<Vec<u8>, Failure> {
        to_json(&self.inner().to_signed_spec())
    }
}

/// The signature for `DELETE /v1/jobs/{id}?signature=...`, which cancels the job whose terms have this digest. Throws `job_id`, `syntax`.
#[wasm_bindgen]
pub fn cancellation(cluster: &Cluster, id: &str, #[wasm_bindgen(js_name = digest)] terms: &str, key: &Key) -> Result<String, Failure> {
    let cancellation = Cancellation {
        cluster: &cluster.inner().digest(),
        job: &job_id(id)?,
        terms: &digest(terms)?,
    };
    Ok(cancellation.sign(key.inner()).to_string())
}
