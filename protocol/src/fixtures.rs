//! What tests of several crates share: a cluster with its keys, jobs, submissions, and forged submissions.

// A test that cannot set itself up has failed: it panics.
#![expect(clippy::unwrap_used, reason = "tests only")]

mod agreed;
mod below_floors;
mod forgery;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use tacit_mpc_core::digest::Digest;
use tacit_mpc_core::field::Fp61;

use crate::accepted::SubmissionEntry;
use crate::certificate::Certificate;
use crate::cluster::{Cluster, ClusterFile, CoordinatorEntry, NodeEntry};
use crate::credential::{Credential, Invitation, Issuers, Revocation};
use crate::identity::{PublicKey, Purpose, SecretKey, Signed};
use crate::job::{self, Gold, Item, Job, JobError, JobSpec, PayRule, Payout};
use crate::question::{Answer, Categorical, Release};
use crate::receipt::{ReceiptRoot, RootStatement};
use crate::release::{NodeSignature, Released, ReleasedOutput, Subject, session_id, statement};
use crate::sealing::{Suite, UnsealingKey};
use crate::sealing_epoch::{EpochKey, SealingEpoch, SignedEpoch};
use crate::submission::{self, Submission};
use crate::versions::PROTOCOL_VERSIONS;

pub use agreed::{consent, share, share_with_credential};
pub use below_floors::{BelowFloor, at_the_floors, below_floors};
pub use forgery::{Author, Forgery};

/// The number of the epoch of all sealing keys.
pub const EPOCH: u64 = 1;

/// A cluster with its keys.
pub struct ClusterWithKeys {
    /// The cluster of these members.
    pub cluster: Cluster,
    /// The identity key of each node, then the coordinator's.
    pub identities: Vec<SecretKey>,
    /// The secret sealing key of each node.
    pub sealing: Vec<UnsealingKey>,
}

/// A cluster of `nodes` nodes with X25519 sealing keys, drawn from a fixed seed; the coordinator's key is the last identity.
pub fn cluster_with_keys(nodes: usize, threshold: usize) -> ClusterWithKeys {
    cluster_with_keys_of(nodes, threshold, Suite::X25519, |_| {})
}

/// The same with another suite of the sealing keys, and the cluster file altered before it is read.
pub fn cluster_with_keys_of(nodes: usize, threshold: usize, suite: Suite, alter: impl FnOnce(&mut ClusterFile)) -> ClusterWithKeys {
    let mut rng = ChaCha20Rng::from_seed([7; 32]);
    let identities: Vec<SecretKey> = (0..=nodes).map(|_| SecretKey::generate(&mut rng)).collect();
    let sealing: Vec<UnsealingKey> = (0..nodes).map(|_| UnsealingKey::generate(suite, &mut rng)).collect();
    let entry = |i: usize| NodeEntry {
        name: format!("node-{i}"),
        operator: "test".to_owned(),
        address: format!("localhost:{}", 1000 + i),
        identity: identities[i].public(),
    };
    let mut file = ClusterFile {
        protocol: PROTOCOL_VERSIONS.max,
        name: "test".to_owned(),
        threshold,
        coordinator: CoordinatorEntry {
            url: "http://localhost:1".to_owned(),
            identity: identities[nodes].public(),
        },
        nodes: (0..nodes).map(entry).collect(),
    };
    alter(&mut file);
    let keys = sealing.iter().map(|key| EpochKey {
        number: EPOCH,
        key: key.public(),
    });
    let cluster = Cluster::parse(cluster_text(&file).as_bytes())
        .unwrap()
        .with_sealing_keys(keys.collect());
    ClusterWithKeys {
        cluster,
        identities,
        sealing,
    }
}

/// The cluster with these keys to seal to, without statements of the nodes.
pub fn sealing_to(cluster: Cluster, keys: Vec<EpochKey>) -> Cluster {
    cluster.with_sealing_keys(keys)
}

