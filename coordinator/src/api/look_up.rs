//! What handlers look up in the store, or answer that it is not there.

use std::fmt::Display;

use tacit_protocol::api::JobStatus;
use tacit_protocol::job::JobId;

use super::problem::Problem;
use crate::app::App;
use crate::status::View;
use crate::store::JobRow;

/// The job of this id.
///
/// # Errors
/// There is none, or the store fails.
pub(super) async fn job(app: &App, id: &JobId) -> Result<JobRow, Problem> {
    app.store.job(id).await?.ok_or_else(|| Problem::unknown_job(id))
}

/// The status of the job of this id, as this view shows it.
///
/// # Errors
/// As for [`job`].
pub(super) async fn status(app: &App, id: &JobId, view: View) -> Result<JobStatus, Problem> {
    app.status(id, view).await?.ok_or_else(|| Problem::unknown_job(id))
}

/// What was read from the store as `what`.
///
/// # Errors
/// It cannot be read: the store is damaged, which is logged.
pub(super) fn stored<T, E: Display>(app: &App, what: &str, read: Result<T, E>) -> Result<T, Problem> {
    read.map_err(|error| app.store.damaged(format!("{what} cannot be read: {error}")).into())
}
