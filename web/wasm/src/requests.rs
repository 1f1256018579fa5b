//! What requests carry: the signature of a key, and the enrolment.

use tacit_protocol::api::{Enrolment, SUBMISSION_TYPE};
use tacit_protocol::credential::SHOWN_HEADER;
use tacit_protocol::request_signature::SignedParts;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::Failure;
use crate::keys::{Key, check_name};
use crate::values::{time, to_json};

/// The value of the header `Authorization` for one request. `target` is the path from `/v1` on, with the query if there is one; `created` is the
/// time in Unix seconds, and the signature is good for 300 seconds before and after it.
#[wasm_bindgen]
pub fn authorization(
    key: &Key,
    cluster: &Cluster,
    method: &str,
    target: &str,
    body: Option<Vec<u8>>,
    created: f64,
) -> Result<String, Failure> {
    let digest = cluster.inner().digest();
    let parts = SignedParts::of_target(method, target, &digest, body.as_deref().unwrap_or_default());
    Ok(parts.sign(key.inner(), time(created)?).to_string())
}

/// The name of the header that shows a credential or an invitation.
#[wasm_bindgen(js_name = credentialHeaderName)]
pub fn credential_header_name() -> String {
    SHOWN_HEADER.to_owned()
}

/// The media type of an uploaded submission.
#[wasm_bindgen(js_name = submissionType)]
pub fn submission_type() -> String {
    SUBMISSION_TYPE.to_owned()
}

/// The body of `POST /v1/contributors`: the key asks to be enrolled under a name. Throws `name`.
#[wasm_bindgen]
pub fn enrolment(key: &Key, cluster: &Cluster, name: &str) -> Result<Vec<u8>, Failure> {
    check_name(name)?;
    to_json(&Enrolment::new(&cluster.inner().digest(), name, key.inner()))
}
