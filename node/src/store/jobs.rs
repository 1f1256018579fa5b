//! The jobs that are open at this node, and for which accepted set each was released.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::codec::encode;
use tacit_protocol::job::{Job, JobId, SignedSpec};
use tacit_protocol::release_notice::SignedNotice;
use tacit_protocol::sealing::AtRestKey;

use super::schema::create_tables_of;
use super::submissions::number_of;
use super::withdrawals::withdrawn;
use super::{Store, StoreError};

/// How many parsed jobs stay in memory.
const RECENT_JOBS: usize = 16;

/// How many jobs the node stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobCounts {
    /// Jobs that have not ended, and without a recorded accepted set.
    pub open: i64,
    /// Jobs with one.
    pub released: i64,
    /// When the oldest open job was opened, in Unix time; 0 if none is open.
    pub oldest_open: i64,
}

/// How many jobs may be open at once, and how large ones: what the coordinator can make a node hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Room {
    /// Jobs.
    pub max_open_jobs: u64,
    /// Bytes of their specs together, in megabytes.
    pub max_spec_mb: u64,
    /// Items of all of them together.
    pub max_items: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            max_open_jobs: 1_000,
            max_spec_mb: 4_096,
            max_items: 50_000_000,
        }
    }
}

impl Room {
    /// The name and the value of the limit that these jobs together exceed, if any.
    fn exceeded(&self, jobs: u64, spec_bytes: u64, items: u64) -> Option<(&'static str, u64)> {
        [
            (jobs, self.max_open_jobs, ("max_open_jobs", self.max_open_jobs)),
            (
                spec_bytes,
                self.max_spec_mb.saturating_mul(1 << 20),
                ("max_spec_mb", self.max_spec_mb),
            ),
            (items, self.max_items, ("max_items", self.max_items)),
        ]
        .into_iter()
        .find_map(|(used, most, limit)| (used > most).then_some(limit))
    }
}

/// What opening a job has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenedJob {
    /// A job with this digest is open under the id.
    Open(Digest),
    /// A job of this id has ended.
    Ended,
    /// It would exceed this limit, which has this value.
    NoRoom(&'static str, u64),
}

/// What recording a release has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Recorded {
    /// It is recorded: outputs may be released for this set, and for no other.
    ThisSet,
    /// Another set was recorded before, or the job is not open under its digest. Nothing may be released: the difference of two results would
    /// reveal answers.
    NotThisSet,
    /// The list names a submission that was withdrawn, so nothing may be released for it.
    Withdrawn,
}

