//! Verifying a certificate, with the cluster file and nothing else.

use tacit_mpc_core::digest::Digest;

use super::{Certificate, CertificateError, OpenedOutputs};
use crate::cluster::Cluster;
use crate::identity::Purpose;
use crate::job::JobError;
use crate::receipt::RootError;
use crate::release::{NodeSignature, OutputDigests, OutputName, session_id, statement_of};

impl Certificate {
    /// Checks that all participants have signed these outputs for exactly this cluster, job and accepted set, and adds up
    /// the components of each output.
    ///
    /// Every component is held by at least t + 1 participants, so at least one honest node has signed it; likewise every
    /// output that the nodes opened.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(&self, cluster: &Cluster) -> Result<OpenedOutputs, CertificateError> {
        self.verify_with(cluster, self.terms.digest(), || self.terms.check())
    }

    /// As [`Self::verify`], given the digest of the terms and the check of the terms: whoever has the job has done both.
    pub(super) fn verify_with(
        &self,
        cluster: &Cluster,
        terms: Digest,
        check_terms: impl FnOnce() -> Result<(), JobError>,
    ) -> Result<OpenedOutputs, CertificateError> {
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
        self.terms
            .verify_signature(&cluster.digest(), &terms, &self.buyer_signature)
            .map_err(CertificateError::Buyer)?;
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
        // The formulas that read outputs rely on bounds that hold for the terms and facts of every job.
        check_terms().map_err(CertificateError::Terms)?;
        self.facts.check(&self.terms).map_err(CertificateError::PublicFacts)?;
        let refusals = self.facts.check_refusals(participants, access.threshold());
        refusals.map_err(CertificateError::PublicFacts)?;
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
        self.check_records(cluster)?;
        Ok(OpenedOutputs(
            self.outputs.iter().map(|output| (output.name, output.values.sum())).collect(),
        ))
    }

    /// Checks that all participants have signed the root of contributors' records, and that it is of as many contributors as the facts.
    fn check_records(&self, cluster: &Cluster) -> Result<(), CertificateError> {
        let contributors = self.facts.contributors.len() as u64;
        if self.records.contributors != contributors || self.records.leaves < contributors {
            return Err(CertificateError::PublicFacts("another number of contributors than have records"));
        }
        self.certified_root().verify(cluster).map_err(|error| match error {
            RootError::Elsewhere(_) => CertificateError::Binding {
                what: "the tree of records",
            },
            RootError::Participants(text) => CertificateError::Participants(text),
            RootError::Signature(node) => CertificateError::Signature(node),
        })
    }

    /// Checks that the outputs are those of the job, each with all its components, or opened, and of the right length.
    fn check_shape(&self, components: usize) -> Result<(), CertificateError> {
        if !self
            .outputs
            .iter()
            .map(|output| output.name)
            .eq(OutputName::of_job(&self.terms, &self.facts))
        {
            return Err(CertificateError::Outputs);
        }
        match self
            .outputs
            .iter()
            .find(|output| !output.has_form(&self.terms, &self.facts, 0..components))
        {
            None => Ok(()),
            Some(output) => Err(CertificateError::Shape(output.name)),
        }
    }
}
