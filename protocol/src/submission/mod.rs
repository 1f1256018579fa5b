//! A contributor's submission, or a part of the buyer's gold answers: public header, signature, and one sealed envelope for each node.

use std::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::cluster::Cluster;
use crate::codec::encode;
use crate::identity::{PublicKey, Purpose, SecretKey, Signed};
use crate::job::{Job, JobId, is_name};
use crate::reject::RejectReason;
use crate::sealing::{Binding, SealingError, UnsealingKey};
use tacit_mpc_core::byte_string;
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61, decode_vector, encode_vector};
use tacit_mpc_core::sharing::{AccessStructure, Component, CompressedComponent, compress, expand_into};

#[cfg(feature = "aws-lc")]
mod at_rest;
pub mod gold;

/// The most field elements (answers × classes) of one submission: one component in full is 1 MiB.
pub const MAX_ELEMENTS: usize = 1 << 17;

/// The largest encoded submission, all envelopes included.
pub const MAX_SUBMISSION_BYTES: usize = 8 << 20;

/// The largest envelope for one node.
pub const MAX_ENVELOPE_BYTES: usize = MAX_ELEMENTS * Fp61::BYTES + (1 << 14);

const SALT: usize = 32;
const SEED: usize = 32;

byte_string!(
    /// A submission's id, 16 random bytes drawn by the contributor.
    SubmissionId,
    16
);

/// What the envelopes are bound to and the contributor signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The cluster's digest.
    pub cluster: Digest,
    /// The job.
    pub job: JobId,
    /// The job's digest.
    pub job_digest: Digest,
    /// The contributor's name in this job.
    pub contributor: String,
    /// The contributor's key.
    pub key: PublicKey,
    /// The submission's id.
    pub id: SubmissionId,
    /// Indices of the answered items, strictly ascending.
    pub items: Vec<u32>,
    /// A salted digest of every component.
    pub components: Vec<Digest>,
}

/// The public part of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What the envelopes are bound to.
    pub statement: Statement,
    /// The digest of each node's envelope.
    pub envelopes: Vec<Digest>,
}

/// A submission as the contributor uploads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The public part, signed by the contributor.
    pub header: Signed<Header>,
    /// One envelope for each node.
    #[serde(with = "crate::codec::byte_strings")]
    pub envelopes: Vec<Vec<u8>>,
}

/// A submission as one node gets it: the public part and its own envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The public part, signed by the contributor.
    pub header: Signed<Header>,
    /// This node's envelope.
    #[serde(with = "serde_bytes")]
    pub envelope: Vec<u8>,
}

/// What a submission is of. It follows from the key that signs it: the job names the one for gold.
///
/// Signatures and envelopes are bound to it, so that the one never passes as the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A contributor's answers: every row has one class.
    Answers,
    /// A part of the buyer's gold answers: every row has one class or none.
    Gold,
}

impl Role {
    /// The role of what this key signs for a job.
    pub fn of(job: &Job, key: &PublicKey) -> Self {
        match &job.terms().gold {
            Some(gold) if gold.key == *key => Self::Gold,
            _ => Self::Answers,
        }
    }

    fn purpose(self) -> Purpose {
        match self {
            Self::Answers => Purpose::Submission,
            Self::Gold => Purpose::Gold,
        }
    }

    fn envelope(self) -> &'static [u8] {
        match self {
            Self::Answers => b"tacit/v1 envelope",
            Self::Gold => b"tacit/v1 gold envelope",
        }
    }
}

