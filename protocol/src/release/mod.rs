//! What leaves a node: verified outputs with its signature, as the components that it holds, or as elements if the nodes have
//! opened them among themselves.

use serde::{Deserialize, Serialize};

use crate::accepted::AcceptedSet;
use crate::cluster::Cluster;
use crate::identity::{Purpose, SecretKey, Signature};
use crate::receipt::{ReceiptRoot, RootStatement};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::session::{Output, VerifiedOutputs};
use tacit_mpc_core::sharing::NodeSet;

mod check;
mod layout;
mod output;
mod plan;

pub use check::ReleaseError;
pub use layout::{AgreementLayout, NOISE_BITS, NOISE_DEVIATION, PairSum, independent, noise_units};
pub(crate) use output::OutputDigests;
pub use output::{OutputName, OutputValues, ReleasedOutput};

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
    /// The id of the session: [`session_id`].
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
    pub(crate) outputs: Vec<ReleasedOutput>,
    pub(crate) signature: Signature,
    pub(crate) records: ReceiptRoot,
    pub(crate) records_signature: Signature,
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

/// The bytes that a node signs: the subject, its index, and digests of what it releases of each output.
pub fn statement(subject: &Subject, node: u8, outputs: &[ReleasedOutput]) -> Vec<u8> {
    let digests: Vec<OutputDigests> = outputs.iter().map(OutputDigests::of).collect();
    statement_of(subject, node, &digests)
}

/// As [`statement`], given the digests.
pub(crate) fn statement_of(subject: &Subject, node: u8, outputs: &[OutputDigests]) -> Vec<u8> {
    crate::codec::encode(&(subject, node, outputs))
}

impl Released {
    /// What was computed, of which submissions, by which nodes.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The node's index.
    pub fn node(&self) -> u8 {
        self.node
    }

    /// What the node releases of every output.
    pub fn outputs(&self) -> &[ReleasedOutput] {
        &self.outputs
    }

    /// The tree of contributors' records, of which the node has signed the root.
    pub fn records(&self) -> ReceiptRoot {
        self.records
    }

    /// What a node releases of verified outputs.
    pub fn outputs_of(verified: &VerifiedOutputs<OutputName>) -> Vec<ReleasedOutput> {
        let values = |output: Output<'_>| match output {
            Output::Opened(values) => OutputValues::Opened(values.to_vec()),
            Output::Components(components) => {
                let of = |(component, values): (usize, &[Fp61])| (component as u8, values.to_vec());
                OutputValues::Components(components.into_iter().map(of).collect())
            }
        };
        let outputs = verified.outputs().map(|(name, output)| ReleasedOutput {
            name: *name,
            values: values(output),
        });
        outputs.collect()
    }

    /// Signs what a node releases of verified and recorded outputs, and the root of the records that follow from them. There is no other way to a release: outputs that have not
    /// been verified, or not been recorded, have types of their own, which cannot be opened or read.
    ///
    /// # Panics
    /// The outputs come from another session than the subject names.
    ///
    /// ```compile_fail,E0451
    /// # use tacit_protocol::{identity::Signature, receipt::ReceiptRoot, release::{ReleasedOutput, Released, Subject}};
    /// fn made_up(subject: Subject, outputs: Vec<ReleasedOutput>, signature: Signature, records: ReceiptRoot) -> Released {
    ///     Released { subject, node: 0, outputs, signature, records, records_signature: signature }
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
    /// # use tacit_protocol::{identity::SecretKey, receipt::ReceiptRoot, release::{OutputName, Released, Subject}};
    /// fn release_at_once<N: Network>(_: Session<N>, outputs: Outputs<OutputName>, subject: Subject, root: ReceiptRoot, key: &SecretKey) -> Released {
    ///     Released::new(subject, 0, &outputs, root, key)
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use tacit_mpc_core::{network::Network, session::{Outputs, Session}};
    /// # use tacit_protocol::{identity::SecretKey, receipt::ReceiptRoot, release::{OutputName, Released, Subject}};
    /// fn release_unrecorded<N: Network>(session: Session<N>, outputs: Outputs<OutputName>, subject: Subject, root: ReceiptRoot, key: &SecretKey) -> Released {
    ///     Released::new(subject, 0, &session.verify(outputs).unwrap(), root, key)
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use tacit_mpc_core::{field::Fp61, session::Outputs};
    /// # use tacit_protocol::release::OutputName;
    /// fn opened_elsewhere(outputs: &mut Outputs<OutputName>, values: Vec<Fp61>) {
    ///     outputs.push_opened(OutputName::Labels, values);
    /// }
    /// ```
    ///
    /// ```
    /// # use tacit_mpc_core::{network::Network, session::{Outputs, Session}};
    /// # use tacit_protocol::{identity::SecretKey, receipt::ReceiptRoot, release::{OutputName, Released, Subject}};
    /// fn release<N: Network>(session: Session<N>, outputs: Outputs<OutputName>, subject: Subject, root: ReceiptRoot, key: &SecretKey) -> Released {
    ///     Released::new(subject, 0, &session.verify(outputs).unwrap().recorded().unwrap(), root, key)
    /// }
    /// ```
    pub fn new(subject: Subject, node: u8, verified: &VerifiedOutputs<OutputName>, records: ReceiptRoot, key: &SecretKey) -> Self {
        assert_eq!(subject.session, verified.session(), "a release is of the session it came from");
        let outputs = Self::outputs_of(verified);
        let signature = key.sign(Purpose::Release, &statement(&subject, node, &outputs));
        let records_signature = RootStatement::new(&subject, records).sign(key);
        Self {
            subject,
            node,
            outputs,
            signature,
            records,
            records_signature,
        }
    }
}
