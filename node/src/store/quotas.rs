//! What is stored of a job and of each subject, counted, so that nobody fills the store.

use rusqlite::{Connection, OptionalExtension, params};
use tacit_mpc_core::digest::Digest;
use tacit_protocol::job::{Job, JobId};
use tacit_protocol::submission::quota::{self, Used};
use tacit_protocol::submission::{Role, Subject};

use super::Author;

/// How many rejected submissions that nobody has signed are stored of one job. The others are rejected alike, and forgotten.
const UNSIGNED: i64 = 1 << 16;

/// How many withdrawals of submissions that never came are stored of one job, each of some hundred bytes.
const NEVER_CAME: i64 = 1 << 18;

/// What is stored of an open job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// The number of the job, which the names of its tables end with.
    pub number: i64,
    /// The answers of accepted submissions, without gold answers.
    answers: u64,
    /// How many rejected submissions nobody has signed.
    unsigned: i64,
    /// The answers of submissions that came otherwise than by a delivery.
    learnt: u64,
    /// How many submissions were withdrawn that never came.
    never_came: i64,
    /// Whether a release is announced or recorded.
    pub released: bool,
}

impl Counts {
    /// Reads them; `None` if the job is not open under this digest.
    pub(super) fn of(connection: &Connection, job: &JobId, digest: &Digest) -> rusqlite::Result<Option<Self>> {
        connection
            .prepare_cached(
                "SELECT number, answers, unsigned, learnt, never_came, released IS NOT NULL OR announced IS NOT NULL FROM jobs
                 WHERE id = ?1 AND digest = ?2 AND ended IS NULL",
            )?
            .query_row(params![job.as_str(), digest.as_bytes()], |row| {
                Ok(Self {
                    number: row.get(0)?,
                    answers: row.get::<_, i64>(1)?.unsigned_abs(),
                    unsigned: row.get(2)?,
                    learnt: row.get::<_, i64>(3)?.unsigned_abs(),
                    never_came: row.get(4)?,
                    released: row.get(5)?,
                })
            })
            .optional()
    }

    /// Stores them.
    pub(super) fn store(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Self {
            number,
            answers,
            unsigned,
            learnt,
            never_came,
            ..
        } = *self;
        connection
            .prepare_cached("UPDATE jobs SET answers = ?2, unsigned = ?3, learnt = ?4, never_came = ?5 WHERE number = ?1")?
            .execute(params![number, answers as i64, unsigned, learnt as i64, never_came])?;
        Ok(())
    }

    /// Counts answers that are accepted and were counted against their author before.
    pub(super) fn accept(&mut self, author: &Author) {
        if author.role == Role::Answers {
            self.answers = self.answers.saturating_add(author.answers);
        }
    }

    /// Gives back the room of answers that were accepted and are withdrawn. What the job has had of their author stays counted.
    pub(super) fn give_back(&mut self, author: &Author) {
        if author.role == Role::Answers {
            self.answers = self.answers.saturating_sub(author.answers);
        }
    }

    /// Counts a submission that is delivered to this node of `nodes` against its author. Returns false, and counts nothing, if the job takes no
    /// more.
    ///
    /// The coordinator gives back the room of what more than `t` nodes refuse. A node does not know what others refuse, so it has the room once
    /// for every node: it is not full before the coordinator is, unless most of what it holds is of no use to others.
    pub(super) fn deliver(&self, connection: &Connection, job: &Job, nodes: usize, author: &Author) -> rusqlite::Result<bool> {
        let used = used(connection, self.number, &author.subject)?;
        let in_job = self.answers / nodes as u64;
        let admitted = quota::admit(job, author.role, author.answers, used, in_job).is_ok();
        if admitted {
            count(connection, self.number, author)?;
        }
        Ok(admitted)
    }

    /// Counts a submission that this node of `nodes` learns of otherwise than by a delivery. Returns false, and counts nothing, if there is no room.
    pub(super) fn learn(&mut self, connection: &Connection, job: &Job, nodes: usize, author: &Author) -> rusqlite::Result<bool> {
        let used = used(connection, self.number, &author.subject)?;
        let admitted = quota::admit_learnt(job, nodes, author.answers, used, self.learnt).is_ok();
        if admitted {
            count(connection, self.number, author)?;
            self.learnt = self.learnt.saturating_add(author.answers);
        }
        Ok(admitted)
    }

    /// Counts the withdrawal of a submission that never came to this node of `nodes`. Returns false, and counts nothing, if there is no room. It
    /// uses none of the room for learnt submissions. Otherwise somebody who sends and withdraws could block repairs.
    pub(super) fn withdraw(&mut self, connection: &Connection, job: &Job, nodes: usize, author: &Author) -> rusqlite::Result<bool> {
        let used = used(connection, self.number, &author.subject)?;
        let admitted = self.never_came < NEVER_CAME && quota::admit_learnt(job, nodes, author.answers, used, 0).is_ok();
        if admitted {
            count(connection, self.number, author)?;
            self.never_came += 1;
        }
        Ok(admitted)
    }

    /// Counts a rejected submission that nobody has signed. Returns false if it is one too many to be stored.
    pub(super) fn reject(&mut self) -> bool {
        if self.unsigned >= UNSIGNED {
            return false;
        }
        self.unsigned += 1;
        true
    }
}

/// What a job has of a subject.
fn used(connection: &Connection, number: i64, subject: &Subject) -> rusqlite::Result<Used> {
    let used = connection
        .prepare_cached(&format!("SELECT submissions, answers FROM subjects_{number} WHERE subject = ?1"))?
        .query_row([subject.to_bytes()], |row| {
            Ok(Used {
                submissions: row.get::<_, i64>(0)?.unsigned_abs(),
                answers: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })
        .optional()?;
    Ok(used.unwrap_or_default())
}

/// Counts one submission more of its author.
fn count(connection: &Connection, number: i64, author: &Author) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!(
            "INSERT INTO subjects_{number} (subject, submissions, answers) VALUES (?1, 1, ?2)
             ON CONFLICT DO UPDATE SET submissions = submissions + 1, answers = answers + excluded.answers"
        ))?
        .execute(params![author.subject.to_bytes(), author.answers as i64])?;
    Ok(())
}
