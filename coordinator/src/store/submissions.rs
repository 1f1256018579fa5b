//! Submissions as they were uploaded.

use rusqlite::{Connection, OptionalExtension};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::accepted::SubmissionEntry;
use tacit_protocol::api::JobState;
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::JobId;
use tacit_protocol::submission::quota::{NoRoom, Used};
use tacit_protocol::submission::{Statement, Subject, SubmissionId};

use super::contributors::enrolled_key;
use super::jobs::state_named;
use super::withdrawals::is_withdrawn;
use super::{Failure, Store, StoreError, fixed_bytes, from_db, now, number_of};

/// A checked submission to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewSubmission {
    /// The job it belongs to.
    pub job: JobId,
    /// The id that the contributor has drawn.
    pub submission_id: SubmissionId,
    /// The digest of the uploaded bytes.
    pub upload: Digest,
    /// The digest of its header, under which it is listed.
    pub digest: Digest,
    /// How many answers it holds.
    pub answers: u32,
    /// The key that has signed it.
    pub author: PublicKey,
    /// Who stands behind it.
    pub subject: Subject,
    /// Whether these are gold answers of the buyer.
    pub gold: bool,
    /// The encoded signed header.
    pub header: Vec<u8>,
    /// The sealed envelopes, one for each node in order.
    pub envelopes: Vec<Vec<u8>>,
}

/// What is known of a stored submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its number among the submissions of the job, counted from 0.
    pub sequence: u64,
    /// The digest of the uploaded bytes.
    pub upload: Digest,
    /// The digest of its header.
    pub digest: Digest,
    /// Its receipt as JSON.
    pub receipt: String,
}

/// What the store did with an uploaded submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UploadOutcome {
    /// It was stored.
    New(Known),
    /// A submission of this id was stored before.
    Before(Known),
    /// The job takes no more, in all or of this subject.
    NoRoom(NoRoom),
    /// A submission of this id was taken back.
    Withdrawn,
    /// There is no such job, or it accepts no submissions any more.
    NotOpen,
}

/// What decides whether a submission is taken, before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The digest of the job's terms.
    pub terms: Digest,
    /// Whether anyone may read the job.
    pub public: bool,
    /// The state of the job.
    pub state: JobState,
    /// The submission of the same id, if there is one.
    pub known: Option<Known>,
    /// The key that is enrolled under the contributor's name.
    pub key: Option<PublicKey>,
    /// What the job has of the subject.
    pub by_subject: Used,
    /// How many answers the job has, without gold answers.
    pub in_job: u64,
}

