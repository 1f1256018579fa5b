//! Requests that a key signs in place of a token.

use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Method;
use reqwest::header::HeaderValue;
use tacit_mpc_core::digest::Digest;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::request_signature::SignedParts;

/// A key that signs requests, and the digest of the cluster file for which it does.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) key: SecretKey,
    pub(super) cluster: Digest,
    /// Says that the key is of a person of a pool.
    pub(super) shown: Option<HeaderValue>,
}

impl Signer {
    pub(super) fn sign(&self, method: &Method, target: &str, body: &[u8]) -> String {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let parts = SignedParts {
            method: method.as_str(),
            path,
            query,
            cluster: &self.cluster,
            body,
        };
        parts.sign(&self.key, now.as_secs()).to_string()
    }
}
