//! Names and ids in the fields of a job.

use std::collections::HashSet;

use super::JobError;
use crate::name::{NAME_RULE, TEXT_RULE, id_problem, is_id, is_name, is_plain_text};

/// Checks that the text is a name.
pub(super) fn name(field: &str, text: &str) -> Result<(), JobError> {
    if is_name(text) {
        Ok(())
    } else {
        Err(JobError::field(field, NAME_RULE))
    }
}

/// Checks that the text can be the id of an item.
pub(super) fn id(field: &str, text: &str) -> Result<(), JobError> {
    if is_id(text) {
        Ok(())
    } else {
        Err(JobError::field(field, id_problem()))
    }
}

/// Checks that a text has no control characters but line breaks and tabs.
pub(super) fn text(field: &str, text: &str) -> Result<(), JobError> {
    if is_plain_text(text) {
        Ok(())
    } else {
        Err(JobError::field(field, TEXT_RULE))
    }
}

/// Checks that all ids can be ids and that none stands twice.
pub(super) fn ids<'a>(field: &str, ids: impl ExactSizeIterator<Item = &'a str> + Clone) -> Result<(), JobError> {
    ids.clone().try_for_each(|one| id(field, one))?;
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