impl Store {
    /// Stores a job's signed spec under a new key, unless a job of this id is open already or has ended, or there is no room for another.
    pub(crate) fn open_job(&self, job: &Job, spec: &[u8], room: &Room) -> Result<OpenedJob, StoreError> {
        let issuers = job.terms().issuers.as_ref().map(|issuers| issuers.digest().as_bytes().to_vec());
        let (spec_bytes, own_items) = (spec.len() as i64, job.items().len() as i64);
        // Locked until the end, so that jobs are opened and ended one after the other.
        let _recent = self.recent_jobs();
        let found = self.read(|c| {
            let known: Option<(Digest, bool)> = c
                .query_row(
                    "SELECT digest, ended IS NOT NULL FROM jobs WHERE id = ?1",
                    [job.id().as_str()],
                    |row| Ok((row.get(0).map(Digest::from_bytes)?, row.get(1)?)),
                )
                .optional()?;
            if let Some((digest, ended)) = known {
                return Ok(Some(if ended { OpenedJob::Ended } else { OpenedJob::Open(digest) }));
            }
            // Also those of which outputs were released: the node holds them until it sees the certificate.
            let open = "SELECT COUNT(*), COALESCE(SUM(spec_bytes), 0), COALESCE(SUM(items), 0) FROM jobs WHERE ended IS NULL";
            let (jobs, bytes, items) = c.query_row(open, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })?;
            let after = [jobs + 1, bytes + spec_bytes, items + own_items].map(i64::unsigned_abs);
            let exceeded = room.exceeded(after[0], after[1], after[2]);
            Ok(exceeded.map(|(limit, value)| OpenedJob::NoRoom(limit, value)))
        })?;
        if let Some(found) = found {
            return Ok(found);
        }
        let mut rng = UnwrapErr(SysRng);
        // A key without a row means that an older store was put in place. Keep the key: the operator may put the right store back.
        let (name, before) = (job.digest().to_string(), self.key_of(&job.digest()));
        let is_new = before.is_none();
        let key = before.unwrap_or_else(|| AtRestKey::generate(&mut rng));
        // A spec is far shorter than what can be sealed at once.
        let sealed = key.seal(&spec_binding(&job.digest()), spec, &mut rng);
        let sealed = sealed.map_err(|_| self.sealed_spec(job.id()))?;
        let code = self.records.code(&job.digest(), None);
        if is_new {
            self.keys.keep(&name, key.to_bytes())?;
        }
        let stored = self.write(|c| {
            let transaction = c.transaction()?;
            transaction.execute(
                "INSERT INTO jobs (id, digest, record, opened_at, items, spec_bytes, issuers) VALUES (?1, ?2, ?3, unixepoch(), ?4, ?5, ?6)",
                params![job.id().as_str(), job.digest().as_bytes(), code, own_items, spec_bytes, issuers],
            )?;
            let number = transaction.last_insert_rowid();
            transaction.execute_batch(&create_tables_of(number))?;
            transaction.execute(&format!("INSERT INTO spec_{number} (spec) VALUES (?1)"), [&sealed])?;
            transaction.commit()
        });
        if let Err(error) = stored {
            if is_new {
                self.keys.erase(&name)?;
            }
            return Err(error);
        }
        Ok(OpenedJob::Open(job.digest()))
    }

    /// The job of this id, if it is open here. Its buyer has signed it for the cluster of this digest.
    pub(crate) fn job(&self, id: &JobId, cluster: &Digest) -> Result<Option<Arc<Job>>, StoreError> {
        // Locked until the end, here and in `end`, so that a job that has ended never returns to memory.
        let mut recent = self.recent_jobs();
        if let Some(job) = recent.get(id) {
            return Ok(Some(Arc::clone(job)));
        }
        let stored: Option<(Digest, Vec<u8>)> = self.read(|c| {
            let open = "SELECT number, digest FROM jobs WHERE id = ?1 AND ended IS NULL";
            let found: Option<(i64, [u8; 32])> = c.query_row(open, [id.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((number, digest)) = found else { return Ok(None) };
            let spec = c.query_row(&format!("SELECT spec FROM spec_{number}"), [], |row| row.get(0))?;
            Ok(Some((Digest::from_bytes(digest), spec)))
        })?;
        let Some((digest, sealed)) = stored else { return Ok(None) };
        let Some(key) = self.key_of(&digest) else { return Ok(None) };
        let spec = key.open(&spec_binding(&digest), sealed).map_err(|_| self.sealed_spec(id))?;
        let job = SignedSpec::from_json(&spec)
            .and_then(|spec| Job::open(cluster, id.clone(), spec))
            .map_err(|error| StoreError::Spec {
                path: self.path().to_owned(),
                job: id.clone(),
                error,
            })?;
        let job = Arc::new(job);
        if recent.len() >= RECENT_JOBS {
            recent.clear();
        }
        recent.insert(id.clone(), Arc::clone(&job));
        Ok(Some(job))
    }

    /// Counts the jobs.
    pub(crate) fn count_jobs(&self) -> Result<JobCounts, StoreError> {
        self.read(|c| {
            let open = "SELECT COUNT(*), COALESCE(MIN(opened_at), 0) FROM jobs WHERE ended IS NULL AND released IS NULL";
            let (open, oldest_open) = c.query_row(open, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let released = c.query_row("SELECT COUNT(*) FROM jobs WHERE released IS NOT NULL", [], |row| row.get(0))?;
            Ok(JobCounts {
                open,
                released,
                oldest_open,
            })
        })
    }

    /// The accepted set for which this node has released outputs of an open job; `None` if it has released none.
    ///
    /// # Errors
    /// [`StoreError::Record`]: somebody has altered the record.
    pub(crate) fn released(&self, job: &Job) -> Result<Option<Digest>, StoreError> {
        let found = self.read(|c| read_record(c, job))?;
        self.authentic(job, found)
    }

    /// Records for which accepted set outputs of this list are released, before they are.
    ///
    /// # Errors
    /// [`StoreError::Record`]: somebody has altered the record.
    pub(crate) fn record_release(&self, job: &Job, accepted: &Digest, list: &[SubmissionEntry]) -> Result<Recorded, StoreError> {
        if self.released(job)?.is_some_and(|before| before != *accepted) {
            return Ok(Recorded::NotThisSet);
        }
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some(number) = number_of(&transaction, job.id())? else {
                return Ok(Recorded::NotThisSet);
            };
            // In one transaction with the record: a receipt says that no output depends on the submission, also if it was withdrawn after the
            // computation had opened it.
            let withdrawn = withdrawn(&transaction, number)?;
            if list.iter().any(|entry| withdrawn.contains(&entry.submission)) {
                return Ok(Recorded::Withdrawn);
            }
            let recorded = self.write_record(&transaction, job, accepted)?;
            transaction.commit()?;
            Ok(if recorded { Recorded::ThisSet } else { Recorded::NotThisSet })
        })
    }

    /// Records that outputs were released for this set. Returns false if another set is recorded, or if the job is not open under its digest.
    pub(super) fn write_record(&self, connection: &Connection, job: &Job, accepted: &Digest) -> rusqlite::Result<bool> {
        let code = self.records.code(&job.digest(), Some(accepted));
        let changed = connection.execute(
            "UPDATE jobs SET released = ?2, record = ?4
             WHERE id = ?1 AND digest = ?3 AND ended IS NULL AND (released IS NULL OR released = ?2)",
            params![job.id().as_str(), accepted.as_bytes(), job.digest().as_bytes(), code],
        )?;
        Ok(changed == 1)
    }

    /// What a record says, if it is this node's.
    fn authentic(&self, job: &Job, found: Option<Record>) -> Result<Option<Digest>, StoreError> {
        match found {
            None => Ok(None),
            Some((released, code)) if self.records.is_code_of(&job.digest(), released.as_ref(), &code) => Ok(released),
            Some(_) => Err(StoreError::Record {
                path: self.path().to_owned(),
                job: job.id().clone(),
            }),
        }
    }

    /// The sealed keys of the job's noise, and the accepted set for which outputs were released; `None` for what there is not.
    ///
    /// # Errors
    /// [`StoreError::Record`]: somebody has altered the record.
    pub(crate) fn noise_keys(&self, job: &Job) -> Result<(Option<Vec<u8>>, Option<Digest>), StoreError> {
        let (noise, found) = self.read(|c| {
            let noise = c.query_row(
                "SELECT noise FROM jobs WHERE id = ?1 AND digest = ?2",
                params![job.id().as_str(), job.digest().as_bytes()],
                |row| row.get::<_, Option<Vec<u8>>>(0),
            );
            Ok((noise.optional()?.flatten(), read_record(c, job)?))
        })?;
        Ok((noise, self.authentic(job, found)?))
    }

    /// Stores the sealed keys of the job's noise, before a release is recorded. Returns false if one was recorded, so that keys which
    /// something was opened with are never replaced; if this node has announced another release than `announced` meanwhile; or if the job is
    /// not open under its digest.
    pub(crate) fn store_noise_keys(&self, job: &Job, sealed: &[u8], announced: Option<&SignedNotice>) -> Result<bool, StoreError> {
        let announced = announced.map(encode);
        self.write(|c| {
            let changed = c.execute(
                "UPDATE jobs SET noise = ?2 WHERE id = ?1 AND digest = ?3 AND announced IS ?4 AND released IS NULL AND ended IS NULL",
                params![job.id().as_str(), sealed, job.digest().as_bytes(), announced],
            )?;
            Ok(changed == 1)
        })
    }

    fn sealed_spec(&self, job: &JobId) -> StoreError {
        StoreError::SealedSpec {
            path: self.path().to_owned(),
            job: job.clone(),
        }
    }

    pub(super) fn recent_jobs(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Job>>> {
        // No panic leaves the map half changed.
        self.recent_jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The accepted set of a record, and the code that authenticates it.
type Record = (Option<Digest>, Vec<u8>);

/// The record of an open job; `None` if it is not open under its digest.
fn read_record(connection: &Connection, job: &Job) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached("SELECT released, record FROM jobs WHERE id = ?1 AND digest = ?2 AND ended IS NULL")?
        .query_row(params![job.id().as_str(), job.digest().as_bytes()], |row| {
            Ok((row.get::<_, Option<[u8; 32]>>(0)?.map(Digest::from_bytes), row.get(1)?))
        })
        .optional()
}

/// The job that a sealed spec is bound to.
fn spec_binding(job: &Digest) -> Vec<u8> {
    [b"tacit/v1 kept spec".as_slice(), job.as_bytes()].concat()
}
