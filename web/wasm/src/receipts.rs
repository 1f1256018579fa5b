//! What the nodes certify to a contributor: which answers count, and what is paid.

use std::collections::BTreeMap;

use serde::Serialize;
use tacit_client::outcome::explain;
use tacit_client::receipt::{self, ContributorView, KeptSubmission, WithdrawnSubmission, left_out, refused_by};
use tacit_protocol::api::ContributorReceipts;
use tacit_protocol::cluster;
use tacit_protocol::job::{PayRule, Terms};
use tacit_protocol::receipt::SubmissionRecord;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission;
use tacit_protocol::withdrawal::ErasureReceipt;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::header::{Header, erasure_receipts};
use crate::values::{from_json, to_object};

/// How messages name a receipt that was kept: the page has no files.
const KEPT_RECEIPT: &str = "kept in this browser";

/// Checks the body of `GET /v1/jobs/{id}/receipts` with what is kept.
#[wasm_bindgen]
pub struct ReceiptCheck {
    cluster: cluster::Cluster,
    terms: Terms,
    kept: Vec<(submission::Header, bool)>,
    withdrawn: Vec<(submission::Header, Vec<ErasureReceipt>)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertifiedView<'a> {
    digest: String,
    contributors: u64,
    answers: u64,
    signers: &'a [String],
    sent: u64,
    counted: u64,
    left_out: Vec<LeftOutView>,
    refused_by: Vec<String>,
    submissions: BTreeMap<String, &'a Option<SubmissionRecord>>,
    elsewhere: usize,
    pay: Option<PaidView<'a>>,
}

#[derive(Serialize)]
struct LeftOutView {
    reason: RejectReason,
    text: &'static str,
    answers: u64,
}

#[derive(Serialize)]
struct PaidView<'a> {
    total: u64,
    answers: u64,
    base: u64,
    bonus: i64,
    currency: &'a str,
    rule: PayRule,
}

#[wasm_bindgen]
impl ReceiptCheck {
    /// Takes the terms that were answered. Throws `syntax`.
    #[wasm_bindgen(constructor)]
    pub fn new(cluster: &Cluster, terms: &[u8]) -> Result<Self, Failure> {
        Ok(Self {
            cluster: cluster.inner().clone(),
            terms: from_json(terms, "the terms that were kept")?,
            kept: Vec::new(),
            withdrawn: Vec::new(),
        })
    }

    /// Adds a submission that was sent and not withdrawn, with its receipt if there is one. Throws `syntax`, `receipt`.
    pub fn kept(&mut self, header: &Header, receipt: Option<Vec<u8>>) -> Result<(), Failure> {
        if let Some(receipt) = &receipt {
            header.valid_receipt(&self.cluster, receipt)?;
        }
        self.kept.push((header.inner().clone(), receipt.is_some()));
        Ok(())
    }

    /// Adds a submission whose withdrawal the coordinator has confirmed, with the receipts of the nodes. Throws `syntax`.
    pub fn withdrawn(&mut self, header: &Header, erasures: &[u8]) -> Result<(), Failure> {
        self.withdrawn.push((header.inner().clone(), erasure_receipts(erasures)?));
        Ok(())
    }

    /// What is certified, after every check; `null` until the job is published. Throws `syntax`, `certified`.
    #[wasm_bindgen(unchecked_return_type = "Certified | null")]
    pub fn check(&self, body: &[u8]) -> Result<JsValue, Failure> {
        let receipts: ContributorReceipts = from_json(body, "the coordinator's answer about receipts")?;
        let Some(certified) = receipts.certified else {
            return Ok(JsValue::NULL);
        };
        let kept: Vec<KeptSubmission<'_>> = self
            .kept
            .iter()
            .map(|(header, has_receipt)| KeptSubmission {
                header,
                receipt: has_receipt.then_some(KEPT_RECEIPT),
            })
            .collect();
        let withdrawn: Vec<WithdrawnSubmission<'_>> = self
            .withdrawn
            .iter()
            .map(|(header, erasures)| WithdrawnSubmission { header, erasures })
            .collect();
        let own = ContributorView {
            cluster: &self.cluster,
            terms: &self.terms,
            kept: &kept,
            withdrawn: &withdrawn,
        };
        let certified = receipt::check(&own, &certified).map_err(as_code(Code::Certified))?;
        let records = || certified.submissions.iter().flatten();
        let answers = certified.contributor.as_ref().map_or(0, |one| one.facts.answers);
        // In the order of the submissions that were kept; by their ids no caller depends on it.
        let ids = self.kept.iter().map(|(header, _)| header.statement.id.to_string());
        let submissions = ids.zip(&certified.submissions).collect();
        let pay = certified.pay.zip(self.terms.payout()).map(|(pay, payout)| PaidView {
            total: pay.total,
            answers,
            base: payout.base_per_item,
            // Within base and bonus of every answer, which the budget bounds.
            bonus: i64::try_from(pay.bonus).unwrap_or_default(),
            currency: &payout.currency,
            rule: self.terms.pay_rule().unwrap_or(PayRule::Flat),
        });
        to_object(&CertifiedView {
            digest: self.terms.digest().to_string(),
            contributors: certified.contributors,
            answers,
            signers: &certified.signers,
            sent: records().map(|one| u64::from(one.answers)).sum(),
            counted: records().map(|one| u64::from(one.counted)).sum(),
            left_out: left_out(records())
                .into_iter()
                .map(|(reason, answers)| LeftOutView {
                    reason,
                    text: explain(reason),
                    answers,
                })
                .collect(),
            refused_by: refused_by(&self.cluster, records()).into_iter().collect(),
            submissions,
            elsewhere: certified.elsewhere,
            pay,
        })
    }
}
