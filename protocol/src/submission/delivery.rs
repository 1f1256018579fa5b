//! A submission as one node gets it: the signed header and the node's own envelope.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::sharing::Component;
use zeroize::Zeroizing;

use super::envelope::{aad, component_digest, envelope_digest, info};
use super::{Header, OpenedSubmission, Role};
use crate::cluster::Cluster;
use crate::codec::decode;
use crate::identity::Signed;
use crate::job::Job;
use crate::reject::RejectReason;
use crate::sealing::{Binding, UnsealingKey};

/// A submission as one node gets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The public part, signed by the contributor.
    pub header: Signed<Header>,
    /// This node's envelope.
    #[serde(with = "serde_bytes")]
    pub envelope: Vec<u8>,
}

impl Delivery {
    /// Reads an encoded delivery.
    ///
    /// # Errors
    /// [`RejectReason::Malformed`]: the bytes are not the encoding of a delivery.
    pub fn decode(bytes: &[u8]) -> Result<Self, RejectReason> {
        decode(bytes, "a submission").map_err(|_| RejectReason::Malformed)
    }

    /// The encoding of a delivery whose signed header is encoded already, so that nobody has to read the header to deliver it.
    pub fn encode_parts(header: &[u8], envelope: &[u8]) -> Vec<u8> {
        // The length of the envelope is 8 bytes, little-endian.
        let length = (envelope.len() as u64).to_le_bytes();
        [header, &length, envelope].concat()
    }

    /// The number of the epoch of the key that the envelope of `node` is sealed to; `None` if the header names none.
    pub fn epoch(&self, node: usize) -> Option<u64> {
        self.header.value.statement.epochs.get(node).copied()
    }

    /// Opens the envelope of `node` and checks every component against the public digests. The header must have passed
    /// [`Header::check`].
    ///
    /// # Errors
    /// [`RejectReason::DigestMismatch`] if the envelope or what it holds is not what the header names, or if it holds bytes that
    /// are not field elements; [`RejectReason::Unsealable`] if it does not open with this key.
    pub fn open(&self, cluster: &Cluster, job: &Job, node: usize, key: &UnsealingKey) -> Result<OpenedSubmission, RejectReason> {
        self.unseal(cluster, job, node, key).map(|(_, opened)| opened)
    }

    /// As [`Self::open`]; also gives the plaintext of the envelope.
    pub(super) fn unseal(
        &self,
        cluster: &Cluster,
        job: &Job,
        node: usize,
        key: &UnsealingKey,
    ) -> Result<(Zeroizing<Vec<u8>>, OpenedSubmission), RejectReason> {
        let Header { statement, envelopes } = &self.header.value;
        if envelopes.get(node) != Some(&envelope_digest(&self.envelope)) {
            return Err(RejectReason::DigestMismatch);
        }
        let binding = Binding {
            info: &info(Role::of(job, &statement.key), statement, node),
            aad: &aad(statement, node),
        };
        let plaintext = key.open(binding, &self.envelope).map_err(|_| RejectReason::Unsealable)?;
        let is_genuine = |component: Component, payload: &[u8]| {
            statement.components.get(component) == Some(&component_digest(&statement.id, component, payload))
        };
        let opened = OpenedSubmission::read(&plaintext, cluster.access(), job, node, statement, is_genuine)?;
        Ok((plaintext, opened))
    }
}
