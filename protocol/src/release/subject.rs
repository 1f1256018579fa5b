//! What a computation was about, and a participant's signature under something that follows from it.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::sharing::NodeSet;

use crate::accepted::AcceptedSet;
use crate::cluster::Cluster;
use crate::identity::Signature;

/// What a computation was about: the part of a release that is the same at all participants.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The protocol version.
    pub protocol: u32,
    /// The cluster's digest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub cluster: Digest,
    /// The job's digest.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub job: Digest,
    /// The digest of the candidates: the submissions whose shares were checked to be well-formed.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub candidates: Digest,
    /// The digest of the accepted set: the candidates without the malformed ones.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub accepted: Digest,
    /// The digest of the public facts about it.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub facts: Digest,
    /// The id of the session: [`session_id`].
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub session: Digest,
    /// The nodes that took part.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<u8>))]
    pub participants: NodeSet,
}

impl Subject {
    /// The subject of a computation that accepted this set of the candidates.
    pub fn new(cluster: &Cluster, job: Digest, candidates: Digest, accepted: &AcceptedSet, participants: NodeSet) -> Self {
        Self {
            protocol: cluster.file().protocol,
            cluster: cluster.digest(),
            job,
            candidates,
            accepted: accepted.digest(),
            facts: accepted.facts().digest(),
            session: session_id(cluster, job, candidates, participants),
            participants,
        }
    }
}

/// The session id: a digest of everything that the participants must agree on before they compute. Participants that were told
/// different things have different ids, and notice it when they confirm their keys.
pub fn session_id(cluster: &Cluster, job: Digest, candidates: Digest, participants: NodeSet) -> Digest {
    let agreed = crate::codec::encode(&(cluster.file().protocol, cluster.digest(), job, candidates, participants));
    Digest::of("tacit/v1 session", &[&agreed])
}

/// A participant's signature.
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSignature {
    /// The node's index.
    pub node: u8,
    /// Its signature.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub signature: Signature,
}
