//! The issuers in the terms of a job: whose people may answer.

use super::{JobError, Terms};
use crate::check::Check;

/// Checks the issuers, and that a job with sensitive answers names some: without them one person can be many contributors, and the
/// floors of sensitive jobs count contributors.
pub(super) fn fit(terms: &Terms) -> Result<(), JobError> {
    let Some(issuers) = &terms.issuers else {
        return if terms.sensitive && Check::Issuers.is_made() {
            let problem = "are missing: a sensitive job names who vouches for its contributors; if the answers are as good as public, set \
                           `sensitive = false`";
            Err(JobError::field("issuers", problem))
        } else {
            Ok(())
        };
    };
    issuers
        .check()
        .map_err(|error| JobError::field(format!("issuers.{}", error.field), error.problem))
}
