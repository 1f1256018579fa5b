//! Sharing answers: a submission is made here, and nothing of an answer leaves unsealed.

use rand::CryptoRng;
use tacit_protocol::codec;
use tacit_protocol::question::Answer;
use tacit_protocol::submission::{self, SubmissionError};
use wasm_bindgen::prelude::*;
use zeroize::Zeroizing;

use crate::cluster::SealingKeys;
use crate::consent::Consent;
use crate::error::{Code, Failure, as_code};
use crate::header::Header;
use crate::invitations::Credential;
use crate::jobs::Job;
use crate::keys::Key;

/// A submission that was made here. It is public or sealed to the nodes.
#[wasm_bindgen]
pub struct Submission(submission::Submission);

#[wasm_bindgen]
impl Submission {
    /// Reads bytes that were kept. Throws `syntax`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let submission: submission::Submission = codec::decode(bytes, "a submission").map_err(as_code(Code::Syntax))?;
        if submission.is_complete() {
            Ok(Self(submission))
        } else {
            Err(Failure::new(
                Code::Syntax,
                "the submission is damaged: its envelopes are not those that its header names",
            ))
        }
    }

    /// What is uploaded.
    pub fn bytes(&self) -> Vec<u8> {
        codec::encode(&self.0)
    }

    /// Its signed header.
    pub fn header(&self) -> Header {
        Header::new(self.0.header.clone())
    }
}

#[cfg(feature = "buyer")]
impl Submission {
    pub(crate) fn new(submission: submission::Submission) -> Self {
        Self(submission)
    }
}

/// Shares answers to a job that names no issuers, seals the shares to the nodes and signs the submission. `consent` is what the holder of the key
/// has agreed to, `items` are indices of the job's items in any order, `classes` the answers.
#[wasm_bindgen]
pub fn share(
    sealing: &SealingKeys,
    job: &Job,
    key: &Key,
    name: &str,
    consent: &Consent,
    items: Vec<u32>,
    classes: Vec<u32>,
) -> Result<Submission, Failure> {
    create(sealing, job, (key, consent), Author::Name(name), (items, classes), &mut rand::rng())
}

/// As `share`, for a job that names issuers. The name is that of the credential.
#[wasm_bindgen(js_name = shareWithCredential)]
pub fn share_with_credential(
    sealing: &SealingKeys,
    job: &Job,
    key: &Key,
    credential: &Credential,
    consent: &Consent,
    items: Vec<u32>,
    classes: Vec<u32>,
) -> Result<Submission, Failure> {
    create(
        sealing,
        job,
        (key, consent),
        Author::Credential(credential),
        (items, classes),
        &mut rand::rng(),
    )
}

/// As `share`, with randomness of a seed, so that a test can compare the bytes.
#[cfg(feature = "testing")]
#[wasm_bindgen(js_name = shareWithSeed)]
#[expect(clippy::too_many_arguments, reason = "those of `share`, and the seed")]
pub fn share_with_seed(
    sealing: &SealingKeys,
    job: &Job,
    key: &Key,
    name: &str,
    consent: &Consent,
    items: Vec<u32>,
    classes: Vec<u32>,
    seed: u32,
) -> Result<Submission, Failure> {
    let mut rng = <rand_chacha::ChaCha20Rng as rand::SeedableRng>::seed_from_u64(u64::from(seed));
    create(sealing, job, (key, consent), Author::Name(name), (items, classes), &mut rng)
}

/// Who answers.
enum Author<'a> {
    Name(&'a str),
    Credential(&'a Credential),
}

fn create<R: CryptoRng>(
    sealing: &SealingKeys,
    job: &Job,
    (key, consent): (&Key, &Consent),
    author: Author<'_>,
    (items, classes): (Vec<u32>, Vec<u32>),
    rng: &mut R,
) -> Result<Submission, Failure> {
    let (items, classes) = (Zeroizing::new(items), Zeroizing::new(classes));
    if items.len() != classes.len() {
        return Err(Failure::new(Code::Answers, "there are not as many answers as items"));
    }
    // Reserved at once: a list that grows would leave copies of answers behind.
    let mut answers: Vec<(u32, Answer)> = Vec::with_capacity(items.len());
    answers.extend(items.iter().zip(classes.iter()).map(|(item, class)| (*item, Answer::Class(*class))));
    answers.sort_unstable_by_key(|(item, _)| *item);
    let (cluster, job, key, consent) = (sealing.cluster(), job.inner(), key.inner(), consent.inner());
    let made = match author {
        Author::Name(name) => submission::Submission::create(cluster, job, name, key, consent, &answers, rng),
        Author::Credential(credential) => {
            submission::Submission::create_with_credential(cluster, job, credential.inner(), key, consent, &answers, rng)
        }
    };
    made.map(Submission).map_err(failure)
}

/// Why answers cannot be shared, as it is thrown.
pub(crate) fn failure(error: SubmissionError) -> Failure {
    let code = match &error {
        SubmissionError::Size { .. } | SubmissionError::Answer(_) => Code::Answers,
        SubmissionError::Name => Code::Name,
        SubmissionError::GoldKey | SubmissionError::NotAContributor | SubmissionError::GoldPart { .. } => Code::GoldKey,
        SubmissionError::NotInvited(_) => Code::NotInvited,
        SubmissionError::NoIssuers => Code::NoIssuers,
        SubmissionError::Credential(_) => Code::Credential,
        SubmissionError::Consent(_) => Code::Consent,
        SubmissionError::NoSealingKeys | SubmissionError::Sealing(_) => Code::SealingKeys,
    };
    Failure::new(code, error)
}
