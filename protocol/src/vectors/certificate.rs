//! `certificate.json`: a certificate that a cluster made in memory, and altered ones.

use serde::{Deserialize, Serialize};

use super::setup::Setup;
use super::{OK, Vectors};
use crate::certificate::{Certificate, CertificateError};
use crate::fixtures::signed_by_all;
use crate::identity::Signature;
use crate::release::{OutputName, OutputValues};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61, MODULUS};

/// A certificate, good or bad, and what follows from a good one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is special about this certificate.
    pub name: String,
    /// The text of `certificate.json`, byte for byte.
    pub certificate: String,
    /// `ok`, or the kind of error.
    pub expect: String,
    /// The opened outputs of a good one, in their order: the output's name and its elements.
    pub opened: Option<Vec<(OutputName, Vec<u64>)>>,
    /// The text of `result.json` that follows from a good one.
    pub result_json: Option<String>,
    /// The text of `payouts.csv` that follows from a good one.
    pub payouts_csv: Option<String>,
}

/// What an error is called in the file.
pub fn name(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Syntax(_) => "syntax",
        CertificateError::Binding { .. } => "binding",
        CertificateError::Buyer(_) => "buyer",
        CertificateError::Participants(_) => "participants",
        CertificateError::Shape(_) => "shape",
        CertificateError::Value(_) => "value",
        CertificateError::Outputs => "outputs",
        CertificateError::Copies { .. } => "copies",
        CertificateError::Records { .. } => "records",
        CertificateError::Terms(_) => "terms",
        CertificateError::PublicFacts(_) => "facts",
        CertificateError::Signature(_) => "signature",
        CertificateError::Budget { .. } => "budget",
    }
}

/// Reads and verifies a certificate, and gives what it opens.
///
/// # Errors
/// Why it is refused.
pub fn opened(setup: &Setup, text: &str) -> Result<Vec<(OutputName, Vec<u64>)>, CertificateError> {
    let certificate = Certificate::from_json(text.as_bytes())?;
    let opened = certificate.verify(&setup.members.cluster)?;
    let elements = |name: OutputName| opened.get(name).unwrap().iter().map(|value| value.to_u64()).collect();
    Ok(OutputName::of_job(&certificate.terms, &certificate.facts)
        .into_iter()
        .map(|name| (name, elements(name)))
        .collect())
}

fn text(certificate: &Certificate) -> String {
    String::from_utf8(certificate.to_json()).unwrap()
}

/// The first number of the first component.
fn first_element(certificate: &mut Certificate) -> &mut Fp61 {
    let components = certificate.outputs.iter_mut().find_map(|output| match &mut output.values {
        OutputValues::Components(components) => Some(components),
        OutputValues::Opened(_) => None,
    });
    &mut components.unwrap().get_mut(&0).unwrap()[0]
}

