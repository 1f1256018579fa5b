//! What a node keeps: jobs, and submissions whose components are sealed. One SQLite file; calls block.

mod inspect;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};
use tacit_metrics::{Operation, StoreMeter};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId, JobSpec};
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::SubmissionId;
use thiserror::Error;

/// Why the store failed.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("the disk that holds {0} is full: free space or move the data folder")]
    Full(PathBuf),
    /// Another process has it.
    #[error("{0} is in use by another process: a data folder belongs to one running node")]
    InUse(PathBuf),
    /// The file was written by a newer release.
    #[error("{path} has schema version {found}, this release knows {known}: run the release that made it, or a later one")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest known.
        known: usize,
    },
    /// The file of an earlier release cannot be taken over.
    #[error(
        "{path} has schema version {found} and cannot be brought to {known}: {reason}; it was left as it was: run the release that made it, and report this"
    )]
    Migration {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The one it should get.
        known: usize,
        /// Why not.
        reason: String,
    },
    /// The folder or file cannot be used.
    #[error("{path}: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// A node's store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// Jobs read lately: a spec is large, and asked for with every batch of submissions.
    jobs: Mutex<HashMap<JobId, Arc<Job>>>,
    meter: StoreMeter,
}

/// The jobs a node keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobsKept {
    /// Those without a recorded accepted set.
    pub open: i64,
    /// Those with one.
    pub released: i64,
    /// When the oldest of the open ones was opened, Unix time; 0 without one.
    pub oldest_open: i64,
}

/// The store's file in its folder.
const FILE: &str = "node.sqlite";

/// Jobs kept in memory.
const JOBS_AT_HAND: usize = 16;

/// A submission as it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The digest it is listed by.
    pub digest: Digest,
    /// Its id, if it could be read.
    pub id: Option<SubmissionId>,
    /// Why it does not count, if it does not.
    pub reason: Option<RejectReason>,
    /// The encoded signed header; empty for rejected ones.
    pub header: Vec<u8>,
    /// The node's components, sealed under its own key; empty for rejected ones.
    pub sealed: Vec<u8>,
}

/// Where the components of an accepted submission are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In a row of their own, of this number, sealed under the node's key.
    Row(i64),
    /// In the envelope that came: a release before this one has kept the delivery whole.
    Envelope,
}

/// What is kept of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'a> {
    /// It was rejected.
    Rejected(RejectReason),
    /// It is accepted: its encoded signed header, or the whole delivery where that has the envelope.
    Accepted(&'a [u8], Place),
}

impl Store {
    /// Opens the store in a folder, making both if needed.
    pub fn open(folder: &Path, meter: StoreMeter) -> Result<Self, StoreError> {
        Self::open_with(folder, meter, schema::MIGRATIONS)
    }

