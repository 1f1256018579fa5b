//! A certificate as `tacit verify` reads it: by itself, and signed by a cluster all of whose nodes
//! sign whatever the fuzzer says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tacit_fuzz::bench::BENCH;
use tacit_fuzz::forge::certify;
use tacit_fuzz::transcript::HONEST;
use tacit_protocol::certificate::Certificate;
use tacit_scoring::report::Report;

fn verify(certificate: &Certificate) -> Option<Report> {
    let report = Report::new(certificate, &BENCH.cluster).ok()?;
    assert!(!report.to_json().is_empty() && !report.payouts_csv().is_empty());
    if let Some(payouts) = &report.payouts {
        assert!(payouts.total <= certificate.terms.payout().map_or(0, |payout| payout.budget));
    }
    Some(report)
}

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::from_json(data) {
        assert_eq!(certificate.to_json(), data);
        if verify(&certificate).is_some() {
            assert_eq!(certificate, HONEST.certificate, "a certificate that nobody signed");
        }
    }
    // Spelled in any way, so that the fuzzer has an easier time.
    if let Ok(certificate) = serde_json::from_slice::<Certificate>(data) {
        verify(&certify(certificate));
    }
});
