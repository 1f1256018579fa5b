//! What a contributor has agreed to before its first answer to a job: a signed record that stays with the contributor. Submissions carry a
//! salted digest of it and nothing else, so that the contributor, and nobody else, can show later what was agreed to.
//! `docs/security/consent.md` has the argument.

use std::collections::BTreeSet;
use std::fmt;

use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use thiserror::Error;

use crate::check::Check;
use crate::cluster::Cluster;
use crate::codec::encode;
use crate::credential::Issuers;
use crate::identity::{PublicKey, Purpose, SecretKey, Signed};
use crate::job::{JobId, Terms};
use crate::question::Release;
use crate::submission::{Header, Role};

/// What is agreed to. Everything but key and time follows from the cluster file and the terms of the job; it is repeated here so that the
/// record says by itself what was agreed to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// The digest of the cluster file.
    pub cluster: Digest,
    /// Who runs the nodes, in the order of the nodes.
    pub operators: Vec<Operator>,
    /// The id of the job.
    pub job: JobId,
    /// The digest of the job's terms.
    pub terms: Digest,
    /// The key of the buyer.
    pub buyer: PublicKey,
    /// Who vouches for the contributors; `None` if nobody does.
    pub issuers: Option<Issuers>,
    /// What is published.
    pub release: BTreeSet<Release>,
    /// Whether the job treats answers as sensitive. Where it does not, they are as good as public.
    pub sensitive: bool,
    /// Whether anybody can read the result.
    pub public: bool,
    /// The hosts that images come from: they learn who loads when.
    pub image_hosts: BTreeSet<String>,
    /// Until when answers are taken, and can be taken back; `None` if the buyer decides.
    pub closes_at: Option<String>,
    /// The contributor's key.
    pub key: PublicKey,
    /// When it was agreed to, as the contributor's clock had it: seconds of Unix time.
    pub agreed_at: u64,
}

/// Who runs a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The name of the node.
    pub node: String,
    /// The organisation.
    pub operator: String,
    /// The node's key.
    pub key: PublicKey,
}

impl Consent {
    /// What the holder of a key agrees to who answers a job of these terms in this cluster.
    pub fn new(cluster: &Cluster, terms: &Terms, key: PublicKey, agreed_at: u64) -> Self {
        let nodes = cluster.nodes().iter();
        Self {
            cluster: cluster.digest(),
            operators: nodes
                .map(|node| Operator {
                    node: node.name.clone(),
                    operator: node.operator.clone(),
                    key: node.identity,
                })
                .collect(),
            job: terms.id.clone(),
            terms: terms.digest(),
            buyer: terms.buyer,
            issuers: terms.issuers.clone(),
            release: terms.release.clone(),
            sensitive: terms.sensitive,
            public: terms.public,
            image_hosts: terms.image_hosts.clone(),
            closes_at: terms.closes_at.clone(),
            key,
            agreed_at,
        }
    }
}

/// A consent with the contributor's signature, and the salt of its digest. It stays with the contributor: whoever has the salt can tell
/// which submissions belong to it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRecord {
    /// What was agreed to, signed with the contributor's key.
    pub consent: Signed<Consent>,
    /// 32 random bytes, fresh for each job.
    pub salt: Digest,
}

/// Why a record of consent is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConsentError {
    /// The signature is not by the key in the record.
    #[error("the record of consent is not signed with the contributor's key that it names")]
    Signature,
    /// The record is of another cluster.
    #[error("the consent is to a job of another cluster: its cluster file has the digest {0}")]
    OtherCluster(Digest),
    /// The record is of other terms.
    #[error("the consent is to other terms: their digest is {agreed}, and that of these terms is {shown}")]
    OtherTerms {
        /// The digest of the terms that were agreed to.
        agreed: Digest,
        /// The digest of the terms that are shown.
        shown: Digest,
    },
    /// The record contradicts the terms or the cluster file that it names.
    #[error("the record of consent says something else than the terms and the cluster file that it names")]
    Contents,
    /// The record is of another key.
    #[error("the consent is of another key: {0}")]
    OtherKey(PublicKey),
    /// The submission is not signed with the key that it names.
    #[error("the submission is not signed with the key in its header")]
    Submission,
    /// The submission is of another key, cluster or job, or of other terms.
    #[error("the submission is of another key, another cluster or other terms than the consent")]
    OtherSubmission,
    /// The submission carries the digest of another record, or none.
    #[error("the submission carries the digest of another record of consent, or none")]
    OtherDigest,
}

impl ConsentRecord {
    /// The record of whoever agrees to these terms, with a fresh salt. It is to be stored before anything is sent.
    pub fn new<R: CryptoRng + ?Sized>(cluster: &Cluster, terms: &Terms, key: &SecretKey, agreed_at: u64, rng: &mut R) -> Self {
        let mut salt = [0; Digest::LEN];
        rng.fill_bytes(&mut salt);
        let consent = Consent::new(cluster, terms, key.public(), agreed_at);
        Self {
            consent: Signed::new(consent, Purpose::Consent, key),
            salt: Digest::from_bytes(salt),
        }
    }

    /// The digest that submissions carry.
    pub fn digest(&self) -> Digest {
        Digest::of("tacit/v1 consent", &[self.salt.as_bytes(), &encode(&self.consent)])
    }

