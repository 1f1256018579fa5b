//! An invitation code: as text, and its bytes behind a checksum that fits.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use libfuzzer_sys::fuzz_target;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::credential::Invitation;
use tacit_protocol::fixtures::issuers;

fn read(code: &str) {
    let Ok(invitation) = code.parse::<Invitation>() else { return };
    assert_eq!(*invitation.code(), code.trim(), "there is one code of an invitation");
    let _ = format!("{invitation:?} {:?}", invitation.check(&issuers(2)));
}

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        read(text);
    }
    let checksum = Digest::of("tacit/v1 invitation code", &[data]);
    let body = [data, &checksum.as_bytes()[..4]].concat();
    read(&format!("tacit-invitation-{}", URL_SAFE_NO_PAD.encode(body)));
});
