//! The buyer's gold answers: a CSV file `item,answer` beside the spec, and the key that signs them.

use std::fmt;
use std::path::{Path, PathBuf};

use tacit_protocol::cluster::Cluster;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{self, Job, JobSpec};
use tacit_protocol::question::Answer;
use tacit_protocol::submission::gold::{AUTHOR, items_of, parts};
use tacit_protocol::submission::{Submission, SubmissionError};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::files::{self, FileError};
use crate::gold_answers::{self, GoldAnswersError};
use crate::http::{Api, ApiError};
use crate::keys::{self, KeyError};
use crate::resending::{self, Author, ResendError};
use crate::sealing_keys::{self, SealingKeysError};
use crate::sharing::{self, RESEALS, SendError, Sent};
use crate::state::{Plan, State, StateError};

/// Why gold answers cannot be used or sent. Messages begin with the file's name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GoldError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// They are not answers to items of the job.
    #[error(transparent)]
    Answers(#[from] GoldAnswersError),
    /// The key cannot be made or read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An earlier run cannot be continued.
    #[error(transparent)]
    State(#[from] StateError),
    /// They cannot be shared.
    #[error(transparent)]
    Sharing(#[from] SubmissionError),
    /// There is no key of every node to seal to.
    #[error(transparent)]
    SealingKeys(#[from] SealingKeysError),
    /// They cannot be sent.
    #[error(transparent)]
    Sending(#[from] SendError),
    /// It is not known whether the coordinator still has those that were sent before.
    #[error(transparent)]
    Resending(#[from] ResendError),
    /// They were sealed again several times, and each time the coordinator says that it was too late.
    #[error("nodes destroy their keys faster than gold answers arrive, as the coordinator says: tell the operators")]
    SealedTooLate,
    /// The coordinator has lost some, and does not take them again.
    #[error(
        "the coordinator has lost gold submission {submission}, and does not take it again: {error}; cancel the job, and open another one"
    )]
    Lost {
        /// The submission's id.
        submission: String,
        /// What the coordinator says.
        error: ApiError,
    },
}

/// Gold answers, ready to be shared.
pub struct Gold {
    key: SecretKey,
    key_path: PathBuf,
    text: Zeroizing<Vec<u8>>,
    answers: Vec<(u32, Answer)>,
}

/// Neither the text of the file nor an answer is shown.
impl fmt::Debug for Gold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gold({} answers, key {})", self.answers.len(), self.key_path.display())
    }
}

/// The path of the key that signs a spec's gold answers.
pub fn key_path(spec: &Path) -> PathBuf {
    files::with_suffix(spec, ".gold.key")
}

impl Gold {
    /// Reads the gold answers in `file` to the items of the spec at `path`, and the key beside the spec; makes the key if there is
    /// none. The key becomes part of the job.
    pub fn load(file: &Path, path: &Path, spec: &mut JobSpec) -> Result<Self, GoldError> {
        let text = Zeroizing::new(files::read(file)?);
        let answers = gold_answers::parse(&file.display().to_string(), &text, &spec.items, &spec.question)?;
        let key_path = key_path(path);
        let key = if key_path.exists() {
            keys::load(&key_path)?
        } else {
            keys::generate(&key_path)?
        };
        spec.gold = Some(job::Gold { key: key.public() });
        Ok(Self {
            key,
            key_path,
            text,
            answers,
        })
    }

    /// Advice for the buyer about these answers, if there is any.
    pub fn advice(&self, items: usize) -> Option<String> {
        gold_answers::advice(self.answers.len(), items)
    }

    /// Shares and sends every part that was not sent before, or that the coordinator has lost.
    pub async fn send(&self, api: &Api, cluster: &Cluster, job: &Job) -> Result<(), GoldError> {
        let plan = Plan::of_gold(cluster, job, AUTHOR, &self.key, &self.text, parts(job));
        let mut state = State::open(&self.key_path, plan)?;
        let lost = resending::send_lost(api, cluster, &self.key, &state, Author::Buyer).await?;
        if let Some((submission, error)) = lost.refused.into_iter().next() {
            return Err(GoldError::Lost { submission, error });
        }
        state.replace(lost.sealed_too_late.into_iter().map(|(index, _)| index))?;
        let mut cluster = sealing_keys::fetch(api, cluster.clone()).await?;
        for (part, index) in state.plan().current().enumerate() {
            let share = |cluster: &Cluster, again: bool| -> Result<Submission, GoldError> {
                match state.submission(index)? {
                    Some(stored) if !again && stored.header.value.statement.items.iter().copied().eq(items_of(job, part)) => Ok(stored),
                    Some(_) if !again => Err(StateError::Damaged(state.submission_path(index)).into()),
                    _ => {
                        let made = Submission::create_gold(cluster, job, &self.key, &self.answers, part, &mut rand::rng())?;
                        state.store_submission(index, &made)?;
                        Ok(made)
                    }
                }
            };
            // Nobody withdraws gold answers, so a part that is sealed too late is not kept.
            let mut seals = 0;
            while sharing::send_pending(api, &mut cluster, &state, index, |cluster| share(cluster, seals > 0)).await? == Sent::SealedTooLate
            {
                seals += 1;
                if seals > RESEALS {
                    return Err(GoldError::SealedTooLate);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gold_answers::tests::spec;

    #[test]
    fn the_key_is_made_once_beside_the_spec() {
        let folder = tempfile::tempdir().unwrap();
        let (file, path) = (folder.path().join("gold.csv"), folder.path().join("s.toml"));
        std::fs::write(&file, "item,answer\nb,yes\n").unwrap();
        let (mut first, mut second) = (spec(), spec());
        let gold = Gold::load(&file, &path, &mut first).unwrap();
        Gold::load(&file, &path, &mut second).unwrap();
        assert_eq!(first, second);
        assert_eq!(
            first.gold.unwrap().key,
            keys::load(&folder.path().join("s.toml.gold.key")).unwrap().public()
        );
        let shown = format!("{gold:?}");
        let text = format!("{:?}", b"item,answer\nb,yes\n".to_vec());
        assert!(
            !shown.contains(&text) && !shown.contains("yes") && shown.contains("1 answers"),
            "{shown}"
        );
        assert!(gold.advice(2).unwrap().contains("20 %"));
        assert!(gold.advice(100).unwrap().contains("luck"));
    }
}
