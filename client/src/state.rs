//! The state of sending answers or gold, stored beside the key so that a second run sends the same bytes. The folder `KEY.JOB.d`
//! holds the plan, each submission before it is sent, each receipt, and each withdrawal. Once everything is withdrawn, other answers can
//! be sent: their submissions follow those that were withdrawn, which stay. So does a submission that the coordinator has lost and the nodes
//! do not open any more: its answers get another one, with the next index, for which the answers have to be read again.
//!
//! Everything in it is public or sealed to the nodes: it does not reveal answers.

use std::fs::{File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::Receipt;
use tacit_protocol::cluster::Cluster;
use tacit_protocol::codec;
use tacit_protocol::identity::SecretKey;
use tacit_protocol::job::{Job, JobId, Terms};
use tacit_protocol::submission::Submission;
use tacit_protocol::withdrawal::ErasureReceipt;
use thiserror::Error;

use crate::files::{self, Access, FileError};

const PLAN: &str = "plan.json";
const TERMS: &str = "terms.json";
const WITHDRAWAL: &str = "withdrawal.json";

/// What will be sent, by digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    cluster: Digest,
    job: JobId,
    job_digest: Digest,
    contributor: String,
    /// A hash keyed with the contributor's key, so that it does not reveal the answers to whoever finds it.
    answers: Digest,
    /// The index of the first submission with these answers. Those before it are of other runs, and all withdrawn.
    first: usize,
    /// How many submissions these answers take.
    submissions: usize,
    /// The indices of the submissions whose answers are shared and sealed again. The first one is replaced by the next index after those
    /// above, and so on.
    replaced: Vec<usize>,
}

/// The withdrawal of a submission, as far as it has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredWithdrawal {
    /// Whether the coordinator has answered that the submission is out of the job. Before that it is only known that it was asked to.
    pub is_confirmed: bool,
    /// The receipts of the nodes that have erased the submission.
    pub erasures: Vec<ErasureReceipt>,
}

/// Why an earlier run cannot be continued.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StateError {
    /// A file of the folder cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another run holds the folder.
    #[error("{0}: another command with this key and job is running; wait for it")]
    Running(PathBuf),
    /// The answers changed since the first run.
    #[error(
        "{0}: the answers file has changed since the first run for this job, which has sent answers already; \
         go on with the file as it was (each answer counts once, a later one is rejected); a contributor can also take all answers back first, with `tacit withdraw`"
    )]
    OtherAnswers(PathBuf),
    /// The folder is of another contributor.
    #[error("{folder}: this key has answered the job as `{contributor}`; go on with --contributor {contributor}")]
    OtherContributor {
        /// The path of the state folder.
        folder: PathBuf,
        /// The contributor it belongs to.
        contributor: String,
    },
    /// The folder is of another job of the same id.
    #[error("{0}: belongs to another cluster, or to another job of the same id; move the folder away if that one is over")]
    OtherJob(PathBuf),
    /// A file is not what was written.
    #[error(
        "{0}: damaged: it is not what was written there; restore it from a backup. Without one, move its folder away: what was sent counts all \
         the same, but nothing here can prove it or take it back any more"
    )]
    Damaged(PathBuf),
}

impl Plan {
    /// The plan for `answers`, the bytes of the file, in `submissions` parts.
    pub fn new(cluster: &Cluster, job: &Job, contributor: &str, key: &SecretKey, answers: &[u8], submissions: usize) -> Self {
        Self {
            cluster: cluster.digest(),
            job: job.id().clone(),
            job_digest: job.digest(),
            contributor: contributor.to_owned(),
            answers: Digest::of("tacit/v1 client answers file", &[key.to_bytes().as_slice(), answers]),
            first: 0,
            submissions,
            replaced: Vec::new(),
        }
    }

    /// The name of the contributor whose state this is.
    pub fn contributor(&self) -> &str {
        &self.contributor
    }

