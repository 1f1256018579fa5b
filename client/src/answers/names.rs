//! The names of a column, by index, and the ones to show in a message.

use std::collections::HashMap;

use tacit_protocol::name::{is_id, is_name};

use super::{AnswersError, is_formula};
use crate::table::FileLine;

/// Names and their indices; a closed list, the items of a job, if it was given beforehand.
pub(super) struct Names<'a> {
    file: &'a str,
    field: &'static str,
    closed: bool,
    pub(super) list: Vec<String>,
    indices: HashMap<String, u32>,
}

impl<'a> Names<'a> {
    pub(super) fn new(file: &'a str, field: &'static str, known: Option<&[String]>) -> Self {
        let list = known.unwrap_or_default().to_vec();
        let indices = list.iter().cloned().zip(0..).collect();
        Self {
            file,
            field,
            closed: known.is_some(),
            list,
            indices,
        }
    }

    pub(super) fn index(&mut self, line: u64, name: &str) -> Result<u32, AnswersError> {
        if let Some(index) = self.indices.get(name) {
            return Ok(*index);
        }
        let (at, field) = (FileLine::new(self.file, line), self.field);
        let fits = if field == "item" { is_id(name) } else { is_name(name) };
        if !fits {
            return Err(AnswersError::Name { at, field });
        }
        if self.closed {
            // As a template writes it.
            let unquoted = name.strip_prefix('\'').filter(|rest| is_formula(rest));
            if let Some(index) = unquoted.and_then(|rest| self.indices.get(rest)) {
                return Ok(*index);
            }
            return Err(AnswersError::UnknownItem { at, item: name.to_owned() });
        }
        let index = u32::try_from(self.list.len()).map_err(|_| AnswersError::TooMany {
            file: self.file.to_owned(),
            field,
        })?;
        self.list.push(name.to_owned());
        self.indices.insert(name.to_owned(), index);
        Ok(index)
    }
}

/// Names for a message, at most twenty.
pub(super) fn quoted(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{shown} and {more} more"),
        _ => shown,
    }
}

/// The name that is most like another one, if one is so alike that it may be meant.
pub(super) fn most_similar<'a>(names: &'a [String], to: &str) -> Option<&'a str> {
    let most = (to.chars().count() / 3).clamp(1, 3);
    let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &to.to_lowercase());
    let similar = names.iter().map(|name| (distance(name), name.as_str()));
    similar.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}
