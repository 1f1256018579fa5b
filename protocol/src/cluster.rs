//! `cluster.toml`: the members of a cluster, their keys, and the threshold. Every member has the same file, byte for byte; its
//! digest is part of everything that is signed.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::identity::PublicKey;
use crate::sealing_epoch::EpochKey;
use crate::versions::{PROTOCOL_VERSIONS, Versions};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::{AccessError, AccessStructure};

mod reading;

pub(crate) use reading::one_line;

/// The contents of `cluster.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterFile {
    /// The protocol version of the cluster's computations, which every member must speak.
    pub protocol: u32,
    /// A name for people.
    pub name: String,
    /// How many nodes may be corrupt and collude: t.
    pub threshold: usize,
    /// The coordinator's entry.
    pub coordinator: CoordinatorEntry,
    /// The entries of the nodes; their order gives the nodes' indices.
    #[serde(rename = "node")]
    pub nodes: Vec<NodeEntry>,
}

/// The coordinator, as `cluster.toml` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoordinatorEntry {
    /// The address of its HTTP API.
    pub url: String,
    /// Its identity key: nodes accept its connections by this key, and it signs receipts.
    pub identity: PublicKey,
}

/// A node, as `cluster.toml` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeEntry {
    /// A short name: 1 to 64 letters, digits, dots, dashes or underscores; unique in the cluster.
    pub name: String,
    /// The organisation that runs the node.
    pub operator: String,
    /// `host:port` of its QUIC endpoint.
    pub address: String,
    /// Its identity key: peers accept its connections by this key, and it signs outputs and the
    /// keys that contributors seal to.
    pub identity: PublicKey,
}

/// A checked cluster file with its digest.
#[derive(Debug, Clone)]
pub struct Cluster {
    file: ClusterFile,
    digest: Digest,
    access: AccessStructure,
    sealing_keys: Vec<EpochKey>,
}

/// Why a cluster file is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClusterError {
    /// The file is not UTF-8, not TOML, or has other fields.
    #[error("{0}")]
    Syntax(String),
    /// The cluster has a protocol version that this program does not speak.
    #[error("field `protocol` is {found}, but this program speaks {PROTOCOL_VERSIONS}: {}", mend(*found))]
    Protocol {
        /// The version in the file.
        found: u32,
    },
    /// The number of nodes or the threshold is out of bounds.
    #[error("field `threshold`: {0}")]
    Access(#[from] AccessError),
    /// Two members share a name, an address or a key.
    #[error("{first} and {second} have the same {field}: every member needs its own")]
    Duplicate {
        /// One member, in words.
        first: String,
        /// The other member, in words.
        second: String,
        /// The field they have in common.
        field: &'static str,
    },
    /// A field's value cannot be used.
    #[error("{member}: field `{field}` {problem}")]
    Field {
        /// The member whose entry it is, in words.
        member: String,
        /// The name of the field.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
}

/// What to do about a version that this program does not speak.
fn mend(found: u32) -> &'static str {
    let file = Versions { min: found, max: found };
    PROTOCOL_VERSIONS.who_upgrades(
        "upgrade this program",
        file,
        "make a new cluster file, with all members, or use an older release",
    )
}

impl Cluster {
    /// Reads and checks a cluster file. The digest is over the exact bytes.
    ///
    /// # Errors
    /// The first thing that is wrong with the file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ClusterError> {
        let text = std::str::from_utf8(bytes).map_err(|e| ClusterError::Syntax(format!("byte {} is not UTF-8", e.valid_up_to())))?;
        let file = reading::read(text).map_err(ClusterError::Syntax)?;
        if !PROTOCOL_VERSIONS.contains(file.protocol) {
            return Err(ClusterError::Protocol { found: file.protocol });
        }
        let access = AccessStructure::new(file.nodes.len(), file.threshold)?;
        check_members(&file)?;
        Ok(Self {
            digest: Digest::of("tacit/v1 cluster", &[bytes]),
            file,
            access,
            sealing_keys: Vec::new(),
        })
    }

    /// The contents of the file.
    pub fn file(&self) -> &ClusterFile {
        &self.file
    }

    /// The digest of the file.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Which node holds which components of a shared value.
    pub fn access(&self) -> &AccessStructure {
        &self.access
    }

    /// The entries of the nodes, by index.
    pub fn nodes(&self) -> &[NodeEntry] {
        &self.file.nodes
    }

    /// The keys to seal to, by node; empty if none were taken from statements of the nodes, see [`Self::sealing_to`].
    pub fn sealing_keys(&self) -> &[EpochKey] {
        &self.sealing_keys
    }

    pub(crate) fn with_sealing_keys(mut self, keys: Vec<EpochKey>) -> Self {
        self.sealing_keys = keys;
        self
    }

    /// The index of the node with this key.
    pub fn node_of(&self, identity: &PublicKey) -> Option<usize> {
        self.file.nodes.iter().position(|node| node.identity == *identity)
    }

    /// A node's name, for messages; indices outside the cluster are written as numbers.
    pub fn node_name(&self, index: usize) -> String {
        self.file
            .nodes
            .get(index)
            .map_or_else(|| format!("node {index}"), |node| node.name.clone())
    }
}

