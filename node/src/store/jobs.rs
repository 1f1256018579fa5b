//! The jobs that are open at this node, and for which accepted set each was released.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId, SignedSpec};

use super::{Store, StoreError};

/// How many parsed jobs stay in memory.
const RECENT_JOBS: usize = 16;

/// How many jobs the node stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobCounts {
    /// Jobs without a recorded accepted set.
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
    /// It would exceed this limit, which has this value.
    NoRoom(&'static str, u64),
}

impl Store {
    /// Stores a job's signed spec, unless a job of this id is open already, or there is no room for another.
    pub(crate) fn open_job(&self, job: &Job, spec: &[u8], room: &Room) -> Result<OpenedJob, StoreError> {
        let issuers = job.terms().issuers.as_ref().map(|issuers| issuers.digest().as_bytes().to_vec());
        self.write(|c| {
            let transaction = c.transaction()?;
            let known: Option<Digest> = transaction
                .query_row("SELECT digest FROM jobs WHERE id = ?1", [job.id().as_str()], |row| {
                    row.get(0).map(Digest::from_bytes)
                })
                .optional()?;
            if let Some(digest) = known {
                return Ok(OpenedJob::Open(digest));
            }
            let open = "SELECT COUNT(*), COALESCE(SUM(spec_bytes), 0), COALESCE(SUM(items), 0) FROM jobs WHERE released IS NULL";
            let (jobs, bytes, items) = transaction.query_row(open, [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })?;
            let (spec_bytes, own_items) = (spec.len() as i64, job.items().len() as i64);
            let after = [jobs + 1, bytes + spec_bytes, items + own_items].map(i64::unsigned_abs);
            if let Some((limit, value)) = room.exceeded(after[0], after[1], after[2]) {
                return Ok(OpenedJob::NoRoom(limit, value));
            }
            transaction.execute(
                "INSERT INTO jobs (id, digest, opened_at, items, spec_bytes, issuers) VALUES (?1, ?2, unixepoch(), ?3, ?4, ?5)",
                params![job.id().as_str(), job.digest().as_bytes(), own_items, spec_bytes, issuers],
            )?;
            transaction.execute("INSERT INTO specs (job, spec) VALUES (?1, ?2)", params![job.id().as_str(), spec])?;
            transaction.commit()?;
            Ok(OpenedJob::Open(job.digest()))
        })
    }

    /// The job of this id, if it is open here. Its buyer has signed it for the cluster of this digest.
    pub(crate) fn job(&self, id: &JobId, cluster: &Digest) -> Result<Option<Arc<Job>>, StoreError> {
        // Locked until the end, here and in `forget`, so that a forgotten job never returns to memory.
        let mut recent = self.recent_jobs();
        if let Some(job) = recent.get(id) {
            return Ok(Some(Arc::clone(job)));
        }
        let spec: Option<Vec<u8>> = self.read(|c| {
            c.query_row("SELECT spec FROM specs WHERE job = ?1", [id.as_str()], |row| row.get(0))
                .optional()
        })?;
        let Some(spec) = spec else { return Ok(None) };
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
            let open = "SELECT COUNT(*), COALESCE(MIN(opened_at), 0) FROM jobs WHERE released IS NULL";
            let (open, oldest_open) = c.query_row(open, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let released = c.query_row("SELECT COUNT(*) FROM jobs WHERE released IS NOT NULL", [], |row| row.get(0))?;
            Ok(JobCounts {
                open,
                released,
                oldest_open,
            })
        })
    }

    /// Deletes a job and its submissions. If outputs were released, the job's row stays: its id is never scored again.
    pub(crate) fn forget(&self, id: &JobId) -> Result<(), StoreError> {
        let mut recent = self.recent_jobs();
        recent.remove(id);
        self.write(|c| {
            let transaction = c.transaction()?;
            let components = "DELETE FROM components WHERE number IN (SELECT components FROM submissions WHERE job = ?1)";
            transaction.execute(components, [id.as_str()])?;
            transaction.execute("DELETE FROM submissions WHERE job = ?1", [id.as_str()])?;
            transaction.execute("DELETE FROM subjects WHERE job = ?1", [id.as_str()])?;
            let forgotten = transaction.execute("DELETE FROM jobs WHERE id = ?1 AND released IS NULL", [id.as_str()])?;
            if forgotten == 1 {
                transaction.execute("DELETE FROM specs WHERE job = ?1", [id.as_str()])?;
            }
            // The record that stays refuses every further computation, so its noise is not needed again.
            transaction.execute("UPDATE jobs SET noise = NULL WHERE id = ?1", [id.as_str()])?;
            transaction.commit()
        })
    }

    /// The accepted set for which this node has released outputs of a job; `None` if it has released none.
    pub(crate) fn released(&self, job: &JobId) -> Result<Option<Digest>, StoreError> {
        self.read(|c| {
            let released: Option<Option<[u8; 32]>> = c
                .query_row("SELECT released FROM jobs WHERE id = ?1", [job.as_str()], |row| row.get(0))
                .optional()?;
            Ok(released.flatten().map(Digest::from_bytes))
        })
    }

    /// Records for which accepted set outputs are released, before they are. Returns false if another set was recorded before, or if
    /// the job is not open under its digest. Then nothing may be released: the difference of two results would reveal answers.
    pub(crate) fn record_release(&self, job: &Job, accepted: &Digest) -> Result<bool, StoreError> {
        self.write(|c| {
            let changed = c.execute(
                "UPDATE jobs SET released = ?2 WHERE id = ?1 AND digest = ?3 AND (released IS NULL OR released = ?2)",
                params![job.id().as_str(), accepted.as_bytes(), job.digest().as_bytes()],
            )?;
            Ok(changed == 1)
        })
    }

    /// The sealed keys of the job's noise, and the accepted set for which outputs were released; `None` for what there is not.
    pub(crate) fn noise(&self, job: &Job) -> Result<(Option<Vec<u8>>, Option<Digest>), StoreError> {
        self.read(|c| {
            let row = c.query_row(
                "SELECT noise, released FROM jobs WHERE id = ?1 AND digest = ?2",
                params![job.id().as_str(), job.digest().as_bytes()],
                |row| Ok((row.get(0)?, row.get::<_, Option<[u8; 32]>>(1)?.map(Digest::from_bytes))),
            );
            Ok(row.optional()?.unwrap_or_default())
        })
    }

    /// Keeps the sealed keys of the job's noise, before a release is recorded. Returns false if one was recorded, so that keys which
    /// something was opened with are never replaced, or if the job is not open under its digest.
    pub(crate) fn keep_noise(&self, job: &Job, sealed: &[u8]) -> Result<bool, StoreError> {
        self.write(|c| {
            let changed = c.execute(
                "UPDATE jobs SET noise = ?2 WHERE id = ?1 AND digest = ?3 AND released IS NULL",
                params![job.id().as_str(), sealed, job.digest().as_bytes()],
            )?;
            Ok(changed == 1)
        })
    }

    fn recent_jobs(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Job>>> {
        // No panic leaves the map half changed.
        self.recent_jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