/// Makes `certificate.json` from a good certificate, with the texts of `result.json` and `payouts.csv`.
pub fn make(setup: &Setup, good: &Certificate, result_json: &[u8], payouts_csv: &[u8]) -> Vectors<Case> {
    let good_text = text(good);
    let mut cases = vec![Case {
        name: "verifies".to_owned(),
        opened: Some(opened(setup, &good_text).unwrap()),
        certificate: good_text.clone(),
        expect: OK.to_owned(),
        result_json: Some(String::from_utf8(result_json.to_vec()).unwrap()),
        payouts_csv: Some(String::from_utf8(payouts_csv.to_vec()).unwrap()),
    }];
    let mut bad = |name: &str, expect: &str, certificate: String| {
        cases.push(Case {
            name: name.to_owned(),
            certificate,
            expect: expect.to_owned(),
            opened: None,
            result_json: None,
            payouts_csv: None,
        });
    };
    bad("cut by a line", "syntax", good_text[..good_text.len() - 2].to_owned());
    bad("a byte after the end", "syntax", format!("{good_text}\n"));
    bad("another spelling", "syntax", serde_json::to_string(good).unwrap());
    let mut number = good.clone();
    let element = first_element(&mut number).to_u64();
    let elsewhere = Fp61::reduce(0x0123_4567_89ab_cdef);
    *first_element(&mut number) = elsewhere;
    let not_canonical = text(&number).replace(&elsewhere.to_u64().to_string(), &(element + MODULUS).to_string());
    bad("an element that is not canonical", "syntax", not_canonical);

    let mut altered = |name: &str, expect: &str, alter: &dyn Fn(&mut Certificate)| {
        let mut certificate = good.clone();
        alter(&mut certificate);
        bad(name, expect, text(&certificate));
    };
    altered("another cluster", "binding", &|c| c.subject.cluster = Digest::of("other", &[]));
    altered("another protocol version", "binding", &|c| c.subject.protocol += 1);
    altered("another name of the job", "binding", &|c| c.terms.name.push('!'));
    altered("other facts", "binding", &|c| c.facts.answers += 1);
    altered("other candidates", "binding", &|c| c.subject.candidates = Digest::of("other", &[]));
    altered("an altered signature of the buyer", "buyer", &|c| {
        let mut bytes = *c.buyer_signature.as_bytes();
        bytes[0] ^= 1;
        c.buyer_signature = Signature::from_bytes(bytes);
    });
    altered("another accepted set", "signature", &|c| {
        c.subject.accepted = Digest::of("other", &[]);
    });
    altered("signatures out of order", "participants", &|c| c.signatures.swap(0, 1));
    altered("a signature too few", "participants", &|c| {
        c.signatures.pop();
    });
    altered("an altered signature", "signature", &|c| {
        let mut bytes = *c.signatures[1].signature.as_bytes();
        bytes[0] ^= 1;
        c.signatures[1].signature = Signature::from_bytes(bytes);
    });
    altered("an altered component", "signature", &|c| *first_element(c) += Fp61::reduce(1));
    altered("an altered label", "signature", &|c| {
        let labels = c.outputs.iter_mut().find_map(|output| match &mut output.values {
            OutputValues::Opened(labels) => Some(labels),
            OutputValues::Components(_) => None,
        });
        labels.unwrap()[0] += Fp61::reduce(1);
    });
    altered("an output too few", "outputs", &|c| {
        c.outputs.pop();
    });
    altered("outputs out of order", "outputs", &|c| c.outputs.swap(0, 1));
    altered("a component too few", "shape", &|c| {
        if let OutputValues::Components(components) = &mut c.outputs[0].values {
            components.pop_last();
        }
    });
    altered("a component that is too long", "shape", &|c| {
        if let OutputValues::Components(components) = &mut c.outputs[0].values {
            components.values_mut().next().unwrap().push(Fp61::ZERO);
        }
    });
    altered("another root of the records", "signature", &|c| {
        c.records.root = Digest::of("other", &[]);
    });
    altered("records of more contributors", "facts", &|c| c.records.contributors += 1);
    altered("a signature of the records too few", "participants", &|c| {
        c.records_signatures.pop();
    });
    altered("an altered signature of the records", "signature", &|c| {
        c.records_signatures[2].signature = c.signatures[2].signature;
    });
    // What no honest node signs.
    let all = |alter: fn(&mut Certificate)| text(&signed_by_all(&setup.members, good, alter));
    bad(
        "contributors out of order, signed by all",
        "facts",
        all(|c| c.facts.contributors.swap(0, 1)),
    );
    bad("more answers than there are, signed by all", "facts", all(|c| c.facts.answers += 1));
    bad("terms of no job, signed by all", "terms", all(|c| c.terms.answers_per_item = 0));
    Vectors {
        about: "Certificates of the cluster of setup.json. Read certificate, then verify it against cluster_toml; expect is `ok` or the kind of error. result_json and payouts_csv are what follows from it."
            .to_owned(),
        cases,
    }
}