    /// The indices of the submissions with these answers, in the order of the answers, without those that are replaced.
    pub fn current(&self) -> impl Iterator<Item = usize> {
        (self.first..self.first_replacement()).map(move |index| self.newest(index))
    }

    /// Whether a submission is one of [`Self::current`].
    pub fn is_current(&self, index: usize) -> bool {
        self.with_these_answers().contains(&index) && self.replacement(index).is_none()
    }

    /// The indices of all submissions: those that are replaced too, and those of earlier answers, which are withdrawn.
    pub fn all(&self) -> Range<usize> {
        0..self.first_replacement().saturating_add(self.replaced.len())
    }

    /// The indices of the submissions that have taken the place of this one, one after the other.
    pub fn replacements(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.replacement(index), move |index| self.replacement(*index))
    }

    /// The index of the newest submission with the answers of this one.
    pub fn newest(&self, index: usize) -> usize {
        self.replacements(index).last().unwrap_or(index)
    }

    /// The indices of all submissions with the answers of this one: it, those that it has replaced, and those that have replaced it.
    fn same_answers(&self, index: usize) -> impl Iterator<Item = usize> {
        let earlier = std::iter::successors(Some(index), move |index| {
            let place = index.checked_sub(self.first_replacement())?;
            self.replaced.get(place).copied().filter(|replaced| replaced < index)
        });
        earlier.chain(self.replacements(index))
    }

    fn with_these_answers(&self) -> Range<usize> {
        self.first..self.all().end
    }

    fn first_replacement(&self) -> usize {
        self.first.saturating_add(self.submissions)
    }

    fn replacement(&self, index: usize) -> Option<usize> {
        let place = self.replaced.iter().position(|replaced| *replaced == index)?;
        Some(self.first_replacement().saturating_add(place)).filter(|by| *by > index)
    }
}

/// The folder of one key and job. One process at a time can hold it.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    plan: Plan,
    _lock: File,
}

impl State {
    /// Opens or makes the folder, and checks that it belongs to this plan. Other answers than before are taken only if everything that was
    /// made of those before is withdrawn; then they get submissions of their own.
    pub fn open(key: &Path, plan: Plan) -> Result<Self, StateError> {
        let folder = folder_of(key, &plan.job);
        files::make_folder(&folder, Access::Private)?;
        let lock = lock(&folder)?;
        let stored = stored_plan(&folder)?;
        let mut state = Self { folder, plan, _lock: lock };
        match stored {
            None => state.store_plan()?,
            Some(stored) => {
                check_owner(&stored, &state.plan, &state.folder)?;
                let wanted = std::mem::replace(&mut state.plan, stored);
                if state.is_withdrawn()? {
                    state.plan = Plan {
                        first: state.plan.all().end,
                        ..wanted
                    };
                    state.store_plan()?;
                } else if (state.plan.answers, state.plan.submissions) != (wanted.answers, wanted.submissions) {
                    return Err(StateError::OtherAnswers(state.folder));
                }
            }
        }
        Ok(state)
    }

    /// Opens the folder of a key and job; `None` if there is no folder.
    pub fn stored(key: &Path, job: &JobId) -> Result<Option<Self>, StateError> {
        let folder = folder_of(key, job);
        if !folder.join(PLAN).exists() {
            return Ok(None);
        }
        let lock = lock(&folder)?;
        let plan = stored_plan(&folder)?;
        Ok(plan.map(|plan| Self { folder, plan, _lock: lock }))
    }

    /// What is sent.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Gives the answers of these submissions the next indices, under which they are shared and sealed again. The submissions stay: they are
    /// withdrawn with the new ones, and never sent again.
    pub fn replace(&mut self, submissions: impl IntoIterator<Item = usize>) -> Result<(), StateError> {
        let known = self.plan.replaced.len();
        self.plan.replaced.extend(submissions);
        if self.plan.replaced.len() > known {
            self.store_plan()?;
        }
        Ok(())
    }