/// What each node signs of its sealing key: the epoch began at this Unix time and expires at that.
pub fn epochs(members: &ClusterWithKeys, number: u64, expires: u64) -> Vec<Option<SignedEpoch>> {
    let signed = |(key, identity): (&UnsealingKey, &SecretKey)| {
        let epoch = SealingEpoch {
            cluster: members.cluster.digest(),
            number,
            expires,
            opens_older_until: number,
            key: key.public(),
        };
        Some(Signed::new(epoch, Purpose::SealingEpoch, identity))
    };
    members.sealing.iter().zip(&members.identities).map(signed).collect()
}

/// The text of a cluster file.
pub fn cluster_text(file: &ClusterFile) -> String {
    toml::to_string(file).unwrap()
}

/// The buyer's key for gold answers.
pub fn gold_key() -> SecretKey {
    SecretKey::from_bytes(&[11; 32])
}

/// The buyer's key, which signs the terms of jobs.
pub fn buyer_key() -> SecretKey {
    SecretKey::from_bytes(&[12; 32])
}

/// The keys of three issuers.
pub fn issuer_keys() -> [SecretKey; 3] {
    [13, 14, 15].map(|byte| SecretKey::from_bytes(&[byte; 32]))
}

/// The issuers of the pool `crowd`, of whom this many must sign.
pub fn issuers(need: u8) -> Issuers {
    let mut keys: Vec<PublicKey> = issuer_keys().iter().map(SecretKey::public).collect();
    keys.sort_unstable();
    Issuers {
        pool: "crowd".to_owned(),
        keys,
        need,
    }
}

/// The invitation of the person with this number, which as many of [`issuer_keys`] have signed as these issuers need. The invitation of a
/// number is always the same.
pub fn invitation_of(issuers: &Issuers, serial: u32) -> Invitation {
    let mut rng = ChaCha20Rng::seed_from_u64(1 << 41 | u64::from(serial));
    let mut invitation = Invitation {
        key: SecretKey::generate(&mut rng),
        serial,
        expires: None,
        signatures: Vec::new(),
    };
    let grant = invitation.grant();
    invitation.signatures = issuer_keys().iter().filter_map(|key| grant.sign(issuers, key)).collect();
    invitation.signatures.sort_unstable_by_key(|one| one.issuer);
    invitation.signatures.truncate(usize::from(issuers.need));
    invitation
}

/// The list of these numbers, which as many of [`issuer_keys`] have signed as these issuers need.
pub fn revocation_of(issuers: &Issuers, serials: &[u32]) -> Revocation {
    let mut revocation = Revocation {
        issuers: issuers.clone(),
        serials: serials.to_vec(),
        signatures: Vec::new(),
    };
    revocation.signatures = issuer_keys().iter().filter_map(|key| revocation.sign(key)).collect();
    revocation.signatures.sort_unstable_by_key(|one| one.issuer);
    revocation.signatures.truncate(usize::from(issuers.need));
    revocation
}

/// The credential of a key for the person with this number; `None` if the job names no issuers. The issuers must be of [`issuer_keys`].
pub fn credential_of(cluster: &Cluster, job: &Job, serial: u32, key: &SecretKey) -> Option<Credential> {
    let issuers = job.terms().issuers.as_ref()?;
    Some(invitation_of(issuers, serial).credential(&cluster.digest(), issuers, &key.public()))
}

/// The job of a spec, signed by [`buyer_key`] for no cluster: [`signed_for`] signs it for one, which no digest shows.
///
/// # Errors
/// As for [`Job::sign`].
pub fn job_of(id: &str, spec: JobSpec) -> Result<Job, JobError> {
    Job::sign(&Digest::from_bytes([0; 32]), id.parse()?, spec, &buyer_key())
}

/// The same job, signed for this cluster, if [`buyer_key`] signs it; others stay as they are.
pub fn signed_for(cluster: &Cluster, job: &Job) -> Job {
    if job.terms().buyer != buyer_key().public() {
        return job.clone();
    }
    Job::sign(&cluster.digest(), job.id().clone(), job.to_signed_spec().spec, &buyer_key()).unwrap()
}

