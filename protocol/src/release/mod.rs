//! What leaves a node: verified outputs with its signature, as the components that it holds, or as elements if the nodes have
//! opened them among themselves.

use serde::{Deserialize, Serialize};

use crate::identity::{Purpose, SecretKey, Signature};
use crate::receipt::{ReceiptRoot, RootStatement};
use tacit_mpc_core::field::Fp61;
use tacit_mpc_core::session::{Output, VerifiedOutputs};

mod check;
mod layout;
mod output;
mod plan;
pub(crate) mod subject;

pub use check::ReleaseError;
pub use layout::{AgreementLayout, NOISE_BITS, NOISE_DEVIATION, PairSum, independent, noise_units};
pub(crate) use output::OutputDigests;
pub use output::{OutputName, OutputValues, ReleasedOutput};
pub use subject::{NodeSignature, Subject, session_id};

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

    /// Signs what a node releases of verified and recorded outputs, and the root of the records that follow from them. There is no other
    /// way to a release: outputs that have not been verified, or not been recorded, have types of their own, which cannot be opened or
    /// read.
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
