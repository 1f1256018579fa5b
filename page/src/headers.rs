//! What a browser is told beside the files: to trust nothing else.

use axum::http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The policy of the page's own `index.html`, and that no other page may frame it, which only a header can say. Addresses of coordinators
/// and of images are not known here: the page adds a policy with these alone before it asks anything of a person.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src blob: data:; \
     connect-src 'self' https: http://127.0.0.1:* http://localhost:*; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The policy of workers, which take theirs from this header and not from the page: the one with the keys loads its module and reaches nobody.
const WORKER_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// What the page never needs, so that nothing that might get into it has it either.
const NO_FEATURES: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

/// Adds the headers of every answer. `is_worker` says that it is a worker's script; `encrypted` says that the connection is, so that a browser may
/// insist on it from now on.
pub(crate) fn add(headers: &mut HeaderMap, is_worker: bool, encrypted: bool) {
    let fixed = [
        (CONTENT_SECURITY_POLICY, if is_worker { WORKER_POLICY } else { POLICY }),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("permissions-policy"), NO_FEATURES),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if encrypted {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
}
