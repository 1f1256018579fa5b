//! A node's components of one submission after its envelope was opened.

use std::fmt;

use tacit_mpc_core::field::{Field, Fp61, decode_vector};
use tacit_mpc_core::sharing::{AccessStructure, Component, CompressedComponent, expand_into};
use zeroize::Zeroizing;

use super::Statement;
use super::envelope::{SALT, SEED, explicit_component};
use crate::job::Job;
use crate::reject::RejectReason;

/// A node's components of one submission, each a seed or `rows × width` elements, in ascending order of the components.
#[cfg_attr(any(test, feature = "testing"), derive(Clone))]
pub struct OpenedSubmission {
    components: Vec<CompressedComponent<Fp61>>,
    elements: usize,
}

/// How many bytes the payload of a component has: salt and component.
pub(super) fn payload_length(statement: &Statement, access: &AccessStructure, job: &Job, component: Component) -> usize {
    let elements = statement.items.len() * job.terms().question.width();
    let explicit = component == explicit_component(&statement.id, access);
    SALT + if explicit { elements * Fp61::BYTES } else { SEED }
}

impl OpenedSubmission {
    /// Reads the payloads of the components that `node` holds. `is_genuine` says whether a payload is the one that the
    /// public digest of the component names.
    ///
    /// # Errors
    /// [`RejectReason::DigestMismatch`] if a payload is not genuine, cut short, or followed by more bytes, or if genuine bytes
    /// are not field elements.
    pub(super) fn read(
        plaintext: &[u8],
        access: &AccessStructure,
        job: &Job,
        node: usize,
        statement: &Statement,
        is_genuine: impl Fn(Component, &[u8]) -> bool,
    ) -> Result<Self, RejectReason> {
        let explicit = explicit_component(&statement.id, access);
        let elements = statement.items.len() * job.terms().question.width();
        let held = access.held_by(node);
        let mut rest = plaintext;
        let mut opened = Self {
            // With its final capacity: reallocation would leave unwiped copies of seeds on the heap, see `SecretVec`.
            components: Vec::with_capacity(held.len()),
            elements,
        };
        for component in held {
            let length = payload_length(statement, access, job, component);
            let (payload, tail) = rest.split_at_checked(length).ok_or(RejectReason::DigestMismatch)?;
            rest = tail;
            if !is_genuine(component, payload) {
                return Err(RejectReason::DigestMismatch);
            }
            let bytes = &payload[SALT..];
            opened.components.push(if component == explicit {
                CompressedComponent::Explicit(decode_vector(bytes, elements).ok_or(RejectReason::DigestMismatch)?)
            } else {
                let mut seed = [0; SEED];
                seed.copy_from_slice(bytes);
                CompressedComponent::Seed(seed)
            });
        }
        if rest.is_empty() {
            Ok(opened)
        } else {
            Err(RejectReason::DigestMismatch)
        }
    }

    /// How many elements every component has: `rows × width`.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// The component at `position` among those that the node holds, row after row. A component that came as a seed is
    /// expanded into the first [`Self::elements`] of `scratch`.
    ///
    /// # Panics
    /// `scratch` is shorter than [`Self::elements`], or `position` is not below the number of components that the node holds.
    pub fn component<'a>(&'a self, position: usize, scratch: &'a mut [Fp61]) -> &'a [Fp61] {
        match &self.components[position] {
            CompressedComponent::Seed(seed) => {
                let out = &mut scratch[..self.elements];
                expand_into(seed, out);
                out
            }
            CompressedComponent::Explicit(values) => values,
        }
    }

    /// A copy of the component at `position`; see [`Self::component`].
    ///
    /// # Panics
    /// `position` is not below the number of components that the node holds.
    pub fn expand(&self, position: usize) -> Zeroizing<Vec<Fp61>> {
        let mut elements = Zeroizing::new(vec![Fp61::ZERO; self.elements]);
        match &self.components[position] {
            CompressedComponent::Seed(seed) => expand_into(seed, &mut elements),
            CompressedComponent::Explicit(values) => elements.copy_from_slice(values),
        }
        elements
    }
}

impl fmt::Debug for OpenedSubmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedSubmission({} elements)", self.elements)
    }
}
