//! The certificate: what anyone needs, with the cluster file, to check a result offline.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::accepted::PublicFacts;
use crate::canonical;
use crate::cluster::Cluster;
use crate::identity::{Purpose, Signature};
use crate::job::{Job, JobError, Terms};
use crate::release::{OutputDigests, OutputName, OutputValues, Released, ReleasedOutput, Subject, session_id, statement_of};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;

/// Signed components of every output of a job, and what they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The job without its items.
    pub terms: Terms,
    /// What was computed, on what, by whom.
    pub subject: Subject,
    /// What is public about the accepted set.
    pub facts: PublicFacts,
    /// Every output: with all its components, which add up to the opened values, or as the nodes opened it.
    pub outputs: Vec<ReleasedOutput>,
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
    PublicFacts(&'static str),
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

/// A certificate that verified, with what it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certified {
    certificate: Certificate,
    opened: Opened,
}

impl Certified {
    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its opened outputs.
    pub fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The certificate alone.
    pub fn into_certificate(self) -> Certificate {
        self.certificate
    }
}

impl Certificate {
    /// Puts together what the participants of a job's computation released, comparing all copies, and verifies the
    /// whole.
    pub fn assemble(cluster: &Cluster, job: &Job, facts: &PublicFacts, mut released: Vec<Released>) -> Result<Certified, CertificateError> {
        released.sort_by_key(|one| one.node);
        let mut released = released.into_iter();
        let none = || CertificateError::Participants("no node has released anything".to_owned());
        let Released {
            subject,
            node,
            mut outputs,
            signature,
        } = released.next().ok_or_else(none)?;
        let mut signatures = vec![NodeSignature { node, signature }];
        // Who released the first copy of each component, to name it where another one differs.
        let mut sources: BTreeMap<(OutputName, u8), u8> = BTreeMap::new();
        for one in released {
            if one.subject != subject {
                return Err(CertificateError::Binding { what: "a node's subject" });
            }
            if one.outputs.len() != outputs.len() {
                return Err(CertificateError::Outputs);
            }
            for (output, theirs) in outputs.iter_mut().zip(one.outputs) {
                if output.name != theirs.name {
                    return Err(CertificateError::Outputs);
                }
                let differ = |first: u8| CertificateError::Copies {
                    first: cluster.node_name(first.into()),
                    second: cluster.node_name(one.node.into()),
                    output: theirs.name,
                };
                match (&mut output.values, theirs.values) {
                    (OutputValues::Opened(values), OutputValues::Opened(theirs)) if *values == theirs => {}
                    (OutputValues::Components(components), OutputValues::Components(theirs)) => {
                        for (component, values) in theirs {
                            match components.entry(component) {
                                Entry::Vacant(entry) => {
                                    entry.insert(values);
                                    sources.insert((output.name, component), one.node);
                                }
                                Entry::Occupied(copy) if *copy.get() != values => {
                                    let source = sources.get(&(output.name, component));
                                    return Err(differ(source.copied().unwrap_or(node)));
                                }
                                Entry::Occupied(_) => {}
                            }
                        }
                    }
                    _ => return Err(differ(node)),
                }
            }
            signatures.push(NodeSignature {
                node: one.node,
                signature: one.signature,
            });
        }
        let certificate = Self {
            terms: job.terms().clone(),
            subject,
            facts: facts.clone(),
            outputs,
            signatures,
        };
        // The terms of a job were checked when it was made, and their digest worked out.
        let opened = certificate.verify_with(cluster, job.digest(), || Ok(()))?;
        Ok(Certified { certificate, opened })
    }

    /// Checks that every component is signed by all its present holders for exactly this cluster, job
    /// and accepted set, and adds the components up.
    ///
    /// Every component has at least `t + 1` present holders, so an honest one has signed it.
    pub fn verify(&self, cluster: &Cluster) -> Result<Opened, CertificateError> {
        self.verify_with(cluster, self.terms.digest(), || self.terms.check())
    }

    /// The same, given the digest of the terms and what there is to check of them.
    fn verify_with(
        &self,
        cluster: &Cluster,
        terms: Digest,
        check_terms: impl FnOnce() -> Result<(), JobError>,
    ) -> Result<Opened, CertificateError> {
        let subject = &self.subject;
        let bindings = [
            ("the protocol version", subject.protocol == cluster.file().protocol),
            ("the cluster file", subject.cluster == cluster.digest()),
            ("the job", subject.job == terms),
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
        check_terms().map_err(CertificateError::Terms)?;
        self.facts.check(&self.terms).map_err(CertificateError::PublicFacts)?;
        self.check_shape(access.components())?;
        let digests: Vec<OutputDigests> = self.outputs.iter().map(OutputDigests::of).collect();
        for NodeSignature { node, signature } in &self.signatures {
            let index = usize::from(*node);
            let held = access.held_by(index);
            let held: Vec<OutputDigests> = digests.iter().map(|output| output.part(&held)).collect();
            let entry = &cluster.nodes()[index];
            entry
                .identity
                .verify(Purpose::Release, &statement_of(subject, *node, &held), signature)
                .map_err(|_| CertificateError::Signature(entry.name.clone()))?;
        }
        Ok(Opened(
            self.outputs.iter().map(|output| (output.name, output.values.sum())).collect(),
        ))
    }

    fn check_shape(&self, components: usize) -> Result<(), CertificateError> {
        if !self.outputs.iter().map(|output| output.name).eq(OutputName::of_job(&self.terms)) {
            return Err(CertificateError::Outputs);
        }
        for output in &self.outputs {
            let complete = match &output.values {
                OutputValues::Opened(_) => output.name.is_opened(),
                OutputValues::Components(of) => !output.name.is_opened() && of.keys().map(|c| usize::from(*c)).eq(0..components),
            };
            if !complete || output.values.elements() != Some(output.name.len(&self.terms, &self.facts)) {
                return Err(CertificateError::Shape(output.name));
            }
        }
        Ok(())
    }

    /// The canonical text.
    pub fn to_json(&self) -> Vec<u8> {
        canonical::to_json(self)
    }

    /// Writes the canonical text, in small pieces.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_json(&self, to: impl Write) -> io::Result<()> {
        canonical::write(self, to)
    }

    /// Reads a certificate; any other spelling than the canonical one is refused.
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

    /// The digest of the accepted set.
    pub fn accepted(&self) -> Digest {
        self.subject.accepted
    }
}
