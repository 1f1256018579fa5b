//! What is in an envelope, and what it is bound to.
//!
//! The envelope of a node holds the components that the node holds, in ascending order, each as a payload: a salt of 32
//! bytes, then a seed of 32 bytes, or, for one component of each submission, the elements themselves.

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::{AccessStructure, Component};

use super::{Role, Statement, SubmissionId};
use crate::codec::encode;

/// Bytes of the salt before each component.
pub(crate) const SALT: usize = 32;
/// Bytes of the seed that stands for a component.
pub(crate) const SEED: usize = 32;

/// The label of contributors' envelopes in what they are bound to.
pub(crate) const ANSWERS_LABEL: &[u8] = b"tacit/v1 envelope";
/// The label of the buyer's envelopes in what they are bound to.
const GOLD_LABEL: &[u8] = b"tacit/v1 gold envelope";

/// The component that is sent in full. It follows from the submission's id, so that no node always gets the long one.
pub(crate) fn explicit_component(id: &SubmissionId, access: &AccessStructure) -> Component {
    let word = u64::from_le_bytes(std::array::from_fn(|i| id.as_bytes()[i]));
    (word % access.components() as u64) as usize
}

/// The public digest of a payload. Only holders of the component know its salt: without a salt, nodes that hold all other
/// components could guess the answers and compare each guess with the digest.
pub(crate) fn component_digest(id: &SubmissionId, component: Component, payload: &[u8]) -> Digest {
    Digest::of("tacit/v1 component", &[id.as_bytes(), &[component as u8], payload])
}

/// The public digest of a sealed envelope.
pub(crate) fn envelope_digest(envelope: &[u8]) -> Digest {
    Digest::of("tacit/v1 envelope", &[envelope])
}

/// HPKE's `info` for the envelope of a node (RFC 9180, section 5.1): role, cluster, job, and the epoch of the node's key.
pub(crate) fn info(role: Role, statement: &Statement, node: usize) -> Vec<u8> {
    labelled_info(
        match role {
            Role::Answers => ANSWERS_LABEL,
            Role::Gold => GOLD_LABEL,
        },
        statement,
        node,
    )
}

/// HPKE's `info` with any label: see [`info`].
pub(crate) fn labelled_info(label: &[u8], statement: &Statement, node: usize) -> Vec<u8> {
    let epoch = statement.epochs.get(node).copied().unwrap_or_default().to_le_bytes();
    [label, statement.cluster.as_bytes(), statement.job_digest.as_bytes(), &epoch].concat()
}

/// HPKE's associated data for the envelope of a node: the whole statement and the node's index.
pub(crate) fn aad(statement: &Statement, node: usize) -> Vec<u8> {
    encode(&(statement, node as u8))
}
