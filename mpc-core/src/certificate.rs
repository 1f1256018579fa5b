//! The certificate: what anyone needs, with the cluster file, to check a result offline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::cluster::Cluster;
use crate::crowd::Facts;
use crate::digest::Digest;
use crate::field::{Field, Fp61};
use crate::identity::{Purpose, Signature};
use crate::job::{JobError, Terms};
use crate::release::{OutputComponents, OutputName, Released, Subject, session_id, statement};

/// Signed components of every output of a job, and what they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The job without its items.
    pub terms: Terms,
    /// What was computed, on what, by whom.
    pub subject: Subject,
    /// What is public about the accepted set.
    pub facts: Facts,
    /// Every output with all its components; they add up to the opened values.
    pub outputs: Vec<OutputComponents>,
    /// One signature of each participant, over its components.
    pub signatures: Vec<NodeSignature>,
}

/// A participant's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSignature {
    /// The node's index.
    pub node: u8,
    /// Its signature over [`crate::release::statement`].
    pub signature: Signature,
}

/// The opened outputs of a certificate that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened(BTreeMap<OutputName, Vec<Fp61>>);

impl Opened {
    /// An output's elements, if the job opens it.
    pub fn get(&self, name: OutputName) -> Option<&[Fp61]> {
        self.0.get(&name).map(Vec::as_slice)
    }
}

/// Why a certificate is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Not the canonical text of a certificate.
    #[error("not a certificate: {0}")]
    Syntax(String),
    /// A part is bound to something else than it must be.
    #[error("{what} is not the one the nodes signed for")]
    Binding {
        /// Which part.
        what: &'static str,
    },
    /// The set of participants or of signatures is not one that can certify.
    #[error("{0}")]
    Participants(String),
    /// An output or component is missing, extra, or of the wrong length.
    #[error("output {0:?} does not have the components and lengths the job asks for")]
    Shape(OutputName),
    /// An output holds what no answers give.
    #[error("output {0:?} holds a number that no answers give")]
    Value(OutputName),
    /// The outputs are not those the job opens.
    #[error("the outputs are not those the job opens")]
    Outputs,
    /// Copies of a component differ.
    #[error("nodes `{first}` and `{second}` released different copies of a component of {output:?}: at least one of them deviates")]
    Copies {
        /// One node.
        first: String,
        /// The other.
        second: String,
        /// Of which output.
        output: OutputName,
    },
    /// The terms are those of no job.
    #[error("no job has such terms: {0}")]
    Terms(JobError),
    /// The facts are those of no crowd.
    #[error("no answers to the job have such facts: {0}")]
    Facts(&'static str),
    /// A signature does not verify.
    #[error("the signature of node `{0}` does not verify")]
    Signature(String),
    /// The payouts pass the budget.
    #[error("the payouts add up to {total} micro-units, above the budget of {budget}")]
    Budget {
        /// Sum of the pay.
        total: u128,
        /// What the job sets aside.
        budget: u64,
    },
}

impl Certificate {
    /// Puts together what the participants released, comparing all copies, and verifies the whole.
    pub fn assemble(cluster: &Cluster, terms: &Terms, facts: &Facts, released: &[Released]) -> Result<Self, CertificateError> {
        let mut released: Vec<&Released> = released.iter().collect();
        released.sort_by_key(|one| one.node);
        let first = released
            .first()
            .ok_or_else(|| CertificateError::Participants("no node has released anything".to_owned()))?;
        let mut outputs: Vec<OutputComponents> = first
            .outputs
            .iter()
            .map(|output| OutputComponents {
                name: output.name,
                components: BTreeMap::new(),
            })
            .collect();
        let mut from: BTreeMap<(OutputName, u8), u8> = BTreeMap::new();
        for one in &released {
            if one.subject != first.subject {
                return Err(CertificateError::Binding { what: "a node's subject" });
            }
            if one.outputs.len() != outputs.len() {
                return Err(CertificateError::Outputs);
            }
            for (output, theirs) in outputs.iter_mut().zip(&one.outputs) {
                if output.name != theirs.name {
                    return Err(CertificateError::Outputs);
                }
                for (component, values) in &theirs.components {
                    let copy = output.components.entry(*component).or_insert_with(|| values.clone());
                    let source = *from.entry((output.name, *component)).or_insert(one.node);
                    if copy != values {
                        return Err(CertificateError::Copies {
                            first: cluster.node_name(source.into()),
                            second: cluster.node_name(one.node.into()),
                            output: output.name,
                        });
                    }
                }
            }
        }
        let certificate = Self {
            terms: terms.clone(),
            subject: first.subject.clone(),
            facts: facts.clone(),
            outputs,
            signatures: released
                .iter()
                .map(|one| NodeSignature {
                    node: one.node,
                    signature: one.signature,
                })
                .collect(),
        };
        certificate.verify(cluster)?;
        Ok(certificate)
    }

