//! The certificate: what anyone needs, with the cluster file, to check a result offline.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;

use crate::accepted::PublicFacts;
use crate::canonical;
use crate::identity::Signature;
use crate::job::Terms;
use crate::receipt::{CertifiedRoot, ReceiptRoot, RootStatement};
use crate::release::{NodeSignature, OutputName, ReleasedOutput, Subject};

mod assemble;
mod error;
mod verify;

pub use error::CertificateError;

/// The outputs of a job, signed by all nodes that computed them, and what they were computed of.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The job without its items.
    pub terms: Terms,
    /// The buyer's signature over the terms: see [`Terms::verify_signature`].
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub buyer_signature: Signature,
    /// What was computed, of which submissions, by which nodes.
    pub subject: Subject,
    /// What is public about the accepted set.
    pub facts: PublicFacts,
    /// Every output, in the order of [`OutputName::of_job`]: with all its components, which add up to the output, or as the
    /// nodes opened it.
    pub outputs: Vec<ReleasedOutput>,
    /// One signature of each participant, by node: over the subject and the digests of its part of the outputs, see
    /// [`crate::release::statement`].
    pub signatures: Vec<NodeSignature>,
    /// The tree of contributors' records.
    pub records: ReceiptRoot,
    /// One signature of each participant, by node, over the [`RootStatement`] of the tree.
    pub records_signatures: Vec<NodeSignature>,
}

/// The outputs of a verified certificate: the elements of each, in the order of [`OutputName`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedOutputs(BTreeMap<OutputName, Vec<Fp61>>);

impl OpenedOutputs {
    /// The elements of an output; `None` if the job does not open it.
    pub fn get(&self, name: OutputName) -> Option<&[Fp61]> {
        self.0.get(&name).map(Vec::as_slice)
    }

    /// All of them, in the order of [`OutputName`].
    pub fn iter(&self) -> impl Iterator<Item = (OutputName, &[Fp61])> {
        self.0.iter().map(|(name, elements)| (*name, elements.as_slice()))
    }
}

/// A certificate that was verified, and its opened outputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCertificate {
    certificate: Certificate,
    opened: OpenedOutputs,
}

impl VerifiedCertificate {
    /// The certificate that was verified.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The opened outputs.
    pub fn opened(&self) -> &OpenedOutputs {
        &self.opened
    }

    /// The certificate alone.
    pub fn into_certificate(self) -> Certificate {
        self.certificate
    }
}

impl Certificate {
    /// The canonical text; see [`canonical`].
    pub fn to_json(&self) -> Vec<u8> {
        canonical::to_json(self)
    }

    /// Writes the canonical text in small pieces, so that it is never whole in memory.
    ///
    /// # Errors
    /// Writing failed.
    pub fn write_json(&self, to: impl Write) -> io::Result<()> {
        canonical::write(self, to)
    }

    /// Reads a certificate.
    ///
    /// # Errors
    /// [`CertificateError::Syntax`]: not a certificate, or not in its canonical spelling.
    pub fn from_json(bytes: &[u8]) -> Result<Self, CertificateError> {
        let certificate: Self = serde_json::from_slice(bytes).map_err(|e| CertificateError::Syntax(e.to_string()))?;
        if canonical::is_json_of(&certificate, bytes) {
            Ok(certificate)
        } else {
            Err(CertificateError::Syntax(
                "the text was altered: it is not spelled as certificates are".to_owned(),
            ))
        }
    }

    /// The root of contributors' records as contributors get it.
    pub fn certified_root(&self) -> CertifiedRoot {
        CertifiedRoot {
            statement: RootStatement::new(&self.subject, self.records),
            signatures: self.records_signatures.clone(),
        }
    }

    /// The digest of the accepted set that the outputs were computed of.
    pub fn accepted(&self) -> Digest {
        self.subject.accepted
    }
}
