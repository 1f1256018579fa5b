//! A record with its way to the root.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;

use super::tree::leaf_hash;
use super::{ReceiptRoot, Record, root_of_path};

/// A record, and what shows that it is under a root.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordProof {
    /// The record.
    #[cfg_attr(feature = "openapi", schema(value_type = Object))]
    pub record: Record,
    /// What is hashed with the record.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub salt: Digest,
    /// The place of its leaf in the tree, from 0.
    pub index: u64,
    /// The hashes beside its way to the root, from the leaf up.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub path: Vec<Digest>,
}

impl RecordProof {
    /// Whether the record is a leaf under this root.
    pub fn is_under(&self, root: &ReceiptRoot) -> bool {
        let leaf = leaf_hash(&self.salt, &self.record);
        root_of_path(leaf, self.index, root.leaves, &self.path) == Some(root.root)
    }
}
