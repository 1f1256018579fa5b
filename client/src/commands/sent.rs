//! What was sent to a job from here, which can be asked about or taken back.

use std::path::Path;

use anyhow::{Context, Result};
use tacit_client::state::State;
use tacit_protocol::job::JobId;

/// What was made with the key in this file for a job, which must have been something.
pub(super) fn what_was_sent(key: &Path, job: &JobId) -> Result<State> {
    let state = State::stored(key, job)?;
    state.with_context(|| {
        format!(
            "{}: nothing was sent to job {job} with this key: `tacit answer` does that",
            key.display()
        )
    })
}
