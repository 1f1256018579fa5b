//! What a key has sent to a job, from whatever device.

use tacit_client::coordinator_receipt::check_sent;
use tacit_protocol::api::ContributorReceipts;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::Failure;
use crate::keys::Key;
use crate::values::{from_json, job_id};

/// The items that a key has sent to a job, from whatever device, by their place in the list of items: those in the body of
/// `GET /v1/jobs/{id}/receipts` whose submissions the key has signed. Others are left out, so that nobody is told to have answered what was never sent.
/// Throws `syntax`, `job_id`.
#[wasm_bindgen(js_name = sentItems)]
pub fn sent_items(cluster: &Cluster, job: &str, key: &Key, body: &[u8]) -> Result<Vec<u32>, Failure> {
    let job = job_id(job)?;
    let key = key.inner().public();
    let receipts: ContributorReceipts = from_json(body, "the coordinator's answer about receipts")?;
    let sent = receipts.submissions.iter();
    let signed = sent.filter_map(|one| check_sent(cluster.inner(), &job, &key, one));
    Ok(signed.flat_map(|header| header.statement.items.iter().copied()).collect())
}
