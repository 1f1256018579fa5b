//! Verifying a published result.

use js_sys::{Reflect, Uint8Array};
use serde::Serialize;
use tacit_client::verify::{self, CERTIFICATE, Files, PAYOUTS, RESULT};
use tacit_protocol::job::Terms;
use wasm_bindgen::prelude::*;

use crate::cluster::Cluster;
use crate::error::{Code, Failure, as_code};
use crate::jobs::check_pinned;
use crate::values::{parse_text, to_object};

#[derive(Serialize)]
struct VerifiedView<'a> {
    terms: &'a Terms,
    digest: &'a str,
    accepted: String,
    signers: Vec<SignerView<'a>>,
}

#[derive(Serialize)]
struct SignerView<'a> {
    node: &'a str,
    operator: &'a str,
}

/// Verifies a certificate with the cluster file, and result.json and payouts.csv against it, byte for byte. `job` and `buyer`, the buyer's public
/// key, say of which job it must be: ids are chosen by buyers, and whoever passes certificates on may pass another one on. `pinned` is the digest
/// of the terms, if it is known. Throws `verify`, `other_terms`.
#[wasm_bindgen(js_name = verify, unchecked_return_type = "Verified")]
pub fn verify_result(
    cluster: &Cluster,
    certificate: Vec<u8>,
    result: Option<Vec<u8>>,
    payouts: Option<Vec<u8>>,
    pinned: Option<String>,
    #[wasm_bindgen(js_name = job)] wanted: Option<String>,
    buyer: Option<String>,
) -> Result<JsValue, Failure> {
    let is_result_alone = result.is_some() && payouts.is_none();
    let named = |name: &str, bytes: Option<Vec<u8>>| bytes.map(|bytes| (name.into(), bytes));
    let files = Files {
        certificate: (CERTIFICATE.into(), certificate),
        result: named(RESULT, result),
        payouts: named(PAYOUTS, payouts),
    };
    let verified = verify::check(&files, cluster.inner().clone()).map_err(as_code(Code::Verify))?;
    let has_payouts = verified.report.payouts.is_some();
    if is_result_alone && has_payouts {
        let text = format_args!("{PAYOUTS}: missing; it belongs beside {RESULT}").to_string();
        return Err(Failure::new(Code::Verify, text));
    }
    let terms = &verified.certificate.terms;
    let digest = verified.certificate.subject.job.to_string();
    if let Some(wanted) = wanted.filter(|wanted| wanted != terms.id.as_str()) {
        let text = format_args!("the certificate is of job {}, not of {wanted}", terms.id).to_string();
        return Err(Failure::new(Code::OtherTerms, text));
    }
    let buyer_of = terms.buyer.to_string();
    if let Some(buyer) = buyer.filter(|buyer| !buyer.eq_ignore_ascii_case(&buyer_of)) {
        let text = format_args!(
            "the certificate is of a job of another buyer: job {} is signed by {buyer_of}, not by {buyer}",
            terms.id
        )
        .to_string();
        return Err(Failure::new(Code::OtherTerms, text));
    }
    check_pinned(terms.id.as_str(), &digest, pinned.as_deref())?;
    let view = to_object(&VerifiedView {
        terms,
        digest: &digest,
        accepted: verified.certificate.accepted().to_string(),
        signers: verified
            .signers()
            .into_iter()
            .map(|(node, operator)| SignerView { node, operator })
            .collect(),
    })?;
    let result = verified.report.to_json();
    let set = |name: &str, value: &JsValue| {
        // Setting a field of a fresh object does not fail.
        let _ = Reflect::set(&view, &name.into(), value);
    };
    set("report", &parse_text(&String::from_utf8_lossy(&result))?);
    set("resultJson", &to_array(&result));
    let payouts = if has_payouts {
        to_array(&verified.report.payouts_csv())
    } else {
        JsValue::NULL
    };
    set("payoutsCsv", &payouts);
    Ok(view)
}

/// Bytes for an object's field.
fn to_array(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}
