//! The file that shows what a contributor has agreed to, to whoever the contributor chooses.

use tacit_client::consent::{self, ShownSubmission};
use tacit_protocol::api::ContributorReceipts;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::consent::Consent;
use crate::error::{Code, Failure, as_code};
use crate::header::Header;
use crate::values::{from_json, to_json};

/// The file by which a contributor shows what it has agreed to; `tacit consent verify` checks it.
#[wasm_bindgen]
pub struct ConsentProof(consent::ConsentProof);

#[wasm_bindgen]
impl ConsentProof {
    /// Takes the record, the terms that were kept, the paragraphs that were shown, and the digest of the page's files. Throws `syntax`.
    #[wasm_bindgen(constructor)]
    pub fn new(record: &Consent, terms: &[u8], shown: Vec<String>, page: Option<String>) -> Result<Self, Failure> {
        Ok(Self(consent::ConsentProof {
            record: record.inner().clone(),
            terms: from_json(terms, "the terms that were kept")?,
            submissions: Vec::new(),
            certified: None,
            shown,
            page,
        }))
    }

    /// Adds a submission, with its receipt if there is one. Throws `syntax`.
    pub fn add(&mut self, header: &Header, receipt: Option<Vec<u8>>) -> Result<(), Failure> {
        let receipt = receipt.map(|bytes| from_json(&bytes, "the receipt")).transpose()?;
        self.0.submissions.push(ShownSubmission {
            header: header.signed().clone(),
            receipt,
        });
        Ok(())
    }

    /// Adds what the nodes certify: the body of `GET /v1/jobs/{id}/receipts`. Throws `syntax`.
    pub fn certified(&mut self, body: &[u8]) -> Result<(), Failure> {
        let receipts: ContributorReceipts = from_json(body, "the coordinator's answer about receipts")?;
        self.0.certified = receipts.certified;
        Ok(())
    }

    /// Checks everything in it, and gives the file. Throws `consent`.
    pub fn file(&self, cluster: &Cluster) -> Result<Vec<u8>, Failure> {
        self.0.verify(cluster.inner()).map_err(as_code(Code::Consent))?;
        to_json(&self.0)
    }
}
