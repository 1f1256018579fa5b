//! Who a request is from: a buyer's token, or a key that signs each request.

use std::sync::Arc;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder};
use tacit_mpc_core::digest::Digest;
use tacit_program::unix_time;
use tacit_protocol::credential::{SHOWN_HEADER, Shown};
use tacit_protocol::identity::SecretKey;
use tacit_protocol::request_signature::SignedParts;

use super::error::ApiError;

/// What says who a request is from.
#[derive(Debug, Clone)]
pub(super) enum Authorization {
    /// A buyer's token, as the value of the header.
    Token(HeaderValue),
    /// A key.
    Key(Arc<Signer>),
}

/// A key that signs requests, and the digest of the cluster file for which it does.
#[derive(Debug)]
pub(super) struct Signer {
    key: SecretKey,
    cluster: Digest,
    /// Says that the key is of a person of a pool.
    shown: Option<HeaderValue>,
}

impl Authorization {
    /// A buyer's token.
    pub(super) fn token(token: &str) -> Result<Self, ApiError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ApiError::Token)?;
        value.set_sensitive(true);
        Ok(Self::Token(value))
    }

    /// A key that signs for the cluster of this digest, and what says that it is of a person of a pool.
    pub(super) fn key(key: SecretKey, cluster: Digest, shown: Option<&Shown>) -> Self {
        #[expect(clippy::expect_used, reason = "it is made of letters, digits, dashes and underscores")]
        let shown = shown.map(|shown| HeaderValue::try_from(shown.to_string()).expect("a header's value"));
        Self::Key(Arc::new(Signer { key, cluster, shown }))
    }

    /// Adds the headers that say who the request is from.
    pub(super) fn add_to(&self, request: RequestBuilder, method: &Method, target: &str, body: &[u8]) -> RequestBuilder {
        match self {
            Self::Token(token) => request.header(AUTHORIZATION, token.clone()),
            Self::Key(signer) => {
                let request = request.header(AUTHORIZATION, signer.sign(method, target, body));
                match &signer.shown {
                    Some(shown) => request.header(SHOWN_HEADER, shown.clone()),
                    None => request,
                }
            }
        }
    }
}

impl Signer {
    fn sign(&self, method: &Method, target: &str, body: &[u8]) -> String {
        let parts = SignedParts::of_target(method.as_str(), target, &self.cluster, body);
        parts.sign(&self.key, unix_time()).to_string()
    }
}
