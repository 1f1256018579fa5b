//! The public part of a submission: who answers which items of which job, and the digests of what is sealed.

use serde::{Deserialize, Serialize};
use tacit_mpc_core::byte_string;
use tacit_mpc_core::digest::Digest;

use super::{gold, most_answers};
use crate::check::Check;
use crate::cluster::Cluster;
use crate::codec::encode;
use crate::credential::{CheckedCredentials, Credential};
use crate::identity::{PublicKey, Purpose, Signed};
use crate::job::{Job, JobId};
use crate::name::is_name;
use crate::reject::RejectReason;

byte_string!(
    /// A submission's id: 16 random bytes drawn by the contributor.
    SubmissionId,
    16
);

/// What the envelopes are bound to. The contributor signs it as a part of the [`Header`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The digest of the cluster file.
    pub cluster: Digest,
    /// The id of the job.
    pub job: JobId,
    /// The digest of the job's terms.
    pub job_digest: Digest,
    /// The contributor's name in this job; where the job names issuers, the one that follows from the credential.
    pub contributor: String,
    /// The contributor's key, which signs the header.
    pub key: PublicKey,
    /// The submission's id.
    pub id: SubmissionId,
    /// The indices of the answered items in the job, strictly ascending; row `i` of the shares answers item `items[i]`.
    pub items: Vec<u32>,
    /// A salted digest of each component of the shares, by component.
    pub components: Vec<Digest>,
    /// The number of the epoch of the sealing key that each node's envelope is sealed to, by node.
    pub epochs: Vec<u64>,
    /// What says that the contributor is a person of the job's issuers; `None` if the job names none, and for gold answers.
    pub credential: Option<Credential>,
    /// The salted digest of the contributor's [record of consent](crate::consent::ConsentRecord); `None` for gold answers.
    pub consent: Option<Digest>,
}

/// Who stands behind a submission: all that counts people counts subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// The person with this number in the pool of the job's issuers, whichever keys the person uses.
    Number(u32),
    /// The holder of this key, where the job names no issuers.
    Key(PublicKey),
}

impl Subject {
    /// The 32 bytes by which stores know the subject among those of one job.
    pub fn to_bytes(&self) -> [u8; 32] {
        match self {
            Self::Number(number) => *Digest::of("tacit/v1 subject", &[&number.to_le_bytes()]).as_bytes(),
            Self::Key(key) => *key.as_bytes(),
        }
    }
}

impl Statement {
    /// Who stands behind the submission.
    pub fn subject(&self) -> Subject {
        match &self.credential {
            Some(credential) => Subject::Number(credential.grant.serial),
            None => Subject::Key(self.key),
        }
    }

    /// Whether a contributor's answers carry the digest of a record of consent, and gold answers none: their buyer agrees to nothing.
    fn has_consent_for(&self, role: Role) -> bool {
        self.consent.is_some() == (role == Role::Answers) || !Check::Consent.is_made()
    }

    /// Whether the contributor is one of the people that the job takes answers of. The header's signature must have been checked: a
    /// credential is public, and only the holder of its key can sign with it.
    fn has_credential_for(&self, job: &Job, role: Role, checked: &CheckedCredentials) -> bool {
        if !Check::Credentials.is_made() {
            return true;
        }
        let terms = job.terms();
        match (&terms.issuers, &self.credential, role) {
            (Some(issuers), Some(credential), Role::Answers) => {
                let Ok(closes_at) = terms.closes_at_seconds() else { return false };
                self.contributor == credential.name(issuers)
                    && checked.check(credential, &self.cluster, issuers, &self.key, closes_at).is_ok()
            }
            // A credential that nobody checks would still make its bearer another subject.
            (None, None, Role::Answers) | (_, None, Role::Gold) => true,
            (Some(_), None, Role::Answers) | (None, Some(_), Role::Answers) | (_, Some(_), Role::Gold) => false,
        }
    }
}