    /// Whether the withdrawal of a submission was asked for, or of another one with the same answers.
    pub fn is_taken_back(&self, index: usize) -> Result<bool, StateError> {
        for one in self.plan.same_answers(index) {
            if self.withdrawal(one)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn store_plan(&self) -> Result<(), StateError> {
        Ok(files::write_json(&self.folder.join(PLAN), &self.plan, Access::Private)?)
    }

    /// Whether a submission was made of the current answers, and all that were made are withdrawn.
    fn is_withdrawn(&self) -> Result<bool, StateError> {
        let mut made = false;
        for index in self.plan.with_these_answers() {
            if self.submission(index)?.is_some() {
                made = true;
                if self.withdrawal(index)?.is_none() {
                    return Ok(false);
                }
            }
        }
        Ok(made)
    }

    /// The path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps the terms of the job: pay follows from them, when the coordinator may show them no more.
    pub fn store_terms(&self, terms: &Terms) -> Result<(), StateError> {
        Ok(files::write_json(&self.folder.join(TERMS), terms, Access::Private)?)
    }

    /// The terms of the plan's job, if they are stored.
    pub fn terms(&self) -> Result<Option<Terms>, StateError> {
        let path = self.folder.join(TERMS);
        match files::read_json::<Terms, _>(&path, StateError::Damaged)? {
            Some(terms) if terms.digest() != self.plan.job_digest => Err(StateError::Damaged(path)),
            terms => Ok(terms),
        }
    }

    /// The path of submission `index`.
    pub fn submission_path(&self, index: usize) -> PathBuf {
        self.path(index, "submission")
    }

    /// The path of the receipt of submission `index`.
    pub fn receipt_path(&self, index: usize) -> PathBuf {
        self.path(index, "receipt.json")
    }

    /// Submission `index`, if it is stored.
    pub fn submission(&self, index: usize) -> Result<Option<Submission>, StateError> {
        let path = self.submission_path(index);
        match files::read_if_exists(&path)?.map(|bytes| codec::decode::<Submission>(&bytes, "a submission")) {
            None => Ok(None),
            Some(Ok(submission)) if submission.is_complete() => Ok(Some(submission)),
            Some(_) => Err(StateError::Damaged(path)),
        }
    }

    /// Stores submission `index`. Must be called before the submission is sent.
    pub fn store_submission(&self, index: usize, submission: &Submission) -> Result<(), StateError> {
        let bytes = codec::encode(submission);
        Ok(files::write(&self.submission_path(index), &bytes, Access::Private)?)
    }

    /// The receipt of submission `index`, if it is stored.
    pub fn receipt(&self, index: usize) -> Result<Option<Receipt>, StateError> {
        files::read_json(&self.receipt_path(index), StateError::Damaged)
    }

    /// Stores the receipt of submission `index`.
    pub fn store_receipt(&self, index: usize, receipt: &Receipt) -> Result<(), StateError> {
        Ok(files::write_json(&self.receipt_path(index), receipt, Access::Private)?)
    }

    /// Stores another receipt of submission `index`, for the same bytes. The one before is kept beside it.
    pub fn replace_receipt(&self, index: usize, receipt: &Receipt) -> Result<(), StateError> {
        let (path, earlier) = (self.receipt_path(index), self.path(index, "receipt.earlier.json"));
        std::fs::rename(&path, &earlier).map_err(|error| FileError::new(&path, &error))?;
        self.store_receipt(index, receipt)
    }

    /// The withdrawal of submission `index`; `None` if nobody asked for it.
    pub fn withdrawal(&self, index: usize) -> Result<Option<StoredWithdrawal>, StateError> {
        files::read_json(&self.path(index, WITHDRAWAL), StateError::Damaged)
    }

    /// Stores how far the withdrawal of submission `index` has come. Must be called before the coordinator is asked for the first time: a
    /// submission that may be withdrawn is never sent again.
    pub fn store_withdrawal(&self, index: usize, withdrawal: &StoredWithdrawal) -> Result<(), StateError> {
        Ok(files::write_json(&self.path(index, WITHDRAWAL), withdrawal, Access::Private)?)
    }

    /// Forgets that the withdrawal of submission `index` was asked for, because it came after the job had closed.
    pub fn forget_withdrawal(&self, index: usize) -> Result<(), StateError> {
        let path = self.path(index, WITHDRAWAL);
        Ok(std::fs::remove_file(&path).map_err(|error| FileError::new(&path, &error))?)
    }

    fn path(&self, index: usize, kind: &str) -> PathBuf {
        self.folder.join(format!("{:04}.{kind}", index + 1))
    }
}

/// The folder of a key and job.
pub(crate) fn folder_of(key: &Path, job: &JobId) -> PathBuf {
    files::with_suffix(key, &format!(".{job}.d"))
}

fn stored_plan(folder: &Path) -> Result<Option<Plan>, StateError> {
    files::read_json(&folder.join(PLAN), StateError::Damaged)
}

fn lock(folder: &Path) -> Result<File, StateError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|e| FileError::new(&path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StateError::Running(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(FileError::new(&path, &error).into()),
    }
}

fn check_owner(stored: &Plan, plan: &Plan, folder: &Path) -> Result<(), StateError> {
    let folder = folder.to_owned();
    if (stored.cluster, &stored.job, stored.job_digest) != (plan.cluster, &plan.job, plan.job_digest) {
        return Err(StateError::OtherJob(folder));
    }
    if stored.contributor != plan.contributor {
        return Err(StateError::OtherContributor {
            folder,
            contributor: stored.contributor.clone(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(contributor: &str, answers: u8) -> Plan {
        let digest = Digest::of("test", &[]);
        let answers = Digest::of("test", &[&[answers]]);
        Plan {
            cluster: digest,
            job: "j-1".parse().unwrap(),
            job_digest: digest,
            contributor: contributor.into(),
            answers,
            first: 0,
            submissions: 2,
            replaced: Vec::new(),
        }
    }

    fn current(state: &State) -> Vec<usize> {
        state.plan().current().collect()
    }

    #[test]
    fn a_second_run_goes_on_only_with_the_same_plan() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("me.key");
        let state = State::open(&key, plan("me", 1)).unwrap();
        let place = folder.path().join("me.key.j-1.d");
        assert_eq!(state.folder(), place);
        assert_eq!(State::open(&key, plan("me", 1)).unwrap_err(), StateError::Running(place.clone()));
        drop(state);
        let state = State::stored(&key, &"j-1".parse().unwrap()).unwrap().unwrap();
        assert_eq!((state.plan().contributor(), current(&state)), ("me", vec![0, 1]));
        drop(state);
        assert!(State::stored(&key, &"j-2".parse().unwrap()).unwrap().is_none());
        assert!(!folder.path().join("me.key.j-2.d").exists());
        assert!(State::open(&key, plan("me", 1)).is_ok());
        assert_eq!(
            State::open(&key, plan("me", 2)).unwrap_err(),
            StateError::OtherAnswers(place.clone())
        );
        let other = StateError::OtherContributor {
            folder: place.clone(),
            contributor: "me".into(),
        };
        assert_eq!(State::open(&key, plan("you", 1)).unwrap_err(), other);
        let other = Plan {
            job_digest: Digest::of("other", &[]),
            ..plan("me", 1)
        };
        assert_eq!(State::open(&key, other).unwrap_err(), StateError::OtherJob(place.clone()));

        let state = State::open(&key, plan("me", 1)).unwrap();
        assert_eq!(state.submission(0), Ok(None));
        assert_eq!(state.receipt(0), Ok(None));
        std::fs::write(place.join("0001.submission"), b"half").unwrap();
        assert_eq!(state.submission(0), Err(StateError::Damaged(place.join("0001.submission"))));
    }

    #[test]
    fn other_answers_are_taken_once_everything_that_was_made_is_withdrawn() {
        use tacit_protocol::fixtures::{cluster_with_keys, job, submission};
        use tacit_protocol::job::PayRule;
        let (members, job) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat));
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("me.key");
        let state = State::open(&key, plan("me", 1)).unwrap();
        state.store_submission(0, &submission(&members, &job, 0, &[(0, 1)])).unwrap();
        state.store_submission(1, &submission(&members, &job, 0, &[(1, 1)])).unwrap();
        state.store_withdrawal(0, &StoredWithdrawal::default()).unwrap();
        drop(state);
        let place = folder.path().join("me.key.j-1.d");
        assert_eq!(State::open(&key, plan("me", 2)).unwrap_err(), StateError::OtherAnswers(place));
        let state = State::open(&key, plan("me", 1)).unwrap();
        state.store_withdrawal(1, &StoredWithdrawal::default()).unwrap();
        drop(state);
        let state = State::open(&key, plan("me", 2)).unwrap();
        assert_eq!((current(&state), state.plan().all()), (vec![2, 3], 0..4));
        assert_eq!(state.submission(2), Ok(None));
        drop(state);
        // Nothing of the new answers is made yet: they go on as they are.
        let state = State::open(&key, plan("me", 2)).unwrap();
        assert_eq!(current(&state), [2, 3]);
    }

    #[test]
    fn answers_that_are_sealed_again_get_other_indices_and_are_taken_back_together() {
        use tacit_protocol::fixtures::{cluster_with_keys, job, submission};
        use tacit_protocol::job::PayRule;
        let (members, job) = (cluster_with_keys(3, 1), job(4, 3, 5, PayRule::Flat));
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("me.key");
        let mut state = State::open(&key, plan("me", 1)).unwrap();
        state.replace([1]).unwrap();
        state.replace([]).unwrap();
        state.replace([2, 0]).unwrap();
        drop(state);
        let mut state = State::open(&key, plan("me", 1)).unwrap();
        assert_eq!((current(&state), state.plan().all()), (vec![4, 3], 0..5));
        assert_eq!(state.plan().replacements(1).collect::<Vec<_>>(), [2, 3]);
        let is_current: Vec<bool> = (0..6).map(|index| state.plan().is_current(index)).collect();
        assert_eq!(is_current, [false, false, false, true, true, false]);
        for index in state.plan().all() {
            state.store_submission(index, &submission(&members, &job, 0, &[(0, 1)])).unwrap();
        }
        let taken_back = |state: &State| {
            state
                .plan()
                .all()
                .map(|index| state.is_taken_back(index).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(taken_back(&state), [false; 5]);
        state.store_withdrawal(2, &StoredWithdrawal::default()).unwrap();
        assert_eq!(taken_back(&state), [false, true, true, true, false]);
        // Other answers are taken once the replaced submissions are withdrawn, too.
        for index in [1, 3, 4] {
            state.store_withdrawal(index, &StoredWithdrawal::default()).unwrap();
        }
        assert_eq!(state.is_withdrawn(), Ok(false));
        state.store_withdrawal(0, &StoredWithdrawal::default()).unwrap();
        drop(state);
        state = State::open(&key, plan("me", 2)).unwrap();
        assert_eq!((current(&state), state.plan().all()), (vec![5, 6], 0..7));
        drop(state);

        // A damaged plan does not send the client round in circles.
        let plan = Plan {
            replaced: vec![2, 3, 2, 0],
            ..plan("me", 1)
        };
        assert_eq!(plan.current().collect::<Vec<_>>(), [5, 1]);
    }

    #[cfg(unix)]
    #[test]
    fn the_folder_is_private() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(&folder.path().join("k"), plan("me", 1)).unwrap();
        assert_eq!(std::fs::metadata(state.folder()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(
            std::fs::metadata(state.folder().join("plan.json")).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
