//! The cluster, the job and the keys that all vectors share.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::consent::ConsentRecord;
use crate::fixtures::{
    ClusterWithKeys, EPOCH, class_answers, cluster_text, cluster_with_keys, consent as consent_of, credential_of, epochs, invitation_of,
    issuer_keys, issuers, share_with_credential,
};
use crate::identity::{PublicKey, SecretKey, Signature};
use crate::job::{Job, JobSpec};
use crate::sealing::Suite;
use crate::sealing_epoch::SignedEpoch;
use crate::submission::Submission;
use tacit_mpc_core::digest::Digest;

/// The job's id.
pub const JOB_ID: &str = "vectors";

/// The job: four items of three classes, up to three answers to each, with gold answers; everything is released.
const JOB_SPEC: &str = r#"{
  "name": "Test vectors",
  "question": {"kind": "categorical", "classes": ["cat", "dog", "neither"], "text": "What is in the picture?"},
  "items": [{"id": "a"}, {"id": "b", "text": "a picture"}, {"id": "c"}, {"id": "d"}],
  "answers_per_item": 3,
  "sensitive": false,
  "release": ["labels", "agreement", "class_totals", "scores", "payouts"],
  "quorum": 2,
  "gold": {"key": "GOLD"},
  "payout": {"rule": "gold", "currency": "EUR", "base_per_item": 20000, "bonus_per_item": 10000, "budget": 1000000}
}"#;

/// The id of the job that takes answers of people of a pool only.
pub const INVITED_ID: &str = "vectors-of-a-pool";

/// That job: two of three issuers must sign.
const INVITED_SPEC: &str = r#"{
  "name": "Test vectors of a pool",
  "question": {"kind": "categorical", "classes": ["cat", "dog", "neither"]},
  "items": [{"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d"}],
  "answers_per_item": 3,
  "closes_at": "2026-12-01T00:00:00Z",
  "sensitive": false,
  "release": ["agreement"],
  "issuers": ISSUERS
}"#;

/// The answers of the good submission: item, class.
pub const ANSWERS: [(u32, u32); 3] = [(0, 2), (1, 0), (3, 1)];
/// The gold answers: item, class.
pub const GOLD_ANSWERS: [(u32, u32); 2] = [(0, 2), (1, 0)];

/// `setup.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupFile {
    /// What the file is.
    pub about: String,
    /// The cluster file, byte for byte.
    pub cluster_toml: String,
    /// The digest of the cluster file, hexadecimal.
    pub cluster_digest: Digest,
    /// The Ed25519 seed of each node, then of the coordinator, hexadecimal.
    pub identity_seeds: Vec<String>,
    /// The number of the epoch of all sealing keys.
    pub sealing_epoch: u64,
    /// The secret sealing key of each node.
    pub sealing_keys: Vec<SecretSealingKey>,
    /// What each node signs of its sealing key. The times are of the first two minutes of Unix time.
    pub sealing_statements: Vec<SignedEpoch>,
    /// The job's id.
    pub job_id: String,
    /// The job's spec, JSON.
    pub job_spec: String,
    /// The job's digest: over its terms, which hold the buyer's key.
    pub job_digest: Digest,
    /// The Ed25519 seed of the buyer, hexadecimal.
    pub buyer_seed: String,
    /// The buyer's key.
    pub buyer: PublicKey,
    /// The buyer's signature over the digests of the cluster file and of the job.
    pub buyer_signature: Signature,
    /// The id of the job that takes answers of people of a pool only.
    pub invited_job_id: String,
    /// The spec of that job, JSON.
    pub invited_job_spec: String,
    /// The digest of that job.
    pub invited_job_digest: Digest,
    /// The Ed25519 seeds of the issuers of its pool, hexadecimal, in any order.
    pub issuer_seeds: Vec<String>,
    /// The Ed25519 seed of the invitation with number 7, hexadecimal.
    pub invitation_seed: String,
    /// The code of that invitation.
    pub invitation_code: String,
    /// The record of what the contributor has agreed to, whose digest is in the good submission.
    pub consent: ConsentRecord,
    /// The digest of that record.
    pub consent_digest: Digest,
    /// The contributor that the good submission is of.
    pub contributor: Person,
    /// The buyer, whose key signs the gold answers.
    pub gold: Person,
}

/// A node's secret sealing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretSealingKey {
    /// The suite of the sealing key.
    pub suite: Suite,
    /// The secret key as HPKE serialises it, hexadecimal.
    pub secret_key: String,
}

/// Someone who signs submissions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name in submissions.
    pub name: String,
    /// The Ed25519 seed, hexadecimal.
    pub seed: String,
    /// The public key.
    pub key: PublicKey,
}

/// What the vectors are made with.
pub struct Setup {
    /// The cluster with its keys.
    pub members: ClusterWithKeys,
    /// The job that submissions answer.
    pub job: Job,
    /// The job that takes answers of people of a pool only.
    pub invited: Job,
    /// The contributor's key.
    pub contributor: SecretKey,
    /// The buyer's key, which signs the terms.
    pub buyer: SecretKey,
    /// The buyer's key for gold answers.
    pub gold: SecretKey,
    spec: String,
    invited_spec: String,
}