/// Answers to a categorical question: pairs of item index and class index become pairs of item index and answer.
pub fn class_answers(pairs: &[(u32, u32)]) -> Vec<(u32, Answer)> {
    pairs.iter().map(|(item, class)| (*item, Answer::Class(*class))).collect()
}

/// All parts of the buyer's gold answers: pairs of item index and class index.
pub fn gold_submissions(members: &ClusterWithKeys, job: &Job, answers: &[(u32, u32)]) -> Vec<Submission> {
    let mut rng = ChaCha20Rng::seed_from_u64(1 << 40);
    (0..submission::gold::parts(job))
        .map(|part| Submission::create_gold(&members.cluster, job, &gold_key(), &class_answers(answers), part, &mut rng).unwrap())
        .collect()
}

/// The job of [`spec`], with the id `test`.
pub fn job(items: u32, classes: u32, answers_per_item: u32, rule: PayRule) -> Job {
    job_of("test", spec(items, classes, answers_per_item, rule)).unwrap()
}

/// The spec of a job that releases everything except labels, with a base and a bonus of 20,000 micro-units; with gold answers if it
/// is paid by them. Items are `i0`, `i1` and so on, classes `0`, `1` and so on.
pub fn spec(items: u32, classes: u32, answers_per_item: u32, rule: PayRule) -> JobSpec {
    let question = Categorical::new((0..classes).map(|k| k.to_string()));
    JobSpec {
        answers_per_item,
        sensitive: false,
        release: [Release::Agreement, Release::ClassTotals, Release::Scores, Release::Payouts].into(),
        gold: (rule == PayRule::Gold).then(|| Gold { key: gold_key().public() }),
        payout: Some(Payout {
            rule,
            currency: "EUR".to_owned(),
            base_per_item: 20_000,
            bonus_per_item: 20_000,
            budget: 1 << 50,
        }),
        ..JobSpec::new("test", question, (0..items).map(|i| Item::new(format!("i{i}"))))
    }
}

/// The key of the contributor of this number.
pub fn contributor_key(contributor: u32) -> SecretKey {
    contributor_with_rng(contributor).0
}

fn contributor_with_rng(contributor: u32) -> (SecretKey, ChaCha20Rng) {
    let mut rng = ChaCha20Rng::seed_from_u64(u64::from(contributor));
    (SecretKey::generate(&mut rng), rng)
}

/// The submission of a contributor: pairs of item index and class index, in any order. Name and key follow from the number; so does the
/// credential, if the job names issuers.
pub fn submission(members: &ClusterWithKeys, job: &Job, contributor: u32, answers: &[(u32, u32)]) -> Submission {
    let (key, mut rng) = contributor_with_rng(contributor);
    let mut answers = class_answers(answers);
    answers.sort_unstable();
    let credential = credential_of(&members.cluster, job, contributor, &key);
    create(
        &members.cluster,
        job,
        &format!("c{contributor:03}"),
        (&key, credential.as_ref()),
        &answers,
        &mut rng,
    )
}

/// The submission of a contributor with any key, and with this credential if the job names issuers.
pub fn create(
    cluster: &Cluster,
    job: &Job,
    contributor: &str,
    (key, credential): (&SecretKey, Option<&Credential>),
    answers: &[(u32, Answer)],
    rng: &mut ChaCha20Rng,
) -> Submission {
    match credential {
        Some(credential) => share_with_credential(cluster, job, credential, key, answers, rng),
        None => share(cluster, job, contributor, key, answers, rng),
    }
    .unwrap()
}

/// The coordinator's list of these submissions.
pub fn submission_list(submissions: &[Submission]) -> Vec<SubmissionEntry> {
    let of = |submission: &Submission| SubmissionEntry {
        submission: submission.header.value.digest(),
        answers: submission.header.value.statement.items.len() as u32,
    };
    submissions.iter().map(of).collect()
}

