//! Items that a contributor answers twice in one file.

use std::collections::HashMap;

use super::{Answers, AnswersError, Row};

impl Answers {
    /// Checks that every contributor answers every item once. Of two answers the nodes would count the first to arrive, whichever is meant.
    ///
    /// # Errors
    /// The first row whose item was answered before.
    pub fn check_once(&self, file: &str) -> Result<(), AnswersError> {
        let mut seen: HashMap<(u32, u32), &Row> = HashMap::with_capacity(self.rows.len());
        let (mut first, mut others) = (None, 0_u64);
        for row in &self.rows {
            match seen.insert((row.contributor, row.item), row) {
                Some(earlier) if first.is_none() => first = Some((earlier, row)),
                Some(_) => others += 1,
                None => {}
            }
        }
        let Some((earlier, row)) = first else { return Ok(()) };
        Err(AnswersError::Repeated {
            file: file.to_owned(),
            first: earlier.line,
            second: row.line,
            item: self.items.get(row.item as usize).cloned().unwrap_or_default(),
            is_same: earlier.answer == row.answer,
            more: match others {
                0 => String::new(),
                1 => ", and 1 more row repeats an item".to_owned(),
                _ => format!(", and {others} more rows repeat items"),
            },
        })
    }
}