/// The contributor's own answers cannot be shared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubmissionError {
    /// No answers, or too many for one submission.
    #[error("a submission of this job holds 1 to {most} answers, not {answers}")]
    Size {
        /// How many there are.
        answers: usize,
        /// How many may be.
        most: usize,
    },
    /// An answer names an item or class that the job does not have, or an item twice or out of order.
    #[error("answer {0}: no such item or class in the job, or the items are not in ascending order")]
    Answer(usize),
    /// The contributor's name is not usable.
    #[error("the contributor's name must be 1 to 256 bytes without control characters")]
    Name,
    /// The key is not the one that the job names for gold.
    #[error("the job takes gold answers of another key only, or none")]
    GoldKey,
    /// The key is the one that the job names for gold.
    #[error("this key is the one for the job's gold answers: answer with another key")]
    NotAContributor,
    /// There are fewer parts of the gold answers.
    #[error("the gold answers to this job have {parts} parts, and there is no part {part}")]
    GoldPart {
        /// Which was asked for, from 0.
        part: usize,
        /// How many there are.
        parts: usize,
    },
    /// A node's key is unusable.
    #[error("sealing to a node failed: {0}")]
    Sealing(#[from] SealingError),
}

/// How many answers one submission of a job with `classes` classes may hold.
pub fn most_answers(classes: usize) -> usize {
    MAX_ELEMENTS / classes.max(1)
}

impl Header {
    /// The digest by which coordinator and nodes list the submission.
    pub fn digest(&self) -> Digest {
        Self::digest_of(&encode(self))
    }

    /// The digest of an encoded header.
    fn digest_of(encoded: &[u8]) -> Digest {
        Digest::of("tacit/v1 submission", &[encoded])
    }

    /// Everything that can be checked without a key of this node, in this order: job, shape, signature.
    pub fn check(signed: &Signed<Self>, cluster: &Cluster, job: &Job) -> Result<(), RejectReason> {
        let Statement {
            cluster: of_cluster,
            job: id,
            job_digest,
            contributor,
            key,
            items,
            components,
            ..
        } = &signed.value.statement;
        let classes = job.terms().classes().len();
        let ascending = items.windows(2).all(|pair| pair[0] < pair[1]);
        let in_job = items.last().is_some_and(|last| (*last as usize) < job.items().len());
        let shape = is_name(contributor)
            && ascending
            && in_job
            && items.len() <= most_answers(classes)
            && components.len() == cluster.access().components()
            && signed.value.envelopes.len() == cluster.nodes().len();
        if *of_cluster != cluster.digest() || id != job.id() || *job_digest != job.digest() {
            return Err(RejectReason::WrongJob);
        }
        let role = Role::of(job, key);
        if !shape || (role == Role::Gold && !gold::is_part(job, &signed.value.statement)) {
            return Err(RejectReason::Malformed);
        }
        signed.verify(role.purpose(), key).map_err(|_| RejectReason::BadSignature)?;
        Ok(())
    }
}

