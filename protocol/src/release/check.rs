//! Whether the form of what one node released is right: that is known before it is joined with what the others released, so a
//! wrong form is this node's fault alone. Whether the values are right shows when the copies of several nodes are compared.

use thiserror::Error;

use super::{OutputName, Released, Subject};
use crate::accepted::PublicFacts;
use crate::cluster::Cluster;
use crate::job::Terms;

/// What is wrong with the form of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReleaseError {
    /// The node signed for another computation.
    #[error("signed for another accepted set, session or set of participants than it was asked for")]
    Subject,
    /// The outputs are not those that the job opens, in their order.
    #[error("released other outputs than the job opens")]
    Outputs,
    /// An output is opened although it is to be in components, or the other way round; or it has other components than the node
    /// holds, or another number of elements.
    #[error("released output `{0}` in other components or with another number of elements than it must")]
    Shape(OutputName),
}

impl Released {
    /// Checks the form of what a node released for a computation of this subject. The node's index must be one of the cluster.
    ///
    /// # Errors
    /// The first deviation.
    pub fn check_form(&self, cluster: &Cluster, terms: &Terms, facts: &PublicFacts, subject: &Subject) -> Result<(), ReleaseError> {
        if self.subject != *subject {
            return Err(ReleaseError::Subject);
        }
        if !self.outputs.iter().map(|output| output.name).eq(OutputName::of_job(terms, facts)) {
            return Err(ReleaseError::Outputs);
        }
        let held = cluster.access().held_by(usize::from(self.node));
        match self
            .outputs
            .iter()
            .find(|output| !output.has_form(terms, facts, held.iter().copied()))
        {
            None => Ok(()),
            Some(output) => Err(ReleaseError::Shape(output.name)),
        }
    }
}
