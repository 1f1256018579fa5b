//! The signed public part of a submission, and what is checked with it alone: the coordinator's receipt, withdrawal.

use serde::Serialize;
use tacit_client::coordinator_receipt::check_receipt;
use tacit_client::erasures;
use tacit_protocol::api::{Receipt, WithdrawalRequest, WithdrawalStatus};
use tacit_protocol::cluster;
use tacit_protocol::codec;
use tacit_protocol::identity::Signed;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission;
use tacit_protocol::withdrawal::{Erasure, ErasureReceipt, Withdrawal};
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::jobs::Job;
use crate::keys::Key;
use crate::values::{from_json, to_json, to_object};

/// The signed public part of a submission.
#[wasm_bindgen]
pub struct Header(Signed<submission::Header>);

#[derive(Serialize)]
struct ReceiptView {
    submission: String,
    answers: u32,
    sequence: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErasureView {
    receipts: String,
    erased_by: Vec<String>,
    missing: Vec<String>,
}

#[wasm_bindgen]
impl Header {
    /// Reads what `bytes` gave. Throws `syntax`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        Ok(Self(codec::decode(bytes, "a header").map_err(as_code(Code::Syntax))?))
    }

    /// The header with its signature, to be kept.
    pub fn bytes(&self) -> Vec<u8> {
        codec::encode(&self.0)
    }

    /// The submission's id.
    #[wasm_bindgen(getter)]
    pub fn id(&self) -> String {
        self.0.value.statement.id.to_string()
    }

    /// The digest by which coordinator and nodes list the submission.
    #[wasm_bindgen(getter)]
    pub fn digest(&self) -> String {
        self.0.value.digest().to_string()
    }

    /// The id of the job.
    #[wasm_bindgen(getter)]
    pub fn job(&self) -> String {
        self.0.value.statement.job.to_string()
    }

    /// The contributor's name.
    #[wasm_bindgen(getter)]
    pub fn contributor(&self) -> String {
        self.0.value.statement.contributor.clone()
    }

    /// The indices of the answered items, ascending.
    #[wasm_bindgen(getter)]
    pub fn items(&self) -> Vec<u32> {
        self.0.value.statement.items.clone()
    }

    /// The number of the sealing key that each node's part is sealed to.
    #[wasm_bindgen(getter)]
    pub fn epochs(&self) -> Vec<f64> {
        self.0.value.statement.epochs.iter().map(|number| *number as f64).collect()
    }

    /// Checks it as coordinator and nodes do: `ok`, or the name of the reason to reject it.
    pub fn verdict(&self, cluster: &Cluster, job: &Job) -> String {
        let checked = submission::Header::check(&self.0, cluster.inner(), job.inner());
        checked.err().map_or("ok", RejectReason::name).to_owned()
    }

    /// Checks the coordinator's receipt for this submission. Throws `syntax`, `receipt`.
    #[wasm_bindgen(js_name = checkReceipt, unchecked_return_type = "ReceiptView")]
    pub fn check_receipt(&self, cluster: &Cluster, receipt: &[u8]) -> Result<JsValue, Failure> {
        let receipt = self.valid_receipt(cluster.inner(), receipt)?;
        to_object(&ReceiptView {
            submission: receipt.value.submission.to_string(),
            answers: receipt.value.answers,
            sequence: receipt.value.sequence,
        })
    }

    /// The body of `DELETE /v1/jobs/{job}/submissions/{id}`, which takes the submission back.
    pub fn withdrawal(&self, key: &Key) -> Result<Vec<u8>, Failure> {
        to_json(&WithdrawalRequest {
            signature: Withdrawal::of(&self.0.value).sign(key.inner()),
        })
    }

    /// Checks the answer to that request, or a list of erasure receipts, together with those that were kept.
    #[wasm_bindgen(js_name = checkErasures, unchecked_return_type = "ErasureView")]
    pub fn check_erasures(&self, cluster: &Cluster, body: &[u8], kept: Option<Vec<u8>>) -> Result<JsValue, Failure> {
        let mut receipts = match &kept {
            Some(kept) => erasure_receipts(kept)?,
            None => Vec::new(),
        };
        receipts.extend(erasure_receipts(body)?);
        let (cluster, header) = (cluster.inner(), &self.0.value);
        let erased = erasures::checked(cluster, header, receipts);
        let signers = erased
            .receipts
            .iter()
            .filter_map(|receipt| Erasure::signer(receipt, cluster, header));
        to_object(&ErasureView {
            erased_by: signers.map(|node| cluster.node_name(node)).collect(),
            receipts: serde_json::to_string(&erased.receipts).map_err(as_code(Code::Syntax))?,
            missing: erased.missing,
        })
    }
}

impl Header {
    pub(crate) fn new(header: Signed<submission::Header>) -> Self {
        Self(header)
    }

    #[cfg(feature = "buyer")]
    pub(crate) fn signed(&self) -> &Signed<submission::Header> {
        &self.0
    }

    #[cfg(feature = "buyer")]
    pub(crate) fn inner(&self) -> &submission::Header {
        &self.0.value
    }

    /// A receipt that is the coordinator's for this submission.
    pub(crate) fn valid_receipt(&self, cluster: &cluster::Cluster, receipt: &[u8]) -> Result<Receipt, Failure> {
        let receipt: Receipt = from_json(receipt, "the receipt")?;
        check_receipt(cluster, &self.0.value, &receipt).map_err(as_code(Code::Receipt))?;
        Ok(receipt)
    }
}

/// The receipts in the coordinator's answer to a withdrawal, or in a list that was kept.
pub(crate) fn erasure_receipts(bytes: &[u8]) -> Result<Vec<ErasureReceipt>, Failure> {
    if bytes.trim_ascii_start().starts_with(b"[") {
        return from_json(bytes, "the list of erasure receipts");
    }
    let status: WithdrawalStatus = from_json(bytes, "the answer to the withdrawal")?;
    Ok(status.erasures)
}