impl Submission {
    /// Shares a contributor's answers: pairs of item index and class index, items strictly ascending.
    pub fn create<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        contributor: &str,
        key: &SecretKey,
        answers: &[(u32, u32)],
        rng: &mut R,
    ) -> Result<Self, SubmissionError> {
        if Role::of(job, &key.public()) != Role::Answers {
            return Err(SubmissionError::NotAContributor);
        }
        let classes = job.terms().classes().len();
        let most = most_answers(classes);
        if answers.is_empty() || answers.len() > most {
            return Err(SubmissionError::Size {
                answers: answers.len(),
                most,
            });
        }
        if !is_name(contributor) {
            return Err(SubmissionError::Name);
        }
        for (index, (item, class)) in answers.iter().enumerate() {
            let ascending = index == 0 || answers[index - 1].0 < *item;
            if !ascending || *item as usize >= job.items().len() || *class as usize >= classes {
                return Err(SubmissionError::Answer(index));
            }
        }
        let mut one_hot = Zeroizing::new(vec![Fp61::ZERO; answers.len() * classes]);
        for (row, (_, class)) in one_hot.chunks_exact_mut(classes).zip(answers) {
            row[*class as usize] = Fp61::ONE;
        }
        let items = answers.iter().map(|(item, _)| *item).collect();
        Self::of_elements(cluster, job, contributor, key, items, &one_hot, rng)
    }

    /// Shares any elements as the rows of these items; [`Self::create`] makes them one-hot.
    pub(crate) fn of_elements<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        contributor: &str,
        key: &SecretKey,
        items: Vec<u32>,
        elements: &[Fp61],
        rng: &mut R,
    ) -> Result<Self, SubmissionError> {
        let mut id = [0; SubmissionId::LEN];
        rng.fill_bytes(&mut id);
        let id = SubmissionId::from_bytes(id);
        let access = cluster.access();
        let payloads: Vec<Zeroizing<Vec<u8>>> = compress(elements, access.components(), explicit_component(&id, access), rng)
            .iter()
            .map(|component| {
                let mut bytes = Zeroizing::new(vec![0; SALT]);
                rng.fill_bytes(&mut bytes);
                match component {
                    CompressedComponent::Seed(seed) => bytes.extend_from_slice(seed),
                    CompressedComponent::Explicit(values) => bytes.extend_from_slice(&encode_vector(values)),
                }
                bytes
            })
            .collect();
        let statement = Statement {
            cluster: cluster.digest(),
            job: job.id().clone(),
            job_digest: job.digest(),
            contributor: contributor.to_owned(),
            key: key.public(),
            id,
            items,
            components: payloads
                .iter()
                .enumerate()
                .map(|(c, payload)| component_digest(&id, c, payload))
                .collect(),
        };
        let role = Role::of(job, &statement.key);
        let info = info(role, &statement);
        let mut envelopes = Vec::new();
        for (index, node) in cluster.nodes().iter().enumerate() {
            let mut plaintext = Zeroizing::new(Vec::new());
            for component in access.held_by(index) {
                plaintext.extend_from_slice(&payloads[component]);
            }
            envelopes.push(node.sealing.seal(
                Binding {
                    info: &info,
                    aad: &aad(&statement, index),
                },
                &plaintext,
                rng,
            )?);
        }
        let header = Header {
            statement,
            envelopes: envelopes.iter().map(|e| envelope_digest(e)).collect(),
        };
        Ok(Self {
            header: Signed::new(header, role.purpose(), key),
            envelopes,
        })
    }

    /// Whether every envelope is the one the header names.
    pub fn is_complete(&self) -> bool {
        let named = &self.header.value.envelopes;
        named.len() == self.envelopes.len() && self.envelopes.iter().zip(named).all(|(e, digest)| envelope_digest(e) == *digest)
    }

    /// What node `index` gets.
    pub fn delivery(&self, index: usize) -> Option<Delivery> {
        Some(Delivery {
            header: self.header.clone(),
            envelope: self.envelopes.get(index)?.clone(),
        })
    }
}

impl Delivery {
    /// Opens this node's envelope of a header that passed [`Header::check`], and checks every
    /// component against the public digests.
    pub fn open(&self, cluster: &Cluster, job: &Job, node: usize, key: &UnsealingKey) -> Result<OpenedSubmission, RejectReason> {
        self.unsealed(cluster, job, node, key).map(|(_, opened)| opened)
    }

    /// What the envelope holds, and what it says.
    fn unsealed(
        &self,
        cluster: &Cluster,
        job: &Job,
        node: usize,
        key: &UnsealingKey,
    ) -> Result<(Zeroizing<Vec<u8>>, OpenedSubmission), RejectReason> {
        let Header { statement, envelopes } = &self.header.value;
        if envelopes.get(node) != Some(&envelope_digest(&self.envelope)) {
            return Err(RejectReason::DigestMismatch);
        }
        let binding = Binding {
            info: &info(Role::of(job, &statement.key), statement),
            aad: &aad(statement, node),
        };
        let plaintext = key.open(binding, &self.envelope).map_err(|_| RejectReason::Unsealable)?;
        let named = |component: Component, payload: &[u8]| {
            statement.components.get(component) == Some(&component_digest(&statement.id, component, payload))
        };
        let opened = OpenedSubmission::read(&plaintext, cluster.access(), job, node, statement, named)?;
        Ok((plaintext, opened))
    }
}

