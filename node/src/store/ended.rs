//! The end of a job: its key is destroyed, and its rows are deleted. One row stays: how the job ended, and which accepted set was released. So
//! the job is never opened again.
//!
//! First it is recorded that the job has ended, then its key is overwritten, then the rows are deleted. Wherever the process is cut off, the
//! next start goes on from there.

use std::collections::HashSet;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use tacit_mpc_core::digest::Digest;
use tacit_program::sqlite::empty_log;
use tacit_protocol::job::{Job, JobId};
use tracing::{error, warn};

use super::schema::drop_tables_of;
use super::{KEYS, Store, StoreError};

/// Why a node erases a job. The coordinator's word is none of the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Its certificate was verified; the outputs are of this accepted set.
    Certified(Digest),
    /// Its buyer has signed that it is cancelled.
    Cancelled,
    /// It was open for longer than the node's policy lets any job be.
    TooOld,
}

impl Ended {
    fn name(self) -> &'static str {
        match self {
            Self::Certified(_) => "certified",
            Self::Cancelled => "cancelled",
            Self::TooOld => "too old",
        }
    }
}

impl Store {
    /// Whether a job of this id has ended here. Its id is never used again.
    pub(crate) fn has_ended(&self, id: &JobId) -> Result<bool, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND ended IS NOT NULL")?
                .exists([id.as_str()])
        })
    }

    /// Ends an open job: destroys its key, and deletes all that was stored of it. If it has ended before, what may be left is erased. When
    /// this returns, nothing of it is in any file of the store but what its row says.
    pub(crate) fn end(&self, job: &Job, why: Ended) -> Result<(), StoreError> {
        if let Ended::Certified(accepted) = why {
            self.compare_with_record(job, &accepted)?;
        }
        self.end_by_digest(job.id(), &job.digest(), why)
    }

    /// The same without the job's spec, which may not open any more.
    pub(crate) fn end_by_digest(&self, id: &JobId, digest: &Digest, why: Ended) -> Result<(), StoreError> {
        let mut recent = self.recent_jobs();
        recent.remove(id);
        self.write(|c| {
            c.execute(
                "UPDATE jobs SET ended = ?2 WHERE id = ?1 AND digest = ?3 AND ended IS NULL",
                params![id.as_str(), why.name(), digest.as_bytes()],
            )
        })?;
        self.erase(id, digest)
    }

    /// Compares what was certified with what this node has recorded. Whatever it finds, the job is over, so it is erased; but the log says so.
    fn compare_with_record(&self, job: &Job, certified: &Digest) -> Result<(), StoreError> {
        match self.released(job) {
            Ok(Some(recorded)) if recorded == *certified => {}
            Ok(Some(recorded)) => error!(
                job = %job.id(), %recorded, %certified,
                "the certificate is for another accepted set than the one that this node has released outputs for: more than t nodes deviate, or this node's store was replaced; the job is erased all the same"
            ),
            // An absent node has released nothing. It records what was certified, so that its row says the same as those of the others.
            Ok(None) => {
                self.write(|c| self.write_record(c, job, certified))?;
            }
            Err(error) => error!(
                job = %job.id(), %error, %certified,
                "what this node has released outputs for cannot be compared with the certificate; the job is erased all the same"
            ),
        }
        Ok(())
    }

    /// Erases what may be left of a job that has ended.
    pub(crate) fn end_again(&self, id: &JobId) -> Result<(), StoreError> {
        let digest: Option<Digest> = self.read(|c| {
            c.query_row(
                "SELECT digest FROM jobs WHERE id = ?1 AND ended IS NOT NULL",
                [id.as_str()],
                |row| row.get(0).map(Digest::from_bytes),
            )
            .optional()
        })?;
        digest.map_or(Ok(()), |digest| self.erase(id, &digest))
    }

    /// Deletes an open job of which no submission was stored and nothing was released, as if it had never been opened. Returns false if
    /// there is more of it. Opening it failed at other nodes.
    pub(crate) fn unopen(&self, job: &Job) -> Result<bool, StoreError> {
        let mut recent = self.recent_jobs();
        let unopened = self.write(|c| {
            let transaction = c.transaction()?;
            let unused = "SELECT number FROM jobs WHERE id = ?1 AND digest = ?2 AND ended IS NULL AND released IS NULL
                 AND announced IS NULL AND noise IS NULL";
            let mut number: Option<i64> = transaction
                .query_row(unused, params![job.id().as_str(), job.digest().as_bytes()], |row| row.get(0))
                .optional()?;
            if let Some(unused) = number
                && transaction.prepare(&format!("SELECT 1 FROM submissions_{unused}"))?.exists([])?
            {
                number = None;
            }
            if let Some(number) = number {
                delete(&transaction, number)?;
                transaction.execute("DELETE FROM jobs WHERE number = ?1", [number])?;
            }
            transaction.commit()?;
            Ok(number.is_some())
        })?;
        if unopened {
            recent.remove(job.id());
            self.keys.erase(&job.digest().to_string())?;
            self.write(|c| empty_log(c))?;
        }
        Ok(unopened)
    }

    /// The jobs that are open for more than so many seconds, with their digests.
    pub(crate) fn older_than(&self, seconds: u64) -> Result<Vec<(JobId, Digest)>, StoreError> {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let jobs: Vec<(String, Digest)> = self.read(|c| {
            c.prepare_cached("SELECT id, digest FROM jobs WHERE ended IS NULL AND unixepoch() - opened_at > ?1")?
                .query_map([seconds], |row| Ok((row.get(0)?, row.get(1).map(Digest::from_bytes)?)))?
                .collect()
        })?;
        // Only ids that were parsed are stored.
        Ok(jobs
            .into_iter()
            .filter_map(|(id, digest)| Some((id.parse().ok()?, digest)))
            .collect())
    }

    /// Destroys the keys that no open job has, if their files were written more than so long ago. Returns how many there were.
    pub(crate) fn erase_unused_keys(&self, age: Duration) -> Result<usize, StoreError> {
        // Locked until the end, so that no job is being opened, of which there is a key before there is a row.
        let _recent = self.recent_jobs();
        let unused = self.unused_keys()?;
        let old: Vec<&String> = unused
            .iter()
            .filter(|name| self.keys.age(name).is_some_and(|written| written > age))
            .collect();
        for name in &old {
            self.keys.erase(name)?;
        }
        Ok(old.len())
    }

    /// The names of keys that belong to no open job.
    fn unused_keys(&self) -> Result<Vec<String>, StoreError> {
        let open = self.key_names("ended IS NULL")?;
        Ok(self.keys.names().into_iter().filter(|name| !open.contains(name)).collect())
    }

    /// The names of the keys of jobs for which this condition holds.
    fn key_names(&self, condition: &str) -> Result<HashSet<String>, StoreError> {
        self.read(|c| {
            c.prepare(&format!("SELECT digest FROM jobs WHERE {condition}"))?
                .query_map([], |row| row.get(0).map(|digest| Digest::from_bytes(digest).to_string()))?
                .collect()
        })
    }

    fn erase(&self, id: &JobId, digest: &Digest) -> Result<(), StoreError> {
        self.keys.erase(&digest.to_string())?;
        self.write(|c| {
            let transaction = c.transaction()?;
            let number: Option<i64> = transaction
                .query_row(
                    "SELECT number FROM jobs WHERE id = ?1 AND digest = ?2",
                    params![id.as_str(), digest.as_bytes()],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(number) = number {
                delete(&transaction, number)?;
            }
            transaction.commit()?;
            empty_log(c)
        })
    }

    /// Goes on with the endings that were cut off, and erases what nobody can open any more.
    pub(super) fn finish_erasing(&self) -> Result<(), StoreError> {
        // Of a job whose ending was finished the tables are gone.
        let jobs: Vec<(i64, String, Digest, bool, bool)> = self.read(|c| {
            let query = "SELECT number, id, digest, ended IS NOT NULL, released IS NOT NULL OR announced IS NOT NULL FROM jobs
                 WHERE ended IS NULL OR EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'components_' || number)";
            c.prepare(query)?
                .query_map([], |row| {
                    let digest = row.get(2).map(Digest::from_bytes)?;
                    Ok((row.get(0)?, row.get(1)?, digest, row.get(3)?, row.get(4)?))
                })?
                .collect()
        })?;
        let mut gone = Vec::new();
        for job in jobs {
            let name = job.2.to_string();
            if job.3 || self.keys.get(&name).is_none() {
                self.keys.erase(&name)?;
                gone.push(job);
            }
        }
        for (number, id, _, ended, released) in &gone {
            self.write(|c| {
                let transaction = c.transaction()?;
                delete(&transaction, *number)?;
                // What was released of it, or may have been, is never released for another set, so its row stays. Otherwise it can be opened anew,
                // and the peers have what this node has lost.
                match (*ended, *released) {
                    (true, _) => 0,
                    (false, true) => transaction.execute("UPDATE jobs SET ended = 'key lost' WHERE number = ?1", [number])?,
                    (false, false) => transaction.execute("DELETE FROM jobs WHERE number = ?1", [number])?,
                };
                transaction.commit()
            })?;
            if !ended {
                warn!(job = id, "the key of a job is gone, so what was sealed under it is erased");
            }
        }
        if !gone.is_empty() {
            self.write(|c| empty_log(c))?;
        }
        let mut unused = self.unused_keys()?;
        if !unused.is_empty() {
            let ended = self.key_names("ended IS NOT NULL")?;
            for name in unused.extract_if(.., |name| ended.contains(&*name)) {
                self.keys.erase(&name)?;
            }
        }
        let unused = unused.len();
        if unused > 0 {
            warn!(
                keys = unused,
                folder = KEYS,
                "there are keys of jobs that this store does not know: it may be an older copy; put the newest in its place, or the keys are destroyed when they are as old as the policy lets a job be"
            );
        }
        Ok(())
    }
}

/// Deletes all that is stored of a job but its row.
fn delete(connection: &Connection, number: i64) -> rusqlite::Result<()> {
    connection.execute_batch(&drop_tables_of(number))?;
    // Lists of issuers are asked for at the doors of open jobs. The coordinator brings them again with the next job of the pool.
    connection.execute(
        "DELETE FROM revoked WHERE issuers IN (SELECT issuers FROM jobs WHERE number = ?1)
         AND issuers NOT IN (SELECT issuers FROM jobs WHERE ended IS NULL AND number != ?1 AND issuers IS NOT NULL)",
        [number],
    )?;
    // The record that stays refuses every further computation, so its noise is not needed again.
    connection.execute("UPDATE jobs SET noise = NULL WHERE number = ?1", [number])?;
    Ok(())
}
