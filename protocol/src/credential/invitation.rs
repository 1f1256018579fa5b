//! An invitation, and its code: one line of text that a person gets from the issuers.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Credential, CredentialError, Grant, IssuerSignature, Issuers};
use crate::codec::{decode, encode};
use crate::identity::{PublicKey, Purpose, SecretKey};

/// What a code begins with.
const PREFIX: &str = "tacit-invitation-";
/// The bytes at the end of a code that tell a slip of the pen.
const CHECKSUM: usize = 4;
/// The longest code, in bytes: 16 signatures have less.
const MAX_CODE: usize = 4096;

/// The invitation of one person: its secret key, and what the issuers have signed. Whoever has it can answer as this person.
#[derive(Clone)]
pub struct Invitation {
    /// The key that signs the contributor's own.
    pub key: SecretKey,
    /// The person's number in the pool.
    pub serial: u32,
    /// Until when the invitation is valid, in Unix seconds; `None` if it does not expire.
    pub expires: Option<u64>,
    /// The signatures of the issuers over its [`Self::grant`], by issuer.
    pub signatures: Vec<IssuerSignature>,
}

/// Why a text is not the code of an invitation. The text is a secret, so no error repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeError {
    /// It does not begin as codes do.
    #[error("this is not the code of an invitation: codes begin with `{PREFIX}`")]
    Prefix,
    /// A character is missing, added or altered.
    #[error("the code of the invitation was altered or cut: copy it again, whole")]
    Damaged,
}

/// The bytes of a code.
#[derive(Serialize, Deserialize)]
struct Bytes {
    seed: [u8; 32],
    serial: u32,
    expires: Option<u64>,
    signatures: Vec<IssuerSignature>,
}

impl Invitation {
    /// What the issuers sign for the person.
    pub fn grant(&self) -> Grant {
        Grant {
            serial: self.serial,
            invitation: self.key.public(),
            expires: self.expires,
        }
    }

    /// Checks that as many issuers as needed have signed the invitation.
    ///
    /// # Errors
    /// Signatures are missing, or one does not verify.
    pub fn check(&self, issuers: &Issuers) -> Result<(), CredentialError> {
        let statement = self.grant().statement(issuers);
        issuers.verify(Purpose::Grant, &statement, &self.signatures)
    }

    /// Checks the signature of one issuer over the invitation.
    ///
    /// # Errors
    /// It does not verify.
    pub fn check_signature(&self, issuers: &Issuers, one: &IssuerSignature) -> Result<(), CredentialError> {
        issuers.verify_one(Purpose::Grant, &self.grant().statement(issuers), one)
    }

    /// The credential of a contributor's key, for the cluster of this digest.
    pub fn credential(&self, cluster: &Digest, issuers: &Issuers, key: &PublicKey) -> Credential {
        Credential::new(cluster, issuers, self.grant(), self.signatures.clone(), &self.key, key)
    }

    /// The code: one line of letters, digits, dashes and underscores.
    pub fn code(&self) -> Zeroizing<String> {
        let bytes = Bytes {
            seed: *self.key.to_bytes(),
            serial: self.serial,
            expires: self.expires,
            signatures: self.signatures.clone(),
        };
        let mut body = Zeroizing::new(encode(&bytes));
        let checksum = checksum(&body);
        body.extend_from_slice(&checksum);
        Zeroizing::new(format!("{PREFIX}{}", Zeroizing::new(URL_SAFE_NO_PAD.encode(&*body)).as_str()))
    }
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let digest = Digest::of("tacit/v1 invitation code", &[body]);
    std::array::from_fn(|at| digest.as_bytes()[at])
}

impl Drop for Bytes {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.seed);
    }
}

impl FromStr for Invitation {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(CodeError::Prefix)?;
        if body.len() > MAX_CODE {
            return Err(CodeError::Damaged);
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(body).map_err(|_| CodeError::Damaged)?);
        let at = bytes.len().checked_sub(CHECKSUM).ok_or(CodeError::Damaged)?;
        let (body, sum) = bytes.split_at(at);
        if checksum(body) != *sum {
            return Err(CodeError::Damaged);
        }
        let bytes: Bytes = decode(body, "an invitation").map_err(|_| CodeError::Damaged)?;
        Ok(Self {
            key: SecretKey::from_bytes(&bytes.seed),
            serial: bytes.serial,
            expires: bytes.expires,
            signatures: bytes.signatures.clone(),
        })
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invitation({}, {} signatures)", self.serial, self.signatures.len())
    }
}
