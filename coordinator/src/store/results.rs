//! Certificates, results, and the outcome of each submission.

use std::sync::Arc;

use rusqlite::OptionalExtension;
use tacit_protocol::api::{JobState, SubmissionOutcome};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::JobId;

use super::jobs::advance_to;
use super::pieces::digest_of;
use super::{Failure, Store, StoreError, StoredText, from_db, number_of, to_db};

/// The verified outcome of a computation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conclusion {
    /// The text of the certificate.
    pub certificate: StoredText,
    /// The outcome of each submission, in order.
    pub outcomes: Vec<SubmissionOutcome>,
    /// What contributors can fetch once the job is published.
    pub receipts: Receipts,
}

/// What the nodes have certified to contributors, encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Receipts {
    /// The root of all records, with the signatures of the nodes.
    pub root: Vec<u8>,
    /// Each record with its path, for each key that may fetch it.
    pub records: Vec<(PublicKey, Vec<u8>)>,
}

/// A text that is published of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// `result.json`.
    Result,
    /// `payouts.csv`.
    Payouts,
    /// `certificate.json`.
    Certificate,
}

impl Part {
    pub(super) fn column(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Payouts => "payouts",
            Self::Certificate => "certificate",
        }
    }
}

impl Store {
    /// Stores the outcome of a computation, and how many items have all their answers. Returns false if the job is not in state computing.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn conclude(&self, id: &JobId, conclusion: Conclusion, complete_items: u64) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |db| {
            if !advance_to(db, &id, JobState::Verified)? {
                return Ok(false);
            }
            let number = number_of(db, &id)?;
            db.execute(
                "UPDATE jobs SET complete_items = ?2 WHERE number = ?1",
                (number, to_db(complete_items)),
            )?;
            db.execute(
                "INSERT INTO results (job, certificate, records_root, certificate_digest) VALUES (?1, ?2, ?3, ?4)",
                (
                    number,
                    conclusion.certificate.column(),
                    conclusion.receipts.root,
                    digest_of(conclusion.certificate.column()).as_bytes(),
                ),
            )?;
            let mut insert = db.prepare("INSERT INTO receipts (job, key, place, record) VALUES (?1, ?2, ?3, ?4)")?;
            for (place, (key, record)) in conclusion.receipts.records.iter().enumerate() {
                insert.execute((number, key.as_bytes(), place as i64, record))?;
            }
            let mut insert =
                db.prepare("INSERT INTO outcomes (job, sequence, accepted, rejected, refused_by) VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let json = |value: serde_json::Result<String>| value.map_err(|e| Failure::damaged(e.to_string()));
            // Numbers of withdrawn submissions are missing.
            let mut query = db.prepare("SELECT sequence FROM submissions WHERE job = ?1 ORDER BY sequence")?;
            let sequences: Vec<i64> = query.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
            for (sequence, outcome) in sequences.into_iter().zip(&conclusion.outcomes) {
                let rejected = json(serde_json::to_string(&outcome.rejected))?;
                let refused_by = match outcome.refused_by.as_slice() {
                    [] => None,
                    names => Some(json(serde_json::to_string(names))?),
                };
                insert.execute((number, sequence, to_db(outcome.accepted), rejected, refused_by))?;
            }
            Ok(true)
        })
        .await
    }

    /// The certificate of a verified job.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn certificate(&self, id: &JobId) -> Result<Option<Vec<u8>>, StoreError> {
        let id = id.clone();
        let column = self.read(move |db| {
            let query = "SELECT certificate FROM results JOIN jobs ON jobs.number = results.job WHERE jobs.id = ?1";
            Ok(db.query_row(query, [id.as_str()], |row| row.get(0)).optional()?)
        });
        self.text(column.await?).await
    }

    /// Unpacks the text of a column, without holding a connection.
    async fn text(&self, column: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, StoreError> {
        let inner = Arc::clone(&self.0);
        let read = move || {
            column
                .map(StoredText::read)
                .transpose()
                .map_err(|failure| failure.at(inner.file.path()))
        };
        // The task fails to run only when the runtime shuts down.
        tokio::task::spawn_blocking(read).await.unwrap_or(Err(StoreError::ShuttingDown))
    }

    /// Stores what is published and publishes the job. Returns false if it is not in state verified.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn publish(&self, id: &JobId, result: StoredText, payouts: StoredText) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(move |db| {
            if !advance_to(db, &id, JobState::Published)? {
                return Ok(false);
            }
            let number = number_of(db, &id)?;
            db.execute(
                "UPDATE results SET result = ?2, payouts = ?3, result_digest = ?4, payouts_digest = ?5 WHERE job = ?1",
                (
                    number,
                    result.column(),
                    payouts.column(),
                    digest_of(result.column()).as_bytes(),
                    digest_of(payouts.column()).as_bytes(),
                ),
            )?;
            Ok(true)
        })
        .await
    }

    /// A text of a published job, byte for byte; `None` unless the job is published.
    #[cfg(test)]
    pub(crate) async fn published(&self, id: &JobId, part: Part) -> Result<Option<Vec<u8>>, StoreError> {
        let id = id.clone();
        let column = self.read(move |db| {
            let query = format!(
                "SELECT results.{} FROM results JOIN jobs ON jobs.number = results.job WHERE jobs.id = ?1 AND jobs.state = ?2",
                part.column()
            );
            Ok(db
                .query_row(&query, (id.as_str(), JobState::Published.name()), |row| row.get(0))
                .optional()?)
        });
        self.text(column.await?).await
    }

    /// The root of a published job's records, and those of a key; `None` unless the job is published.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn receipts(&self, id: &JobId, key: PublicKey) -> Result<Option<(Vec<u8>, Vec<Vec<u8>>)>, StoreError> {
        let id = id.clone();
        self.read(move |db| {
            let query = "SELECT jobs.number, results.records_root FROM results JOIN jobs ON jobs.number = results.job
                 WHERE jobs.id = ?1 AND jobs.state = ?2";
            let found: Option<(i64, Vec<u8>)> = db
                .query_row(query, (id.as_str(), JobState::Published.name()), |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()?;
            let Some((number, root)) = found else { return Ok(None) };
            let mut query = db.prepare_cached("SELECT record FROM receipts WHERE job = ?1 AND key = ?2 ORDER BY place")?;
            let records = query.query_map((number, key.as_bytes()), |row| row.get(0))?;
            Ok(Some((root, records.collect::<Result<_, _>>()?)))
        })
        .await
    }

    /// The outcome of a submission; `None` unless the job is published.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn outcome(&self, id: &JobId, sequence: u64) -> Result<Option<SubmissionOutcome>, StoreError> {
        let id = id.clone();
        self.read(move |db| {
            let query = "SELECT accepted, rejected, refused_by FROM outcomes JOIN jobs ON jobs.number = outcomes.job
                 WHERE jobs.id = ?1 AND jobs.state = ?2 AND sequence = ?3";
            let row: Option<(i64, String, Option<String>)> = db
                .query_row(query, (id.as_str(), JobState::Published.name(), to_db(sequence)), |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            row.map(|(accepted, rejected, refused_by)| {
                let damaged = |e: serde_json::Error| Failure::damaged(format!("an outcome: {e}"));
                Ok(SubmissionOutcome {
                    accepted: from_db(accepted),
                    rejected: serde_json::from_str(&rejected).map_err(damaged)?,
                    refused_by: refused_by.map_or(Ok(Vec::new()), |names| serde_json::from_str(&names).map_err(damaged))?,
                })
            })
            .transpose()
        })
        .await
    }
}
