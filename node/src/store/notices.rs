//! Notices of releases: the one that this node has signed of a job, and the first one that each peer has given.

use rusqlite::{Connection, OptionalExtension, params};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::codec::{decode, encode};
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::release_notice::SignedNotice;

use super::submissions::number_of;
use super::withdrawals::withdrawn;
use super::{Store, StoreError};

/// What announcing a release has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announced {
    /// The notice is stored, and no other of the job will be.
    ThisRelease,
    /// Another notice was stored before, or the job is not open under its digest.
    NotThisRelease,
    /// The list names a submission that was withdrawn.
    Withdrawn,
}

impl Store {
    /// The notice that this node has stored as its own of an open job; `None` if it has stored none. Whoever changes the store can put anything
    /// here, so the signature must be verified.
    ///
    /// # Errors
    /// [`StoreError::Record`]: somebody has put something else in its place.
    pub(crate) fn announced(&self, job: &Job) -> Result<Option<SignedNotice>, StoreError> {
        let stored: Option<Vec<u8>> = self.read(|c| {
            c.prepare_cached("SELECT announced FROM jobs WHERE id = ?1 AND digest = ?2 AND ended IS NULL")?
                .query_row(params![job.id().as_str(), job.digest().as_bytes()], |row| row.get(0))
                .optional()
                .map(Option::flatten)
        })?;
        let read = |bytes: Vec<u8>| decode(&bytes, "a notice").map_err(|_| self.altered(job));
        stored.map(read).transpose()
    }

    /// Stores a notice as this node's own before it is given to anybody, unless there is one. From here on no submission of the job can be
    /// withdrawn at this node: the release of `list` may follow.
    pub(crate) fn announce(&self, job: &Job, notice: &SignedNotice, list: &[SubmissionEntry]) -> Result<Announced, StoreError> {
        let encoded = encode(notice);
        self.write(|c| {
            let transaction = c.transaction()?;
            let Some(number) = number_of(&transaction, job.id())? else {
                return Ok(Announced::NotThisRelease);
            };
            let withdrawn = withdrawn(&transaction, number)?;
            if list.iter().any(|entry| withdrawn.contains(&entry.submission)) {
                return Ok(Announced::Withdrawn);
            }
            let announce = "UPDATE jobs SET announced = ?3 WHERE number = ?1 AND digest = ?2 AND (announced IS NULL OR announced = ?3)";
            let changed = transaction.execute(announce, params![number, job.digest().as_bytes(), encoded])?;
            transaction.commit()?;
            Ok(if changed == 1 {
                Announced::ThisRelease
            } else {
                Announced::NotThisRelease
            })
        })
    }

    /// The error for a record or notice that this node has not written.
    pub(crate) fn altered(&self, job: &Job) -> StoreError {
        StoreError::Record {
            path: self.path().to_owned(),
            job: job.id().clone(),
        }
    }

    /// Whether a job was ever opened here under this id and digest, and not dropped again.
    pub(crate) fn knows(&self, id: &JobId, digest: &Digest) -> Result<bool, StoreError> {
        self.read(|c| {
            c.prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND digest = ?2")?
                .exists(params![id.as_str(), digest.as_bytes()])
        })
    }

    /// The first notice that a node has given of the job with this digest; `None` if it has given none.
    pub(crate) fn notice_of(&self, node: usize, job: &Digest) -> Result<Option<SignedNotice>, StoreError> {
        let stored = self.read(|c| stored_notice(c, node, job))?;
        // Bytes that are no notice remind nobody of anything.
        Ok(stored.and_then(|bytes| decode(&bytes, "a notice").ok()))
    }

    /// Stores the notice of a node of the job with this digest, unless it has given one before. The signature was verified.
    pub(crate) fn store_notice(&self, node: usize, job: &Digest, notice: &SignedNotice) -> Result<(), StoreError> {
        let encoded = encode(notice);
        self.write(|c| {
            c.execute(
                "INSERT OR IGNORE INTO notices (job, node, notice) VALUES (?1, ?2, ?3)",
                params![job.as_bytes(), node as i64, encoded],
            )
            .map(drop)
        })
    }
}

fn stored_notice(connection: &Connection, node: usize, job: &Digest) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT notice FROM notices WHERE job = ?1 AND node = ?2")?
        .query_row(params![job.as_bytes(), node as i64], |row| row.get(0))
        .optional()
}
