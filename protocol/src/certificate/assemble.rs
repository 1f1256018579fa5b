//! Putting a certificate together from what the participants of a computation released.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Certificate, CertificateError, VerifiedCertificate};
use crate::accepted::PublicFacts;
use crate::cluster::Cluster;
use crate::job::Job;
use crate::release::{NodeSignature, OutputName, OutputValues, Released, ReleasedOutput};

impl Certificate {
    /// Joins what the participants of a job's computation released, compares all copies, and verifies the result.
    ///
    /// # Errors
    /// The releases are not of one subject and of the job's outputs, copies differ, or [`Certificate::verify`] refuses the
    /// result.
    pub fn assemble(
        cluster: &Cluster,
        job: &Job,
        facts: &PublicFacts,
        mut released: Vec<Released>,
    ) -> Result<VerifiedCertificate, CertificateError> {
        released.sort_by_key(|one| one.node);
        let mut released = released.into_iter();
        let none = || CertificateError::Participants("no node has released anything".to_owned());
        let Released {
            subject,
            node,
            outputs,
            signature,
            records,
            records_signature,
        } = released.next().ok_or_else(none)?;
        let mut joined = JoinedOutputs::new(cluster, node, outputs);
        let by = |node: u8, signature| NodeSignature { node, signature };
        let mut signatures = vec![by(node, signature)];
        let mut records_signatures = vec![by(node, records_signature)];
        for one in released {
            if one.subject != subject {
                return Err(CertificateError::Binding { what: "a node's subject" });
            }
            joined.add(one.node, one.outputs)?;
            // Records follow from the outputs, so those are compared first.
            if one.records != records {
                return Err(CertificateError::Records {
                    first: cluster.node_name(node.into()),
                    second: cluster.node_name(one.node.into()),
                });
            }
            signatures.push(by(one.node, one.signature));
            records_signatures.push(by(one.node, one.records_signature));
        }
        let certificate = Self {
            terms: job.terms().clone(),
            buyer_signature: *job.signature(),
            subject,
            facts: facts.clone(),
            outputs: joined.outputs,
            signatures,
            records,
            records_signatures,
        };
        // A job's terms were checked, and their digest computed, when the job was made.
        let opened = certificate.verify_with(cluster, job.digest(), || Ok(()))?;
        Ok(VerifiedCertificate { certificate, opened })
    }
}

/// The outputs of several nodes, joined: the components of all.
struct JoinedOutputs<'a> {
    cluster: &'a Cluster,
    outputs: Vec<ReleasedOutput>,
    /// The first node, whose outputs are the ones that others are added to.
    first: u8,
    /// The node that released the first copy of a component, where it is not [`Self::first`].
    sources: BTreeMap<(OutputName, u8), u8>,
}

impl<'a> JoinedOutputs<'a> {
    fn new(cluster: &'a Cluster, first: u8, outputs: Vec<ReleasedOutput>) -> Self {
        Self {
            cluster,
            outputs,
            first,
            sources: BTreeMap::new(),
        }
    }

    /// Adds the outputs of one more node.
    fn add(&mut self, node: u8, outputs: Vec<ReleasedOutput>) -> Result<(), CertificateError> {
        if outputs.len() != self.outputs.len() {
            return Err(CertificateError::Outputs);
        }
        for (output, theirs) in self.outputs.iter_mut().zip(outputs) {
            if output.name != theirs.name {
                return Err(CertificateError::Outputs);
            }
            let differs_from = |source: u8| CertificateError::Copies {
                first: self.cluster.node_name(source.into()),
                second: self.cluster.node_name(node.into()),
                output: theirs.name,
            };
            match (&mut output.values, theirs.values) {
                (OutputValues::Opened(values), OutputValues::Opened(theirs)) if *values == theirs => {}
                (OutputValues::Components(components), OutputValues::Components(theirs)) => {
                    for (component, values) in theirs {
                        match components.entry(component) {
                            Entry::Vacant(entry) => {
                                entry.insert(values);
                                self.sources.insert((output.name, component), node);
                            }
                            Entry::Occupied(copy) if *copy.get() != values => {
                                let source = self.sources.get(&(output.name, component));
                                return Err(differs_from(source.copied().unwrap_or(self.first)));
                            }
                            Entry::Occupied(_) => {}
                        }
                    }
                }
                _ => return Err(differs_from(self.first)),
            }
        }
        Ok(())
    }
}
