//! What the coordinator says of single answers.

use serde::Serialize;
use tacit_client::{outcome, receipt};
use tacit_protocol::api::SubmissionStatus;
use tacit_protocol::receipt::SubmissionRecord;
use tacit_protocol::reject::RejectReason;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::header::Header;
use crate::values::{from_json, to_object};

#[derive(Serialize)]
struct OutcomeView {
    accepted: u64,
    rejected: Vec<Rejected>,
}

#[derive(Serialize)]
struct Rejected {
    item: String,
    reason: RejectReason,
}

#[wasm_bindgen]
impl Header {
    /// Checks what the coordinator says of this submission's answers, against the receipt that was kept and, if it is given, the record that
    /// the nodes have certified. Throws `syntax`, `receipt`, `outcome`.
    #[wasm_bindgen(js_name = checkOutcome, unchecked_return_type = "OutcomeView | null")]
    pub fn check_outcome(&self, cluster: &Cluster, receipt: &[u8], body: &[u8], record: Option<String>) -> Result<JsValue, Failure> {
        let (cluster_file, header) = (cluster.inner(), self.inner());
        let receipt = self.valid_receipt(cluster.inner(), receipt)?;
        let status: SubmissionStatus = from_json(body, "what the coordinator says of the submission")?;
        let outcome = outcome::read(cluster_file, header, &receipt, status).map_err(as_code(Code::Outcome))?;
        let Some(outcome) = outcome else { return Ok(JsValue::NULL) };
        if let Some(record) = record {
            let record: SubmissionRecord = from_json(record.as_bytes(), "the certified record")?;
            receipt::check_outcome(cluster_file, header, &record, &outcome).map_err(as_code(Code::Outcome))?;
        }
        let rejected = outcome.rejected.into_iter();
        to_object(&OutcomeView {
            accepted: outcome.accepted,
            rejected: rejected
                .flat_map(|(reason, items)| items.into_iter().map(move |item| Rejected { item, reason }))
                .collect(),
        })
    }
}

/// A reason to reject, in words for the contributor; the name itself if it is not known.
#[wasm_bindgen(js_name = explainReason)]
pub fn explain_reason(reason: &str) -> String {
    let known = RejectReason::ALL.into_iter().find(|one| one.name() == reason);
    match known {
        Some(known) => outcome::explain(known).to_owned(),
        None => reason.to_owned(),
    }
}