fn known(db: &Connection, job: i64, submission_id: &SubmissionId) -> Result<Option<Known>, Failure> {
    let query = "SELECT sequence, upload, digest, receipt FROM submissions WHERE job = ?1 AND sid = ?2";
    let row: Option<(i64, Vec<u8>, Vec<u8>, String)> = db
        .prepare_cached(query)?
        .query_row((job, submission_id.as_bytes().as_slice()), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    row.map(|(sequence, upload, digest, receipt)| {
        Ok(Known {
            sequence: from_db(sequence),
            upload: Digest::from_bytes(fixed_bytes(&upload, "the digest of an upload")?),
            digest: Digest::from_bytes(fixed_bytes(&digest, "a submission's digest")?),
            receipt,
        })
    })
    .transpose()
}

/// Whether a job has submissions of a key.
pub(super) fn has_submissions(db: &Connection, job: i64, author: &[u8]) -> Result<bool, Failure> {
    Ok(db
        .prepare_cached("SELECT 1 FROM submissions WHERE job = ?1 AND author = ?2")?
        .exists((job, author))?)
}

/// What a job has of a subject.
fn used(db: &Connection, job: i64, subject: &Subject) -> Result<Used, Failure> {
    let used = db
        .prepare_cached("SELECT submissions, answers FROM subjects WHERE job = ?1 AND subject = ?2")?
        .query_row((job, subject.to_bytes().as_slice()), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(used.map_or(Used::default(), |(submissions, answers)| Used {
        submissions: from_db(submissions),
        answers: from_db(answers),
    }))
}

impl Store {
    /// What decides whether this submission is taken; `None` if there is no such job.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn standing(&self, statement: &Statement) -> Result<Option<Standing>, StoreError> {
        let (job, submission_id, subject) = (statement.job.clone(), statement.id, statement.subject());
        let contributor = statement.contributor.clone();
        self.read(move |db| {
            let mut query = db.prepare_cached("SELECT number, digest, public, state, answers FROM jobs WHERE id = ?1")?;
            let row: Option<(i64, Vec<u8>, bool, String, i64)> = query
                .query_row([job.as_str()], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
                })
                .optional()?;
            let Some((job, terms, public, state, answers)) = row else {
                return Ok(None);
            };
            Ok(Some(Standing {
                terms: Digest::from_bytes(fixed_bytes(&terms, "a job's digest")?),
                public,
                state: state_named(&state)?,
                known: known(db, job, &submission_id)?,
                key: enrolled_key(db, &contributor)?,
                by_subject: used(db, job, &subject)?,
                in_job: from_db(answers),
            }))
        })
        .await
    }

    /// Stores a submission to an open job, if `admit` does not object to it: it is given what the job has of the subject, and how many answers
    /// it has without gold answers. `receipt` writes the receipt for its sequence number.
    ///
    /// # Errors
    /// The store fails; then nothing is stored.
    pub(crate) async fn store_submission(
        &self,
        new: NewSubmission,
        admit: impl FnOnce(Used, u64) -> Result<(), NoRoom> + Send + 'static,
        receipt: impl FnOnce(u64) -> serde_json::Result<String> + Send + 'static,
    ) -> Result<UploadOutcome, StoreError> {
        self.write(move |db| {
            let job: Option<(i64, String, i64, i64)> = db
                .prepare_cached("SELECT number, state, submissions, answers FROM jobs WHERE id = ?1")?
                .query_row([new.job.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
                .optional()?;
            let Some((job, state, sequence, answers)) = job else {
                return Ok(UploadOutcome::NotOpen);
            };
            if let Some(known) = known(db, job, &new.submission_id)? {
                return Ok(UploadOutcome::Before(known));
            }
            if is_withdrawn(db, job, &new.submission_id)? {
                return Ok(UploadOutcome::Withdrawn);
            }
            let state = state_named(&state)?;
            if state != JobState::Open {
                return Ok(UploadOutcome::NotOpen);
            }
            if let Err(no_room) = admit(used(db, job, &new.subject)?, from_db(answers)) {
                return Ok(UploadOutcome::NoRoom(no_room));
            }
            let receipt = receipt(from_db(sequence)).map_err(|e| Failure::damaged(e.to_string()))?;
            let joins = !new.gold && !has_submissions(db, job, new.author.as_bytes())?;
            db.prepare_cached(
                "INSERT INTO submissions (job, sequence, sid, upload, digest, answers, receipt, received_at, header, author)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute((
                job,
                sequence,
                new.submission_id.as_bytes().as_slice(),
                new.upload.as_bytes().as_slice(),
                new.digest.as_bytes().as_slice(),
                new.answers,
                &receipt,
                now(),
                &new.header,
                new.author.as_bytes().as_slice(),
            ))?;
            db.prepare_cached(
                "INSERT INTO subjects (job, subject, submissions, answers) VALUES (?1, ?2, 1, ?3)
                 ON CONFLICT DO UPDATE SET submissions = submissions + 1, answers = answers + excluded.answers",
            )?
            .execute((job, new.subject.to_bytes().as_slice(), new.answers))?;
            let mut insert = db.prepare_cached(&format!(
                "INSERT INTO envelopes_{job} (node, sequence, envelope) VALUES (?1, ?2, ?3)"
            ))?;
            for (node, envelope) in new.envelopes.iter().enumerate() {
                insert.execute((node as i64, sequence, envelope))?;
            }
            let counted = "UPDATE jobs SET submissions = submissions + 1, answers = answers + ?2, contributors = contributors + ?3
                 WHERE number = ?1";
            db.prepare_cached(counted)?
                .execute((job, if new.gold { 0 } else { new.answers }, joins))?;
            Ok(UploadOutcome::New(Known {
                sequence: from_db(sequence),
                upload: new.upload,
                digest: new.digest,
                receipt,
            }))
        })
        .await
    }

    /// The submission of this id, if there is one.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn known_submission(&self, job: &JobId, submission_id: SubmissionId) -> Result<Option<Known>, StoreError> {
        let job = job.clone();
        self.read(move |db| match number_of(db, &job)? {
            Some(job) => known(db, job, &submission_id),
            None => Ok(None),
        })
        .await
    }

    /// How many answers a job has of a key; `None` if it has no submission of it.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn answers_by(&self, job: &JobId, key: PublicKey) -> Result<Option<u64>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let query = "SELECT SUM(submissions.answers) FROM submissions JOIN jobs ON jobs.number = submissions.job
                 WHERE jobs.id = ?1 AND author = ?2";
            let mut query = db.prepare_cached(query)?;
            let answers: Option<i64> = query.query_row((job.as_str(), key.as_bytes()), |row| row.get(0))?;
            Ok(answers.map(from_db))
        })
        .await
    }

    /// The submissions of a key to a job, in order: of each the receipt as JSON and the encoded signed header.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn sent_by(&self, job: &JobId, key: PublicKey) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let query = "SELECT receipt, header FROM submissions JOIN jobs ON jobs.number = submissions.job
                 WHERE jobs.id = ?1 AND author = ?2 ORDER BY sequence";
            let mut query = db.prepare_cached(query)?;
            let rows = query.query_map((job.as_str(), key.as_bytes()), |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The list of submissions on which the nodes compute, in order.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn list(&self, job: &JobId) -> Result<Vec<SubmissionEntry>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let query = "SELECT submissions.digest, submissions.answers FROM submissions JOIN jobs ON jobs.number = submissions.job
                 WHERE jobs.id = ?1 ORDER BY sequence";
            let mut query = db.prepare(query)?;
            let rows = query.query_map([job.as_str()], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)))?;
            rows.map(|row| {
                let (digest, answers) = row?;
                Ok(SubmissionEntry {
                    submission: Digest::from_bytes(fixed_bytes(&digest, "a submission's digest")?),
                    answers,
                })
            })
            .collect()
        })
        .await
    }

    /// The encoded signed headers of a job, in order, each with the number of its submission.
    ///
    /// # Errors
    /// The store fails.
    pub(crate) async fn headers(&self, job: &JobId) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let job = job.clone();
        self.read(move |db| {
            let query =
                "SELECT sequence, header FROM submissions JOIN jobs ON jobs.number = submissions.job WHERE jobs.id = ?1 ORDER BY sequence";
            let mut query = db.prepare(query)?;
            let rows = query.query_map([job.as_str()], |row| Ok((from_db(row.get(0)?), row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }
}
