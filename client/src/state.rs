//! The state of sending answers or gold, stored beside the key so that a second run sends the same bytes. The folder `KEY.JOB.d`
//! holds the plan, what the contributor has agreed to, each submission before it is sent, each receipt, and each withdrawal. Every sitting adds submissions for the items that
//! have no answer yet; those that were withdrawn stay. So does a submission that the coordinator has lost and the nodes
//! do not open any more: its answers get another one, with the next index, for which the answers have to be read again.
//!
//! Everything in it is public, sealed to the nodes, or a hash that is keyed with the contributor's key: it does not reveal answers.

use std::fs::{File, TryLockError};
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::Receipt;
use tacit_protocol::codec;
use tacit_protocol::consent::ConsentRecord;
use tacit_protocol::job::{JobId, Terms};
use tacit_protocol::submission::Submission;
use tacit_protocol::withdrawal::ErasureReceipt;
use thiserror::Error;

use crate::files::{self, Access, FileError};

mod answer_digests;
mod plan;

pub use answer_digests::AnswerHasher;
pub use plan::Plan;

const PLAN: &str = "plan.json";
const TERMS: &str = "terms.json";
const CONSENT: &str = "consent.json";
const WITHDRAWAL: &str = "withdrawal.json";
const DIGESTS: &str = "digests.json";

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
    /// Gold answers changed since the first run.
    #[error(
        "{0}: the gold answers have changed since they were sent for the first time, and a job has one set of them; \
         go on with the file as it was, or cancel the job and open another one"
    )]
    OtherGold(PathBuf),
    /// The folder is of another job of the same id.
    #[error("{0}: belongs to another cluster, or to another job of the same id; move the folder away if that one is over")]
    OtherJob(PathBuf),
    /// A file is not what was written.
    #[error(
        "{0}: damaged, or missing: it is not what was written there; restore it from a backup. Without one, move its folder away: what \
         was sent counts all the same, but nothing here can prove it or take it back any more"
    )]
    Damaged(PathBuf),
}

/// The folder of one key and job. One process at a time can hold it.
#[derive(Debug)]
pub struct State {
    folder: PathBuf,
    plan: Plan,
    _lock: File,
}

impl State {
    /// Opens or makes the folder, and checks that it belongs to the job of this plan.
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
                if state.plan.contributor != wanted.contributor {
                    state.plan.contributor = wanted.contributor;
                    state.store_plan()?;
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

    /// Gives the answers of these submissions the next indices, under which they are shared and sealed again. The submissions stay: they
    /// are withdrawn with the new ones, and never sent again.
    pub fn replace(&mut self, submissions: impl IntoIterator<Item = usize>) -> Result<(), StateError> {
        let known = self.plan.replaced.len();
        self.forget_unmade();
        for index in submissions {
            self.plan.replaced.insert(index, self.plan.submissions);
            self.plan.submissions = self.plan.submissions.saturating_add(1);
        }
        if self.plan.replaced.len() > known {
            self.store_plan()?;
        }
        Ok(())
    }

    /// The indices for so many more submissions.
    pub fn add(&mut self, submissions: usize) -> Result<Range<usize>, StateError> {
        let known = self.plan.submissions;
        self.forget_unmade();
        let first = self.plan.submissions;
        self.plan.submissions = first.saturating_add(submissions);
        if self.plan.submissions != known {
            self.store_plan()?;
        }
        Ok(first..self.plan.submissions)
    }

    /// Gives up indices that an earlier run was given and made no submissions for. The parts of gold answers have fixed indices.
    fn forget_unmade(&mut self) {
        while let Some(last) = self.plan.all().next_back() {
            if self.plan.gold.is_some() || !self.plan.is_original(last) || self.submission_path(last).exists() {
                break;
            }
            self.plan.submissions = last;
        }
    }

    /// The name under which submissions were made; `None` if none was.
    pub fn made_as(&self) -> Result<Option<String>, StateError> {
        for index in self.plan.all() {
            if let Some(submission) = self.submission(index)? {
                return Ok(Some(submission.header.value.statement.contributor));
            }
        }
        Ok(None)
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

    /// The path of the record of consent.
    pub fn consent_path(&self) -> PathBuf {
        self.folder.join(CONSENT)
    }

    /// What the contributor has agreed to, if it has. It is of the plan's job.
    pub fn consent(&self) -> Result<Option<ConsentRecord>, StateError> {
        let path = self.consent_path();
        match files::read_json::<ConsentRecord, _>(&path, StateError::Damaged)? {
            Some(record) if record.consent.value.terms != self.plan.job_digest => Err(StateError::Damaged(path)),
            record => Ok(record),
        }
    }

    /// Stores what the contributor has agreed to. Must be called before anything is sent.
    pub fn store_consent(&self, record: &ConsentRecord) -> Result<(), StateError> {
        Ok(files::write_json(&self.consent_path(), record, Access::Private)?)
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

    /// The hashes of the answers of submission `index`, in the order of its items: see [`AnswerHasher`].
    pub fn answer_digests(&self, index: usize) -> Result<Vec<Digest>, StateError> {
        let path = self.path(index, DIGESTS);
        files::read_json(&path, StateError::Damaged)?.ok_or(StateError::Damaged(path))
    }

    /// Stores the hashes of the answers of submission `index`. Must be called before the submission is stored.
    pub fn store_answer_digests(&self, index: usize, digests: &[Digest]) -> Result<(), StateError> {
        Ok(files::write_json(&self.path(index, DIGESTS), &digests, Access::Private)?)
    }

    /// The receipt of submission `index`, if it is stored.
    pub fn receipt(&self, index: usize) -> Result<Option<Receipt>, StateError> {
        files::read_json(&self.receipt_path(index), StateError::Damaged)
    }

    /// Stores the receipt of submission `index`.
    pub fn store_receipt(&self, index: usize, receipt: &Receipt) -> Result<(), StateError> {
        Ok(files::write_json(&self.receipt_path(index), receipt, Access::Private)?)
    }

    /// Stores another receipt of submission `index`, for the same bytes. The first one, which proves the earliest place, is kept beside it.
    pub fn replace_receipt(&self, index: usize, receipt: &Receipt) -> Result<(), StateError> {
        let (path, earlier) = (self.receipt_path(index), self.path(index, "receipt.earlier.json"));
        if files::read_if_exists(&earlier)?.is_none() {
            std::fs::rename(&path, &earlier).map_err(|error| FileError::new(&path, &error))?;
        }
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
    if stored.gold != plan.gold {
        return Err(StateError::OtherGold(folder));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
