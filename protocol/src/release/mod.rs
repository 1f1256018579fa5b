//! What leaves a node: components of verified outputs under its signature.

use serde::{Deserialize, Serialize};

use crate::accepted::{AcceptedSet, PublicFacts};
use crate::cluster::Cluster;
use crate::identity::{Purpose, SecretKey, Signature};
use crate::job::Terms;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::session::VerifiedOutputs;
use tacit_mpc_core::sharing::NodeSet;

mod components;
mod plan;

pub use components::{OutputComponents, PackedOutput, pack};

/// The outputs a job can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputName {
    /// How often each class was answered.
    ClassTotals,
    /// Matching pairs (plain and weighted twice), `Σ n_k²`, the summed share of each class.
    Agreement,
    /// `A` of each contributor.
    ContributorAgreement,
    /// `Q` of each contributor.
    ContributorBeyondChance,
    /// The share of each contributor's answers to items with gold that are right: the scoring
    /// crate's `GoldScore` reads it.
    ContributorGold,
    /// The label of each item, in their order: 0 where there is no consensus, else the class counted from 1.
    Labels,
    /// How many of each contributor's answers are the labels of their items.
    ContributorLabelAgreement,
}

impl OutputName {
    /// How many elements the output has.
    pub fn len(self, terms: &Terms, facts: &PublicFacts) -> usize {
        match self {
            Self::ClassTotals => terms.classes().len(),
            Self::Agreement => 4 + terms.classes().len(),
            Self::ContributorAgreement | Self::ContributorBeyondChance | Self::ContributorGold | Self::ContributorLabelAgreement => {
                facts.contributors.len()
            }
            Self::Labels => terms.items as usize,
        }
    }

    /// The outputs a job opens, in order.
    pub fn of_job(terms: &Terms) -> Vec<Self> {
        plan::outputs_of(terms)
    }
}

/// What a computation was about: the part of a release that is the same at all participants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// The protocol version.
    pub protocol: u32,
    /// The cluster's digest.
    pub cluster: Digest,
    /// The job's digest.
    pub job: Digest,
    /// The digest of the candidates: the submissions whose shares were checked to be well-formed.
    pub candidates: Digest,
    /// The digest of the accepted set: the candidates without the malformed ones.
    pub accepted: Digest,
    /// The digest of the public facts about it.
    pub facts: Digest,
    /// The session.
    pub session: Digest,
    /// The nodes that took part.
    pub participants: NodeSet,
}

/// What one node releases. A node makes one with [`Released::new`] alone; everyone else decodes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    pub(crate) subject: Subject,
    pub(crate) node: u8,
    #[serde(with = "components")]
    pub(crate) outputs: Vec<OutputComponents>,
    pub(crate) signature: Signature,
}

impl Subject {
    /// What was computed: the accepted set that came out of these candidates.
    pub fn new(cluster: &Cluster, job: Digest, candidates: Digest, crowd: &AcceptedSet, participants: NodeSet) -> Self {
        Self {
            protocol: cluster.file().protocol,
            cluster: cluster.digest(),
            job,
            candidates,
            accepted: crowd.digest(),
            facts: crowd.facts().digest(),
            session: session_id(cluster, job, candidates, participants),
            participants,
        }
    }
}

/// The session id: a digest of everything the participants agree on before they compute. Participants
/// that were told different things have different ids, and find out when they confirm their keys.
pub fn session_id(cluster: &Cluster, job: Digest, candidates: Digest, participants: NodeSet) -> Digest {
    let agreed = crate::codec::encode(&(cluster.file().protocol, cluster.digest(), job, candidates, participants));
    Digest::of("tacit/v1 session", &[&agreed])
}

/// A digest of each of some components of an output.
pub(crate) type ComponentDigests = (OutputName, Vec<(u8, Digest)>);

/// The digests of all components of outputs.
pub(crate) fn component_digests(outputs: &[OutputComponents]) -> Vec<ComponentDigests> {
    let of = |output: &OutputComponents| {
        let components = output.components.iter();
        let digests = components.map(|(component, values)| (*component, Digest::of_vector("tacit/v1 output", values)));
        (output.name, digests.collect())
    };
    outputs.iter().map(of).collect()
}

