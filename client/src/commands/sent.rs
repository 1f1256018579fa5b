//! What was sent to a job from here, which can be asked about or taken back.

use std::path::Path;

use anyhow::Result;
use tacit_client::state::State;
use tacit_protocol::job::JobId;

use crate::exit::Cause;

/// What was made with the key in this file for a job, which must have been something.
pub(super) fn what_was_sent(key: &Path, job: &JobId) -> Result<State> {
    let state = State::stored(key, job)?;
    state.ok_or_else(|| {
        Cause::NotFound.error(format!(
            "{}: nothing was sent to job {job} with this key: `tacit answer` does that",
            key.display()
        ))
    })
}
