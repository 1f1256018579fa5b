//! How many of a job's submissions each node has, and which of them it refuses.

use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::JobId;
use tacit_protocol::reject::RejectReason;
use tacit_protocol::submission::Delivery;

use super::schema::has_tables_of;
use super::{Store, StoreError, fixed_bytes, from_db, number_of, to_db};

/// A submission that a node does not have yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    /// Its number among the submissions of the job, counted from 0.
    pub sequence: u64,
    /// The digest under which it is listed.
    pub digest: Digest,
    /// What is delivered to the node: the encoding of [`Delivery`].
    pub delivery: Vec<u8>,
}

impl Store {
    /// The submissions for a node from number `from` on: at most `max`, and, apart from the first, at most `bytes` in total.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn pending(&self, job: &JobId, node: usize, from: u64, max: usize, bytes: usize) -> Result<Vec<Pending>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let number = match number_of(db, &job)? {
                Some(number) if has_tables_of(db, number)? => number,
                _ => return Ok(Vec::new()),
            };
            let mut query = db.prepare_cached(&format!(
                "SELECT s.sequence, s.digest, s.header, e.envelope FROM submissions s
                 JOIN envelopes_{number} e ON e.node = ?2 AND e.sequence = s.sequence
                 WHERE s.job = ?1 AND s.sequence >= ?3 ORDER BY s.sequence LIMIT ?4"
            ))?;
            let mut rows = query.query((number, node as i64, to_db(from), max as i64))?;
            let mut pending = Vec::new();
            let mut total = 0;
            while let Some(row) = rows.next()? {
                let (sequence, digest): (i64, Vec<u8>) = (row.get(0)?, row.get(1)?);
                let blob = |column| row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from);
                let (header, envelope) = (blob(2)?, blob(3)?);
                total += header.len() + envelope.len();
                if total > bytes && !pending.is_empty() {
                    break;
                }
                let digest = Digest::from_bytes(fixed_bytes(&digest, "a submission's digest")?);
                pending.push(Pending {
                    sequence: from_db(sequence),
                    digest,
                    delivery: Delivery::encode_parts(header, envelope),
                });
            }
            Ok(pending)
        })
        .await
    }

    /// For each node, whether it has opened the job and how many submissions it has.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn deliveries(&self, job: &JobId) -> Result<Vec<(bool, u64)>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let query = "SELECT opened, cursor FROM deliveries JOIN jobs ON jobs.number = deliveries.job WHERE jobs.id = ?1 ORDER BY node";
            let mut query = db.prepare(query)?;
            let rows = query.query_map([job.as_str()], |row| Ok((row.get(0)?, from_db(row.get(1)?))))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Notes that a node has opened the job, or that it does not know it any more and needs all submissions again.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn set_opened(&self, job: &JobId, node: usize, opened: bool) -> Result<(), StoreError> {
        let job = job.clone();
        self.write(move |db| {
            let number = number_of(db, &job)?;
            let set = "UPDATE deliveries SET opened = ?3, cursor = CASE WHEN ?3 THEN cursor ELSE 0 END WHERE job = ?1 AND node = ?2";
            db.execute(set, (number, node as i64, opened))?;
            Ok(())
        })
        .await
    }

    /// Notes that a node has erased a job that has ended. How much of it the node had stays recorded.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn forgotten(&self, job: &JobId, node: usize) -> Result<(), StoreError> {
        let job = job.clone();
        self.write(move |db| {
            let number = number_of(db, &job)?;
            db.execute(
                "UPDATE deliveries SET opened = 0 WHERE job = ?1 AND node = ?2",
                (number, node as i64),
            )?;
            Ok(())
        })
        .await
    }

    /// Notes that a node has the first `cursor` submissions, and which of them it refuses. If a power failure undoes this, they are
    /// delivered again, with the same outcomes.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn delivered(
        &self,
        job: &JobId,
        node: usize,
        cursor: u64,
        refused: Vec<(u64, RejectReason)>,
    ) -> Result<(), StoreError> {
        let job = job.clone();
        self.write_lazily(move |db| {
            let number = number_of(db, &job)?;
            db.execute(
                "UPDATE deliveries SET cursor = ?3 WHERE job = ?1 AND node = ?2",
                (number, node as i64, to_db(cursor)),
            )?;
            for (sequence, reason) in refused {
                let note = "INSERT OR REPLACE INTO delivery_refusals (job, node, sequence, reason) VALUES (?1, ?2, ?3, ?4)";
                db.execute(note, (number, node as i64, to_db(sequence), reason.name()))?;
            }
            Ok(())
        })
        .await
    }

    /// The numbers of submissions that nodes refuse, each with a node that refuses it.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn refused(&self, job: &JobId) -> Result<Vec<(u64, usize)>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let query = "SELECT sequence, node FROM delivery_refusals JOIN jobs ON jobs.number = delivery_refusals.job WHERE jobs.id = ?1";
            let mut query = db.prepare(query)?;
            let rows = query.query_map([job.as_str()], |row| Ok((from_db(row.get(0)?), row.get::<_, u8>(1)?.into())))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