/// An altered certificate that all participants sign, as if all of them colluded.
pub fn signed_by_all(members: &ClusterWithKeys, certificate: &Certificate, alter: impl FnOnce(&mut Certificate)) -> Certificate {
    let mut certificate = certificate.clone();
    alter(&mut certificate);
    sign_by_all(members, certificate)
}

/// Binds a certificate to its contents and signs it with the key of every participant, and its terms with [`buyer_key`].
pub fn sign_by_all(members: &ClusterWithKeys, mut certificate: Certificate) -> Certificate {
    let cluster = &members.cluster;
    certificate.terms.buyer = buyer_key().public();
    let subject = &mut certificate.subject;
    subject.cluster = cluster.digest();
    subject.job = certificate.terms.digest();
    certificate.buyer_signature = job::sign_terms(&subject.cluster, &subject.job, &buyer_key());
    subject.facts = certificate.facts.digest();
    subject.session = session_id(cluster, subject.job, subject.candidates, subject.participants);
    let contributors = certificate.facts.contributors.len() as u64;
    certificate.records.contributors = contributors;
    certificate.records.leaves = certificate.records.leaves.max(contributors);
    let root = RootStatement::new(&certificate.subject, certificate.records);
    let sign_root = |node: usize| NodeSignature {
        node: node as u8,
        signature: root.sign(&members.identities[node]),
    };
    let sign = |node: usize| {
        let held = cluster.access().held_by(node);
        let outputs: Vec<ReleasedOutput> = certificate.outputs.iter().map(|output| output.part(&held)).collect();
        let statement = statement(&certificate.subject, node as u8, &outputs);
        NodeSignature {
            node: node as u8,
            signature: members.identities[node].sign(Purpose::Release, &statement),
        }
    };
    let participants = certificate.subject.participants.iter().filter(|node| *node < cluster.nodes().len());
    (certificate.signatures, certificate.records_signatures) = participants.map(|node| (sign(node), sign_root(node))).unzip();
    certificate
}

/// What a node with this key releases of outputs and records that no session stands behind, as a forger would.
pub fn made_up_release(subject: &Subject, node: usize, outputs: Vec<ReleasedOutput>, records: ReceiptRoot, key: &SecretKey) -> Released {
    let node = node as u8;
    Released {
        signature: key.sign(Purpose::Release, &statement(subject, node, &outputs)),
        records_signature: RootStatement::new(subject, records).sign(key),
        subject: subject.clone(),
        node,
        outputs,
        records,
    }
}

/// A submission of rows with any elements, shared, sealed and signed as by an honest client. [`Author::share`] makes one whose
/// parts can be altered.
pub fn submission_of_rows(
    cluster: &Cluster,
    job: &Job,
    contributor: &str,
    key: &SecretKey,
    items: Vec<u32>,
    elements: &[Fp61],
    rng: &mut ChaCha20Rng,
) -> Submission {
    let credential = credential_of(cluster, job, number_of(contributor), key);
    let name = name_in(job, contributor, credential.as_ref());
    let author = submission::create::Author {
        name: &name,
        credential: credential.as_ref(),
        consent: Some(consent(cluster, job, key, rng).digest()),
    };
    Submission::from_rows(cluster, job, &author, key, items, elements, rng).unwrap()
}

/// The name of a contributor in submissions: that of the credential, if there is one.
fn name_in(job: &Job, contributor: &str, credential: Option<&Credential>) -> String {
    let named = job.terms().issuers.as_ref().zip(credential);
    named.map_or_else(|| contributor.to_owned(), |(issuers, credential)| credential.name(issuers))
}

/// The number of a person in the pool of tests: from 1,000,000 on, so that none is one of [`submission`]'s.
fn number_of(name: &str) -> u32 {
    let digest = Digest::of("test number", &[name.as_bytes()]);
    let number = digest.as_bytes()[..3].iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
    1_000_000 + number
}