/// A node's components of one submission, opened and checked against the public digests.
#[cfg_attr(any(test, feature = "testing"), derive(Clone))]
pub struct OpenedSubmission {
    components: Vec<CompressedComponent<Fp61>>,
    elements: usize,
}

impl OpenedSubmission {
    /// Reads a node's salted components, one after the other, of which each must be the one that is `named`.
    fn read(
        plaintext: &[u8],
        access: &AccessStructure,
        job: &Job,
        node: usize,
        statement: &Statement,
        named: impl Fn(Component, &[u8]) -> bool,
    ) -> Result<Self, RejectReason> {
        let explicit = explicit_component(&statement.id, access);
        let elements = statement.items.len() * job.terms().classes().len();
        let held = access.held_by(node);
        let mut rest = plaintext;
        let mut opened = Self {
            // A vector that grows would leave seeds behind.
            components: Vec::with_capacity(held.len()),
            elements,
        };
        for component in held {
            let length = SALT + if component == explicit { elements * Fp61::BYTES } else { SEED };
            let (payload, tail) = rest.split_at_checked(length).ok_or(RejectReason::DigestMismatch)?;
            rest = tail;
            if !named(component, payload) {
                return Err(RejectReason::DigestMismatch);
            }
            let bytes = &payload[SALT..];
            opened.components.push(if component == explicit {
                CompressedComponent::Explicit(decode_vector(bytes, elements).ok_or(RejectReason::Malformed)?)
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

    /// How many elements every component has.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// The held component at `position`, `answers × classes` elements: as it stands, or expanded into the first
    /// [`Self::elements`] of `room`.
    ///
    /// # Panics
    ///
    /// Unless there is room.
    pub fn component<'a>(&'a self, position: usize, room: &'a mut [Fp61]) -> &'a [Fp61] {
        match &self.components[position] {
            CompressedComponent::Seed(seed) => {
                let out = &mut room[..self.elements];
                expand_into(seed, out);
                out
            }
            CompressedComponent::Explicit(values) => values,
        }
    }

    /// The held component at `position`, `answers × classes` elements.
    pub fn expand(&self, position: usize) -> Zeroizing<Vec<Fp61>> {
        let mut room = Zeroizing::new(vec![Fp61::ZERO; self.elements]);
        match &self.components[position] {
            CompressedComponent::Seed(seed) => expand_into(seed, &mut room),
            CompressedComponent::Explicit(values) => room.copy_from_slice(values),
        }
        room
    }
}

impl fmt::Debug for OpenedSubmission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OpenedSubmission({} elements)", self.elements)
    }
}

/// The component that is sent in full: it rotates with the submission's id, so that no node always
/// gets the long one.
fn explicit_component(id: &SubmissionId, access: &AccessStructure) -> Component {
    let word = u64::from_le_bytes(std::array::from_fn(|i| id.as_bytes()[i]));
    (word % access.components() as u64) as usize
}

/// The salt is known to the component's holders only: without it, nodes that hold all other
/// components could try answers against the digest of this one.
fn component_digest(id: &SubmissionId, component: Component, salted: &[u8]) -> Digest {
    Digest::of("tacit/v1 component", &[id.as_bytes(), &[component as u8], salted])
}

fn envelope_digest(envelope: &[u8]) -> Digest {
    Digest::of("tacit/v1 envelope", &[envelope])
}

fn info(role: Role, statement: &Statement) -> Vec<u8> {
    [
        role.envelope(),
        statement.cluster.as_bytes().as_slice(),
        statement.job_digest.as_bytes(),
    ]
    .concat()
}

fn aad(statement: &Statement, node: usize) -> Vec<u8> {
    encode(&(statement, node as u8))
}

#[cfg(test)]
mod tests;
