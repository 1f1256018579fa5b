//! A certificate as `tacit verify` reads it: as it is, and signed by all nodes of a cluster that collude with the fuzzer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::fixture::FIXTURE;
use tacit_fuzz::transcript::HONEST;
use tacit_protocol::certificate::Certificate;
use tacit_protocol::fixtures::sign_by_all;
use tacit_scoring::report::Report;

fn verify(certificate: &Certificate) -> Option<Report> {
    let report = Report::new(certificate, &FIXTURE.members.cluster).ok()?;
    assert!(!report.to_json().is_empty() && !report.payouts_csv().is_empty());
    if let Some(payouts) = &report.payouts {
        assert!(payouts.total <= certificate.terms.payout().map_or(0, |payout| payout.budget));
    }
    Some(report)
}

/// The certificate that the honest nodes made. It is read here and not by the fuzzer, so that an old one is told from a forged one.
const SEED: &[u8] = include_bytes!("../seeds/certificate/0");

fuzz_target!(
    init: assert!(
        SEED == HONEST.certificate.to_json(),
        "fuzz/seeds is older than a format: write it again with `cargo run --example seeds`"
    ),
    |data: &[u8]| {
        if let Ok(certificate) = Certificate::from_json(data) {
            assert_eq!(certificate.to_json(), data);
            if verify(&certificate).is_some() {
                assert_eq!(certificate, HONEST.certificate, "a certificate that nobody signed");
            }
        }
        // Also in JSON that is not canonical, which the fuzzer finds more easily.
        if let Ok(certificate) = serde_json::from_slice::<Certificate>(data) {
            verify(&sign_by_all(&FIXTURE.members, certificate));
        }
    }
);
