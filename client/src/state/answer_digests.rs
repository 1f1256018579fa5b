//! By what a later run knows whether an answer is the one that was sent: a hash of each answer, keyed with the contributor's key.
//!
//! Without the key nobody can try answers against it, however few there are. With the key one can, so whoever has both the folder and the
//! key can find out the answers: they belong to the same person, as does the file of answers.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::Job;
use tacit_protocol::question::Answer;

/// Hashes the answers of one key to one job.
#[derive(Debug)]
pub struct AnswerHasher<'a> {
    key: &'a SecretKey,
    job: Digest,
}

impl<'a> AnswerHasher<'a> {
    /// For answers that this key gives to a job.
    pub fn new(key: &'a SecretKey, job: &Job) -> Self {
        Self { key, job: job.digest() }
    }

    /// The hash of an answer to the item of this index. Neither the same answer to another item has it, nor to another job.
    pub fn digest(&self, item: u32, answer: &Answer) -> Digest {
        let Answer::Class(class) = answer;
        let key = self.key.to_bytes();
        let parts: [&[u8]; 4] = [key.as_slice(), self.job.as_bytes(), &item.to_le_bytes(), &class.to_le_bytes()];
        Digest::of("tacit/v1 client answer", &parts)
    }
}

#[cfg(test)]
mod tests {
    use tacit_protocol::fixtures::job;
    use tacit_protocol::job::PayRule;

    use super::*;

    #[test]
    fn only_the_same_answer_of_the_same_key_to_the_same_item_and_job_has_the_same_digest() {
        let (key, other) = (SecretKey::from_bytes(&[1; 32]), SecretKey::from_bytes(&[2; 32]));
        let (one, two) = (job(4, 3, 5, PayRule::Flat), job(5, 3, 5, PayRule::Flat));
        let digest = |key, job, item, class| AnswerHasher::new(key, job).digest(item, &Answer::Class(class));
        let first = digest(&key, &one, 0, 1);
        assert_eq!(first, digest(&key, &one, 0, 1));
        let others = [
            digest(&other, &one, 0, 1),
            digest(&key, &two, 0, 1),
            digest(&key, &one, 1, 1),
            digest(&key, &one, 0, 2),
        ];
        assert!(!others.contains(&first));
    }
}