    /// Checks that the contributor has signed the record, and that it is of these terms in this cluster.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check(&self, cluster: &Cluster, terms: &Terms) -> Result<(), ConsentError> {
        let said = &self.consent.value;
        self.consent
            .verify(Purpose::Consent, &said.key)
            .map_err(|_| ConsentError::Signature)?;
        if said.cluster != cluster.digest() {
            return Err(ConsentError::OtherCluster(said.cluster));
        }
        if !Check::ConsentTerms.is_made() {
            return Ok(());
        }
        let shown = terms.digest();
        if said.terms != shown {
            return Err(ConsentError::OtherTerms { agreed: said.terms, shown });
        }
        if *said != Consent::new(cluster, terms, said.key, said.agreed_at) {
            return Err(ConsentError::Contents);
        }
        Ok(())
    }

    /// Checks that a submission was made under this record: its contributor has signed the header, which carries this record's digest.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check_submission(&self, header: &Signed<Header>) -> Result<(), ConsentError> {
        let (said, statement) = (&self.consent.value, &header.value.statement);
        header
            .verify(Role::Answers.purpose(), &statement.key)
            .map_err(|_| ConsentError::Submission)?;
        if (statement.key, statement.cluster, &statement.job, statement.job_digest) != (said.key, said.cluster, &said.job, said.terms) {
            return Err(ConsentError::OtherSubmission);
        }
        if statement.consent != Some(self.digest()) && Check::ConsentDigest.is_made() {
            return Err(ConsentError::OtherDigest);
        }
        Ok(())
    }
}

/// Without the salt: logs are no place for it.
impl fmt::Debug for ConsentRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentRecord")
            .field("consent", &self.consent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::fixtures::{class_answers, cluster_with_keys, consent, contributor_key, job, job_of, spec};
    use crate::job::{Job, PayRule};
    use crate::submission::{Submission, SubmissionError};

    fn other_job(alter: impl FnOnce(&mut crate::job::JobSpec)) -> Job {
        let mut other = spec(4, 3, 5, PayRule::Flat);
        alter(&mut other);
        job_of("test", other).unwrap()
    }

    #[test]
    fn a_record_is_of_one_key_one_job_and_one_cluster() {
        let (members, job, key) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat), contributor_key(1));
        let (cluster, mut rng) = (&members.cluster, ChaCha20Rng::seed_from_u64(1));
        let record = consent(cluster, &job, &key, &mut rng);
        assert_eq!(record.check(cluster, job.terms()), Ok(()));
        let other = other_job(|spec| spec.public = !spec.public);
        assert!(matches!(record.check(cluster, other.terms()), Err(ConsentError::OtherTerms { .. })));
        let elsewhere = cluster_with_keys(4, 1).cluster;
        assert_eq!(
            record.check(&elsewhere, job.terms()),
            Err(ConsentError::OtherCluster(cluster.digest()))
        );
        let mut altered = record.clone();
        altered.consent.value.public = !altered.consent.value.public;
        assert_eq!(altered.check(cluster, job.terms()), Err(ConsentError::Signature));
        // Signed by the contributor, but not what the terms say: what it claims to have been told.
        altered.consent = Signed::new(altered.consent.value, Purpose::Consent, &key);
        assert_eq!(altered.check(cluster, job.terms()), Err(ConsentError::Contents));

        let answers = class_answers(&[(0, 1)]);
        let mut share = |key: &SecretKey, record: &ConsentRecord| Submission::create(cluster, &job, "ada", key, record, &answers, &mut rng);
        let made = share(&key, &record).unwrap();
        assert_eq!(record.check_submission(&made.header), Ok(()));
        let refused = share(&contributor_key(2), &record);
        assert_eq!(refused, Err(SubmissionError::Consent(ConsentError::OtherKey(key.public()))));
        assert_eq!(share(&key, &altered), Err(SubmissionError::Consent(ConsentError::Contents)));
    }

    #[test]
    fn a_submission_is_of_one_record() {
        let (members, job, key) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat), contributor_key(1));
        let (cluster, mut rng) = (&members.cluster, ChaCha20Rng::seed_from_u64(1));
        let [record, later] = [(); 2].map(|()| consent(cluster, &job, &key, &mut rng));
        let made = Submission::create(cluster, &job, "ada", &key, &record, &class_answers(&[(0, 1)]), &mut rng).unwrap();
        assert_eq!(later.check_submission(&made.header), Err(ConsentError::OtherDigest));
        let foreign = consent(cluster, &job, &contributor_key(2), &mut rng);
        assert_eq!(foreign.check_submission(&made.header), Err(ConsentError::OtherSubmission));
        let mut replaced = made.header;
        replaced.value.statement.consent = Some(later.digest());
        assert_eq!(later.check_submission(&replaced), Err(ConsentError::Submission));
    }

    /// The same key, the same job, the same second: without the salts nobody can tell that two digests belong together.
    #[test]
    fn digests_have_salts_that_nothing_shows() {
        let (members, job, key) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat), contributor_key(1));
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let [one, two] = [(); 2].map(|()| consent(&members.cluster, &job, &key, &mut rng));
        assert_eq!(one.consent, two.consent);
        assert_ne!((one.salt, one.digest()), (two.salt, two.digest()));
        let shown = format!("{one:?}");
        assert!(!shown.contains(&one.salt.to_string()), "{shown}");
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<ConsentRecord>(&text).unwrap().digest(), one.digest());
    }
}
