//! HTTP requests that are authenticated by an Ed25519 key, for buyers and contributors who have no token.
//!
//! ```text
//! Authorization: Tacit-Key key=HEX, created=UNIX_SECONDS, signature=HEX
//! ```
//!
//! What is signed is the signature base of [RFC 9421](https://www.rfc-editor.org/rfc/rfc9421), section 2.5, over a fixed list of components:
//!
//! ```text
//! "@method": GET
//! "@path": /v1/jobs/signs/spec
//! "@query": ?
//! "tacit-cluster": DIGEST_OF_THE_CLUSTER_FILE
//! "tacit-body": DIGEST_OF_THE_BODY
//! "@signature-params": ("@method" "@path" "@query" "tacit-cluster" "tacit-body");created=1784030400;keyid="KEY";alg="ed25519"
//! ```
//!
//! The list is fixed, so there is nothing to negotiate or to leave out, and one header is enough in place of two. The signature has the
//! prefix of its [`Purpose`], as all signatures here. The path is that of the API, without what a proxy puts before it.
//!
//! A signature is good for [`VALID_SECONDS`] on either side of its time, for one method, path, query and body at one cluster. Within that time
//! who sees it can repeat the same request, so requests whose repetition does harm are idempotent, and connections have TLS.

use std::fmt;
use std::str::FromStr;

use tacit_mpc_core::digest::Digest;
use thiserror::Error;

use crate::identity::{IdentityError, PublicKey, Purpose, SecretKey, Signature};

/// The scheme of the header.
pub const SCHEME: &str = "Tacit-Key";

/// How many seconds a signature is good before and after its time.
pub const VALID_SECONDS: u64 = 300;

/// The longest header value that is read: more than any that is written.
const MAX_LENGTH: usize = 512;

/// The request that is signed.
#[derive(Debug, Clone, Copy)]
pub struct SignedParts<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The path of the API, from `/v1` on, as it is sent.
    pub path: &'a str,
    /// The query without its question mark; empty if there is none.
    pub query: &'a str,
    /// The digest of the cluster file.
    pub cluster: &'a Digest,
    /// The body; empty if there is none.
    pub body: &'a [u8],
}

/// The value of the header, after its scheme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestSignature {
    /// The key that has signed.
    pub key: PublicKey,
    /// When it was signed, in Unix time.
    pub created: u64,
    /// The signature.
    pub signature: Signature,
}

/// Why a request is not authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RequestSignatureError {
    /// The header is not of this scheme, or a field is missing or wrong.
    #[error("the header must be `Authorization: {SCHEME} key=HEX, created=UNIX_SECONDS, signature=HEX`")]
    Syntax,
    /// The signature is too old, or of the future.
    #[error("the signature was made {0} seconds before or after the time here, more than {VALID_SECONDS}: set the clock, and sign again")]
    Time(u64),
    /// The key cannot be used, or the signature is not its own over this request.
    #[error("{0}: sign the method, the path, the query, the body and the digest of this cluster")]
    Signature(#[from] IdentityError),
}

impl<'a> SignedParts<'a> {
    /// The request of this method and target: the path as it is sent, and a query behind a question mark if there is one.
    pub fn of_target(method: &'a str, target: &'a str, cluster: &'a Digest, body: &'a [u8]) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path,
            query,
            cluster,
            body,
        }
    }

    fn base(&self, key: &PublicKey, created: u64) -> Vec<u8> {
        let Self {
            method,
            path,
            query,
            cluster,
            body,
        } = self;
        let body = Digest::of("tacit/v1 request body", &[body]);
        format!(
            "\"@method\": {method}\n\"@path\": {path}\n\"@query\": ?{query}\n\"tacit-cluster\": {cluster}\n\"tacit-body\": {body}\n\
             \"@signature-params\": (\"@method\" \"@path\" \"@query\" \"tacit-cluster\" \"tacit-body\");\
             created={created};keyid=\"{key}\";alg=\"ed25519\""
        )
        .into_bytes()
    }

    /// Signs the request at this Unix time.
    pub fn sign(&self, key: &SecretKey, created: u64) -> RequestSignature {
        let public = key.public();
        RequestSignature {
            key: public,
            created,
            signature: key.sign(Purpose::Request, &self.base(&public, created)),
        }
    }

    /// Checks that the request was signed, and not long before or after `now`. Returns the key.
    ///
    /// # Errors
    /// [`RequestSignatureError::Time`] or [`RequestSignatureError::Signature`].
    pub fn verify(&self, signature: &RequestSignature, now: u64) -> Result<PublicKey, RequestSignatureError> {
        let off = now.abs_diff(signature.created);
        if off > VALID_SECONDS {
            return Err(RequestSignatureError::Time(off));
        }
        let RequestSignature { key, created, signature } = signature;
        key.verify(Purpose::Request, &self.base(key, *created), signature)?;
        Ok(*key)
    }
}