/// How long the epoch of the sealing keys is, in seconds.
const LIFETIME: u64 = 100;
/// The contributor's number in the pool.
const NUMBER: u32 = 7;
/// The contributor's name.
pub const CONTRIBUTOR: &str = "Zoë";

impl Setup {
    /// The same in every run.
    pub fn new() -> Self {
        // Not 32 equal bytes: the programs refuse such keys.
        let seed = |tag: u8| std::array::from_fn(|i| tag ^ i as u8);
        let gold = SecretKey::from_bytes(&seed(0x60));
        let buyer = SecretKey::from_bytes(&seed(0x30));
        let members = cluster_with_keys(3, 1);
        let spec = JOB_SPEC.replace("GOLD", &gold.public().to_string());
        let pool = serde_json::to_string(&issuers(2)).unwrap();
        let invited_spec = INVITED_SPEC.replace("ISSUERS", &pool);
        Self {
            invited: Job::sign(
                &members.cluster.digest(),
                INVITED_ID.parse().unwrap(),
                JobSpec::from_json(invited_spec.as_bytes()).unwrap(),
                &buyer,
            )
            .unwrap(),
            invited_spec,
            job: Job::sign(
                &members.cluster.digest(),
                JOB_ID.parse().unwrap(),
                JobSpec::from_json(spec.as_bytes()).unwrap(),
                &buyer,
            )
            .unwrap(),
            members,
            buyer,
            contributor: SecretKey::from_bytes(&seed(0xc0)),
            gold,
            spec,
        }
    }

    /// `setup.json`.
    pub fn file(&self) -> SetupFile {
        let person = |name: &str, key: &SecretKey| Person {
            name: name.to_owned(),
            seed: hex::encode(*key.to_bytes()),
            key: key.public(),
        };
        let sealing = self.members.sealing.iter().map(|key| SecretSealingKey {
            suite: key.suite(),
            secret_key: hex::encode(key.to_bytes()),
        });
        let cluster = &self.members.cluster;
        let invitation = invitation_of(&issuers(2), NUMBER);
        SetupFile {
            about: "The cluster, the job and the keys of header.json, submission.json and certificate.json. The secret keys are public: never use them."
                .to_owned(),
            cluster_toml: cluster_text(cluster.file()),
            cluster_digest: cluster.digest(),
            identity_seeds: self.members.identities.iter().map(|key| hex::encode(*key.to_bytes())).collect(),
            sealing_epoch: EPOCH,
            sealing_keys: sealing.collect(),
            sealing_statements: epochs(&self.members, EPOCH, EPOCH + LIFETIME).into_iter().flatten().collect(),
            job_id: JOB_ID.to_owned(),
            job_spec: self.spec.clone(),
            job_digest: self.job.digest(),
            buyer_seed: hex::encode(*self.buyer.to_bytes()),
            buyer: self.buyer.public(),
            buyer_signature: *self.job.signature(),
            invited_job_id: INVITED_ID.to_owned(),
            invited_job_spec: self.invited_spec.clone(),
            invited_job_digest: self.invited.digest(),
            issuer_seeds: issuer_keys().iter().map(|key| hex::encode(*key.to_bytes())).collect(),
            invitation_seed: hex::encode(*invitation.key.to_bytes()),
            invitation_code: invitation.code().as_str().to_owned(),
            consent_digest: self.consent().digest(),
            consent: self.consent(),
            contributor: person(CONTRIBUTOR, &self.contributor),
            gold: person(crate::submission::gold::AUTHOR, &self.gold),
        }
    }

    /// What the contributor has agreed to.
    pub fn consent(&self) -> ConsentRecord {
        consent_of(
            &self.members.cluster,
            &self.job,
            &self.contributor,
            &mut ChaCha20Rng::seed_from_u64(4),
        )
    }

    /// The good submission.
    pub fn submission(&self) -> Submission {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let Self {
            members, job, contributor, ..
        } = self;
        Submission::create(
            &members.cluster,
            job,
            CONTRIBUTOR,
            contributor,
            &self.consent(),
            &class_answers(&ANSWERS),
            &mut rng,
        )
        .unwrap()
    }

    /// The answers of person 7 to the job that takes answers of a pool only.
    pub fn invited_submission(&self) -> Submission {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let (cluster, key) = (&self.members.cluster, &self.contributor);
        let credential = credential_of(cluster, &self.invited, NUMBER, key).unwrap();
        share_with_credential(cluster, &self.invited, &credential, key, &class_answers(&ANSWERS), &mut rng).unwrap()
    }

    /// The gold answers, which are one submission.
    pub fn gold_submission(&self) -> Submission {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        Submission::create_gold(
            &self.members.cluster,
            &self.job,
            &self.gold,
            &class_answers(&GOLD_ANSWERS),
            0,
            &mut rng,
        )
        .unwrap()
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self::new()
    }
}