/// The public part of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// What the envelopes are bound to.
    pub statement: Statement,
    /// The digest of each node's envelope, by node.
    pub envelopes: Vec<Digest>,
}

/// Whose rows a submission holds. It follows from the key that signs it: the terms of the job name the key for gold. Where gold is of no
/// use, it names none: a buyer who named a contributor's key would shut that person out.
///
/// Signatures and envelopes are bound to the role, so that a contributor's submission never passes as gold, or gold as a
/// contributor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A contributor's answers: every row is the row of an answer.
    Answers,
    /// A part of the buyer's gold answers: every row is the row of an answer, or zero for an item without gold.
    Gold,
}

impl Role {
    /// The role of what this key signs for a job.
    pub fn of(job: &Job, key: &PublicKey) -> Self {
        match &job.terms().gold {
            Some(gold) if gold.key == *key && job.terms().scores_gold() => Self::Gold,
            _ => Self::Answers,
        }
    }

    pub(crate) fn purpose(self) -> Purpose {
        match self {
            Self::Answers => Purpose::Submission,
            Self::Gold => Purpose::Gold,
        }
    }
}

impl Header {
    /// The digest by which the coordinator and the nodes list the submission.
    pub fn digest(&self) -> Digest {
        Self::digest_of(&encode(self))
    }

    /// The digest of an encoded header.
    pub(super) fn digest_of(encoded: &[u8]) -> Digest {
        Digest::of("tacit/v1 submission", &[encoded])
    }

    /// Checks everything that can be checked without a secret key.
    ///
    /// # Errors
    /// In this order: [`RejectReason::WrongJob`] if it is for another job or cluster, [`RejectReason::Malformed`] if its
    /// lists do not fit the job, [`RejectReason::BadSignature`], [`RejectReason::BadConsent`] if it is a contributor's and carries no
    /// digest of a record of consent, or gold and carries one, [`RejectReason::BadCredential`] if the job names issuers and this is no
    /// credential of theirs for the key that signs.
    pub fn check(signed: &Signed<Self>, cluster: &Cluster, job: &Job) -> Result<(), RejectReason> {
        Self::check_with(signed, cluster, job, &CheckedCredentials::default())
    }

    /// As [`Self::check`]. The signatures of credentials that were checked before are not checked again.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_with(signed: &Signed<Self>, cluster: &Cluster, job: &Job, checked: &CheckedCredentials) -> Result<(), RejectReason> {
        let statement = &signed.value.statement;
        let other_terms = statement.job_digest != job.digest() && Check::Terms.is_made();
        if statement.cluster != cluster.digest() || statement.job != *job.id() || other_terms {
            return Err(RejectReason::WrongJob);
        }
        let role = Role::of(job, &statement.key);
        let takes = role == Role::Answers || gold::is_part(job, statement);
        if !takes || !signed.value.fits(cluster, job) {
            return Err(RejectReason::Malformed);
        }
        signed
            .verify(role.purpose(), &statement.key)
            .map_err(|_| RejectReason::BadSignature)?;
        if !statement.has_consent_for(role) {
            return Err(RejectReason::BadConsent);
        }
        statement
            .has_credential_for(job, role, checked)
            .then_some(())
            .ok_or(RejectReason::BadCredential)
    }

    /// Whether the lists have the lengths that job and cluster ask for, and the items are the job's in ascending order.
    fn fits(&self, cluster: &Cluster, job: &Job) -> bool {
        let Statement {
            contributor,
            items,
            components,
            epochs,
            ..
        } = &self.statement;
        is_name(contributor)
            && items.windows(2).all(|pair| pair[0] < pair[1])
            && items.last().is_some_and(|last| (*last as usize) < job.items().len())
            && items.len() <= most_answers(job.terms().question.width())
            && components.len() == cluster.access().components()
            && epochs.len() == cluster.nodes().len()
            && self.envelopes.len() == cluster.nodes().len()
    }
}