fn check_members(file: &ClusterFile) -> Result<(), ClusterError> {
    let names = std::iter::once("the coordinator".to_owned()).chain(file.nodes.iter().map(|n| format!("node `{}`", n.name)));
    let members: Vec<String> = names.collect();
    let identities: Vec<PublicKey> = std::iter::once(file.coordinator.identity)
        .chain(file.nodes.iter().map(|n| n.identity))
        .collect();
    for (member, identity) in members.iter().zip(&identities) {
        let field = |e: &dyn std::fmt::Display| ClusterError::Field {
            member: member.clone(),
            field: "identity",
            problem: format!("is refused: {e}"),
        };
        identity.check().map_err(|e| field(&e))?;
    }
    duplicate(&members, &identities, "identity key")?;
    let nodes = &members[1..];
    for (member, node) in nodes.iter().zip(&file.nodes) {
        let field = |field, problem: String| ClusterError::Field {
            member: member.clone(),
            field,
            problem,
        };
        if node.name.is_empty() || node.name.len() > 64 || !node.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
            return Err(field(
                "name",
                "must be 1 to 64 letters, digits, dots, dashes or underscores".to_owned(),
            ));
        }
        let port = node
            .address
            .rsplit_once(':')
            .and_then(|(host, port)| (!host.is_empty()).then_some(port)?.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) {
            return Err(field("address", "must be host:port".to_owned()));
        }
    }
    let by = |value: fn(&NodeEntry) -> &[u8]| file.nodes.iter().map(value).collect::<Vec<_>>();
    duplicate(nodes, &by(|n| n.name.as_bytes()), "name")?;
    duplicate(nodes, &by(|n| n.address.as_bytes()), "address")
}

fn duplicate<T: PartialEq>(members: &[String], values: &[T], field: &'static str) -> Result<(), ClusterError> {
    for (i, value) in values.iter().enumerate() {
        if let Some(j) = values[..i].iter().position(|earlier| earlier == value) {
            return Err(ClusterError::Duplicate {
                first: members[j].clone(),
                second: members[i].clone(),
                field,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::cluster_with_keys;

    type Alter = fn(&mut ClusterFile);

    fn refused(alter: impl FnOnce(&mut ClusterFile)) -> String {
        let mut file = cluster_with_keys(4, 1).cluster.file().clone();
        alter(&mut file);
        Cluster::parse(toml::to_string(&file).unwrap().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn every_byte_is_in_the_digest() {
        let text = toml::to_string(cluster_with_keys(3, 1).cluster.file()).unwrap();
        let digest = Cluster::parse(text.as_bytes()).unwrap().digest();
        assert_ne!(Cluster::parse(format!("{text}# comment\n").as_bytes()).unwrap().digest(), digest);
    }

    #[test]
    fn members_with_something_in_common_are_named() {
        let pairs: [(Alter, &str); 4] = [
            (|f| f.nodes[2].identity = f.nodes[0].identity, "identity key"),
            (|f| f.nodes[2].identity = f.coordinator.identity, "identity key"),
            (|f| f.nodes[2].name = f.nodes[0].name.clone(), "name"),
            (|f| f.nodes[2].address = f.nodes[0].address.clone(), "address"),
        ];
        for (alter, field) in pairs {
            let error = refused(alter);
            assert!(error.contains(field) && error.contains("the same"), "{error}");
        }
    }

    #[test]
    fn errors_name_member_and_field() {
        let newer = refused(|f| f.protocol = PROTOCOL_VERSIONS.max + 1);
        assert!(
            newer.contains("`protocol` is 2") && newer.contains("upgrade this program"),
            "{newer}"
        );
        let older = refused(|f| f.protocol = PROTOCOL_VERSIONS.min - 1);
        assert!(older.contains("`protocol` is 0") && older.contains("a new cluster file"), "{older}");
        assert!(refused(|f| f.threshold = 2).contains("threshold"));
        assert!(refused(|f| f.nodes[1].address = "nowhere".to_owned()).contains("node `node-1`: field `address`"));
        assert!(refused(|f| f.nodes[1].identity = PublicKey::from_bytes([0; 32])).contains("node `node-1`: field `identity`"));
        let error = Cluster::parse(b"protocol = 1\nname = \"x\"\nthreshold = 1\ntreshold = 2\n")
            .unwrap_err()
            .to_string();
        assert!(error.contains("line 4") && error.contains("treshold"), "{error}");
        assert!(Cluster::parse(b"protocol = \xff").unwrap_err().to_string().contains("byte 11"));
    }
}