/// What a node signs: the subject, its index, and a digest of each of its components of each output.
pub fn statement(subject: &Subject, node: u8, outputs: &[OutputComponents]) -> Vec<u8> {
    statement_of(subject, node, &component_digests(outputs))
}

/// The same, of the digests.
pub(crate) fn statement_of(subject: &Subject, node: u8, outputs: &[ComponentDigests]) -> Vec<u8> {
    crate::codec::encode(&(subject, node, outputs))
}

impl Released {
    /// What it is about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The node's index.
    pub fn node(&self) -> u8 {
        self.node
    }

    /// The node's components of every output.
    pub fn outputs(&self) -> &[OutputComponents] {
        &self.outputs
    }

    /// Signs a node's components of verified outputs. There is no other way from a session to here:
    /// what has not been verified has another type, which nobody can open or read.
    ///
    /// ```compile_fail,E0451
    /// # use tacit_protocol::{identity::Signature, release::{OutputComponents, Released, Subject}};
    /// fn made_up(subject: Subject, outputs: Vec<OutputComponents>, signature: Signature) -> Released {
    ///     Released { subject, node: 0, outputs, signature }
    /// }
    /// ```
    ///
    /// ```compile_fail,E0624
    /// # use tacit_mpc_core::{field::Fp61, network::Network, session::Session, sharing::Shared};
    /// fn opened_at_once<N: Network>(session: &mut Session<N>, values: &Shared<Fp61>) -> bool {
    ///     session.open(values, tacit_mpc_core::session::Opening::Coin).is_ok()
    /// }
    /// ```
    ///
    /// ```compile_fail,E0382
    /// # use tacit_mpc_core::{network::Network, session::{Outputs, Session}};
    /// fn used_again<N: Network>(session: Session<N>, outputs: Outputs<u8>) -> u64 {
    ///     let _ = session.verify(outputs);
    ///     session.traffic().rounds
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use tacit_mpc_core::{network::Network, session::{Outputs, Session}};
    /// # use tacit_protocol::{identity::SecretKey, release::{OutputName, Released, Subject}};
    /// fn release_at_once<N: Network>(_: Session<N>, outputs: Outputs<OutputName>, subject: Subject, key: &SecretKey) -> Released {
    ///     Released::new(subject, 0, &outputs, key)
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use tacit_mpc_core::{network::Network, session::{Outputs, Session}};
    /// # use tacit_protocol::{identity::SecretKey, release::{OutputName, Released, Subject}};
    /// fn release_unrecorded<N: Network>(session: Session<N>, outputs: Outputs<OutputName>, subject: Subject, key: &SecretKey) -> Released {
    ///     Released::new(subject, 0, &session.verify(outputs).unwrap(), key)
    /// }
    /// ```
    ///
    /// ```
    /// # use tacit_mpc_core::{network::Network, session::{Outputs, Session}};
    /// # use tacit_protocol::{identity::SecretKey, release::{OutputName, Released, Subject}};
    /// fn release<N: Network>(session: Session<N>, outputs: Outputs<OutputName>, subject: Subject, key: &SecretKey) -> Released {
    ///     Released::new(subject, 0, &session.verify(outputs).unwrap().recorded().unwrap(), key)
    /// }
    /// ```
    pub fn new(subject: Subject, node: u8, verified: &VerifiedOutputs<OutputName>, key: &SecretKey) -> Self {
        assert_eq!(subject.session, verified.session(), "a release is of the session it came from");
        let outputs: Vec<OutputComponents> = verified
            .components()
            .map(|(name, components)| OutputComponents {
                name: *name,
                components: components.map(|(component, values)| (component as u8, values.to_vec())).collect(),
            })
            .collect();
        let signature = key.sign(Purpose::Release, &statement(&subject, node, &outputs));
        Self {
            subject,
            node,
            outputs,
            signature,
        }
    }
}