    fn open_with(folder: &Path, meter: StoreMeter, migrations: &[&str]) -> Result<Self, StoreError> {
        let path = folder.join(FILE);
        let unusable = |reason: String| StoreError::Unusable {
            path: path.clone(),
            reason,
        };
        std::fs::create_dir_all(folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::StorageFull => StoreError::Full(path.clone()),
            _ => unusable(error.to_string()),
        })?;
        let mut connection = Connection::open(&path).map_err(|error| classify(&path, &error))?;
        schema::prepare(&mut connection, &path, migrations)?;
        Ok(Self {
            path,
            connection: Mutex::new(connection),
            jobs: Mutex::default(),
            meter,
        })
    }

    /// The file it is in.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // SQLite rolls back what a panicking thread left open.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, body: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.run(Operation::Read, |connection| body(connection))
    }

    fn write<T>(&self, body: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.run(Operation::Write, body)
    }

    fn run<T>(&self, operation: Operation, body: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.meter
            .time(operation, || body(&mut self.connection()))
            .map_err(|error| classify(&self.path, &error))
    }

    /// Whether the store can be written.
    pub fn is_writable(&self) -> bool {
        self.write(|c| c.execute("UPDATE health SET checked = checked + 1", []).map(drop))
            .is_ok()
    }

    /// Answers nothing until what this gives is dropped.
    #[cfg(test)]
    pub(crate) fn hang(&self) -> impl Drop + '_ {
        self.connection()
    }

    /// Changes the store behind the program's back.
    #[cfg(test)]
    pub(crate) fn alter(&self, sql: &str, values: &[&dyn rusqlite::ToSql]) {
        self.write(|c| c.execute(sql, values).map(drop)).unwrap();
    }

    /// Keeps a job's spec; the same again is nothing new. Returns the digest it is open under.
    pub fn open_job(&self, job: &Job, spec: &[u8]) -> Result<Digest, StoreError> {
        self.write(|c| {
            let transaction = c.transaction()?;
            let new = transaction.execute(
                "INSERT INTO jobs (id, digest, opened_at) VALUES (?1, ?2, unixepoch()) ON CONFLICT (id) DO NOTHING",
                params![job.id().as_str(), job.digest().as_bytes()],
            )?;
            if new == 1 {
                transaction.execute("INSERT INTO specs (job, spec) VALUES (?1, ?2)", params![job.id().as_str(), spec])?;
            }
            let digest = transaction.query_row("SELECT digest FROM jobs WHERE id = ?1", [job.id().as_str()], |row| {
                row.get(0).map(Digest::from_bytes)
            })?;
            transaction.commit()?;
            Ok(digest)
        })
    }

    /// A job, if it is open here.
    pub fn job(&self, id: &JobId) -> Result<Option<Arc<Job>>, StoreError> {
        // Held to the end, and while forgetting: what is at hand is what the store has.
        let mut at_hand = self.at_hand();
        if let Some(job) = at_hand.get(id) {
            return Ok(Some(Arc::clone(job)));
        }
        let spec: Option<Vec<u8>> = self.read(|c| {
            c.query_row("SELECT spec FROM specs WHERE job = ?1", [id.as_str()], |row| row.get(0))
                .optional()
        })?;
        let Some(spec) = spec else { return Ok(None) };
        let job = JobSpec::from_json(&spec)
            .and_then(|spec| Job::new(id.clone(), spec))
            .map_err(|error| StoreError::Unusable {
                path: self.path.clone(),
                reason: format!("the kept spec of job {id} is not readable: {error}"),
            })?;
        let job = Arc::new(job);
        if at_hand.len() >= JOBS_AT_HAND {
            at_hand.clear();
        }
        at_hand.insert(id.clone(), Arc::clone(&job));
        Ok(Some(job))
    }

    /// How many jobs there are, and since when.
    pub fn jobs_kept(&self) -> Result<JobsKept, StoreError> {
        self.read(|c| {
            let open = "SELECT COUNT(*), COALESCE(MIN(opened_at), 0) FROM jobs WHERE released IS NULL";
            let (open, oldest_open) = c.query_row(open, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let released = c.query_row("SELECT COUNT(*) FROM jobs WHERE released IS NOT NULL", [], |row| row.get(0))?;
            Ok(JobsKept {
                open,
                released,
                oldest_open,
            })
        })
    }

    fn at_hand(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Job>>> {
        // The map is whole between any two statements that change it.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a job and its submissions.
    pub fn forget(&self, id: &JobId) -> Result<(), StoreError> {
        let mut at_hand = self.at_hand();
        at_hand.remove(id);
        self.write(|c| {
            let transaction = c.transaction()?;
            let components = "DELETE FROM components WHERE number IN (SELECT components FROM submissions WHERE job = ?1)";
            transaction.execute(components, [id.as_str()])?;
            transaction.execute("DELETE FROM submissions WHERE job = ?1", [id.as_str()])?;
            let forgotten = transaction.execute("DELETE FROM jobs WHERE id = ?1 AND released IS NULL", [id.as_str()])?;
            if forgotten == 1 {
                transaction.execute("DELETE FROM specs WHERE job = ?1", [id.as_str()])?;
            }
            transaction.commit()
        })
    }

    /// What became of the submissions of these digests, where they came before.
    pub fn outcomes(&self, job: &JobId, digests: &[Digest]) -> Result<HashMap<Digest, Option<RejectReason>>, StoreError> {
        self.read(|c| {
            let mut query = c.prepare_cached("SELECT reason FROM submissions WHERE job = ?1 AND digest = ?2")?;
            let mut found = HashMap::new();
            for digest in digests {
                let outcome = query
                    .query_row(params![job.as_str(), digest.as_bytes()], |row| reason(row, 0))
                    .optional()?;
                if let Some(outcome) = outcome {
                    found.insert(*digest, outcome);
                }
            }
            Ok(found)
        })
    }

    /// Keeps submissions, all or none. One whose id is taken by another is kept as rejected; the
    /// outcomes are returned in order. If the job was cancelled meanwhile and its id opened again with
    /// another spec, none is kept.
    pub fn keep(&self, job: &Job, submissions: &[Kept]) -> Result<Vec<Option<RejectReason>>, StoreError> {
        let (job, job_digest) = (job.id(), job.digest());
        self.write(|c| {
            let transaction = c.transaction()?;
            if !is_open(&transaction, job, &job_digest)? {
                return Ok(vec![Some(RejectReason::WrongJob); submissions.len()]);
            }
            let mut outcomes = Vec::with_capacity(submissions.len());
            {
                let mut taken = transaction
                    .prepare_cached("SELECT 1 FROM submissions WHERE job = ?1 AND id = ?2 AND digest <> ?3 AND reason IS NULL")?;
                let mut insert = transaction.prepare_cached(
                    "INSERT INTO submissions (job, digest, id, reason, body, components) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?;
                let mut there = transaction.prepare_cached("SELECT 1 FROM submissions WHERE job = ?1 AND digest = ?2")?;
                let mut components = transaction.prepare_cached("INSERT INTO components (sealed) VALUES (?1)")?;
                for kept in submissions {
                    let id = kept.id.as_ref().map(|id| id.as_bytes().to_vec());
                    let duplicate = kept.reason.is_none() && taken.exists(params![job.as_str(), id, kept.digest.as_bytes()])?;
                    let reason = if duplicate {
                        Some(RejectReason::DuplicateSubmission)
                    } else {
                        kept.reason
                    };
                    outcomes.push(reason);
                    if there.exists(params![job.as_str(), kept.digest.as_bytes()])? {
                        continue;
                    }
                    let (body, number) = match reason {
                        None => (kept.header.as_slice(), Some(components.insert([&kept.sealed])?)),
                        Some(_) => ([].as_slice(), None),
                    };
                    let reason = reason.map(RejectReason::name);
                    insert.execute(params![job.as_str(), kept.digest.as_bytes(), id, reason, body, number])?;
                }
            }
            transaction.commit()?;
            Ok(outcomes)
        })
    }

    /// Says of each of these submissions what is kept of it, with its place among them; nothing of those that never came.
    pub fn for_each_kept(&self, job: &JobId, digests: &[Digest], mut each: impl FnMut(usize, Found<'_>)) -> Result<(), StoreError> {
        self.read(|c| {
            let mut query = c.prepare_cached("SELECT reason, body, components FROM submissions WHERE job = ?1 AND digest = ?2")?;
            for (index, digest) in digests.iter().enumerate() {
                let mut rows = query.query(params![job.as_str(), digest.as_bytes()])?;
                let Some(row) = rows.next()? else { continue };
                let place = row.get::<_, Option<i64>>(2)?.map_or(Place::Envelope, Place::Row);
                each(
                    index,
                    match reason(row, 0)? {
                        Some(reason) => Found::Rejected(reason),
                        None => Found::Accepted(row.get_ref(1)?.as_blob()?, place),
                    },
                );
            }
            Ok(())
        })
    }

    /// The sealed components in the row of this number.
    pub fn components(&self, number: i64) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT sealed FROM components WHERE number = ?1")?
                .query_row([number], |row| row.get(0))
                .optional()
        })
    }

    /// The delivery of a submission that a release before this one has kept whole.
    pub fn delivery(&self, job: &JobId, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT body FROM submissions WHERE job = ?1 AND digest = ?2 AND reason IS NULL AND components IS NULL")?
                .query_row(params![job.as_str(), digest.as_bytes()], |row| row.get(0))
                .optional()
        })
    }

    /// The accepted set of which this node has released outputs of a job, if it has.
    pub fn released(&self, job: &JobId) -> Result<Option<Digest>, StoreError> {
        self.read(|c| {
            let released: Option<Option<[u8; 32]>> = c
                .query_row("SELECT released FROM jobs WHERE id = ?1", [job.as_str()], |row| row.get(0))
                .optional()?;
            Ok(released.flatten().map(Digest::from_bytes))
        })
    }

    /// Records, before outputs leave, for which accepted set they do. False if it was another before:
    /// then nothing may leave, or two results could be subtracted.
    pub fn record_release(&self, job: &Job, accepted: &Digest) -> Result<bool, StoreError> {
        self.write(|c| {
            let changed = c.execute(
                "UPDATE jobs SET released = ?2 WHERE id = ?1 AND digest = ?3 AND (released IS NULL OR released = ?2)",
                params![job.id().as_str(), accepted.as_bytes(), job.digest().as_bytes()],
            )?;
            Ok(changed == 1)
        })
    }
}

/// Why a submission was rejected, if it was.
fn reason(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<RejectReason>> {
    // A name that this release does not know is a rejection all the same.
    let known = |name: String| RejectReason::from_name(&name).unwrap_or(RejectReason::Malformed);
    Ok(row.get::<_, Option<String>>(column)?.map(known))
}

/// Whether a job is open under this digest.
fn is_open(connection: &Connection, job: &JobId, digest: &Digest) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND digest = ?2")?
        .exists(params![job.as_str(), digest.as_bytes()])
}

fn classify(path: &Path, error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(path.to_owned()),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::InUse(path.to_owned()),
        _ => StoreError::Unusable {
            path: path.to_owned(),
            reason: error.to_string(),
        },
    }
}
