//! Who may read what of a job.
//!
//! Receipts are for the key that has signed a submission, and a submission is for whoever knows its random id.
//!
//! | reader | status and spec | certificate, result, payouts |
//! |---|---|---|
//! | the job's buyer, by token or by key | yes | yes |
//! | a contributor, by key: of the job's pool, or enrolled where the job names no issuers | yes | only if the job is public |
//! | anybody else | only if the job is public | only if the job is public |
//!
//! How many contributors there are and how many items are complete is in the status that the buyer gets, and in no other.
//!
//! To whoever may read nothing of a job, it does not exist: the answer is that to an unknown id.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use tacit_protocol::credential::{SHOWN_HEADER, Shown, ShownError};
use tacit_protocol::identity::PublicKey;
use tacit_protocol::job::JobId;
use tacit_protocol::submission::SubmissionId;

use super::extract::Caller;
use super::problem::{Problem, ProblemKind};
use crate::app::{App, Shared};
use crate::status::View;
use crate::store::Readers;

/// Whoever asks for something of a job: with a token, with a signature, or with neither.
pub(super) struct Reader {
    caller: Option<Caller>,
    /// What says that the key which has signed is of a person of a pool.
    shown: Option<Shown>,
}

/// What a reader is to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Relation {
    Buyer,
    Contributor,
    Stranger,
}

impl FromRequestParts<Shared> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Shared) -> Result<Self, Problem> {
        let shown = parts
            .headers
            .get(SHOWN_HEADER)
            .map(|value| value.to_str().unwrap_or_default().parse());
        let shown = shown
            .transpose()
            .map_err(|error: ShownError| Problem::new(ProblemKind::InvalidRequest, error.to_string()))?;
        let caller = if parts.headers.contains_key(header::AUTHORIZATION) {
            Some(Caller::from_request_parts(parts, app).await?)
        } else {
            None
        };
        Ok(Self { caller, shown })
    }
}

impl Caller {
    /// Whether the job is this caller's: opened with its token, or signed with its key. A key in the buyers' file belongs to its token.
    fn owns(&self, app: &App, readers: &Readers) -> bool {
        match self {
            Self::Buyer(buyer) => buyer.name == readers.buyer || buyer.key == Some(readers.buyer_key),
            Self::Key(key) => *key == readers.buyer_key || app.buyers.name_of_key(key) == Some(&readers.buyer),
        }
    }
}

impl Reader {
    /// Somebody who shows nothing.
    pub(super) fn nobody() -> Self {
        Self { caller: None, shown: None }
    }

    /// What of a job's status this reader sees.
    pub(super) fn view(&self, app: &App, readers: &Readers) -> View {
        match &self.caller {
            Some(caller) if caller.owns(app, readers) => View::Buyer,
            _ => View::Reader,
        }
    }

    async fn relation(&self, app: &App, readers: &Readers) -> Result<Relation, Problem> {
        let Some(caller) = &self.caller else {
            return Ok(Relation::Stranger);
        };
        if caller.owns(app, readers) {
            return Ok(Relation::Buyer);
        }
        let contributes = match caller {
            Caller::Buyer(_) => false,
            Caller::Key(key) => self.contributes(app, readers, key).await?,
        };
        Ok(if contributes { Relation::Contributor } else { Relation::Stranger })
    }

    /// Whether this key could send answers to the job.
    async fn contributes(&self, app: &App, readers: &Readers, key: &PublicKey) -> Result<bool, Problem> {
        let Some(pool) = &readers.pool else {
            return Ok(app.store.is_enrolled(*key).await?);
        };
        let valid = self.shown.as_ref().filter(|shown| {
            let checked = shown.check(&app.cluster.digest(), &pool.issuers, key, pool.closes_at);
            checked.is_ok()
        });
        match valid {
            Some(shown) => Ok(!app.store.is_revoked(pool.issuers.digest(), shown.serial()).await?),
            None => Ok(false),
        }
    }
}

async fn readers_of(app: &App, id: &JobId) -> Result<Readers, Problem> {
    app.store.readers_of(id).await?.ok_or_else(|| Problem::unknown_job(id))
}

/// Checks that the reader may read the status and the spec of a job. Returns who may.
pub(super) async fn may_read(app: &App, id: &JobId, reader: &Reader) -> Result<Readers, Problem> {
    let readers = readers_of(app, id).await?;
    if readers.public || reader.relation(app, &readers).await? != Relation::Stranger {
        return Ok(readers);
    }
    Err(Problem::unknown_job(id))
}

/// Why a submission cannot be found. To who may not read the job, it does not exist either.
pub(super) async fn no_submission(app: &App, id: &JobId, reader: &Reader, submission: SubmissionId) -> Problem {
    match may_read(app, id, reader).await {
        Ok(readers) if readers.purged => Problem::purged(id),
        Ok(_) => {
            let detail = format!("job `{id}` has no submission {submission}: it can be sent while the job is open");
            Problem::new(ProblemKind::UnknownSubmission, detail)
        }
        Err(problem) => problem,
    }
}

/// Checks that the reader may read what is published of a job. Returns who may.
pub(super) async fn may_read_results(app: &App, id: &JobId, reader: &Reader) -> Result<Readers, Problem> {
    let readers = readers_of(app, id).await?;
    if readers.public {
        return Ok(readers);
    }
    match reader.relation(app, &readers).await? {
        Relation::Buyer => Ok(readers),
        Relation::Contributor => Err(Problem::new(
            ProblemKind::NotYourJob,
            format!("the results of job `{id}` are for its buyer; what became of your answers is in your receipts"),
        )),
        Relation::Stranger => Err(Problem::unknown_job(id)),
    }
}

/// Checks that a job is the caller's. Returns the key that has signed its terms.
pub(super) async fn own(app: &App, id: &JobId, caller: Caller) -> Result<PublicKey, Problem> {
    let readers = readers_of(app, id).await?;
    if caller.owns(app, &readers) {
        return Ok(readers.buyer_key);
    }
    if readers.public {
        let detail = format!("job `{id}` was opened by another buyer");
        return Err(Problem::new(ProblemKind::NotYourJob, detail));
    }
    Err(Problem::unknown_job(id))
}

/// Checks that no other buyer has a job of this id.
pub(super) async fn is_free(app: &App, id: &JobId, caller: &Caller) -> Result<(), Problem> {
    match app.store.readers_of(id).await? {
        Some(readers) if !caller.owns(app, &readers) => {
            let detail = format!("the id `{id}` is taken: choose another one");
            Err(Problem::new(ProblemKind::JobConflict, detail))
        }
        _ => Ok(()),
    }
}
