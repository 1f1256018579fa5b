//! What a request shows beside its signature, so that people of a job's pool can read the job: `Tacit-Credential: BASE64URL`.
//!
//! Whoever reads a job for the first time does not know its issuers yet, and can make no credential for a key of its own. So a request
//! may also be signed with the key of the invitation itself. A credential is bound to one key and is public in every header of a
//! submission: it gives no right without the signature of that key over the request.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;

use super::{Credential, CredentialError, Grant, Invitation, IssuerSignature, Issuers};
use crate::codec::{decode, encode};
use crate::identity::{PublicKey, Purpose};

/// The name of the header.
pub const SHOWN_HEADER: &str = "tacit-credential";

/// The longest value of the header that is read, in bytes: 16 signatures have less.
const MAX_LENGTH: usize = 4096;

/// What says that the key which has signed a request is of a person of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shown {
    /// The key is a contributor's, and this is its credential.
    Credential(Credential),
    /// The key is that of the invitation itself: what the issuers have signed, and their signatures.
    Invitation(Grant, Vec<IssuerSignature>),
}

/// The header is not one that a client writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the header `{SHOWN_HEADER}` does not hold a credential or an invitation")]
pub struct ShownError;

impl Shown {
    /// What whoever has the invitation shows with requests that the invitation's own key signs.
    pub fn invitation(invitation: &Invitation) -> Self {
        Self::Invitation(invitation.grant(), invitation.signatures.clone())
    }

    /// The person's number in the pool.
    pub fn serial(&self) -> u32 {
        match self {
            Self::Credential(Credential { grant, .. }) | Self::Invitation(grant, _) => grant.serial,
        }
    }

    /// Checks that `key` belongs to a person of the pool of these issuers, in the cluster of this digest. Expiry as for
    /// [`Credential::check`]: nobody reads a job who could not answer it.
    ///
    /// # Errors
    /// The first part that is not as it should be.
    pub fn check(&self, cluster: &Digest, issuers: &Issuers, key: &PublicKey, closes_at: Option<u64>) -> Result<(), CredentialError> {
        match self {
            Self::Credential(credential) => credential.check(cluster, issuers, key, closes_at),
            Self::Invitation(grant, signatures) => {
                grant.check_expiry(closes_at)?;
                if grant.invitation != *key {
                    return Err(CredentialError::Holder);
                }
                issuers.verify(Purpose::Grant, &grant.statement(issuers), signatures)
            }
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(encode(self)))
    }
}

impl FromStr for Shown {
    type Err = ShownError;

    fn from_str(text: &str) -> Result<Self, ShownError> {
        if text.len() > MAX_LENGTH {
            return Err(ShownError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| ShownError)?;
        decode(&bytes, "a credential").map_err(|_| ShownError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{invitation_of, issuers};
    use crate::identity::SecretKey;

    #[test]
    fn a_credential_and_an_invitation_give_a_right_to_their_own_key_only() {
        let (issuers, cluster) = (issuers(2), Digest::of("cluster", &[]));
        let (key, other) = (SecretKey::from_bytes(&[5; 32]).public(), SecretKey::from_bytes(&[6; 32]).public());
        let invitation = invitation_of(&issuers, 7);
        let by_key = Shown::Credential(invitation.credential(&cluster, &issuers, &key));
        let by_invitation = Shown::invitation(&invitation);
        for (shown, of) in [(&by_key, key), (&by_invitation, invitation.key.public())] {
            let read: Shown = shown.to_string().parse().unwrap();
            assert_eq!((&read, read.serial()), (shown, 7));
            assert_eq!(read.check(&cluster, &issuers, &of, None), Ok(()));
            assert_eq!(read.check(&cluster, &issuers, &other, None), Err(CredentialError::Holder));
            let others = crate::fixtures::issuers(3);
            assert!(read.check(&cluster, &others, &of, None).is_err());
        }
        // The credential's own invitation key is not its holder.
        assert!(by_key.check(&cluster, &issuers, &invitation.key.public(), None).is_err());
        let Shown::Invitation(grant, signatures) = by_invitation else {
            unreachable!()
        };
        let expires = Shown::Invitation(Grant { expires: Some(5), ..grant }, signatures);
        assert_eq!(
            expires.check(&cluster, &issuers, &invitation.key.public(), Some(6)),
            Err(CredentialError::Expired)
        );
    }

    #[test]
    fn other_headers_are_refused() {
        let good = Shown::invitation(&invitation_of(&issuers(2), 7)).to_string();
        for bad in [
            String::new(),
            good.replace(&good[..4], "!!!!"),
            good[..good.len() - 4].to_owned(),
            "A".repeat(MAX_LENGTH + 1),
        ] {
            assert_eq!(bad.parse::<Shown>(), Err(ShownError), "{bad}");
        }
    }
}