impl fmt::Display for RequestSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, created, signature } = self;
        write!(f, "{SCHEME} key={key}, created={created}, signature={signature}")
    }
}

impl FromStr for RequestSignature {
    type Err = RequestSignatureError;

    fn from_str(header: &str) -> Result<Self, RequestSignatureError> {
        let syntax = || RequestSignatureError::Syntax;
        let (scheme, fields) = header.split_once(' ').filter(|_| header.len() <= MAX_LENGTH).ok_or_else(syntax)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(syntax());
        }
        let (mut key, mut created, mut signature) = (None, None, None);
        for field in fields.split(',') {
            let (name, value) = field.trim().split_once('=').ok_or_else(syntax)?;
            let new = match name {
                "key" => key.replace(value.parse().map_err(|_| syntax())?).is_none(),
                "created" => created.replace(value.parse().map_err(|_| syntax())?).is_none(),
                "signature" => signature.replace(value.parse().map_err(|_| syntax())?).is_none(),
                _ => false,
            };
            if !new {
                return Err(syntax());
            }
        }
        Ok(Self {
            key: key.ok_or_else(syntax)?,
            created: created.ok_or_else(syntax)?,
            signature: signature.ok_or_else(syntax)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_784_030_400;

    fn key() -> SecretKey {
        SecretKey::from_bytes(&[3; 32])
    }

    #[test]
    fn a_signature_is_good_for_one_request_at_one_cluster_for_five_minutes() {
        let (cluster, other) = (Digest::of("cluster", &[b"1"]), Digest::of("cluster", &[b"2"]));
        let request = SignedParts {
            method: "GET",
            path: "/v1/jobs/signs/spec",
            query: "",
            cluster: &cluster,
            body: b"",
        };
        let signed: RequestSignature = request.sign(&key(), NOW).to_string().parse().unwrap();
        for now in [NOW - VALID_SECONDS, NOW, NOW + VALID_SECONDS] {
            assert_eq!(request.verify(&signed, now), Ok(key().public()));
        }
        for now in [0, NOW - VALID_SECONDS - 1, NOW + VALID_SECONDS + 1, u64::MAX] {
            assert_eq!(request.verify(&signed, now), Err(RequestSignatureError::Time(now.abs_diff(NOW))));
        }
        let others = [
            SignedParts {
                method: "DELETE",
                ..request
            },
            SignedParts {
                path: "/v1/jobs/other/spec",
                ..request
            },
            SignedParts { query: "a=b", ..request },
            SignedParts {
                cluster: &other,
                ..request
            },
            SignedParts { body: b"{}", ..request },
            // Lines of one field must not pass for another's.
            SignedParts {
                path: "/v1/jobs/signs/spec\n\"@query\": ?",
                ..request
            },
        ];
        let wrong = Err(RequestSignatureError::Signature(IdentityError::Signature));
        for other in others {
            assert_eq!(other.verify(&signed, NOW), wrong, "{other:?}");
        }
        let later = RequestSignature {
            created: NOW + 1,
            ..signed
        };
        assert_eq!(request.verify(&later, NOW), wrong);
        let of_another = RequestSignature {
            key: SecretKey::from_bytes(&[4; 32]).public(),
            ..signed
        };
        assert_eq!(request.verify(&of_another, NOW), wrong);
    }

    #[test]
    fn other_headers_are_refused() {
        let cluster = Digest::of("cluster", &[]);
        let request = SignedParts {
            method: "GET",
            path: "/",
            query: "",
            cluster: &cluster,
            body: b"",
        };
        let good = request.sign(&key(), NOW).to_string();
        assert!(good.parse::<RequestSignature>().is_ok());
        for bad in [
            String::new(),
            good.replace("Tacit-Key ", "Bearer "),
            good.replace("created=", "made="),
            good.replace("created=", "created=-"),
            good.replacen("key=", "key=0", 1),
            format!("{good}, created={NOW}"),
            format!("{good},"),
            good[..good.len() - 1].to_owned(),
            format!("{good}, x={}", "1".repeat(MAX_LENGTH)),
        ] {
            assert_eq!(bad.parse::<RequestSignature>(), Err(RequestSignatureError::Syntax), "{bad}");
        }
    }
}
