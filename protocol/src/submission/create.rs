//! Sharing answers: what a contributor's or a buyer's client does.

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::{Field, Fp61, encode_vector};
use tacit_mpc_core::sharing::{AccessStructure, CompressedComponent, compress};
use thiserror::Error;
use zeroize::Zeroizing;

use super::envelope::{SALT, aad, component_digest, envelope_digest, explicit_component, info};
use super::{Delivery, Header, Role, Statement, SubmissionId, most_answers};
use crate::cluster::Cluster;
use crate::consent::{ConsentError, ConsentRecord};
use crate::credential::{Credential, CredentialError};
use crate::identity::{SecretKey, Signed};
use crate::job::Job;
use crate::name::{NAME_RULE, is_name};
use crate::question::Answer;
use crate::sealing::{Binding, SealingError};

/// A submission as the contributor uploads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The public part, signed by the contributor.
    pub header: Signed<Header>,
    /// One envelope for each node, by node.
    #[serde(with = "crate::codec::byte_strings")]
    pub envelopes: Vec<Vec<u8>>,
}

/// Why answers cannot be shared.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubmissionError {
    /// No answers, or too many for one submission.
    #[error("a submission of this job holds 1 to {max} answers, not {answers}")]
    Size {
        /// How many answers were given.
        answers: usize,
        /// How many answers one submission may hold.
        max: usize,
    },
    /// The answer at this index is not to an item of the job or not an answer to its question, or its item does not come
    /// after the item of the answer before it.
    #[error("answer {0}: no such item or class in the job, or the items are not in ascending order")]
    Answer(usize),
    /// The contributor's name is not usable.
    #[error("the contributor's name {NAME_RULE}")]
    Name,
    /// The key is not the one that the job names for gold.
    #[error("the job takes gold answers of another key only, or none")]
    GoldKey,
    /// The key is the one that the job names for gold.
    #[error("this key is the one for the job's gold answers: answer with another key")]
    NotAContributor,
    /// The gold answers have fewer parts.
    #[error("the gold answers to this job have {parts} parts, and there is no part {part}")]
    GoldPart {
        /// The part that was asked for, from 0.
        part: usize,
        /// How many parts there are.
        parts: usize,
    },
    /// The job counts people of its issuers only.
    #[error("the job takes answers only of people whom its issuers have invited to the pool `{0}`: answer with your invitation")]
    NotInvited(String),
    /// The job names no issuers.
    #[error("the job names no issuers: answer without an invitation")]
    NoIssuers,
    /// The credential is not one for this key, job and cluster.
    #[error("the credential cannot be used: {0}")]
    Credential(#[from] CredentialError),
    /// The record of consent is not one of this key to this job and cluster.
    #[error("the answers cannot be shared: {0}")]
    Consent(#[from] ConsentError),
    /// The nodes' sealing keys were not fetched.
    #[error("there is no sealing key of every node: fetch them from the coordinator")]
    NoSealingKeys,
    /// A node's sealing key is unusable.
    #[error("sealing to a node failed: {0}")]
    Sealing(#[from] SealingError),
}

/// Whom a statement names.
pub(crate) struct Author<'a> {
    pub(crate) name: &'a str,
    pub(crate) credential: Option<&'a Credential>,
    /// The digest of the record of consent.
    pub(crate) consent: Option<Digest>,
}

impl Submission {
    /// Shares a contributor's answers to a job that names no issuers: pairs of item index and answer, items strictly ascending. The
    /// contributor has agreed to the job, and the record of that is stored.
    ///
    /// # Errors
    /// The job names issuers, the key is the one for gold, the consent is not of this key to this job, there are no or too many answers,
    /// the name is unusable, an answer does not fit the job, or a node's key is unusable.
    pub fn create<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        contributor: &str,
        key: &SecretKey,
        consent: &ConsentRecord,
        answers: &[(u32, Answer)],
        rng: &mut R,
    ) -> Result<Self, SubmissionError> {
        if let Some(issuers) = &job.terms().issuers {
            return Err(SubmissionError::NotInvited(issuers.pool.clone()));
        }
        Self::of_answers(cluster, job, (contributor, None), (key, consent), answers, rng)
    }

    /// As [`Self::create`], for a job that names issuers. The contributor's name is that of the credential.
    ///
    /// # Errors
    /// As [`Self::create`]; the job names no issuers, or the credential is not one of theirs for this key and cluster.
    pub fn create_with_credential<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        credential: &Credential,
        key: &SecretKey,
        consent: &ConsentRecord,
        answers: &[(u32, Answer)],
        rng: &mut R,
    ) -> Result<Self, SubmissionError> {
        let terms = job.terms();
        let issuers = terms.issuers.as_ref().ok_or(SubmissionError::NoIssuers)?;
        // A job whose closing time cannot be read is no job.
        let closes_at = terms.closes_at_seconds().unwrap_or_default();
        credential.check(&cluster.digest(), issuers, &key.public(), closes_at)?;
        let name = credential.name(issuers);
        Self::of_answers(cluster, job, (&name, Some(credential)), (key, consent), answers, rng)
    }

    fn of_answers<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        (name, credential): (&str, Option<&Credential>),
        (key, consent): (&SecretKey, &ConsentRecord),
        answers: &[(u32, Answer)],
        rng: &mut R,
    ) -> Result<Self, SubmissionError> {
        if Role::of(job, &key.public()) != Role::Answers {
            return Err(SubmissionError::NotAContributor);
        }
        let agreed = consent.consent.value.key;
        if agreed != key.public() {
            return Err(ConsentError::OtherKey(agreed).into());
        }
        consent.check(cluster, job.terms())?;
        let width = job.terms().question.width();
        let max = most_answers(width);
        if answers.is_empty() || answers.len() > max {
            return Err(SubmissionError::Size {
                answers: answers.len(),
                max,
            });
        }
        if !is_name(name) {
            return Err(SubmissionError::Name);
        }
        let mut rows = Zeroizing::new(vec![Fp61::ZERO; answers.len() * width]);
        encode_rows(job, answers, |index, _| Some(index), &mut rows)?;
        let items = answers.iter().map(|(item, _)| *item).collect();
        let author = Author {
            name,
            credential,
            consent: Some(consent.digest()),
        };
        Self::from_rows(cluster, job, &author, key, items, &rows, rng)
    }

    /// Shares the rows of these items: `items.len() × width` elements, which may be any; [`Self::create`] encodes answers.
    pub(crate) fn from_rows<R: CryptoRng>(
        cluster: &Cluster,
        job: &Job,
        author: &Author<'_>,
        key: &SecretKey,
        items: Vec<u32>,
        rows: &[Fp61],
        rng: &mut R,
    ) -> Result<Self, SubmissionError> {
        if cluster.sealing_keys().len() != cluster.nodes().len() {
            return Err(SubmissionError::NoSealingKeys);
        }
        let (id, payloads) = share_rows(cluster.access(), rows, rng);
        let statement = Statement {
            cluster: cluster.digest(),
            job: job.id().clone(),
            job_digest: job.digest(),
            contributor: author.name.to_owned(),
            key: key.public(),
            id,
            items,
            components: payloads
                .iter()
                .enumerate()
                .map(|(component, payload)| component_digest(&id, component, payload))
                .collect(),
            epochs: cluster.sealing_keys().iter().map(|key| key.number).collect(),
            credential: author.credential.cloned(),
            consent: author.consent,
        };
        let role = Role::of(job, &statement.key);
        let envelopes = seal(cluster, role, &statement, &payloads, rng)?;
        let header = Header {
            statement,
            envelopes: envelopes.iter().map(|envelope| envelope_digest(envelope)).collect(),
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

    /// What the node of this index gets; `None` if there is no envelope for it.
    pub fn delivery(&self, node: usize) -> Option<Delivery> {
        Some(Delivery {
            header: self.header.clone(),
            envelope: self.envelopes.get(node)?.clone(),
        })
    }
}

/// Encodes answers into `rows`, all zero before. `row_of` gives the row of the answer at an index to an item, if it is among
/// these rows.
///
/// # Errors
/// [`SubmissionError::Answer`]: the answer does not fit the job, or is out of order.
pub(super) fn encode_rows(
    job: &Job,
    answers: &[(u32, Answer)],
    row_of: impl Fn(usize, u32) -> Option<usize>,
    rows: &mut [Fp61],
) -> Result<(), SubmissionError> {
    let question = &job.terms().question;
    let width = question.width();
    let mut elsewhere = Zeroizing::new(vec![Fp61::ZERO; width]);
    let mut last = None;
    for (index, (item, answer)) in answers.iter().enumerate() {
        if last >= Some(*item) || *item as usize >= job.items().len() {
            return Err(SubmissionError::Answer(index));
        }
        last = Some(*item);
        let row = match row_of(index, *item) {
            Some(row) => &mut rows[row * width..(row + 1) * width],
            // Encoded only to see that it is an answer to the question.
            None => {
                elsewhere.fill(Fp61::ZERO);
                &mut elsewhere
            }
        };
        question.encode(answer, row).map_err(|_| SubmissionError::Answer(index))?;
    }
    Ok(())
}

/// Shares rows under a fresh id. Returns the id, and every component as it stands in envelopes, in order.
pub(crate) fn share_rows<R: CryptoRng>(access: &AccessStructure, rows: &[Fp61], rng: &mut R) -> (SubmissionId, Vec<Zeroizing<Vec<u8>>>) {
    let mut id = [0; SubmissionId::LEN];
    rng.fill_bytes(&mut id);
    let id = SubmissionId::from_bytes(id);
    let components = compress(rows, access.components(), explicit_component(&id, access), rng);
    let payloads = components.iter().map(|component| payload(component, rng)).collect();
    (id, payloads)
}

/// A component as it stands in envelopes, behind a fresh salt.
fn payload<R: CryptoRng>(component: &CompressedComponent<Fp61>, rng: &mut R) -> Zeroizing<Vec<u8>> {
    let mut salt = Zeroizing::new([0; SALT]);
    rng.fill_bytes(salt.as_mut_slice());
    Zeroizing::new(match component {
        CompressedComponent::Seed(seed) => [salt.as_slice(), seed].concat(),
        CompressedComponent::Explicit(values) => [salt.as_slice(), &Zeroizing::new(encode_vector(values))].concat(),
    })
}

/// Seals to every node the payloads of the components it holds.
fn seal<R: CryptoRng>(
    cluster: &Cluster,
    role: Role,
    statement: &Statement,
    payloads: &[Zeroizing<Vec<u8>>],
    rng: &mut R,
) -> Result<Vec<Vec<u8>>, SealingError> {
    let mut envelopes = Vec::with_capacity(cluster.nodes().len());
    for (index, current) in cluster.sealing_keys().iter().enumerate() {
        let held = cluster.access().held_by(index);
        let plaintext = Zeroizing::new(
            held.iter()
                .map(|component| payloads[*component].as_slice())
                .collect::<Vec<_>>()
                .concat(),
        );
        let binding = Binding {
            info: &info(role, statement, index),
            aad: &aad(statement, index),
        };
        envelopes.push(current.key.seal(binding, &plaintext, rng)?);
    }
    Ok(envelopes)
}