    /// Checks that every component is signed by all its present holders for exactly this cluster, job
    /// and accepted set, and adds the components up.
    ///
    /// Every component has at least `t + 1` present holders, so an honest one has signed it.
    pub fn verify(&self, cluster: &Cluster) -> Result<Opened, CertificateError> {
        let subject = &self.subject;
        let bindings = [
            ("the protocol version", subject.protocol == cluster.file().protocol),
            ("the cluster file", subject.cluster == cluster.digest()),
            ("the job", subject.job == self.terms.digest()),
            ("the set of facts", subject.facts == self.facts.digest()),
            (
                "the session",
                subject.session == session_id(cluster, subject.job, subject.candidates, subject.participants),
            ),
        ];
        if let Some((what, _)) = bindings.into_iter().find(|(_, holds)| !holds) {
            return Err(CertificateError::Binding { what });
        }
        let access = cluster.access();
        let participants = subject.participants;
        let in_cluster = participants.iter().all(|i| i < access.nodes());
        if !in_cluster || participants.len() < access.quorum() {
            return Err(CertificateError::Participants(format!(
                "nodes {participants:?} cannot certify for this cluster"
            )));
        }
        if !self.signatures.iter().map(|s| usize::from(s.node)).eq(participants.iter()) {
            return Err(CertificateError::Participants(
                "there is not exactly one signature of each participant".to_owned(),
            ));
        }
        // The arithmetic on what is certified relies on bounds that hold for every job and crowd.
        self.terms.check().map_err(CertificateError::Terms)?;
        self.facts.check(&self.terms).map_err(CertificateError::Facts)?;
        self.check_shape(access.components())?;
        for NodeSignature { node, signature } in &self.signatures {
            let index = usize::from(*node);
            let held: Vec<OutputComponents> = self
                .outputs
                .iter()
                .map(|output| held_part(output, &access.held_by(index)))
                .collect();
            let entry = &cluster.nodes()[index];
            entry
                .identity
                .verify(Purpose::Release, &statement(subject, *node, &held), signature)
                .map_err(|_| CertificateError::Signature(entry.name.clone()))?;
        }
        Ok(Opened(self.outputs.iter().map(|output| (output.name, sum(output))).collect()))
    }

    fn check_shape(&self, components: usize) -> Result<(), CertificateError> {
        if !self.outputs.iter().map(|output| output.name).eq(OutputName::of_job(&self.terms)) {
            return Err(CertificateError::Outputs);
        }
        for output in &self.outputs {
            let all = output.components.keys().map(|c| usize::from(*c)).eq(0..components);
            let len = output.name.len(&self.terms, &self.facts);
            if !all || output.components.values().any(|values| values.len() != len) {
                return Err(CertificateError::Shape(output.name));
            }
        }
        Ok(())
    }

    /// The canonical text.
    pub fn to_json(&self) -> Vec<u8> {
        crate::report::to_json(self)
    }

    /// Reads a certificate; any other spelling than the canonical one is refused.
    pub fn from_json(bytes: &[u8]) -> Result<Self, CertificateError> {
        let certificate: Self = serde_json::from_slice(bytes).map_err(|e| CertificateError::Syntax(e.to_string()))?;
        if certificate.to_json() == bytes {
            Ok(certificate)
        } else {
            Err(CertificateError::Syntax(
                "the text was altered: it is not spelled as certificates are".to_owned(),
            ))
        }
    }

    /// The digest of the accepted set.
    pub fn accepted(&self) -> Digest {
        self.subject.accepted
    }
}

fn held_part(output: &OutputComponents, held: &[usize]) -> OutputComponents {
    let part = output
        .components
        .iter()
        .filter(|(component, _)| held.contains(&usize::from(**component)));
    OutputComponents {
        name: output.name,
        components: part.map(|(component, values)| (*component, values.clone())).collect(),
    }
}

fn sum(output: &OutputComponents) -> Vec<Fp61> {
    let len = output.components.values().map(Vec::len).max().unwrap_or(0);
    output.components.values().fold(vec![Fp61::ZERO; len], |mut total, values| {
        total.iter_mut().zip(values).for_each(|(sum, value)| *sum += *value);
        total
    })
}
