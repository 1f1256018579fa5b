//! Stored texts of jobs, read in pieces: a text of hundreds of megabytes is in memory piece by piece only. No transaction lasts longer than
//! one piece, so that a slow reader does not keep what was erased in the write-ahead log.

use std::io::{Read, Seek, SeekFrom};

use rusqlite::{Connection, MAIN_DB, OptionalExtension};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::api::JobState;
use tacit_protocol::job::JobId;

use super::schema::has_tables_of;
use super::{Failure, Part, Store, StoreError, fixed_bytes, from_db, number_of};

/// The size of a piece, in bytes: SQLite walks through a text from its beginning for each.
const PIECE: u64 = 1 << 20;

/// Where a text of a job is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredAt {
    table: Table,
    column: &'static str,
    row: i64,
    /// How many bytes are stored.
    pub bytes: u64,
    /// A digest of them, made when they were stored: it is known without reading the text.
    pub digest: Digest,
}

/// The digest of a text that is stored as these bytes.
pub(super) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::of("tacit/v1 stored text", &[bytes])
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    /// The table that has the spec of the job of this number and nothing else.
    SpecOf(i64),
    Results,
}

impl Table {
    fn name(self) -> String {
        match self {
            Self::SpecOf(number) => format!("spec_{number}"),
            Self::Results => "results".to_owned(),
        }
    }
}

impl Store {
    /// Where the spec of a job is, as JSON; `None` if there is none.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn find_spec(&self, id: &JobId) -> Result<Option<StoredAt>, StoreError> {
        let id = id.clone();
        self.read(move |db| find_spec(db, &id)).await
    }

    /// Where a text of a published job is, compressed; `None` unless the job is published.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn find_published(&self, id: &JobId, part: Part) -> Result<Option<StoredAt>, StoreError> {
        let id = id.clone();
        self.read(move |db| find_published(db, &id, part.column())).await
    }

    /// The bytes of a stored text from this one on: one piece, empty at the end.
    ///
    /// # Errors
    /// The store fails, or the text was removed.
    pub(crate) async fn piece(&self, at: StoredAt, from: u64) -> Result<Vec<u8>, StoreError> {
        self.read(move |db| {
            let mut blob = db.blob_open(MAIN_DB, at.table.name().as_str(), at.column, at.row, true)?;
            let due = at.bytes.saturating_sub(from).min(PIECE);
            let mut piece = vec![0; usize::try_from(due).unwrap_or_default()];
            let read = blob.seek(SeekFrom::Start(from)).and_then(|_| blob.read_exact(&mut piece));
            read.map_err(|error| Failure::damaged(format!("a stored text changes while it is read: {error}")))?;
            Ok(piece)
        })
        .await
    }
}

fn text_digest(bytes: &[u8]) -> Result<Digest, Failure> {
    Ok(Digest::from_bytes(fixed_bytes(bytes, "the digest of a text")?))
}

fn find_spec(db: &Connection, id: &JobId) -> Result<Option<StoredAt>, Failure> {
    let Some(number) = number_of(db, id)? else { return Ok(None) };
    if !has_tables_of(db, number)? {
        return Ok(None);
    }
    // SQLite takes the length from the head of the row, without reading the text.
    let query = format!("SELECT rowid, LENGTH(spec), digest FROM spec_{number}");
    let found: Option<(i64, i64, Vec<u8>)> = db
        .query_row(&query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((row, bytes, digest)) = found else { return Ok(None) };
    Ok(Some(StoredAt {
        table: Table::SpecOf(number),
        column: "spec",
        row,
        bytes: from_db(bytes),
        digest: text_digest(&digest)?,
    }))
}

fn find_published(db: &Connection, id: &JobId, column: &'static str) -> Result<Option<StoredAt>, Failure> {
    let query = format!(
        "SELECT job, LENGTH({column}), {column}_digest FROM results JOIN jobs ON jobs.number = results.job
         WHERE jobs.id = ?1 AND jobs.state = ?2 AND {column} IS NOT NULL"
    );
    let found: Option<(i64, i64, Vec<u8>)> = db
        .query_row(&query, [id.as_str(), JobState::Published.name()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((row, bytes, digest)) = found else { return Ok(None) };
    Ok(Some(StoredAt {
        table: Table::Results,
        column,
        row,
        bytes: from_db(bytes),
        digest: text_digest(&digest)?,
    }))
}
