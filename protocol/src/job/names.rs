//! Names and ids in the fields of a job.

use std::collections::HashSet;

use super::JobError;
use crate::name::{is_name, name_problem};

/// Checks that the text is a name.
pub(super) fn name(field: &str, text: &str) -> Result<(), JobError> {
    if is_name(text) {
        Ok(())
    } else {
        Err(JobError::field(field, name_problem()))
    }
}

/// Checks that all ids are names and that none stands twice.
pub(super) fn ids<'a>(field: &str, ids: impl ExactSizeIterator<Item = &'a str> + Clone) -> Result<(), JobError> {
    ids.clone().try_for_each(|id| name(field, id))?;
    // Numbered ids ascend by length, then by text; then no id stands twice, and no set is needed to see it.
    if ids.clone().is_sorted_by(|a, b| (a.len(), a) < (b.len(), b)) {
        return Ok(());
    }
    let mut seen = HashSet::with_capacity(ids.len());
    for id in ids {
        if !seen.insert(id) {
            return Err(JobError::field(field, format!("lists `{id}` twice")));
        }
    }
    Ok(())
}
